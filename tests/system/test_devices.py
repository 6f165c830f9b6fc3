"""The paths of OpenCL and OpenGL that small arrays, or a CPU, do not take."""

import numpy as np
import pytest

from lsekernels import kernels


def error(backend, x):
    truth = kernels.load("logsumexp_rows")
    result = backend.to_host(backend.logsumexp_rows(backend.to_device(x)))
    return truth.error(result, truth.reference(x), x.dtype)


def some(rows, columns, dtype):
    return np.random.RandomState(rows).standard_normal((rows, columns)).astype(dtype)


@pytest.mark.backend("opencl")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("columns", [0, 1, 7, 2049, 100_003])
def test_opencl_with_the_work_groups_of_a_gpu(load, monkeypatch, columns, dtype):
    from lsekernels.backends.opencl_gpu import OpenCLGPU

    backend = load("opencl")
    monkeypatch.setattr(backend, "items", OpenCLGPU.items, raising=False)
    monkeypatch.setattr(backend, "shared", backend.cl.LocalMemory(16 * OpenCLGPU.items))
    x = some(2, columns, dtype)
    assert error(backend, x) <= backend.max_error["logsumexp_rows"]
    whole = backend.to_host(backend.logsumexp(backend.to_device(x[0])))  # from two parts on
    truth = kernels.load("logsumexp")
    assert truth.error(whole, truth.reference(x[0]), dtype) <= backend.max_error["logsumexp"]


@pytest.mark.backend("moderngl")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_opengl_takes_long_rows_in_parts_and_blocks(load, monkeypatch, dtype):
    backend = load("moderngl")
    x = some(3, 3 * backend.part + 5, dtype)
    assert error(backend, x) <= backend.max_error["logsumexp_rows"]
    monkeypatch.setattr(backend, "largest_block", 3 * backend.part * x.itemsize)
    assert error(backend, x) <= backend.max_error["logsumexp_rows"]


@pytest.mark.backend("moderngl")
def test_opengl_rounds_of_a_loop_do_not_run_out(load):
    """llvmpipe ends loops after 65,535 rounds: at 64 items, 4.2 million numbers."""
    backend = load("moderngl")
    x = np.zeros((1, 5_000_000), "f4")
    x[0, -1] = 20
    assert error(backend, x) <= backend.max_error["logsumexp_rows"]


@pytest.mark.backend("moderngl")
def test_opengl_takes_more_rows_than_a_dimension_has_groups(load):
    backend = load("moderngl")
    x = np.arange(70_000, dtype="f4")[:, None]
    result = backend.to_host(backend.logsumexp_rows(backend.to_device(x)))
    np.testing.assert_array_equal(result, x[:, 0])


LIVE_TOGETHER = """
import sys, numpy, lsekernels
from lsekernels import registry
x = numpy.arange(2000.0)
for name in 2 * sys.argv[1:]:
    assert abs(lsekernels.logsumexp(x, backend=name) - 1999.4586751453871) < 1e-9, name
print("alive")
"""


@pytest.mark.backend("moderngl")
@pytest.mark.parametrize("order", ["moderngl tensorflow_xla", "tensorflow_xla moderngl"])
def test_two_llvms_live_in_one_process(load, python, order):
    for name in order.split():
        load(name)
    assert python(LIVE_TOGETHER, *order.split()) == "alive"
