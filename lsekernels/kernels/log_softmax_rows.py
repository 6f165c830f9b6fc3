"""x - log(sum(exp(x))) of each row of a matrix: log-probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._rows import CASES, DTYPES, MAX_ERROR, PROBES, SIZES, elements, make_data
from ._rows import reference as _reference
from ._ulp import Pair, largest_ulp_error

__all__ = ["CASES", "DTYPES", "MAX_ERROR", "PROBES", "SIZES", "elements", "make_data"]

TITLE = "log-softmax of each row"
UNIT = "ulp"


def reference(x: np.ndarray) -> Pair:
    """Return the true values for `x`, shape (m, n): two arrays of that shape, to be added."""
    return _reference(x, "log_softmax_rows")


def error(result: Any, expected: Pair, dtype: Any) -> float:
    """Return the largest error of an element, in ulp of it or of 1, whichever is larger.

    An absolute error of a log-probability is a relative error of the probability.
    """
    return largest_ulp_error(result, expected, dtype, least=1.0)


def bytes_moved(size: str, dtype: str) -> int:
    """Return the bytes that must cross the memory bus: each element in, and out."""
    return 2 * elements(size) * np.dtype(dtype).itemsize


def flops(size: str) -> int:
    """Return the operations of the textbook form: those of logsumexp, and two subtractions."""
    return 6 * elements(size)
