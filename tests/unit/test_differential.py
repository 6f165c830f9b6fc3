"""Hundreds of random calls beside SciPy's, and the ruler that judges them."""

from dataclasses import replace

import mpmath
import numpy as np
import pytest
import scipy.special

import lsekernels
from lsekernels.kernels._ulp import ulp_error

from .. import differential

NUMBERS = range(800)


@pytest.mark.parametrize("function", ["logsumexp", "softmax", "log_softmax"])
def test_random_calls_are_scipys_or_nearer_to_the_truth(function):
    calls = [differential.case(0, number) for number in NUMBERS]
    calls = [call for call in calls if call.function == function]
    assert len(calls) > 100
    for number, call in enumerate(calls):
        assert differential.judge(call, thorough=number % 8 == 0) <= set(differential.DIFFERENCES)


def spoiled(how):
    """Return logsumexp, except for what `how` does to the result."""
    right = lsekernels.logsumexp

    def function(*args, **options):
        return how(right(*args, **options))

    return function


def each(how):
    return lambda result: tuple(map(how, result)) if isinstance(result, tuple) else how(result)


@pytest.mark.parametrize(
    "how",
    [
        each(lambda v: v * np.asarray(v).dtype.type(1 + 1e-6) if v.dtype.itemsize > 2 else v),
        each(lambda v: v.astype("c16")),
        each(lambda v: np.asarray(v)[..., None]),
        each(lambda v: np.nan_to_num(v)),
        lambda result: result[::-1] if isinstance(result, tuple) else result,
        each(lambda v: v + 0 * np.log(v - v)),
    ],
    ids=["inexact", "dtype", "shape", "nan", "order", "warns"],
)
def test_what_is_wrong_is_seen(monkeypatch, how):
    calls = [differential.case(0, number) for number in NUMBERS]
    calls = [call for call in calls if call.function == "logsumexp"]
    monkeypatch.setattr(lsekernels, "logsumexp", spoiled(how))

    def seen(call):
        try:
            differential.judge(call)
        except AssertionError:
            return True
        return False

    assert sum(map(seen, calls)) > 20


def test_the_truth_is_asked_where_scipys_agrees(monkeypatch):
    """A fault that SciPy shares is seen by `thorough` alone."""
    call = differential.Case("logsumexp", np.array([1.0, 2.0]), {}, None)
    wrong = lambda *args, backend=None, **options: np.float64(3)  # noqa: E731
    monkeypatch.setattr(lsekernels, "logsumexp", wrong)
    monkeypatch.setattr(scipy.special, "logsumexp", wrong)
    assert differential.judge(call) == set()
    with pytest.raises(AssertionError, match="ours"):
        differential.judge(call, thorough=True)


def test_a_call_is_the_same_again():
    first, again = (differential.case(3, 7, ["numpy"]) for _ in range(2))
    assert str(first) == str(again)
    assert str(first) != str(differential.case(4, 7, ["numpy"]))
    assert str(replace(first, backend="simd")) != str(first)


# -- what they found ------------------------------------------------------------------------------

INF = np.inf


@pytest.mark.parametrize("angle", [0.7533, -0.7533, 2.3562, INF])
def test_infinite_complex_numbers(angle):
    for first, second in [(INF, -INF), (INF, INF), (-INF, -INF)]:
        x = np.array([complex(first, angle), complex(second, angle)])
        with np.errstate(all="ignore"):
            expected = np.log(np.exp(x).sum())
        np.testing.assert_array_equal(lsekernels.logsumexp(x), expected)


def test_complex_sums_keep_the_digits_of_what_is_nearly_one():
    result = lsekernels.logsumexp(np.array([0, -40 + 1e-20j]))
    assert result.real == pytest.approx(4.248354255291589e-18, rel=1e-15, abs=0)
    assert result.imag == pytest.approx(4.248354255291589e-38, rel=1e-15, abs=0)


def test_complex_log_softmax_of_what_is_infinite():
    x = np.array([[1, -INF], [INF, 1], [-INF, -INF]], "c16")
    with np.errstate(all="ignore"):
        expected = scipy.special.log_softmax(x, axis=1)
    np.testing.assert_array_equal(lsekernels.log_softmax(x, axis=1), expected)


def test_complex_log_softmax_has_scipys_angles():
    x = np.array([2 + 9j, 0.5 - 3j, 0.9 + 1j])
    ours, theirs = (f.log_softmax(x) for f in (lsekernels, scipy.special))
    np.testing.assert_allclose(ours, theirs, rtol=1e-14)


def test_weights_beside_what_is_masked():
    x = np.ma.array([1.0, 2.0, 3.0], mask=[0, 1, 1])
    assert lsekernels.logsumexp(x, b=[1, INF, np.nan]) == 1


def test_halves_beyond_their_range_are_infinite_without_a_warning():
    x = np.array([60_000, -60_000], "f2")
    assert lsekernels.log_softmax(x).tolist() == [0, -INF]


def test_weights_of_equal_elements_are_added_with_all_their_digits():
    """The sum of weights is rounded: 32 ulp of a small result."""
    x, b = [0.01305577911645431] * 2, [0.42962883899961124, 0.5730428886552082]
    with mpmath.workdps(40):
        true = x[0] + mpmath.log(mpmath.mpf(b[0]) + mpmath.mpf(b[1]))
        assert ulp_error(lsekernels.logsumexp(x, b=b), true, "f8") <= 1


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_no_probability_is_below_zero_however_far_the_numbers_lie_apart(dtype):
    x = np.array([1e17, -3e16, 5.0, -1e30, *np.linspace(-1e20, 1e16, 40)], dtype)
    assert lsekernels.softmax(x).tolist() == [1.0] + [0.0] * 43
