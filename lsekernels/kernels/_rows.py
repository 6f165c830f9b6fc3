"""What the kernels over the last axis of a matrix have in common: data, cases, true values.

Source: that of the kernel logsumexp.
"""

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

    By 50 digits up to 10,000 elements, in extended precision above. Of data that repeat, as timed
    data do, one period is looked at.
    """
    if x.size <= 10_000 or np.finfo(np.longdouble).nmant <= 62:
        return pair(np.stack([np.asarray(_exact(row, name)) for row in x]))
    rows, times = _period(x)
    shape = x.shape[:1] if name == "logsumexp_rows" else x.shape
    high, low = pair(_extended(rows, name, times))
    return np.resize(high, shape), np.resize(low, shape)


def _period(x: np.ndarray) -> tuple[np.ndarray, int]:
    """Return rows which, over and over, are those of `x`, and how often one of `x` repeats one."""
    period, columns = vector.PERIOD, x.shape[1]
    numbers = x.reshape(-1)
    if x.size > period and np.array_equal(numbers[period:], numbers[:-period]):
        if period % columns == 0:
            return x[: period // columns], 1
        if columns % period == 0:
            return x[:1, :period], columns // period
    return x, 1


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


def _extended(x: np.ndarray, name: str, times: int = 1) -> np.ndarray:
    """Return the true values where each row of `x` is repeated so many times."""
    largest = x.max(axis=1, keepdims=True)
    d = x.astype(np.longdouble) - largest
    terms = np.exp(d)
    total = times * terms.sum(axis=1, keepdims=True)
    if name == "softmax_rows":
        result = terms / total
    else:
        log = np.log(total)
        result = (largest + log)[:, 0] if name == "logsumexp_rows" else d - log
    return np.asarray(result)


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
