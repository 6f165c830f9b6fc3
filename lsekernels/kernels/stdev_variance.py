"""The standard deviation by a function that calls another: what forgetting a decorator costs.

sqrt(mean((x - mean(x))**2)) of a vector, over all elements (population). The function for the
variance is one of its own. A text of 2020 saw Numba fall back to slow code, without a word, where
the inner one is not jitted; today nopython mode refuses it with a TypingError (a test shows that),
and the price is that of object mode.

Source: of the two passes: T. F. Chan, G. H. Golub and R. J. LeVeque, "Algorithms for computing
the sample variance", Am. Stat. 37 (1983).
"""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np

from ._case import SPECIAL, Case
from ._ulp import ulp_error

TITLE = "standard deviation by a function that calls another"
UNIT = "ulp"
DTYPES = ("float32", "float64")
SIZES = (10, 1_000, 10_000, 100_000, 1_000_000)
"""Elements."""
MAX_ERROR = 1024.0
"""A plain loop, in whatever language, is 711 ulp off for 1,000,000 numbers around 100."""

FORMS = {"objmode": "Numba in nopython mode, with the helper called inside `with objmode()`."}


def make_data(size: int, dtype: str, seed: int = 0) -> tuple[np.ndarray]:
    """Return (x,): `size` standard-normal numbers plus 100; from 10,000 on they repeat."""
    numbers = np.random.RandomState(seed).standard_normal(min(size, 10_000)) + 100
    return (np.resize(numbers.astype(dtype), size),)


def reference(x: np.ndarray) -> Any:
    """Return the true value for `x`, shape (n,), as an ``mpmath.mpf`` or nan."""
    if not np.isfinite(x).all():
        return math.nan
    values, counts = np.unique(x, return_counts=True)
    with mpmath.workdps(50):
        numbers = [mpmath.mpf(float(v)) for v in values]
        weights = [int(c) for c in counts]
        mean = mpmath.fdot(numbers, weights) / x.size
        return mpmath.sqrt(mpmath.fdot([(v - mean) ** 2 for v in numbers], weights) / x.size)


def error(result: Any, expected: Any, dtype: Any) -> float:
    """Return the error of `result`, rounded to `dtype`, against :func:`reference`, in ulp."""
    return ulp_error(np.dtype(dtype).type(result), expected, dtype)


def _of(*values: float) -> Case:
    special = not all(map(math.isfinite, values))
    return Case(lambda dtype: np.array(values, dtype), *[SPECIAL] * special)


CASES = {
    "one": _of(3.0),
    "two": _of(1.0, 2.0),
    "all_equal": Case(lambda dtype: np.full(64, 3.5, dtype)),
    "large_offset": Case(
        lambda dtype: (np.arange(1000) % 7 + (2**14 if dtype == "float32" else 2**26)).astype(dtype)
    ),
    "wide": Case(lambda dtype: np.logspace(-5, 5, 101).astype(dtype)),
    "nan": _of(1.0, math.nan),
    "infinite": _of(1.0, math.inf),
} | {f"length_{n}": Case(lambda dtype, n=n: make_data(n, dtype, n)) for n in (3, 10, 17, 1001)}  # type: ignore[misc]
PROBES = ("large_offset",)


def bytes_moved(size: int, dtype: str) -> int:
    """Return the bytes that must cross the memory bus: each element, for the mean and after it."""
    return 2 * size * np.dtype(dtype).itemsize


def flops(size: int) -> int:
    """Return the operations: a sum, and a difference, its square and a sum."""
    return 4 * size
