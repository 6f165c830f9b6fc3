"""The thread setting reaches every library."""

import pytest

from lsekernels import registry, threads

COUNT = """
import sys
from lsekernels import threads
threads.limit(sys.argv[2])
import numpy, os, threading, time
from lsekernels import Unavailable, registry
backend = registry.load(sys.argv[1])
x = numpy.random.RandomState(0).standard_normal(3_000_000)
backend.logsumexp(x)
before = time.process_time(), time.thread_time()
for _ in range(3):
    backend.logsumexp(x)
spent = [now - then for now, then in zip((time.process_time(), time.thread_time()), before)]
# processor time of all threads over that of this one: 1 if it worked alone
print(spent[0] / spent[1])
"""


def busy_threads(python, name, setting):
    return float(python(COUNT, name, setting))


def test_one_thread_means_one(backend, python):
    if backend.device == "gpu" or backend.name == "python":
        pytest.skip("it has no thread pool on the CPU")
    assert busy_threads(python, backend.name, "1") < 1.1


PARALLEL = [n for n in registry.names() if registry.declaration(n).parallel]


@pytest.mark.parametrize("name", PARALLEL)
def test_parallel_backends_use_two(backend, python):
    assert busy_threads(python, backend.name, "2") > 1.5


@pytest.mark.parametrize("setting", ["0", "-1", "many", "1.5"])
def test_bad_setting(setting):
    with pytest.raises(ValueError, match="positive number or 'all'"):
        threads.limit(setting)


def test_too_late_is_an_error(python):
    code = (
        "import numpy\nfrom lsekernels import threads\n"
        "try: threads.limit(3)\nexcept RuntimeError as e: print(e)"
    )
    assert python(code, OMP_NUM_THREADS="1") == "threads must be set before numpy is imported"


def test_all_is_one_a_core(python):
    code = "import os; from lsekernels import threads; print(threads.limit('all'))"
    import os

    assert int(python(code)) == len(os.sched_getaffinity(0))
