"""log(sum(exp(x))) of a 1-D real array, without overflow.

The task of the 2020 talk, and one of the most used reductions of machine learning.

Source: of the formulas and their errors: P. Blanchard, D. J. Higham and N. J. Higham, "Accurately
computing the log-sum-exp and softmax functions", IMA J. Numer. Anal. 41 (2021).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np

from ._case import CANCELS, SPECIAL, Case
from ._ulp import ulp_error

TITLE = "log-sum-exp of a vector"
UNIT = "ulp"
DTYPES = ("float32", "float64")
SIZES = (10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000)
"""Elements."""
MAX_ERROR = 256.0
"""A backend that is further off on the timed data is not timed (ulp)."""
PERIOD = 1_000_000
"""Longer data repeat after so many elements."""


def make_data(size: int, dtype: str, seed: int = 0) -> tuple[np.ndarray]:
    """Return (x,): `size` standard-normal numbers of `dtype`; from 1,000,000 on they repeat.

    The legacy generator is used because its stream is frozen (NEP 19): every commit and every
    NumPy gets the same numbers. It is slow, hence the repetition.
    """
    numbers = np.random.RandomState(seed).standard_normal(min(size, PERIOD))
    return (np.resize(numbers.astype(dtype), size),)


def reference(x: np.ndarray) -> Any:
    """Return the true value for `x` (shape (n,), any n) as an ``mpmath.mpf`` or a float.

    Each distinct number is put through exp at 50 digits. For over 10,000 distinct numbers the
    exponentials are taken and added in extended precision instead (64 bits, error below 0.01 ulp
    of float64), with the largest terms kept apart so that nothing cancels. Of data that repeat, as
    timed data do, one period is looked at.
    """
    if x.size == 0:
        return -math.inf
    periods = x.size // PERIOD
    if periods > 1 and x.size % PERIOD == 0 and np.array_equal(x[PERIOD:], x[:-PERIOD]):
        with mpmath.workdps(50):  # as timed data are: once is enough
            return reference(x[:PERIOD]) + mpmath.log(periods)
    if np.isnan(x).any():
        return math.nan
    largest = x.max()
    if np.isinf(largest):
        return float(largest)
    with mpmath.workdps(50):
        # All that is smaller is added up beside the largest terms, never together with them.
        ties = int(np.count_nonzero(x == largest))
        smaller = x[x != largest]
        few = np.unique(smaller[:100_000]).size <= 10_000
        if few or np.finfo(np.longdouble).nmant <= 62:
            rest = _add_distinct(smaller, largest)
        else:
            rest = _add_extended(smaller, largest)
        return mpmath.mpf(float(largest)) + mpmath.log(ties) + mpmath.log1p(rest / ties)


def _add_distinct(x: np.ndarray, largest: Any) -> Any:
    values, counts = np.unique(x, return_counts=True)

    def term(value: Any, count: Any) -> Any:
        return int(count) * mpmath.exp(mpmath.mpf(float(value)) - mpmath.mpf(float(largest)))

    return mpmath.fsum(map(term, values, counts))


def _add_extended(x: np.ndarray, largest: Any) -> Any:
    rest = mpmath.mpf(0)
    for block in np.array_split(x, x.size // 65_536 + 1):
        total = np.exp(block.astype(np.longdouble) - largest).sum()
        high = float(total)
        rest += mpmath.mpf(high) + mpmath.mpf(float(total - high))
    return rest


def error(result: Any, expected: Any, dtype: Any) -> float:
    """Return the error of `result`, rounded to `dtype`, against :func:`reference`, in ulp."""
    return ulp_error(np.dtype(dtype).type(result), expected, dtype)


def bytes_moved(size: int, dtype: str) -> int:
    """Return the bytes that must cross the memory bus: each element once."""
    return size * np.dtype(dtype).itemsize


def flops(size: int) -> int:
    """Return the operations of the textbook form: compare, subtract, exp and add per element."""
    return 4 * size


# -- edge cases --------------------------------------------------------------------------------


def _of(*values: float) -> Callable[[str], np.ndarray]:
    return lambda dtype: np.array(values, dtype)


def _normal(size: int, shift: float = 0.0, scale: float = 1.0) -> Callable[[str], np.ndarray]:
    return lambda dtype: (make_data(size, "float64", size)[0] * scale + shift).astype(dtype)


def _far_below(dtype: str) -> np.ndarray:
    return np.array([0, -740 if dtype == "float64" else -100], dtype)  # exp of it is denormal


def _one_among(count: int, value: float) -> Callable[[str], np.ndarray]:
    def make(dtype: str) -> np.ndarray:
        x = np.full(count + 1, value, dtype)
        x[count // 3] = 0
        return x

    return make


def _spread(dtype: str) -> np.ndarray:
    return np.random.RandomState(7).permutation(np.linspace(-700, 700, 1001)).astype(dtype)


_LENGTHS = (2, 3, 5, 7, 8, 9, 13, 15, 16, 17, 31, 32, 33, 61, 63, 64, 65, 127, 128, 129, 997, 1021)

CASES: dict[str, Case] = {
    "one_element": Case(_of(0.25)),
    "one_negative": Case(_of(-745.0)),
    "all_equal": Case(lambda dtype: np.full(1000, 3.5, dtype)),
    "large": Case(_normal(100, 1000.0)),
    "very_negative": Case(_normal(100, -1000.0)),
    "spread": Case(_spread),
    "ramp": Case(lambda dtype: np.linspace(-700, 700, 515).astype(dtype)),
    "falling": Case(lambda dtype: np.linspace(700, -700, 515).astype(dtype)),
    "normal_100000": Case(_normal(100_000)),
    "wide_normal": Case(_normal(4001, 0.0, 30.0)),
    "minus_inf_somewhere": Case(_of(0.5, -math.inf, 1.5, -math.inf, 1.0)),
    "minus_inf_first": Case(_of(-math.inf, 2.0, 3.0)),
    "denormal_input": Case(_of(5e-324, 1e-310, 0.0, 1e-40)),
    "denormal_terms": Case(_far_below, CANCELS),
    "one_dominant": Case(_one_among(1_000_000, -40.0), CANCELS),
    "two_terms_far_apart": Case(_of(0.0, -40.0), CANCELS),
    "plus_inf": Case(_of(0.0, math.inf, 1.0), SPECIAL),
    "all_plus_inf": Case(_of(math.inf, math.inf), SPECIAL),
    "both_infinities": Case(_of(-math.inf, math.inf, 0.0), SPECIAL),
    "all_minus_inf": Case(_of(-math.inf, -math.inf, -math.inf), SPECIAL),
    "one_minus_inf": Case(_of(-math.inf), SPECIAL),
    "nan_first": Case(_of(math.nan, 0.0, 1.0), SPECIAL),
    "nan_last": Case(_of(0.0, 1.0, math.nan), SPECIAL),
    "nan_and_plus_inf": Case(_of(0.0, math.nan, math.inf), SPECIAL),
    "plus_inf_and_nan": Case(_of(math.inf, 0.0, math.nan), SPECIAL),
    "nan_and_minus_inf": Case(_of(-math.inf, math.nan), SPECIAL),
    "empty": Case(_of(), SPECIAL),
} | {f"length_{n}": Case(_normal(n)) for n in _LENGTHS}
"""Edge cases by name. `_normal` seeds with the size, so that no two of them share numbers."""

INPUT_CLASSES = {
    "normal_100000": "100,000 standard-normal numbers, as those that are timed",
    "large": "100 numbers around 1000: their exp overflows, unless the largest is subtracted first",
    "spread": "1001 numbers from -700 to 700 in random order: few of them count",
    "wide_normal": "4001 normal numbers of standard deviation 30",
    "denormal_terms": "0 and one number so far below that its exp is denormal, as is the result",
    "two_terms_far_apart": "0 and -40: the result is tiny, and lost where exp(-40) is added to 1",
    "one_dominant": "0 among a million of -40: each term is lost where it is added to 1",
}
"""The cases whose error is tracked over commits, and what they are."""

PROBES = ("large", "very_negative", "ramp")
"""Cases a backend must also pass before it is timed: they overflow without the right maximum."""


# -- inputs that take longer than others -----------------------------------------------------------


def _log_probabilities(size: int) -> np.ndarray:
    (x,) = make_data(size, "float64")
    return np.asarray(x - float(reference(x)))


HARD_INPUTS: dict[str, Callable[[int], np.ndarray]] = {
    "normal": lambda size: make_data(size, "float64")[0],
    "ramp_of_1400": lambda size: np.linspace(-700, 700, size),
    "ramp_of_1000000": lambda size: np.linspace(0, 1e6, size),
    "all_minus_inf": lambda size: np.full(size, -math.inf),
    "log_probabilities": _log_probabilities,
    "denormal_terms": lambda size: np.concatenate([[0.0], np.full(size - 1, -740.0)]),
    "denormal_numbers": lambda size: make_data(size, "float64")[0] * 1e-310,
}
"""size -> x: rising data that keep raising the maximum, nothing but -inf, a sum of 1 (the logarithm
of which is 0), terms beside 0 whose exp is denormal, and data that are themselves denormal."""
