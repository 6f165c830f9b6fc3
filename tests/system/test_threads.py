"""The thread setting reaches every library."""

import sys

import pytest

from lsekernels import registry, threads

LINUX = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="threads are counted in /proc"
)
CPU = [n for n in registry.names("logsumexp") if registry.declaration(n).device == "cpu"]
POOLS = [n for n in CPU if registry.declaration(n).in_process and n != "python"]
"""Those that compute in other processes: test_chunked.py, test_pools.py."""


HAND_OVER = "tensorflow", "tensorflow_xla"
"""Their first thread hands the work to the one of the pool, and is awake for a part of the time."""


@LINUX
@pytest.mark.parametrize("name", POOLS)
def test_one_thread_means_one(alone, name):
    assert alone(name, "1", "1")["busy"] < (1.3 if name in HAND_OVER else 1.1)


@LINUX
@pytest.mark.parametrize("name", [n for n in POOLS if registry.declaration(n).parallel])
def test_parallel_backends_use_two(alone, name):
    """In one of many windows: other work makes two share unevenly, but never one look like two."""
    assert alone(name, "2", "40")["busy"] >= 1.5


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
