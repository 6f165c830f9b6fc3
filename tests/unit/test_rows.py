"""The ruler of the kernels over rows."""

import math

import mpmath
import numpy as np
import pytest

from lsekernels import kernels
from lsekernels.kernels import _rows
from lsekernels.kernels._ulp import pair, ulp_errors

DTYPES = "float32", "float64"
KERNELS = "logsumexp_rows", "softmax_rows", "log_softmax_rows"


def test_references_are_the_definitions():
    (x,) = _rows.make_data("2x50", "float64")
    tiny = mpmath.mpf(10) ** -30
    with mpmath.workdps(60):
        lse, softmax, log_softmax = (
            np.vectorize(lambda high, low: mpmath.mpf(high) + mpmath.mpf(low), otypes=[object])(
                *kernels.load(name).reference(x)
            )
            for name in KERNELS
        )
        for i, row in enumerate(x):
            terms = [mpmath.exp(mpmath.mpf(float(v))) for v in row]
            total = mpmath.fsum(terms)
            assert abs(lse[i] - mpmath.log(total)) < tiny
            for j, term in enumerate(terms):
                assert abs(softmax[i, j] - term / total) < tiny
                assert abs(log_softmax[i, j] - mpmath.log(term / total)) < tiny


@pytest.mark.skipif(np.finfo(np.longdouble).nmant <= 62, reason="no extended precision here")
@pytest.mark.parametrize("kernel", KERNELS)
def test_both_ways_agree(kernel):
    (x,) = _rows.make_data("3x700", "float64")
    exact = _rows.reference(x, kernel)
    fast = pair(_rows._extended(x, kernel))
    assert ulp_errors(exact[0], fast, "float64").max() <= 0.51
    np.testing.assert_allclose(exact[0] - fast[0] + (exact[1] - fast[1]), 0, atol=1e-18)


@pytest.mark.skipif(np.finfo(np.longdouble).nmant <= 62, reason="no extended precision here")
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("size", ["3000x1000", "2x1000000", "1x3000000", "7x500000"])
def test_one_period_says_it_for_all(kernel, size):
    """A whole number of periods and a part, columns of less than one, of one, of several."""
    (x,) = _rows.make_data(size, "float64")
    truth = kernels.load(kernel)
    whole = pair(_rows._extended(x, kernel))
    assert truth.error(whole[0], _rows.reference(x, kernel), "float64") <= 0.51
    x[-1, -1] += 1  # it no longer repeats
    changed = pair(_rows._extended(x, kernel))
    assert truth.error(changed[0], _rows.reference(x, kernel), "float64") <= 0.51


def test_ulp_errors():
    high = np.array([1.0, 0.0, math.inf, math.nan, 1.0, 2.0**-1060])
    expected = (high, np.zeros(6))
    result = np.array([1 + 2**-52, 5e-324, math.inf, math.nan, math.nan, 0])
    np.testing.assert_array_equal(
        ulp_errors(result, expected, "float64"), [1, 1, 0, 0, math.inf, 2.0**14]
    )
    assert ulp_errors(result[:1], expected, "float64") == [math.inf]  # another shape
    assert ulp_errors([0.25], (np.array([0.5]), np.array([0.0])), "float64", 1.0) == [2.0**50]


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_errors_see_a_wrong_element(kernel, dtype):
    truth = kernels.load(kernel)
    (x,) = truth.make_data("3x5", dtype)
    expected = truth.reference(x)
    right = expected[0].astype(dtype)
    assert truth.error(right, expected, dtype) <= 0.51
    wrong = right.copy()
    wrong.flat[2] *= 1 + 1e-3
    assert truth.error(wrong, expected, dtype) > truth.MAX_ERROR


@pytest.mark.parametrize("dtype", DTYPES)
def test_probes_expose_softmax_without_the_maximum(dtype):
    truth = kernels.load("softmax_rows")
    errors = []
    for name in truth.PROBES:
        x = truth.CASES[name].make(dtype)
        with np.errstate(all="ignore"):
            naive = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
        errors.append(truth.error(naive, truth.reference(x), dtype))
    assert max(errors) > truth.MAX_ERROR
