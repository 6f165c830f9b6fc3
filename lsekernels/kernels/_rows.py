"""What the kernels over the last axis of a matrix have in common: data, cases, true values."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np

from . import logsumexp as vector
from ._case import Case
from ._ulp import Pair, pair

DTYPES = ("float32", "float64")
SIZES = ("10x10", "1000x1000", "10000x1000", "100000x10", "1x10000000")
"""Rows x columns. The last is one vector."""

MAX_ERROR = 256.0


def shape(size: str) -> tuple[int, int]:
    """Return (rows, columns) of a size such as ``"10000x1000"``."""
    rows, columns = map(int, size.split("x"))
    return rows, columns


def make_data(size: str, dtype: str, seed: int = 0) -> tuple[np.ndarray]:
    """Return (x,) of `shape` `size`: the standard-normal numbers of the logsumexp kernel."""
    rows, columns = shape(size)
    (x,) = vector.make_data(rows * columns, dtype, seed)
    return (x.reshape(rows, columns),)


def elements(size: str) -> int:
    """Return the number of elements."""
    return math.prod(shape(size))


def reference(x: np.ndarray, name: str) -> Pair:
    """Return the true value of kernel `name` for `x` (shape (m, n)) as an unevaluated sum.

    By 50 digits up to 10,000 elements, in extended precision above.
    """
    few = x.size <= 10_000 or np.finfo(np.longdouble).nmant <= 62
    by_row = _exact if few else _extended
    return pair(np.stack([np.asarray(by_row(row, name)) for row in x]))


def _exact(row: np.ndarray, name: str) -> Any:
    with mpmath.workdps(50):
        total = vector.reference(row)
        if name == "logsumexp_rows":
            return np.array(mpmath.mpf(total), object)
        terms = [mpmath.mpf(float(v)) - total for v in row]
        if name == "softmax_rows":
            # A nan, an infinity, or nothing but -inf: no term has a meaning.
            terms = [mpmath.exp(t) if mpmath.isfinite(total) else mpmath.nan for t in terms]
        return np.array(terms, object)


def _extended(row: np.ndarray, name: str) -> Any:
    d = row.astype(np.longdouble) - row.max()
    terms = np.exp(d)
    total = terms.sum()
    if name == "softmax_rows":
        return terms / total
    return row.max() + np.log(total) if name == "logsumexp_rows" else d - np.log(total)


def _rows_of(case: Case) -> Callable[[str], np.ndarray]:
    def make(dtype: str) -> np.ndarray:
        x = case.make(dtype)
        return np.stack([x, x[::-1]])

    return make


def _unlike_rows(dtype: str) -> np.ndarray:
    inf, nan = math.inf, math.nan
    special = [[nan, 0, 1], [inf, 0, 1], [-inf, -inf, -inf], [-inf, inf, 0], [inf, nan, 0]]
    finite = [[0, 1, 2], [900, -900, 901], [-1e6, -1e6, -1e6], [0, 3, 5], [1, -inf, 2]]
    return np.stack([np.array(special), np.array(finite)], axis=1).astype(dtype).reshape(-1, 3)


_TOO_LONG = ("normal_100000", "one_dominant", "empty")
CASES: dict[str, Case] = {
    name: Case(_rows_of(case), case.kind)
    for name, case in vector.CASES.items()
    if name not in _TOO_LONG
} | {
    "unlike_rows": Case(_unlike_rows),
    "one_column": Case(lambda dtype: np.linspace(-700, 700, 41).astype(dtype)[:, None]),
    "extended_precision": Case(lambda dtype: make_data("5x3001", dtype, 3)[0]),
}
"""The cases of logsumexp, each as two rows, and some that only rows can get wrong."""

PROBES = vector.PROBES
