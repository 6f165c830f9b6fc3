"""Weighted moving average over the last axis of an array of any number of dimensions.

out[..., i] = sum_j w[j] * x[..., i + j] / sum(w), where all of the window lies in x: x of shape
(..., n) and w of shape (k,) give (..., n - k + 1). The example of guvectorize, which generalises a
function of vectors over all other axes.
"""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np

from ._case import Case
from ._ulp import Pair, pair

TITLE = "weighted moving average over the last axis"
UNIT = "ulp"
DTYPES = ("float32", "float64")
SIZES = (100, 10_000, 1_000_000, 10_000_000)
"""Elements of x; from 10,000 on in rows of 1,000."""
MAX_ERROR = 64.0
FORMS = {"shifted": "A sum of shifted copies, one for each weight, as array operations."}
WEIGHTS = (1.0, 2.0, 4.0, 3.0, 0.5)
"""Not symmetric: a convolution, which turns the window round, is another result."""


def make_data(size: int, dtype: str, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return (x, w): standard-normal numbers plus 10, in rows of at most 1,000, and 5 weights."""
    numbers = np.random.RandomState(seed).standard_normal(min(size, 10_000)) + 10
    x = np.resize(numbers.astype(dtype), size)
    return x.reshape(-1, 1000) if size >= 10_000 else x, np.array(WEIGHTS, dtype)


def reference(x: np.ndarray, w: np.ndarray) -> Pair:
    """Return the true values: two arrays of the shape of the result, to be added.

    To 50 digits; rows that repeat, as those of timed data, are computed once.
    """
    if x.ndim > 1:
        rows = x.reshape(-1, x.shape[-1])
        distinct = rows[:10] if len(rows) > 10 and _repeats(rows, 10) else rows
        parts = [reference(row, w) for row in distinct]
        shape = (*x.shape[:-1], x.shape[-1] - len(w) + 1)
        high, low = (np.stack([part[i] for part in parts]) for i in (0, 1))
        turns = -(-len(rows) // len(distinct))
        return tuple(np.tile(a, (turns, 1))[: len(rows)].reshape(shape) for a in (high, low))  # type: ignore[return-value]
    windows = np.lib.stride_tricks.sliding_window_view(x, len(w))
    with mpmath.workdps(50):
        weights = [mpmath.mpf(float(v)) for v in w]
        total = mpmath.fsum(weights)
        values = [
            mpmath.fdot(weights, [mpmath.mpf(float(v)) for v in window]) / total
            for window in windows
        ]
        return pair(np.array(values, object))


def _repeats(rows: np.ndarray, period: int) -> bool:
    return all(np.array_equal(rows[i], rows[i % period]) for i in range(len(rows)))


def error(result: Any, expected: Pair, dtype: Any) -> float:
    """Return the largest error, in ulp of the largest value: terms of both signs may cancel."""
    high, low = expected
    result = np.asarray(result)
    if result.shape != high.shape:
        return math.inf
    spacing = float(np.spacing(np.abs(high).max(initial=0).astype(dtype)))
    with np.errstate(invalid="ignore"):
        off = np.abs((result.astype(np.float64) - high) - low).max(initial=0.0)
    return float(off / spacing) if np.isfinite(off) else math.inf


def _normal(*shape: int) -> Case:
    def make(dtype: str) -> tuple[np.ndarray, np.ndarray]:
        x = np.random.RandomState(len(shape)).standard_normal(shape)
        return x.astype(dtype), np.array(WEIGHTS, dtype)

    return Case(make)


def _of(x: list[float], w: list[float]) -> Case:
    return Case(lambda dtype: (np.array(x, dtype), np.array(w, dtype)))


def _moved(dtype: str) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.RandomState(5).standard_normal((17, 6)).astype(dtype)
    return np.moveaxis(x, 0, -1), np.array(WEIGHTS, dtype)


CASES = {
    "vector": _normal(50),
    "matrix": _normal(4, 33),
    "three_axes": _normal(2, 3, 20),
    "four_axes": _normal(2, 1, 3, 9),
    "another_axis": Case(_moved),
    "one_window": _normal(5),
    "one_weight": _of([1, 2, 3], [0.25]),
    "impulse": _of([0, 0, 0, 0, 1, 0, 0, 0, 0], list(WEIGHTS)),
    "negative_weights": _of([1, 5, 2, 8, 3], [3, -1, 1]),
    "long_window": _of(list(range(40)), list(range(1, 31))),
}
PROBES = ("impulse", "matrix")


def bytes_moved(size: int, dtype: str) -> int:
    """Return the bytes that must cross the memory bus: each element in, and about one out."""
    return 2 * size * np.dtype(dtype).itemsize


def flops(size: int) -> int:
    """Return the operations: a product and a sum for each weight."""
    return 2 * len(WEIGHTS) * size
