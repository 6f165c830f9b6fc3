"""Every backend on every case, against 50 digits."""

import math
from functools import cache

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lsekernels
from lsekernels import registry
from lsekernels.kernels import logsumexp as kernel
from lsekernels.kernels._case import EXACT_CASES_ERROR, WELL

DTYPES = "float32", "float64"


@pytest.fixture(params=registry.names("logsumexp"))
def name(request):
    """Each backend that has logsumexp."""
    return request.param


def run(backend, x):
    return lsekernels.logsumexp(x, backend=backend.name)


@cache
def reference(dtype, case):
    """Return the true value; 50 digits take longer than all backends together."""
    return kernel.reference(kernel.CASES[case].make(dtype))


@pytest.mark.filterwarnings("ignore:(divide by zero|invalid value) encountered")  # so do ufuncs
@pytest.mark.parametrize("case", kernel.CASES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_right(request, backend, case, dtype):
    reason = backend.known_failures.get(("logsumexp", case))
    if reason:
        request.applymarker(pytest.mark.xfail(reason=reason, raises=AssertionError))
    judged = kernel.CASES[case]
    x = judged.make(dtype)
    error = kernel.error(run(backend, x), reference(dtype, case), dtype)
    well = judged.kind == WELL
    assert error <= (backend.max_error["logsumexp"] if well else EXACT_CASES_ERROR)


def test_input_is_left_alone(backend):
    (x,) = kernel.make_data(1000, "float64")
    before = x.copy()
    run(backend, x)
    np.testing.assert_array_equal(x, before)


def _misaligned(x):
    raw = np.zeros(x.nbytes + 1, np.uint8)
    moved = raw[1:].view(x.dtype)
    moved[:] = x
    assert not moved.flags.aligned
    return moved


def _read_only(x):
    x.flags.writeable = False
    return x


FORMS = {
    "strided": lambda x: np.repeat(x, 3)[::3],
    "reversed": lambda x: x[::-1].copy()[::-1],
    "read_only": _read_only,
    "misaligned": _misaligned,
    "big_endian": lambda x: x.astype(x.dtype.newbyteorder(">")),
    "column": lambda x: np.stack([x, x + 1], axis=1)[:, 0],
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_same_numbers_in_another_layout(backend, form, dtype):
    (x,) = kernel.make_data(1001, dtype)
    expected = run(backend, x.copy())
    given_form = FORMS[form](x)
    result = run(backend, given_form)
    assert result == expected
    assert result.dtype == expected.dtype


@pytest.mark.parametrize(
    "x",
    [
        [1, 2, 3],
        (1.0, 2.0, 3.0),
        np.array([1, 2, 3]),
        np.array([1, 2, 3], "u1"),
        np.array([1, 2, 3], ">i4"),
        range(1, 4),
    ],
    ids=lambda x: f"{type(x).__name__}_{getattr(x, 'dtype', '')}",
)
def test_integers_and_lists_are_taken_as_float64(backend, x):
    result = run(backend, x)
    assert result.dtype == np.float64
    expected = kernel.reference(np.array([1.0, 2.0, 3.0]))
    assert kernel.error(result, expected, "float64") <= 4


def test_empty_list(backend):
    assert run(backend, []) == -math.inf


# Well conditioned: at least as many terms as keep the result away from zero.
numbers = st.lists(st.floats(50, 700, width=32), min_size=1, max_size=80)


@pytest.mark.parametrize("name", registry.names("logsumexp"))
@settings(max_examples=25, deadline=None)
@given(values=numbers, shift=st.integers(-40, 40), seed=st.integers(0, 99))
def test_shift_permutation_and_parts(name, values, shift, seed):
    declared = registry.declaration(name)
    if declared.missing() or declared.device == "gpu":
        pytest.skip("a case a call: too slow on a GPU; test_right covers it")
    backend = registry.load(name)
    bound = 2 * declared.max_error["logsumexp"]
    x = np.array(values)
    whole = run(backend, x)
    exact = mpmath.mpf(float(whole))
    assert kernel.error(run(backend, x + shift) - shift, exact, "float64") <= 16 * bound
    shuffled = np.random.RandomState(seed).permutation(x)
    assert kernel.error(run(backend, shuffled), exact, "float64") <= bound
    parts = [run(backend, part) for part in np.array_split(x, 3) if part.size]
    assert kernel.error(run(backend, parts), exact, "float64") <= 2 * bound
