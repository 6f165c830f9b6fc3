"""log10(x) of each element: the example of vectorize, of which a signature is given or not."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np

from ._case import SPECIAL, Case
from ._elementwise import DTYPES, LENGTHS, SIZES, UNIT, error, exact, repeated
from ._ulp import Pair

__all__ = ["DTYPES", "SIZES", "UNIT", "error"]

TITLE = "log10 of each element"
MAX_ERROR = 16.0


def make_data(size: int, dtype: str, seed: int = 0) -> tuple[np.ndarray]:
    """Return (x,): `size` numbers between 1e-30 and 1e30, evenly spread in their logarithm."""
    numbers = 10 ** np.random.RandomState(seed).uniform(-30, 30, min(size, 10_000))
    return (repeated(numbers.astype(dtype), size),)


def reference(x: np.ndarray) -> Pair:
    """Return the true values for `x`, shape (n,): two arrays of that shape, to be added."""
    return exact(_log10, x)


def _log10(value: Any) -> Any:
    if value == 0:
        return -mpmath.inf
    if not value > 0:  # negative, or nan
        return mpmath.nan
    return mpmath.log10(value)


def _of(*values: float) -> Case:
    kind = SPECIAL if not all(map(math.isfinite, values)) or min(values) <= 0 else Case(len).kind
    return Case(lambda dtype: np.array(values, dtype), kind)


CASES = {
    "powers_of_ten": Case(lambda dtype: (10.0 ** np.arange(-30, 31)).astype(dtype)),
    "near_one": Case(lambda dtype: (1 + np.linspace(-0.3, 0.3, 1001)).astype(dtype)),
    "next_to_one": Case(
        lambda dtype: np.nextafter(np.ones(2, dtype), np.array([0, 2], dtype), dtype=dtype)
    ),
    "denormal": Case(
        lambda dtype: np.finfo(dtype).smallest_subnormal * np.arange(1, 9, dtype=dtype)
    ),
    "zeros": _of(0.0, -0.0),
    "negative": _of(-1.0, -1e-300, -math.inf),
    "infinite": _of(math.inf, 1.0),
    "nan": _of(math.nan, 1.0),
} | {f"length_{n}": Case(lambda dtype, n=n: make_data(n, dtype, n)) for n in LENGTHS}  # type: ignore[misc]
PROBES = ("powers_of_ten", "near_one")


def bytes_moved(size: int, dtype: str) -> int:
    """Return the bytes that must cross the memory bus: each element in, and out."""
    return 2 * size * np.dtype(dtype).itemsize


def flops(size: int) -> int:
    """Return the operations, counting a logarithm as one."""
    return size
