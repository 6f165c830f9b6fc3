"""Two tasks pass a ball to and fro: what a switch of tasks costs.

Stackless Python, whose example this is, ended in 2025; greenlet has carried its idea on into
CPython, and PyPy still brings its tasklets and channels.

The ball bears a number, 1 at first. Whoever hits it multiplies the number by a factor of their own
and adds 1, modulo a prime: the number at the end shows that all passes were made, and by whom in
which order.
"""

from __future__ import annotations

from typing import Any

from ._case import Case

TITLE = "ping-pong of two tasks"
SIZE_IS = "passes"
UNIT = "wrong results"
DTYPES = ("float64",)
"""Without meaning: the ball bears a whole number of Python's own."""
SIZES = (100, 10_000, 1_000_000)
"""Passes."""
MAX_ERROR = 0.0

FORMS = {
    "recursion": "Two functions that call each other, 400 deep at most: no tasks, to compare with.",
    "generators": "Two generators, to which a loop sends the ball in turn.",
    "threads": "Two threads, each with a queue from which it takes the ball.",
    "asyncio": "Two coroutines in an event loop, each with a queue.",
}

PRIME = 2**31 - 1
FACTORS = 3, 5
"""Of the one who begins, and of the other."""

CASES = {f"passes_{n}": Case(lambda dtype, n=n: (n,)) for n in (0, 1, 2, 3, 399, 400, 401, 2000)}  # type: ignore[misc]
PROBES = ("passes_1", "passes_401", "passes_2000")


def make_data(size: int, dtype: str = "float64", seed: int = 0) -> tuple[int]:
    """Return (n,), the number of passes."""
    return (size,)


def reference(n: int) -> int:
    """Return the number on the ball after `n` passes: the pair of passes, to the power n // 2."""
    first, second = FACTORS
    # x -> a * x + b: for two passes, and for as many pairs as have been put together.
    pair, done = (first * second, second + 1), (1, 0)
    pairs = n // 2
    while pairs:
        if pairs % 2:
            done = _then(done, pair)
        pair, pairs = _then(pair, pair), pairs // 2
    factor, more = _then(done, (first, 1)) if n % 2 else done
    return (factor + more) % PRIME


def _then(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return one[0] * other[0] % PRIME, (one[1] * other[0] + other[1]) % PRIME


def error(result: Any, expected: int, dtype: Any) -> float:
    """Return 0 for the right number, otherwise 1."""
    return 0.0 if type(result) is int and result == expected else 1.0


def bytes_moved(size: int, dtype: str) -> int:
    """Return 0: a switch has nothing to do with memory."""
    return 0


def flops(size: int) -> int:
    """Return the operations on the number: multiply, add and take the rest."""
    return 3 * size
