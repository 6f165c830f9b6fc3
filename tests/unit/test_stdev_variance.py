"""The ruler of stdev_variance, and what Numba does today where a decorator was forgotten."""

import mpmath
import numpy as np
import pytest

from lsekernels.kernels import stdev_variance as kernel


def one_pass(x):
    """Return the form that cancels: the mean of squares less the square of the mean."""
    return np.sqrt(abs(np.mean(x * x) - np.mean(x) ** 2))


def off(form, x, dtype):
    return kernel.error(form(x), kernel.reference(x), dtype)


def test_reference():
    with mpmath.workdps(40):
        off = kernel.reference(np.array([1.0, 2.0, 3.0, 4.0])) - mpmath.sqrt(mpmath.mpf(5) / 4)
        assert abs(off) < mpmath.mpf(10) ** -39
    assert kernel.reference(np.full(9, 2.5)) == 0
    assert np.isnan(kernel.reference(np.array([1.0, np.inf])))


@pytest.mark.parametrize("dtype", kernel.DTYPES)
def test_wrong_forms_are_refused(dtype):
    (x,) = kernel.CASES[kernel.PROBES[0]].arguments(dtype)
    assert off(np.std, x, dtype) <= kernel.MAX_ERROR
    assert off(one_pass, x, dtype) > kernel.MAX_ERROR
    (x,) = kernel.make_data(1000, dtype)
    assert off(lambda x: np.std(x, ddof=1), x, dtype) > kernel.MAX_ERROR
    assert off(np.var, x, dtype) > kernel.MAX_ERROR


def test_plain_data_alone_would_not_expose_one_pass():
    (x,) = kernel.make_data(1000, "float64")
    small = x - 100
    assert off(one_pass, small, "float64") <= kernel.MAX_ERROR


def test_nopython_mode_refuses_a_helper_without_its_decorator():
    """In 2020 it fell back to object mode, without a word."""
    import numba

    from lsekernels.backends.python import variance

    @numba.njit
    def stdev(x):
        return variance(x) ** 0.5

    with pytest.raises(numba.TypingError, match="Untyped global name|Cannot determine Numba type"):
        stdev(np.ones(3))
