"""First use by several threads, many calls from threads, and forks: no wrong answer, no hang."""

import os
import subprocess
import sys

import pytest

from lsekernels import registry

CPU = [n for n in registry.names("logsumexp") if registry.declaration(n).device == "cpu"]
THREADS = """
import sys, threading
import numpy as np
from concurrent.futures import ThreadPoolExecutor
from lsekernels import logsumexp

name = sys.argv[1]
data = [np.linspace(-i, i, 1000 + i) for i in range(1, 9)]
expected = [logsumexp(x, backend="numpy") for x in data]
barrier = threading.Barrier(4)

def first(i):
    barrier.wait()
    return logsumexp(data[i], backend=name)

with ThreadPoolExecutor(4) as pool:
    found = list(pool.map(first, range(4)))
    found += pool.map(lambda i: logsumexp(data[i % 8], backend=name), range(4, 200))
np.testing.assert_allclose(found, [expected[i % 8] for i in range(200)], rtol=1e-12)
"""
FORK = """
import os, sys
import numpy as np
from lsekernels import Unavailable, logsumexp, registry

name = sys.argv[1]
x = np.random.default_rng(0).standard_normal(1_000_000)
expected = logsumexp(x, backend="numpy")
np.testing.assert_allclose(logsumexp(x, backend=name), expected, rtol=1e-12)
children = []
for i in range(2):
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            for j in range(3):
                np.testing.assert_allclose(logsumexp(x + i, backend=name), expected + i, rtol=1e-12)
            code = 10
        except Unavailable as error:
            code = 20 if "forked" in str(error) else 1
        finally:
            os._exit(code)
    children.append(pid)
for j in range(3):
    np.testing.assert_allclose(logsumexp(x + 5, backend=name), expected + 5, rtol=1e-12)
codes = {os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children}
assert codes == {10 if registry.declaration(name).forks else 20}, codes
np.testing.assert_allclose(logsumexp(x, backend=name), expected, rtol=1e-12)
"""


@pytest.fixture(params=CPU)
def available(request, load):
    load(request.param)  # or skipped, with the reason
    return request.param


def run(code, name):
    environ = {**os.environ, "OMP_NUM_THREADS": "2", "NUMBA_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, name],
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


def test_threads_that_use_a_backend_together(available):
    run(THREADS, available)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_computes_or_is_refused(available):
    run(FORK, available)
