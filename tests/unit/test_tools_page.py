"""The pages of the tools: what is said of each, the lines that are timed, and their numbers."""

import ast
import re

import pytest

from lsebench.site import families
from lsebench.site.page import page
from lsebench.site.plugin import PAGES
from lsebench.site.rows import code, tools
from lsebench.site.rows.results import Series
from lsekernels import derived, registry

SURE, FASTER, SLOWER, WIDE = [1.0, 0.9, 1.1], [0.5, 0.45, 0.55], [3.0, 2.9, 3.1], [0.5, 0.3, 0.95]
FEW = [0.5, None, None]


def run(threads="1", reasons=None, moved=None, **times):
    """Return what `home.of_run` would of a run that has these times of logsumexp."""
    transfer = {tool: {"float64": table} for tool, table in (moved or {}).items()}
    settled = {tool: {"float64": table} for tool, table in times.items()}
    return {
        "machine": "m", "kind": "pinned", "threads": threads, "python": "3.11", "versions": {},
        "newest": "a" * 40, "measured": 0.0, "noise": None, "reasons": reasons or {},
        "times": {"logsumexp": {"settled": settled, "young": {}, "tuned": {}}},
        "transfer": {"settled": transfer, "young": {}, "tuned": {}},
        "imports": {"numpy": SURE, "numba": SLOWER}, "first": {"empty": {}, "filled": {}},
        "errors": {"float64": {"numba": [2.0, "normal_100000"]}}, "memory": {},
        "pays": {},
    }  # fmt: skip


# -- the lines that are timed ----------------------------------------------------------------------


def lines(backend, kernel="logsumexp"):
    found, _ = code.pieces(backend, kernel)
    return {piece.path.rpartition("/")[2]: piece.text for piece in found}


@pytest.mark.parametrize("backend", registry.names())
def test_every_kernel_of_every_backend_has_its_lines(backend):
    shown = set()
    for kernel in registry.declaration(backend).kernels():
        found, shown = code.pieces(backend, kernel, shown)
        assert found, f"{backend} has no lines of {kernel}"
        for piece in found:
            first = piece.text.splitlines()[0].strip()
            there = (derived.ROOT / piece.path).read_text().splitlines()[piece.line - 1]
            assert there.strip().startswith(first), "the line is where it says"
            assert "type: ignore" not in piece.text


def test_a_method_comes_with_what_it_calls_and_no_more():
    (text,) = lines("numpy", "logsumexp_rows").values()
    assert text.startswith("def logsumexp_rows(self")
    assert "def _finite_maximum" in text
    assert "def load" not in text
    assert "softmax" not in text


def test_what_load_binds_is_followed():
    (text,) = lines("numba").values()
    assert text.startswith("self.logsumexp = numba.njit")
    assert "@numba.njit\ndef logsumexp(x):\n    m = np.max(x)" in text, "without its margin"
    assert "torch.compile(function)" in lines("torch_compile")["torch_compile.py"]
    assert lines("scipy")["scipy.py"] == "self.logsumexp = special.logsumexp"


def test_helpers_beside_it_are_followed():
    text = lines("numba_tuned")["_numba_tuned.py"]
    assert text.startswith("@inlined()\ndef logsumexp(x):")
    for helper in ("def accumulate", "def _loops", "BLOCK = 2048", "@overload(block_sum"):
        assert helper in text
    assert "def softmax_rows" not in text


def test_a_variant_has_its_own_lines_and_those_it_inherits():
    assert "tuned.logsumexp_parallel" in lines("numba_tuned_parallel")["numba_tuned_parallel.py"]
    assert "special.logsumexp" in lines("jax_cuda")["jax.py"]


