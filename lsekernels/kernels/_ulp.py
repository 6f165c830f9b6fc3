"""Error in units in the last place, measured against a value of many digits."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np


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
