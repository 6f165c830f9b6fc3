"""exp(x) / sum(exp(x)) of each row of a matrix.

Source: of the formulas and their errors: P. Blanchard, D. J. Higham and N. J. Higham, "Accurately
computing the log-sum-exp and softmax functions", IMA J. Numer. Anal. 41 (2021).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ._rows import CASES, DTYPES, MAX_ERROR, PROBES, SIZES, elements, make_data
from ._rows import reference as _reference
from ._ulp import Pair, largest_ulp_error

__all__ = ["CASES", "DTYPES", "MAX_ERROR", "PROBES", "SIZES", "elements", "make_data"]

TITLE = "softmax of each row"
UNIT = "ulp"


def reference(x: np.ndarray) -> Pair:
    """Return the true values for `x`, shape (m, n): two arrays of that shape, to be added."""
    return _reference(x, "softmax_rows")


def error(result: Any, expected: Pair, dtype: Any) -> float:
    """Return the largest error of an element p, in ulp, divided by max(1, -log p).

    x - max(x) is rounded, and exp makes a relative error of an absolute one: that much any
    implementation in the precision of its input loses.
    """
    return largest_ulp_error(result, expected, dtype, allowed=_rounding)


def _rounding(p: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        rounding = np.clip(-np.log(p), 1.0, 745.0)
    return np.where(np.isnan(rounding), 1.0, rounding)


def bytes_moved(size: str, dtype: str) -> int:
    """Return the bytes that must cross the memory bus: each element in, and out."""
    return 2 * elements(size) * np.dtype(dtype).itemsize


def flops(size: str) -> int:
    """Return the operations of the textbook form: those of logsumexp, and a division."""
    return 5 * elements(size)
