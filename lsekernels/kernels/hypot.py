"""sqrt(x**2 + y**2) of each pair, without overflow: a ufunc of two arguments."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np

from ._case import SPECIAL, WELL, Case
from ._elementwise import DTYPES, LENGTHS, SIZES, UNIT, error, exact, repeated
from ._ulp import Pair

__all__ = ["DTYPES", "SIZES", "UNIT", "error"]

TITLE = "hypot of each pair"
MAX_ERROR = 16.0


def make_data(size: int, dtype: str, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return (x, y): `size` standard-normal numbers each, y ten times as wide."""
    random = np.random.RandomState(seed)
    x, y = random.standard_normal((2, min(size, 10_000)))
    return repeated(x.astype(dtype), size), repeated((10 * y).astype(dtype), size)


def reference(x: np.ndarray, y: np.ndarray) -> Pair:
    """Return the true values for `x` and `y`, shape (n,): two arrays of that shape, to be added."""
    return exact(_hypot, x, y)


def _hypot(x: Any, y: Any) -> Any:
    if mpmath.isinf(x) or mpmath.isinf(y):  # also beside a nan, as C has it
        return mpmath.inf
    return mpmath.nan if mpmath.isnan(x) or mpmath.isnan(y) else mpmath.hypot(x, y)


def _of(x: list[float], y: list[float], kind: str = WELL) -> Case:
    return Case(lambda dtype: (np.array(x, dtype), np.array(y, dtype)), kind)


def _scaled(power: dict[str, float]) -> Case:
    """Return a case whose squares overflow, or vanish."""

    def make(dtype: str) -> tuple[np.ndarray, np.ndarray]:
        x = np.linspace(1, 2, 101) * 10 ** power[dtype]
        return x.astype(dtype), x[::-1].astype(dtype)

    return Case(make)


_INF, _NAN = math.inf, math.nan
CASES = {
    "triangle": _of([3, 5, 8, -20], [4, -12, 15, 21]),
    "squares_overflow": _scaled({"float32": 30, "float64": 300}),
    "squares_vanish": _scaled({"float32": -30, "float64": -300}),
    "far_apart": _of([1e-20, 1e20, 1.0], [1.0, 1.0, 1e-9]),
    "zeros": _of([0.0, -0.0, 0.0, 2.0], [0.0, 0.0, -3.0, -0.0]),
    "infinite": _of([_INF, -_INF, 1, _INF], [1, 2, -_INF, _INF], SPECIAL),
    "nan": _of([_NAN, 1, _NAN], [1, _NAN, _NAN], SPECIAL),
    "infinite_beside_nan": _of([_INF, _NAN], [_NAN, -_INF], SPECIAL),
} | {f"length_{n}": Case(lambda dtype, n=n: make_data(n, dtype, n)) for n in LENGTHS}  # type: ignore[misc]
PROBES = ("triangle", "squares_overflow", "squares_vanish")


def bytes_moved(size: int, dtype: str) -> int:
    """Return the bytes that must cross the memory bus: two elements in, one out."""
    return 3 * size * np.dtype(dtype).itemsize


def flops(size: int) -> int:
    """Return the operations of the textbook form: two squares, a sum and a root."""
    return 4 * size