@pytest.mark.parametrize(
    ("backend", "file", "has", "lacks"),
    [
        ("cython", "logsumexp_cython.pyx", "cdef double _logsumexp", "cimport"),
        ("cython_tuned_openmp", "logsumexp_cython_tuned.pyx", "double careful", "softmax_row("),
        ("pythran", "logsumexp_pythran.py", "#pythran export logsumexp(float32[])", "import"),
        ("pythran_tuned", "logsumexp_pythran_tuned.py", "def block_sum", "def softmax_row"),
        ("simd", "module.cpp", "double logsumexp(const T* x, size_t n)", "softmax_row"),
        ("simd_openmp", "kernel.hpp", "static double add_up", "static void softmax"),
        ("cupy_tuned", "_logsumexp.cu", "__global__", "\tno tabs"),
        ("transonic", "_transonic.py", "@boost", "\tno tabs"),
    ],
)
def test_what_is_compiled_has_its_own_source(backend, file, has, lacks):
    text = lines(backend)[file]
    assert has in text
    assert lacks not in text


@pytest.mark.parametrize(
    ("backend", "kernel", "file", "first"),
    [
        ("jax", "logsumexp", "jax.py", 'jax.config.update("jax_enable_x64", True)'),
        ("jax_cuda", "softmax_rows", "jax.py", 'jax.config.update("jax_enable_x64", True)'),
        (
            "torch_cuda",
            "logsumexp",
            "torch_cuda.py",
            "self.torch.backends.cudnn.allow_tf32 = False",
        ),
        ("tensorflow", "softmax_rows", "tensorflow.py", 'os.environ.setdefault("TF_CPP_MIN'),
        ("ray", "logsumexp", "ray.py", "for name, value in SETTINGS.items():\n    os.environ.set"),
    ],
)
def test_what_is_set_for_the_whole_library_comes_first(backend, kernel, file, first):
    assert lines(backend, kernel)[file].startswith(first)


def test_what_is_set_comes_in_the_order_in_which_it_is():
    text = lines("tensorflow")["tensorflow.py"]
    assert text.index("TF_ENABLE_ONEDNN_OPTS") < text.index("set_visible_devices")
    assert "setdlopenflags" not in text
    text = lines("numpy_blocked")["numpy_blocked.py"]
    assert text.startswith("def logsumexp(")
    assert text.index("self.table = ") < text.index("self.table[0] = 0.0"), "after it is made"
    assert "RAY_USAGE_STATS_ENABLED" in lines("ray")["ray.py"], "and what it is made of"


def test_what_is_set_is_shown_with_every_kernel():
    _, shown = code.pieces("jax", "logsumexp")
    (piece, *_), _ = code.pieces("jax", "lu", shown)
    assert piece.text.startswith("jax.config.update(")
    assert "special, nn, random" not in piece.text, "but for what was shown before"


NOT_COMPUTED = {
    "setattr(self, method, getattr(module, method))": "binds the functions of an extension",
    "setattr(self, name, getattr(module, name))": "binds those for the public functions",
    "self.release_thread()": "lets other threads have the context",
    "self._root.mkdir(parents=True, exist_ok=True)": "a folder for what is compiled",
    "tempfile.TemporaryFile(dir=self._root).close()": "whether it can be written to",
    "warnings.simplefilter('ignore', DeprecationWarning)": "what is said",
    "sys.modules['tensorflow.python.pywrap_dlopen_global_flags'] = None": "where symbols are found",
    "sys.setdlopenflags(flags | getattr(os, 'RTLD_DEEPBIND', 0))": "where symbols are found",
    "sys.setdlopenflags(flags)": "where symbols are found",
    "self._compile(numba, np)": "binds what its own lines define",
    "super().load()": "read by itself",
}
"""Statement of ``load`` that has an effect and is not shown -> what it does instead."""


@pytest.mark.parametrize("backend", registry.names())
def test_what_load_does_is_shown_or_computes_nothing(backend):
    """A new statement of such a kind is shown, or has to be judged here."""
    shown = set()
    for kernel in registry.declaration(backend).kernels():
        _, shown = code.pieces(backend, kernel, shown)
    for path, function in code._Reader(registry.declaration(backend))._loads():
        for node in code._statements(function.body):
            if any(of == path and a <= node.lineno <= z for of, a, z in shown):
                continue
            text = ast.unparse(node)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
                assert text in NOT_COMPUTED
            for target, _ in code._assigned(node):
                own = ast.unparse(target).removeprefix("self.").isidentifier()
                assert own or text in NOT_COMPUTED, "the backend's own, or a name of load"


