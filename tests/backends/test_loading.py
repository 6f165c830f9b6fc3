"""Backends really loaded where something is wrong with the machine: mostly in processes."""

import pytest

from lsekernels import registry

NUMBA = [
    name
    for name in registry.names()
    if "numba" in registry.declaration(name).requires and registry.declaration(name).device == "cpu"
]
CALL = """
import sys, numpy
from lsekernels import Unavailable, registry
for name in sys.argv[1:]:
    try:
        backend = registry.load(name)
    except Unavailable as error:
        print(error)
    else:
        result = backend.synchronize(backend.logsumexp(backend.to_device(numpy.zeros(10))))
        print(name, round(float(backend.to_host(result)), 5))
"""


@pytest.fixture
def nowhere(tmp_path):
    """Return a folder that nobody can make, not even root: there is a file in its place."""
    (tmp_path / "file").touch()
    return str(tmp_path / "file" / "folder")


@pytest.mark.backend("numba")
def test_numba_computes_where_nothing_can_be_cached(nowhere, python, load):
    load("numba")
    only = "UserProvidedCacheLocator"  # nor in the home directory, nor beside the source
    printed = python(CALL, *NUMBA, NUMBA_CACHE_DIR=nowhere, NUMBA_CACHE_LOCATOR_CLASSES=only)
    assert printed.splitlines() == [f"{name} 2.30259" for name in NUMBA]


@pytest.mark.parametrize("name", ["transonic", "torch_compile", "opencl"])
def test_others_say_that_they_need_a_cache(name, nowhere, python, load):
    load(name)
    variable = registry.declaration(name).cache
    printed = python(CALL, name, **{variable: nowhere})
    assert printed.startswith(f"backend {name!r} is not available: ")
    assert variable in printed
    assert "\n" not in printed


# -- Numba: the same bits from the cache -----------------------------------------------------------


def called(function):
    """Return the functions of Numba that `function` calls, and those that they call."""
    plain = function.py_func
    cells = [cell.cell_contents for cell in plain.__closure__ or ()]
    names = [plain.__globals__.get(name) for name in plain.__code__.co_names]
    found = [value for value in cells + names if hasattr(value, "py_func")]
    return [each for one in found for each in (one, *called(one))]


@pytest.mark.parametrize("name", NUMBA)
def test_what_is_cached_calls_nothing_that_is_cached(backend):
    compiled = [value for value in vars(backend).values() if hasattr(value, "py_func")]
    for function in (f for f in compiled if f.stats.cache_path):
        cached = [f.py_func.__name__ for f in called(function) if f.stats.cache_path]
        assert not cached, f"{function.py_func.__name__} would depend on what is in the cache"


@pytest.mark.backend("numba_tuned")
@pytest.mark.parametrize("kernel", ["logsumexp_rows", "log_softmax_rows"])
def test_the_same_bits_compiled_and_from_the_cache(kernel, python, load, tmp_path):
    load("numba_tuned")
    code = (
        "import hashlib, sys, numpy; from lsekernels import registry\n"
        "x = numpy.random.RandomState(4).standard_normal((1500, 1000))\n"
        "result = getattr(registry.load('numba_tuned'), sys.argv[1])(x)\n"
        "print(hashlib.sha256(result.tobytes()).hexdigest())"
    )
    runs = [python(code, kernel, NUMBA_CACHE_DIR=str(tmp_path)) for _ in ("compiled", "cached")]
    assert list(tmp_path.rglob("*.nbc"))
    assert runs[0] == runs[1]


# -- processes that are forked ---------------------------------------------------------------------


@pytest.mark.backend("python")
def test_a_process_forked_while_another_thread_loads(python):
    code = """
import os, threading, warnings
from lsekernels import registry
warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12: of any fork beside threads
inside, ended = threading.Event(), threading.Event()
registry.declaration("greenlet").missing = classmethod(lambda cls: inside.set() or ended.wait())
thread = threading.Thread(target=lambda: registry.load("greenlet"), daemon=True)
thread.start()
inside.wait()
if not (child := os.fork()):
    os._exit(registry.load("python").logsumexp([0.0]) != 0.0)
print(os.waitpid(child, 0)[1], flush=True)
os._exit(0)
"""
    assert python(code) == "0"
