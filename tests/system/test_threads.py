"""The thread setting reaches every library."""

import sys

import pytest

from lsekernels import registry, threads

COUNT = """
import sys
from lsekernels import threads
threads.limit(sys.argv[2])
import numpy, time
from pathlib import Path
from lsekernels import Unavailable, registry
backend = registry.load(sys.argv[1])
call = backend.prepare("logsumexp", numpy.random.RandomState(0).standard_normal(3_000_000))

def ticks():
    # processor time of each thread, in hundredths of a second
    fields = {}
    for task in Path("/proc/self/task").iterdir():
        stat = (task / "stat").read_text().rpartition(")")[2].split()
        fields[task.name] = int(stat[11]) + int(stat[12])
    return fields

before, start = ticks(), time.process_time()
while time.process_time() - start < 1:
    call()
spent = [now - before.get(name, 0) for name, now in ticks().items()]
# processor time of all threads over that of the busiest: 1 if it worked alone
print(sum(spent) / max(spent))
"""


@pytest.fixture(params=registry.names("logsumexp"))
def name(request):
    """Each backend that has logsumexp."""
    return request.param


def busy_threads(python, name, setting):
    return float(python(COUNT, name, setting))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="threads are counted in /proc")
def test_one_thread_means_one(backend, python):
    if backend.device == "gpu" or backend.name == "python" or not backend.in_process:
        pytest.skip("it has no thread pool in this process")
    assert busy_threads(python, backend.name, "1") < 1.1


# Those that compute in other processes: test_chunked.py.
PARALLEL = [
    name
    for name in registry.names()
    if registry.declaration(name).parallel and registry.declaration(name).in_process
]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="threads are counted in /proc")
@pytest.mark.parametrize("name", PARALLEL)
def test_parallel_backends_use_two(backend, python):
    # Other work on this machine makes two share unevenly, but never one look like two.
    tries = (busy_threads(python, backend.name, "2") for _ in range(5))
    assert any(busy > 1.5 for busy in tries)


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
