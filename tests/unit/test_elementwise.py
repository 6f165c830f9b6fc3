"""The rulers of log10 and hypot: right values, and wrong forms refused."""

import math

import mpmath
import numpy as np
import pytest

from lsekernels.kernels import _elementwise, hypot, log10


def worst(kernel, form, dtype):
    """Return the largest error of `form` on the probes and on timed data."""
    found = []
    for arguments in [kernel.CASES[name].arguments(dtype) for name in kernel.PROBES] + [
        kernel.make_data(1000, dtype)
    ]:
        with np.errstate(all="ignore"):
            found.append(kernel.error(form(*arguments), kernel.reference(*arguments), dtype))
    return max(found)


@pytest.mark.parametrize("dtype", log10.DTYPES)
def test_wrong_forms_are_refused(dtype):
    assert worst(log10, np.log10, dtype) <= 2
    assert worst(log10, lambda x: np.log(x), dtype) > log10.MAX_ERROR
    assert worst(log10, lambda x: np.log10(x)[::-1], dtype) > log10.MAX_ERROR
    assert worst(log10, lambda x: np.float16(np.log10(x)), dtype) > log10.MAX_ERROR
    assert worst(hypot, np.hypot, dtype) <= 1
    assert worst(hypot, lambda x, y: np.sqrt(x * x + y * y), dtype) == math.inf, "it overflows"
    assert worst(hypot, lambda x, y: abs(x) + abs(y), dtype) > hypot.MAX_ERROR
    assert worst(hypot, lambda x, y: np.hypot(x, x), dtype) > hypot.MAX_ERROR


def test_plain_data_alone_would_not_expose_the_naive_hypot():
    x, y = hypot.make_data(1000, "float64")
    naive = np.sqrt(x * x + y * y)
    assert hypot.error(naive, hypot.reference(x, y), "float64") <= hypot.MAX_ERROR


def test_references_are_the_definitions():
    with mpmath.workdps(60):
        high, low = log10.reference(np.array([2.0]))
        assert (
            abs(mpmath.mpf(high[0]) + mpmath.mpf(low[0]) - mpmath.log(2) / mpmath.log(10)) < 1e-31
        )
        high, low = hypot.reference(np.array([1.0]), np.array([1.0]))
        assert abs(mpmath.mpf(high[0]) + mpmath.mpf(low[0]) - mpmath.sqrt(2)) < 1e-31


def test_data_that_do_not_repeat_are_an_error():
    with pytest.raises(ValueError, match="must repeat the first"):
        _elementwise.exact(mpmath.log10, np.arange(1.0, _elementwise.PERIOD + 3))
    x = np.resize(np.arange(1.0, _elementwise.PERIOD + 1), 2 * _elementwise.PERIOD + 5)
    high, _ = _elementwise.exact(mpmath.log10, x)
    assert len(high) == len(x)
    assert high[_elementwise.PERIOD + 9] == 1.0
