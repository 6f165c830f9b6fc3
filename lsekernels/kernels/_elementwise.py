"""What kernels that compute each element by itself have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np

from ._ulp import Pair, pair, ulp_errors

DTYPES = ("float32", "float64")
SIZES = (10, 1_000, 10_000, 100_000, 1_000_000, 10_000_000)
"""Elements."""
LENGTHS = (1, 2, 3, 7, 8, 9, 15, 16, 17, 33, 65, 997)
UNIT = "ulp"
PERIOD = 10_000
"""Longer data repeat after so many elements: 50 digits of each would take minutes."""


def exact(function: Callable[..., Any], *arrays: np.ndarray) -> Pair:
    """Return `function` (of mpmath's numbers) of each element, to 50 digits.

    Of more than 10,000 elements the first 10,000 are computed, and must repeat.
    """
    rows = np.stack([a.astype(np.float64) for a in arrays])
    size, period = rows.shape[1], rows[:, :PERIOD]
    again = np.stack([np.resize(row, size) for row in period])
    if not np.array_equal(rows, again, equal_nan=True):
        raise ValueError(f"more than {PERIOD} elements must repeat the first {PERIOD}")
    with mpmath.workdps(50):
        values = [function(*map(mpmath.mpf, map(float, column))) for column in period.T]
    high, low = pair(np.array(values, object))
    return np.resize(high, size), np.resize(low, size)


def repeated(numbers: np.ndarray, size: int) -> np.ndarray:
    """Return `size` numbers: the first of `numbers`, over and over."""
    return np.resize(numbers[:PERIOD], size)


def error(result: Any, expected: Pair, dtype: Any) -> float:
    """Return the largest error of an element, in ulp; where the shape is another, infinity."""
    return float(ulp_errors(result, expected, dtype).max(initial=0.0))
