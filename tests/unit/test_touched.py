"""What a change touches: whoever may load a file that is not the same on both sides."""

from types import SimpleNamespace

import pytest

from lsebench.gate import touched as touched_module
from lsebench.gate.builds import _hashes
from lsebench.gate.side_by_side import SIDES, Key
from lsebench.gate.touched import Touched
from lsekernels import registry

PACKAGE = {
    "__init__.py": "from . import backend\n",
    "backend.py": "def kernels():\n    from lsekernels import kernels\n",
    "registry.py": "import importlib\nimportlib.import_module(f'{__package__}.backends.x')\n",
    "kernels/__init__.py": "import importlib\nimportlib.import_module(f'{__package__}.y')\n",
    "kernels/sums.py": "",
    "backends/__init__.py": "",
    "backends/numpy.py": "from ..backend import kernels\n",
    "backends/jax.py": "def load():\n    from .numpy import LOSES\n",
    "backends/scipy.py": "import scipy\n",
    "backends/_ahead.py": "[import_module(name) for name in self.requires]\n",
    "backends/cython.py": "from ._ahead import A\nrequires = 'lsekernels._compiled.one'\n",
    "backends/cuda.py": "SOURCE = Path(__file__).with_name('_source.cu')\n",
    "backends/threads.py": "from .. import registry\n",
    "backends/pool.py": "from .. import registry\nbackend = registry.best()\n",
    "backends/unclear.py": "__import__(name)\n",
    "backends/_source.cu": "",
    "_compiled/one.cpython-311-x86_64-linux-gnu.so": "",
    "_compiled/two.cpython-311-x86_64-linux-gnu.so": "",
}
SUITES = {
    "__init__.py": "",
    "_call.py": "from lsekernels import registry\n",
    "warm.py": "from . import _call\n",
    "backend.py": "from lsekernels._compiled import two\n",
    "build.py": "os.environ['ASV_ENV_DIR']\n",
}
BACKENDS = {"numpy", "jax", "scipy", "cython", "cuda", "threads", "pool", "unclear"}
BEST = {"cython"}


@pytest.fixture
def built(tmp_path, monkeypatch):
    monkeypatch.setattr(touched_module, "best", lambda side: BEST)

    def write(folder, files):
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)

    def make(*changed, changes=()):
        write(tmp_path / "benchmarks", SUITES)
        sides = {}
        for side in SIDES:
            write(tmp_path / side / "lsekernels", PACKAGE)
            write(tmp_path / side, {"lsekernels-1.dist-info/RECORD": side})
            sides[side] = SimpleNamespace(
                path=tmp_path / side, root=tmp_path / "benchmarks", python="python"
            )
        write(tmp_path / "head/lsekernels", {name: PACKAGE.get(name, "") + "#" for name in changed})
        files = {side: _hashes(tmp_path / side) for side in SIDES}
        return SimpleNamespace(sides=sides, files=files, changed=lambda: list(changes))

    return make


NONE = Key("warm.Functions.track_time", 0, ("'softmax'", "10"))


def key(backend, suite="warm"):
    return Key(f"{suite}.Sums.track_time", 0, (f"'{backend}:form'", "'float64'", "10"))


@pytest.mark.parametrize(
    ("changed", "backends"),
    [
        ("backends/numpy.py", {"numpy", "jax"}),
        ("backends/jax.py", {"jax"}),
        ("backends/_ahead.py", {"cython", "pool"}),
        ("_compiled/one.cpython-311-x86_64-linux-gnu.so", {"cython", "pool"}),
        ("backends/pool.py", {"pool"}),
        ("_compiled/two.cpython-311-x86_64-linux-gnu.so", set()),
        ("backends/_source.cu", {"cuda"}),
        ("backends/new.py", set()),
        ("__init__.py", BACKENDS),
        ("registry.py", BACKENDS),
        ("kernels/sums.py", BACKENDS),
    ],
)
def test_who_loads_a_changed_file(built, changed, backends):
    touched = Touched(built(changed))
    found = {name for name in BACKENDS if touched.of(key(name)) != set()}
    assert found == backends | {"threads", "unclear"}, "these may load any"


def test_what_a_suite_itself_loads_counts(built):
    touched = Touched(built("_compiled/two.cpython-311-x86_64-linux-gnu.so"))
    assert touched.of(key("numpy", suite="backend")), "not the package's backend.py"
    assert touched.of(key("numpy", suite="build")) is None, "it reads the sources"
    assert touched.of(key("numpy", suite="nowhere")) is None
    assert touched.of(key("numpy")) == set()


def test_what_has_no_backend_takes_the_best(built, monkeypatch):
    assert Touched(built("backends/numpy.py")).of(NONE) == set()
    assert Touched(built("backends/cython.py")).of(NONE)
    monkeypatch.setattr(touched_module, "best", lambda side: None)
    assert Touched(built("backends/numpy.py")).of(NONE) is None, "nobody says which that is"
    assert Touched(built("backends/numpy.py")).of(key("pool")) is None


def test_a_change_to_one_backend_concerns_few_others(root):
    """What would load any file, such as a folder's list, is in no file that many share."""
    files = {f.relative_to(root).as_posix(): f for f in (root / "lsekernels").rglob("*.py")}
    suites = {f.relative_to(root).as_posix(): f for f in (root / "benchmarks").glob("*.py")}
    tree = touched_module.Tree(files, suites, {"simd"})
    core = [n for n in registry.names("logsumexp") if registry.declaration(n).tier == "core"]
    found = {
        name: tree.loaded(Key("warm.Logsumexp.track_time", 0, (f"'{name}'", "10"))) for name in core
    }
    assert [name for name, loaded in found.items() if loaded is None] == []
    for changed in ("numpy", "scipy", "cython", "numba"):
        file = f"lsekernels/backends/{changed}.py"
        others = {name for name, loaded in found.items() if file in loaded} - {changed}
        assert len(others) <= 1, (changed, others)
    functions = tree.loaded(Key("functions.Functions.track_time", 0, ("'softmax'", "'10'")))
    assert {"lsekernels/functions.py", "lsekernels/backends/simd.py"} <= functions
    assert "lsekernels/backends/numpy.py" not in functions


def test_nothing_differs(built):
    touched = Touched(built())
    assert touched.of(key("numpy")) == set()
    assert touched.of(NONE) == set()


def test_another_library_or_environment_touches_all(built):
    assert Touched(built(changes=["numpy: 1 -> 2"])).of(key("numpy")) is None
    other = built()
    other.sides["base"].python = "another"
    assert Touched(other).of(key("numpy")) is None


def test_what_cannot_be_read_may_load_anything(built):
    broken = built("backends/new.py")
    broken.files["head"]["lsekernels/backends/scipy.py"] = "changed"
    (broken.sides["head"].path / "lsekernels/backends/jax.py").write_text("def (")
    assert Touched(broken).of(key("jax")) is None
    assert Touched(broken).of(key("numpy")) == set()
