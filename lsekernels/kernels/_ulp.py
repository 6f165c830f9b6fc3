"""Error in units in the last place, measured against a value of many digits."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np

Pair = tuple[np.ndarray, np.ndarray]
"""True values as unevaluated sums of two float64 arrays (106 bits)."""


def ulp_error(result: Any, expected: Any, dtype: Any) -> float:
    """Return |result - expected| in ulp of `dtype` at `expected`.

    Parameters
    ----------
    result : scalar
        What a backend returned.
    expected : float or mpmath.mpf
        The true value; the difference is taken in its precision.
    dtype : dtype-like
        ``float32`` or ``float64``.

    Returns
    -------
    float
        0 where both are the same infinity, both are nan, or both are zero; ``inf`` where one of
        them is infinite or nan and the other is not.
    """
    info = np.finfo(dtype)
    value = float(result)
    special = not (math.isfinite(value) and mpmath.isfinite(expected))
    if special:
        same = (math.isnan(value) and mpmath.isnan(expected)) or value == expected
        return 0.0 if same else math.inf
    with mpmath.workdps(50):
        # Below the smallest normal number the spacing no longer shrinks.
        exponent = mpmath.frexp(expected)[1] - 1 if expected else info.minexp
        spacing = mpmath.ldexp(1, max(int(exponent), int(info.minexp)) - info.nmant)
        return float(abs(mpmath.mpf(value) - expected) / spacing)


def pair(values: Any) -> Pair:
    """Return `values` (an array of mpf, longdouble or float64) as :data:`Pair`."""
    high = np.asarray(values).astype(np.float64)
    with np.errstate(invalid="ignore"), mpmath.workdps(50):
        low = (values - high).astype(np.float64)  # in the precision of `values`
    return high, np.where(np.isfinite(high), low, 0.0)


def ulp_errors(result: Any, expected: Pair, dtype: Any, least: float = 0.0) -> np.ndarray:
    """Return |result - expected| of each element, in ulp of `dtype` at `expected`.

    As :func:`ulp_error`, for arrays; `least` is a magnitude below which ulps do not shrink. Where
    the shapes differ, the error is infinite.
    """
    high, low = expected
    result = np.asarray(result)
    if result.shape != high.shape:
        return np.array([math.inf])
    value = result.astype(dtype).astype(np.float64)
    floor = max(least, float(np.finfo(dtype).tiny))
    with np.errstate(invalid="ignore", over="ignore"):
        spacing = np.spacing(np.maximum(np.abs(high), floor).astype(dtype)).astype(np.float64)
        errors = np.abs((value - high) - low) / spacing
    same = (value == high) | (np.isnan(value) & np.isnan(high))
    special = ~(np.isfinite(value) & np.isfinite(high))
    return np.where(special, np.where(same, 0.0, math.inf), errors)


BLOCK = 16_384
"""Elements whose errors are computed at once: a suite checks 10,000,000 in a quarter second."""


def largest_ulp_error(
    result: Any,
    expected: Pair,
    dtype: Any,
    least: float = 0.0,
    allowed: Callable[[np.ndarray], np.ndarray] | None = None,
) -> float:
    """Return the largest of :func:`ulp_errors`, each divided by `allowed` of its true value."""
    result, high, low = np.asarray(result), *expected
    if result.shape != high.shape:
        return math.inf
    result, high, low = result.ravel(), high.ravel(), low.ravel()
    largest = 0.0
    for start in range(0, result.size, BLOCK):
        part = slice(start, start + BLOCK)
        errors = ulp_errors(result[part], (high[part], low[part]), dtype, least)
        if allowed:
            errors = errors / allowed(high[part])
        largest = max(largest, float(errors.max()))
    return largest
