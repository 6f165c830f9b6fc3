"""The kernels over rows: what test_kernels.py does not look at."""

import numpy as np
import pytest

from lsekernels import kernels, registry
from lsekernels.kernels import _rows

KERNELS = "logsumexp_rows", "softmax_rows", "log_softmax_rows"
EACH = pytest.mark.parametrize(
    ("implementation", "kernel"), [(name, k) for k in KERNELS for name in registry.names(k)]
)


def run(backend, kernel, x):
    return backend.to_host(backend.prepare(kernel, x)())


@EACH
def test_shape_dtype_and_input(load, implementation, kernel):
    backend = load(implementation)
    (x,) = _rows.make_data("7x13", "float32")
    before = x.copy()
    result = np.asarray(run(backend, kernel, x))
    assert result.shape == ((7,) if kernel == "logsumexp_rows" else (7, 13))
    if backend.name != "python":  # it has one kind of float
        assert result.dtype == np.float32
    np.testing.assert_array_equal(x, before)


@EACH
def test_one_long_row(load, implementation, kernel):
    backend = load(implementation)
    (x,) = _rows.make_data("1x200001", "float64")
    truth = kernels.load(kernel)
    error = truth.error(run(backend, kernel, x), truth.reference(x), "float64")
    assert error <= backend.max_error[kernel]
