"""The state of the heap is what it is said to be: faults are counted, no time is asserted."""

import ctypes
import json
import os
import re
import subprocess
import sys

import pytest

from lsebench.run import heap as command
from lsekernels import heap, registry
from lsekernels.threads import VARIABLES

SIZE = 100_000
pytestmark = pytest.mark.skipif(
    not heap.allocator().startswith("glibc"), reason=f"{heap.allocator()} has no such states"
)
NONE = "simd", "cython_tuned", "numba_tuned"
MANY = {"numpy": 2, "scipy": 5, "numba": 1}
"""Backend -> temporaries as large as the input."""


def _small_pages():
    """Whether the system has a large page at hand is chance, and some always take one."""
    ctypes.CDLL(None).prctl(41, 1, 0, 0, 0)  # PR_SET_THP_DISABLE; the child inherits it


def run(root, code, *arguments, **environ):
    """Return what a process prints as its last line, in JSON."""
    kept = {k: v for k, v in os.environ.items() if k not in ("LD_PRELOAD", "GLIBC_TUNABLES")}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *code, *map(str, arguments)],
        env={**kept, **dict.fromkeys(VARIABLES, "1"), **environ},
        cwd=root,
        capture_output=True,
        text=True,
        preexec_fn=_small_pages,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def observe(root):
    worker = str(root / "benchmarks" / "_process.py")

    def observed(state, backend, method="logsumexp", size=SIZE, **environ):
        asked = json.dumps({"it": ["heap", state, backend, method, size]})
        return run(root, [worker], asked, **environ)["it"]

    return observed


@pytest.mark.parametrize("backend", [*MANY, *NONE])
@pytest.mark.parametrize("state", ["settled", "tuned", "counted"])
def test_faults_in_each_state(observe, backend, state):
    faults = observe(state, backend)["faults"]
    pages = SIZE * 8 / os.sysconf("SC_PAGE_SIZE")
    if state == "counted" and backend in MANY:
        assert faults == pytest.approx(MANY[backend] * pages, rel=0.03)
    else:
        assert faults < 3


@pytest.mark.parametrize("backend", ["numpy", "scipy", *NONE])
def test_faults_in_a_fresh_process(observe, backend):
    """Where two temporaries are there at a time, glibc gives them back, call after call."""
    faults = observe("young", backend)["faults"]
    assert faults > 100 if backend in MANY else faults < 3


def test_large_temporaries_fault_unless_all_memory_is_kept(observe):
    settled, tuned = (observe(s, "numpy", size=5_000_000) for s in ("settled", "tuned"))
    assert settled["faults"] > 10_000
    assert tuned["faults"] < 3
    assert settled["system"] > tuned["system"]
    assert tuned["kept"] > 40e6 > settled["kept"]


@pytest.mark.parametrize("method", ["softmax_rows", "uniform_generator", "to_device"])
def test_other_calls(observe, method):
    size = "100x1000" if method == "softmax_rows" else SIZE
    counted, settled = (observe(state, "numpy", method, size) for state in ("counted", "settled"))
    pages = SIZE * 8 / os.sysconf("SC_PAGE_SIZE")
    assert settled["faults"] < 3
    assert counted["faults"] > 0.9 * pages if method != "to_device" else counted["faults"] < 3


DECLARED = [
    name
    for name in registry.names("logsumexp")
    for declared in (registry.declaration(name),)
    # Plain Python takes long, and makes no block.
    if declared.device == "cpu" and declared.in_process and name != "python"
]


@pytest.mark.parametrize("backend", DECLARED)
def test_declared_temporaries(root, backend):
    """A backend says that it fills blocks of 128 KiB and more if, and only if, it does."""
    code = (
        "import json, sys\n"
        "from lsekernels import Unavailable, heap, kernels, registry\n"
        "heap.return_all()\n"
        "try: backend = registry.load(sys.argv[1])\n"
        "except Unavailable as error: print(json.dumps(str(error))); sys.exit()\n"
        "data = kernels.load('logsumexp').make_data(int(sys.argv[2]), 'float64')\n"
        "call = backend.prepare('logsumexp', *data)\n"
        "call()\nbefore = heap.faults()\nfor _ in range(10): call()\n"
        "print(json.dumps((heap.faults() - before) / 10))\n"
    )
    faults = run(root, ["-c", code], backend, SIZE)
    if isinstance(faults, str):
        pytest.skip(faults)
    assert (faults > 30) == registry.declaration(backend).temporaries, faults


