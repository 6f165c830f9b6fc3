"""The pages of the tools: what is said of each, the lines that are timed, and their numbers."""

import re

import pytest

from lsebench.site import families
from lsebench.site.page import page
from lsebench.site.plugin import PAGES
from lsebench.site.rows import code, tools
from lsekernels import derived, registry

SURE, FASTER, SLOWER, WIDE = [1.0, 0.9, 1.1], [0.5, 0.45, 0.55], [3.0, 2.9, 3.1], [0.5, 0.3, 0.95]
FEW = [0.5, None, None]


def run(threads="1", reasons=None, **times):
    """Return what `home.of_run` would of a run that has these times of logsumexp."""
    settled = {tool: {"float64": table} for tool, table in times.items()}
    return {
        "machine": "m", "kind": "pinned", "threads": threads, "python": "3.11", "versions": {},
        "newest": "a" * 40, "measured": 0.0, "noise": None, "reasons": reasons or {},
        "times": {"logsumexp": {"settled": settled, "young": {}, "tuned": {}}}, "transfer": {},
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


def test_lines_are_shown_once_but_the_method_always():
    _, shown = code.pieces("simd", "logsumexp")
    found, _ = code.pieces("simd", "logsumexp_rows", shown)
    (piece,) = found
    assert piece.text.startswith("PyObject* py_logsumexp_rows")
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
    assert "NVIDIA" in families.needs("cupy")
    assert "NVIDIA" not in families.needs("opencl_gpu")
    assert "compiler" in families.needs("simd")
    assert "PyPy" in families.needs("stackless")


@pytest.mark.parametrize("backend", registry.names())
def test_every_backend_is_described(backend):
    described = families.described(backend)
    assert described["page"] == f"tools/{backend}.html"
    assert described["family"] == families.family(backend)
    assert isinstance(described["ours"], bool)
    assert families.about(backend).endswith(".")
    assert "`" not in families.about(backend)


def test_a_backend_of_an_older_commit_is_described():
    assert families.described("gone")["page"] == ""


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
        [run(numpy={"1000": SURE, "1000000": SURE, "10000000": SLOWER}, numba={"1000": FASTER})]
    )
    (row,) = found["runs"]
    assert row["tools"]["numpy"] == ["1000000", SURE, None]
    assert row["tools"]["numba"][0] == "1000"
    assert row["tools"]["numba"][2][3] == 1
    assert "make bench-all" in row["absent"]["torch"]
    assert "make bench-gpu" in row["absent"]["cupy"]


def test_why_there_is_no_time():
    there = run(reasons={"torch": "no torch"}, numpy={"10": SURE})
    assert tools.why_absent("torch", there) == "no torch"
    assert "one thread" in tools.why_absent("scipy", run(threads="all"))
    assert "has no logsumexp" in tools.why_absent("greenlet", there)


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


def paid(**row):
    found = run()
    start = {"tool": "numba", "missing": [], "about": False}
    found["pays"] = {"float64": {"empty": [{**start, **row}]}}
    return tools.pays("numba", found, "float64")


def test_break_even_is_a_sentence():
    empty, filled = paid(calls={"100000": 1, "10": "never", "1000": "unclear"})
    assert "of 10 numbers never, for it is slower; of 1,000 numbers no one can tell" in empty
    assert "of 100,000 numbers after 1 call." in empty
    assert "cache filled: not known" in filled
    assert "import" in paid(calls={}, missing=["import"])[0]
    assert "too few samples" in paid(calls={"10": 7}, about=True)[0]
    assert tools.pays("scipy", run(), "float64") == []


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
