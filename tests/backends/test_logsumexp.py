"""logsumexp by every backend on every case, against 50 digits."""

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lsekernels
from lsekernels import registry
from lsekernels.kernels import logsumexp as kernel

from .. import matrix

DTYPES = "float32", "float64"


@pytest.fixture(params=registry.names("logsumexp"))
def name(request):
    """Each backend that has logsumexp."""
    return request.param


def run(backend, x):
    return lsekernels.logsumexp(x, backend=backend.name)


@pytest.mark.filterwarnings("ignore:(divide by zero|invalid value) encountered")  # so do ufuncs
@pytest.mark.parametrize("dtype", DTYPES)
def test_right(backend, dtype):
    matrix.check_backend(backend, "logsumexp", "logsumexp", dtype, lambda x: run(backend, x))


def test_input_is_left_alone(backend):
    (x,) = kernel.make_data(1000, "float64")
    before = x.copy()
    run(backend, x)
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("dtype", DTYPES)
def test_read_only_arrays_are_taken_as_they_are(backend, dtype):
    """Other layouts are made plain before a backend sees them: tests/unit/test_functions.py."""
    (x,) = kernel.make_data(1001, dtype)
    expected = run(backend, x)
    x.flags.writeable = False
    result = run(backend, x)
    assert result == expected
    assert result.dtype == expected.dtype


def test_result_is_a_numpy_scalar_of_the_dtype_of_the_input(backend):
    single, double = run(backend, np.ones(3, "f4")), run(backend, np.ones(3))
    assert (type(single), type(double)) == (np.float32, np.float64)


# Well conditioned: at least as many terms as keep the result away from zero.
numbers = st.lists(st.floats(50, 700, width=32), min_size=1, max_size=80)


@pytest.mark.parametrize("name", registry.names("logsumexp"))
@settings(max_examples=25, deadline=None)
@given(values=numbers, shift=st.integers(-40, 40), seed=st.integers(0, 99))
def test_shift_permutation_and_parts(load, name, values, shift, seed):
    if registry.declaration(name).device == "gpu":
        pytest.skip("a case a call: too slow on a GPU; test_right covers it")
    backend = load(name)
    bound = 2 * backend.max_error["logsumexp"]
    x = np.array(values)
    whole = run(backend, x)
    exact = mpmath.mpf(float(whole))
    assert kernel.error(run(backend, x + shift) - shift, exact, "float64") <= 16 * bound
    shuffled = np.random.RandomState(seed).permutation(x)
    assert kernel.error(run(backend, shuffled), exact, "float64") <= bound
    parts = [run(backend, part) for part in np.array_split(x, 3) if part.size]
    assert kernel.error(run(backend, parts), exact, "float64") <= 2 * bound
