"""The ruler of LU factorisation: right factors accepted, wrong ones refused."""

import math

import mpmath
import numpy as np
import pytest

from lsekernels.kernels import lu as kernel

DTYPES = "float32", "float64"
SIZES = 10, 30, 100


def factorise(a, pivoting=True, by=max):
    """Return (lu, pivots) by the definition, in the precision of `a`'s elements."""
    lu, pivots = a.copy(), np.arange(len(a))
    for k in range(len(a)):
        if pivoting:
            p = by(range(k, len(a)), key=lambda i: abs(lu[i, k]))
            lu[[k, p]], pivots[k] = lu[[p, k]], p
        if lu[k, k] != 0:
            lu[k + 1 :, k] /= lu[k, k]
            lu[k + 1 :, k + 1 :] -= np.outer(lu[k + 1 :, k], lu[k, k + 1 :])
    return lu, pivots


def off(result, a):
    return kernel.error(result, kernel.reference(a), a.dtype)


# -- the ruler -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_right_factors_are_accepted(dtype):
    (a,) = kernel.make_data(12, dtype)
    with mpmath.workdps(50):
        p, lower, upper = mpmath.lu(mpmath.matrix(a.astype(float).tolist()))
    p, lower, upper = (np.array(m.tolist(), float) for m in (p, lower, upper))
    order, pivots = list(p.argmax(axis=1)), []
    assert (p[range(12), order] == 1).all()
    rows = list(range(12))
    for k in range(12):  # from the order of the rows to the interchanges that make it
        other = rows.index(order[k])
        rows[k], rows[other] = rows[other], rows[k]
        pivots.append(other)
    exact = np.tril(lower, -1) + upper
    assert off((exact, pivots), a) < 0.2
    result, found = factorise(a)
    assert list(found) == pivots
    np.testing.assert_allclose(result, exact, rtol=1e4 * np.finfo(dtype).eps)


def test_residual_is_the_definition():
    a = np.array([[1.0, 2.0], [4.0, 8.0]])
    result = np.array([[4.0, 8.0], [0.25, 2.0**-30]]), [1, 1]
    assert off(result, a) == 2.0**-30 / (2 * np.finfo(float).eps * 10)


WRONG = {
    "transposed": lambda lu, pivots: (lu.T.copy(), pivots),
    "l_and_u_exchanged": lambda lu, pivots: (np.tril(lu, -1).T + np.triu(lu).T, pivots),
    "pivots_from_one": lambda lu, pivots: (lu, pivots + 1),
    "pivots_late": lambda lu, pivots: (lu, np.roll(pivots, 1)),
    "permutation_for_pivots": lambda lu, pivots: (lu, np.argsort(pivots)),
    "no_pivots": lambda lu, pivots: (lu, np.arange(len(lu))),
    "real_pivots": lambda lu, pivots: (lu, pivots.astype(float)),
    "too_few_pivots": lambda lu, pivots: (lu, pivots[:-1]),
    "nothing_in_the_last_column": lambda lu, pivots: (np.c_[lu[:, :-1], lu[:, 0]], pivots),
    "nan": lambda lu, pivots: (lu * math.nan, pivots),
    "l_alone": lambda lu, pivots: (np.tril(lu), pivots),
    "another_shape": lambda lu, pivots: (lu[:, :-1], pivots),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("dtype", DTYPES)
def test_wrong_factors_are_refused(dtype, wrong, size):
    (a,) = kernel.make_data(size, dtype)
    right = factorise(a)
    assert off(right, a) <= 0.5
    assert off(WRONG[wrong](*right), a) > kernel.MAX_ERROR


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_one_step_that_is_missing_is_refused(dtype, size):
    """The last column, or the last row, is not updated in the last step but one."""
    (a,) = kernel.make_data(size, dtype)
    lu, pivots = factorise(a)
    k = size - 2
    lu[k + 1, k + 1] += lu[k + 1, k] * lu[k, k + 1]
    assert off((lu, pivots), a) > kernel.MAX_ERROR


@pytest.mark.parametrize("dtype", DTYPES)
def test_too_low_a_precision_is_refused(dtype):
    lower = "float16" if dtype == "float32" else "float32"
    (a,) = kernel.make_data(30, dtype)
    assert off(factorise(a.astype(lower)), a) > kernel.MAX_ERROR


@pytest.mark.parametrize("size", kernel.SIZES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_both_forms_can_be_timed_on_the_data(dtype, size):
    (a,) = kernel.make_data(size, dtype)
    lu, pivots = factorise(a)
    assert off((lu, pivots), a) <= 0.5
    assert np.count_nonzero(pivots != np.arange(size)) >= size // 2
    lu, pivots = factorise(a, pivoting=False)
    assert off(lu, a) <= 0.5
    assert off((lu, pivots), a) == math.inf, "it does not say that it does not pivot"


@pytest.mark.parametrize("by", [min, lambda rows, key: next(i for i in rows if key(i))])
def test_other_pivots_than_the_largest_are_refused(by):
    (a,) = kernel.make_data(10, "float64")
    assert off(factorise(a, by=by), a) == math.inf


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", kernel.PROBES)
def test_probes_need_interchanges(name, dtype):
    (a,) = kernel.CASES[name].arguments(dtype)
    lu, pivots = factorise(a, pivoting=False)
    assert off((lu, pivots), a) > kernel.MAX_ERROR


def test_probes_expose_a_largest_pivot_with_its_sign():
    (a,) = kernel.CASES["negative_largest"].arguments("float64")
    signed = factorise(a, by=lambda rows, key: max(rows, key=lambda i: a[i, 0]))
    assert "negative_largest" in kernel.PROBES
    assert off(signed, a) == math.inf


def test_counts():
    assert kernel.flops(1) == 0
    assert kernel.flops(2) == 3
    assert kernel.flops(1000) == pytest.approx(2e9 / 3, rel=1e-3)
    assert kernel.bytes_moved(10, "float32") == 800
