"""x**8 of each element: is naive multiplication faster than the power function, and how exact?

Source: of the squarings: D. E. Knuth, "The art of computer programming", vol. 2, section 4.6.3.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import mpmath
import numpy as np

from ._case import SPECIAL, WELL, Case
from ._elementwise import DTYPES, LENGTHS, SIZES, UNIT, error, repeated
from ._elementwise import exact as _exact
from ._ulp import Pair

__all__ = ["DTYPES", "SIZES", "UNIT", "error"]

TITLE = "x**8 of each element"
MAX_ERROR = 64.0

FORMS = {
    "power": "The library's power function.",
    "operator": "x**8.",
    "multiply": "x*x*x*x*x*x*x*x: seven multiplications.",
    "squarings": "((x*x)**2)**2 by three multiplications.",
    "in_place": "Three squarings, the second and the third into the array of the first.",
}


def make_data(size: int, dtype: str, seed: int = 0) -> tuple[np.ndarray]:
    """Return (x,): `size` numbers of both signs between 1/16 and 16, spread in their logarithm."""
    random = np.random.RandomState(seed)
    count = min(size, 10_000)
    numbers = 2 ** random.uniform(-4, 4, count) * random.choice([-1.0, 1.0], count)
    return (repeated(numbers.astype(dtype), size),)


def reference(x: np.ndarray) -> Pair:
    """Return the true values for `x`, shape (n,): two arrays of that shape, to be added."""
    return _exact(_power(x.dtype.name), x)


@cache
def _power(dtype: str) -> Callable[[Any], Any]:
    info = np.finfo(dtype)
    # From half a unit beyond the largest number on, the rounded result is infinite.
    infinite = mpmath.mpf(2) ** info.maxexp * (1 - mpmath.mpf(2) ** -(info.nmant + 2))

    def power(value: Any) -> Any:
        if mpmath.isnan(value):
            return mpmath.nan
        true = value**8
        return mpmath.inf if true >= infinite else true

    return power


def _of(*values: float, kind: str = WELL) -> Case:
    return Case(lambda dtype: np.array(values, dtype), kind)


def _edge(dtype: str) -> np.ndarray:
    """Return numbers whose powers are next to the largest, the smallest and denormal numbers."""
    info = np.finfo(dtype)
    top, bottom = 2.0 ** (info.maxexp / 8), 2.0 ** (info.minexp / 8)
    high, low = np.linspace(0.9, 0.999, 50) * top, np.linspace(1.001, 1.1, 50) * bottom
    return np.array([*high, *low], dtype)


def _denormal(dtype: str) -> np.ndarray:
    info = np.finfo(dtype)
    return np.array(np.linspace(0.05, 0.9, 50) * 2.0 ** (info.minexp / 8), dtype)


CASES = {
    "whole": Case(lambda dtype: np.arange(-9, 10).astype(dtype)),
    "near_one": Case(lambda dtype: (1 + np.linspace(-1e-3, 1e-3, 1001)).astype(dtype)),
    "edge_of_the_range": Case(_edge),
    "denormal_results": Case(_denormal),
    "overflow": Case(lambda dtype: np.array([1, -0.5], dtype) * np.finfo(dtype).max, SPECIAL),
    "underflow": _of(1e-300, -1e-200, 1e-45, kind=SPECIAL),
    "zeros": _of(0.0, -0.0),
    "infinite": _of(math.inf, -math.inf, kind=SPECIAL),
    "nan": _of(math.nan, kind=SPECIAL),
} | {f"length_{n}": Case(lambda dtype, n=n: make_data(n, dtype, n)) for n in LENGTHS}  # type: ignore[misc]
PROBES = ("whole", "near_one")


def bytes_moved(size: int, dtype: str) -> int:
    """Return the bytes that must cross the memory bus: each element in, and out."""
    return 2 * size * np.dtype(dtype).itemsize


def flops(size: int) -> int:
    """Return the multiplications of the shortest form: three squarings."""
    return 3 * size
