"""The ruler of the moving average: its definition, and wrong forms refused."""

import numpy as np
import pytest

from lsekernels.kernels import moving_average as kernel


def definition(x, w):
    """Return the average, one window after the other."""
    n = x.shape[-1] - len(w) + 1
    return np.stack([(x[..., i : i + len(w)] * w).sum(-1) / w.sum() for i in range(n)], axis=-1)


def worst(form, dtype):
    found = []
    for name in kernel.PROBES:
        x, w = kernel.CASES[name].arguments(dtype)
        found.append(kernel.error(form(x, w), kernel.reference(x, w), dtype))
    return max(found)


def test_reference():
    high, low = kernel.reference(np.array([1.0, 2.0, 4.0]), np.array([1.0, 3.0]))
    np.testing.assert_array_equal(high, [7 / 4, 14 / 4])
    np.testing.assert_array_equal(low, 0)
    x = np.arange(24.0).reshape(2, 3, 4)
    high, _ = kernel.reference(x, np.array([1.0, 1.0]))
    np.testing.assert_array_equal(high, (x[..., 1:] + x[..., :-1]) / 2)


def test_rows_that_repeat_are_computed_once_and_are_the_same():
    x, w = kernel.make_data(20_000, "float64")
    assert x.shape == (20, 1000)
    high, low = kernel.reference(x, w)
    assert high.shape == low.shape == (20, 996)
    last, _ = kernel.reference(x[-1], w)
    np.testing.assert_array_equal(high[-1], last)
    other = x.copy()
    other[-1, -1] += 1
    changed, _ = kernel.reference(other, w)
    assert changed[-1, -1] != high[-1, -1], "it does not repeat any more"


@pytest.mark.parametrize("dtype", kernel.DTYPES)
def test_wrong_forms_are_refused(dtype):
    assert worst(definition, dtype) <= 4
    assert worst(lambda x, w: definition(x, w[::-1]), dtype) > kernel.MAX_ERROR, "turned round"
    assert worst(lambda x, w: definition(x, w) * w.sum(), dtype) > kernel.MAX_ERROR
    assert worst(lambda x, w: definition(x, w)[..., 1:], dtype) > kernel.MAX_ERROR
    assert worst(lambda x, w: definition(x, np.ones_like(w)), dtype) > kernel.MAX_ERROR
    assert worst(lambda x, w: np.roll(definition(x, w), 1, -1), dtype) > kernel.MAX_ERROR
    assert worst(lambda x, w: definition(x, w) * np.nan, dtype) > kernel.MAX_ERROR
