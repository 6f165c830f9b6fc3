"""log(sum(exp(x))) of each row of a matrix: the last layer of a classifier, a mixture's density."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._rows import CASES, DTYPES, MAX_ERROR, PROBES, SIZES, elements, make_data
from ._rows import reference as _reference
from ._ulp import Pair, largest_ulp_error

__all__ = ["CASES", "DTYPES", "MAX_ERROR", "PROBES", "SIZES", "elements", "make_data"]

TITLE = "log-sum-exp of each row"
UNIT = "ulp"


def reference(x: np.ndarray) -> Pair:
    """Return the true values for `x`, shape (m, n): two arrays of shape (m,), to be added."""
    return _reference(x, "logsumexp_rows")


def error(result: Any, expected: Pair, dtype: Any) -> float:
    """Return the largest error of a row, in ulp."""
    return largest_ulp_error(result, expected, dtype)


def bytes_moved(size: str, dtype: str) -> int:
    """Return the bytes that must cross the memory bus: each element once."""
    return elements(size) * np.dtype(dtype).itemsize


def flops(size: str) -> int:
    """Return the operations of the textbook form: compare, subtract, exp and add per element."""
    return 4 * elements(size)