def test_lines_are_shown_once_but_the_method_always():
    _, shown = code.pieces("simd", "logsumexp")
    found, _ = code.pieces("simd", "logsumexp_rows", shown)
    assert "PyObject* py_rows(" in found[0].text
    again, _ = code.pieces("numpy", "hypot", code.pieces("numpy", "hypot")[1])
    assert again


def test_code_is_escaped_and_marked_by_classes():
    html = tools.highlighted(code.Piece("x.py", 1, "a = '<script>' # & x"))
    assert "<script>" not in html
    assert 'class="code-c1"' in html
    assert "style=" not in html
    assert "code-kt" in tools.highlighted(code.Piece("kernel.hpp", 1, "double x;"))
    assert 'class="code-k"' in tools.highlighted(code.Piece("x.pyx", 1, "cdef double x"))


# -- how it is installed ---------------------------------------------------------------------------


def test_install_lines_have_the_pins():
    conf = (derived.ROOT / "asv.conf.json").read_text()
    pin = re.search(r'"scipy": \["(.*?)"\]', conf)[1]
    assert families.install("scipy") == f"pip install scipy=={pin}"
    assert families.install("jax_cuda").startswith("pip install 'jax[cuda13]==")
    assert families.install("cython_tuned") == "pip install ."
    assert families.install("numba_tuned").startswith("pip install . numba==")
    assert families.install("python") == ""
    assert "lsekernels[" not in "".join(map(families.install, registry.names()))


def test_what_else_is_needed_is_said():
    assert families.needs("scipy") == families.needs("python") == ""
    assert families.needs("cupy") == "It needs an NVIDIA GPU with its driver."
    assert families.needs("opencl_gpu") == "It needs a GPU with its driver."
    assert families.needs("torch_compile") == "It needs a C++ compiler."
    assert families.needs("pycuda").startswith("It needs nvcc of a CUDA toolkit, and an NVIDIA")
    assert families.needs("stackless") == "It needs PyPy."
    both = "In a clone of this repository, with a C and a C++ compiler, and an NVIDIA GPU"
    assert families.needs("cupy_tuned").startswith(both)


@pytest.mark.parametrize("backend", registry.names())
def test_what_is_installed_from_here_says_where(backend):
    described = families.described(backend)
    here = " . " in f"{described['install']} "
    assert here == described["needs"].startswith(
        "In a clone of this repository, with a C and a C++"
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [("simd", "simd_openmp"), ("numba", "numba_tuned"), ("numba_tuned", "numba_parallel"),
     ("numba", "numba:loop")],
)  # fmt: skip
def test_the_plainer_of_a_family(one, other):
    assert families.plain(one) < families.plain(other)


@pytest.mark.parametrize("backend", registry.names())
def test_every_backend_is_described(backend):
    described = families.described(backend)
    assert described["page"] == f"tools/{backend}.html"
    assert described["family"] == families.family(backend)
    assert isinstance(described["ours"], bool)
    assert families.about(backend).endswith(".")
    assert "`" not in families.about(backend)


def test_a_backend_of_an_older_commit_is_described():
    gone = families.described("gone")
    assert gone["page"] == gone["needs"] == ""
    assert families.plain("gone") == (False, 0)


# -- numbers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "told"), [(FASTER, 1), (SLOWER, -1), (WIDE, 0), (FEW, 0), (SURE, 0)]
)
def test_a_ratio_is_told_only_where_intervals_lie_apart(value, told):
    found = tools.against(SURE, value)
    assert found[3] == told
    assert (found[1] is None) == (told == 0)
    if told:
        assert found[1] < found[0] < found[2]


