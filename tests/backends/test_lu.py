"""LU factorisation: dtypes, and where blocked loops could go wrong."""

import numpy as np
import pytest

from lsekernels import registry
from lsekernels.kernels import lu as kernel

DTYPES = "float32", "float64"


@pytest.mark.parametrize("implementation", registry.implementations("lu"))
@pytest.mark.parametrize("dtype", DTYPES)
def test_dtype_and_input(load, implementation, dtype):
    name, method = registry.split(implementation, "lu")
    backend = load(name)
    (a,) = kernel.make_data(20, dtype)
    before = a.copy()
    result = backend.fetch(backend.prepare(method, a)())
    np.testing.assert_array_equal(a, before)
    assert isinstance(result, tuple) == (method != "lu_unpivoted")
    if name != "python":  # it has one kind of float
        assert (result[0] if isinstance(result, tuple) else result).dtype == dtype


@pytest.mark.parametrize("name", ["numba_tuned", "numba_tuned_parallel"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [24, 25, 255, 256, 257, 271, 272, 273, 274, 529, 767, 768, 801])
def test_sizes_around_borders(load, name, dtype, size):
    a = np.random.RandomState(size).standard_normal((size, size)).astype(dtype)
    a[size // 2] = 0  # singular
    backend = load(name)
    error = kernel.error(backend.lu(a), kernel.reference(a), dtype)
    assert error <= backend.max_error["lu"]
