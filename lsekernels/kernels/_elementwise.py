"""What kernels that compute each element by itself have in common."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import mpmath
import numpy as np

from ._ulp import Pair, largest_ulp_error, pair

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
    size = len(arrays[0])
    period = [a[:PERIOD] for a in arrays]
    for start in range(PERIOD, size, PERIOD):
        for a, first in zip(arrays, period, strict=True):
            part = a[start : start + PERIOD]
            if not np.array_equal(part, first[: len(part)], equal_nan=True):
                raise ValueError(f"more than {PERIOD} elements must repeat the first {PERIOD}")
    high, low = _exact(function, tuple(tuple(first.tolist()) for first in period))
    return np.resize(high, size), np.resize(low, size)


@lru_cache(4)  # all sizes and forms of a kernel have the same first 10,000 elements
def _exact(function: Callable[..., Any], arrays: tuple[tuple[float, ...], ...]) -> Pair:
    with mpmath.workdps(50):
        columns = zip(*(map(mpmath.mpf, numbers) for numbers in arrays), strict=True)
        return pair(np.array([function(*column) for column in columns], object))


def repeated(numbers: np.ndarray, size: int) -> np.ndarray:
    """Return `size` numbers: the first of `numbers`, over and over."""
    return np.resize(numbers[:PERIOD], size)


def error(result: Any, expected: Pair, dtype: Any) -> float:
    """Return the largest error of an element, in ulp; where the shape is another, infinity."""
    return largest_ulp_error(result, expected, dtype)