def test_nothing_is_divided_by_nothing():
    assert tools.against([0.0, None, None], SURE) == [None, None, None, 0]


def test_the_list_has_the_size_that_is_nearest_to_usual():
    found = tools.listed(
        [run(numpy={"1000": SURE, "100000": SURE, "10000000": SLOWER}, numba={"1000": FASTER})]
    )
    (row,) = found["runs"]
    assert row["tools"]["numpy"] == ["100000", SURE, None, None]
    assert row["tools"]["numba"][0] == "1000"
    assert row["tools"]["numba"][2][3] == 1
    assert "make bench-all" in row["absent"]["torch"]
    assert "make bench-gpu" in row["absent"]["cupy"]


def test_the_list_compares_what_a_call_on_numpys_arrays_takes():
    here = run(
        numpy={"100000": SURE}, jax={"100000": FASTER}, torch={"1000": FASTER},
        moved={"jax": {"100000": SLOWER}},
    )  # fmt: skip
    (row,) = tools.listed([here])["runs"]
    size, time, ratio, own = row["tools"]["jax"]
    assert (size, time, own) == ("100000", SLOWER, FASTER)
    assert ratio[3] == -1, "with its transfers it is slower"
    assert "torch" not in row["tools"]
    assert row["own"] == {"torch": ["1000", FASTER]}
    assert row["absent"]["torch"].startswith("Its transfers were not measured in this run: make")


def test_why_there_is_no_time():
    there = run(reasons={"torch": "no torch"}, numpy={"10": SURE})
    assert tools.why_absent("torch", there) == "no torch"
    assert "one thread" in tools.why_absent("scipy", run(threads="all"))
    assert "has no logsumexp" in tools.why_absent("greenlet", there)


def test_no_reason_of_an_older_result_names_an_index_without_this_package():
    stored = {"backend": "cupy", "unavailable": "no cupy (pip install 'lsekernels[cupy]')"}
    (why,) = Series(context={"backends": [stored]}).reasons().values()
    assert why == "no cupy (pip install '.[cupy]' in a clone of lsekernels)"


def test_a_tool_has_its_times_beside_numpys():
    found = tools.of_tool("numba", [run(numpy={"10": SURE, "1000": SURE}, numba={"10": FASTER})])
    (only,) = found["runs"]
    assert only["kernels"]["logsumexp"]["float64"] == [
        ["", "10", FASTER, SURE, tools.against(SURE, FASTER)]
    ]
    facts = {fact["clock"]: fact for fact in only["facts"]["float64"]}
    assert facts["error"]["own"] == [2.0, "normal_100000"]
    assert facts["import"]["numpy"] == SURE
    assert facts["memory"]["own"] is None
    assert "make bench" in facts["memory"]["missing"]
    assert set(found["backends"]) == {"numba", "numpy"}


def test_a_tool_with_arrays_of_its_own_has_both_times():
    here = run(
        numpy={"10": SURE, "1000": SURE}, jax={"10": FASTER, "1000": FASTER},
        moved={"jax": {"10": SLOWER}},
    )  # fmt: skip
    found = tools.of_tool("jax", [here])
    one, other = found["runs"][0]["kernels"]["logsumexp"]["float64"]
    assert one[2:] == [
        FASTER, SURE, tools.against(SURE, FASTER), SLOWER, tools.against(SURE, SLOWER)
    ]  # fmt: skip
    assert other[2:] == [FASTER, SURE, tools.against(SURE, FASTER)]
    assert found["moves"]
    assert not tools.of_tool("numba", [here])["moves"]


def test_where_the_data_is_and_what_sets_the_threads():
    assert tools.told("numba", [], "")["where"] == "in NumPy arrays, which it takes as they are"
    assert tools.told("jax", [], "")["where"].endswith(
        "of logsumexp also from NumPy arrays and back"
    )
    assert tools.told("numexpr", [], "")["threads"][:2] == [
        "OMP_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
    ]
    assert tools.told("numpy", [], "")["threads"] == []