BEFORE = {
    "nothing": "",
    "freed": "import numpy; numpy.ones(3_000_000); numpy.ones(200_000)",
    "young limits": "import ctypes; ctypes.CDLL(None).mallopt(-3, 131072)",
    "torch": "import torch",
}


@pytest.mark.parametrize("backend", ["numpy", "scipy"])
def test_what_was_loaded_or_freed_before_is_nothing_to_a_settled_heap(root, backend):
    code = (
        "import json, sys; exec(sys.argv[1])\n"
        "from benchmarks import _call, _heap\n"
        "from benchmarks._tree import tree\n"
        "_heap.settle()\n"
        "data = tree('kernels.logsumexp').make_data(int(sys.argv[3]), 'float64')\n"
        "call = _call.prepare(_call.load(sys.argv[2]), 'logsumexp', data, 'float64')\n"
        "print(json.dumps(_heap.faults(call)))\n"
    )
    with_torch = registry.declaration("torch").missing() is None
    for size in (SIZE, 3_000_000):
        found = {
            name: run(root, ["-c", code], before, backend, size)
            for name, before in BEFORE.items()
            if with_torch or name != "torch"
        }
        assert max(found.values()) - min(found.values()) <= 0.01 * max(found.values()) + 3, found


@pytest.mark.parametrize(
    ("environ", "before", "words"),
    [
        ({}, "_heap.settle()", "this process's heap is settled"),
        ({"MALLOC_TRIM_THRESHOLD_": "1000000"}, "", "MALLOC_TRIM_THRESHOLD_ is set"),
    ],
)
def test_no_heap_is_called_young_that_is_not(root, environ, before, words):
    code = (
        "import json, sys\nfrom benchmarks import _heap\n"
        f"{before}\n"
        "try: _heap.bring_about('young')\n"
        "except NotImplementedError as error: print(json.dumps(str(error)))\n"
    )
    assert words in run(root, ["-c", code], **environ)


def test_limits_of_the_users_make_no_difference_to_settled(observe):
    assert observe("settled", "numpy", MALLOC_MMAP_THRESHOLD_="131072")["faults"] < 3


def test_another_malloc_says_its_name(root):
    column = command.columns()["jemalloc"]
    if column.lacks:
        pytest.skip(f"jemalloc is {column.lacks}")
    code = (
        "import json; from lsekernels import heap\n"
        "print(json.dumps([heap.allocator(), heap.tune()]))"
    )
    name, tuned = run(root, ["-c", code], **column.environ)
    assert name.startswith("libjemalloc")
    assert not tuned


def test_the_table():
    cell = {
        "seconds": 1e-4,
        "low": 9e-5,
        "high": 1.5e-4,
        "faults": 392.0,
        "system": 0.5,
        "kept": 2e6,
    }
    found = {"logsumexp numpy 1e5": {"mimalloc": {"absent": "not installed"}, "young": cell}}
    head, _, line, note = command.table(found).splitlines()
    assert head.split()[-2:] == ["young", "mimalloc"]
    assert "90 µs to 150 µs, 392, 50%, 2 MB" in line
    assert note == "mimalloc: not installed"
    rule = command.table(found, markdown=True).splitlines()[1]
    assert re.fullmatch(r"\|:-+\|-+:\|-+:\|", rule)


def test_help_and_a_row_that_is_not_there(root):
    asked = [sys.executable, "-m", "lsebench", "heap"]
    assert (
        "example:"
        in subprocess.run([*asked, "--help"], cwd=root, capture_output=True, text=True).stdout
    )
    done = subprocess.run([*asked, "--only", "nothing"], cwd=root, capture_output=True, text=True)
    assert done.returncode == 4
    assert "logsumexp numpy 1e5" in done.stderr
    rows = list(map(str, (*command.ROWS, *command._others())))
    assert "logsumexp cython_tuned 3e6" in rows
    assert len(set(rows)) == len(rows)