def test_what_failed_has_no_time_and_numpy_is_not_compared_with_itself():
    found = tools.of_tool("numpy", [run(numpy={"10": SURE, "1000": None})])
    rows = found["runs"][0]["kernels"]["logsumexp"]["float64"]
    assert [row[4] for row in rows] == [None, None]
    assert rows[1][2] is None


def test_it_opens_with_a_run_in_which_it_was_measured():
    found = tools.of_tool(
        "numba", [run(numpy={"10": SURE}), run(threads="all", numba={"10": SURE})]
    )
    assert [bool(each["kernels"]) for each in found["runs"]] == [True, False]
    assert "make bench" in found["runs"][1]["absent"]


def paid(tool="numba", moved=None, **row):
    found = run(moved=moved)
    start = {"tool": tool, "missing": [], "about": False}
    found["pays"] = {"float64": {"empty": [{**start, **row}]}}
    return tools.pays(tool, found, "float64")


def test_break_even_is_a_sentence():
    empty, filled = paid(calls={"100000": 1, "10": "never", "1000": "unclear"})
    assert "of 10 numbers never, for it is slower; of 1,000 numbers no one can tell" in empty
    assert "of 100,000 numbers after 1 call." in empty
    assert "cache filled: not known" in filled
    assert "import" in paid(calls={}, missing=["import"])[0]
    assert "too few samples" in paid(calls={"10": 7}, about=True)[0]
    assert "of 10 numbers after about 1,300 calls" in paid(calls={"10": 1294}, about=True)[0]
    assert tools.pays("scipy", run(), "float64") == []


def test_break_even_of_a_tool_with_arrays_of_its_own_says_with_what_transfers():
    moved = {"jax": {"10": SURE, "100000": SURE, "10000000": SURE}}
    told, lacking = paid("jax", moved, calls={"10": "never", "100": "never", "1000": "never"})
    assert told.startswith("In a fresh process, from NumPy arrays and back, import and compilation")
    assert "of 10, 100 and 1,000 numbers never" in told
    assert lacking.startswith("Of 10, 100,000 and 10,000,000 numbers that is not known")


# -- pages -----------------------------------------------------------------------------------------

SHARED = {"project": "p", "pages": PAGES, "scripts": [], "source": ""}


def written(backend, found, source=""):
    told = tools.told(backend, found, source)
    file = families.page(backend)
    shared = {**SHARED, "source": source}
    return page("tool.html", **shared, current=file, root="../", empty=not found, **told)


@pytest.mark.parametrize("backend", ["numpy", "simd", "stackless", "python", "jax_cuda"])
def test_the_page_of_a_tool_needs_no_script(backend):
    html = written(backend, [run(numpy={"10": SURE})])
    assert "def " in html or "code-nf" in html
    assert registry.declaration(backend).title in html
    assert "m (one thread, Python 3.11): " in html


def test_the_page_of_a_tool_without_results_says_how_to_measure():
    html = written("cupy", [])
    assert "No results yet" in html
    assert "make bench-gpu" in html
    assert "pip install cupy-cuda13x==" in html
    assert "It needs an NVIDIA GPU with its driver." in html


def test_links_lead_to_the_source_where_it_is_known():
    assert "/blob/" not in written("numpy", [])
    html = written("numpy", [], "https://example.org/x")
    assert "https://example.org/x/blob/HEAD/lsekernels/backends/numpy.py#L" in html


def test_the_list_names_every_tool_once():
    groups = tools.grouped()
    names = [tool["name"] for group in groups for tool in group["tools"]]
    assert names[0] == "numpy"
    assert [group["title"] for group in groups][-1] == "Triton", "of GPUs alone"
    assert sorted(names) == sorted(registry.names())
    html = page(
        "tools.html", **SHARED, current="tools.html", root="", empty=True, groups=tools.grouped()
    )
    assert all(f'href="tools/{name}.html" data-keep' in html for name in names)
    assert "No results yet" in html
