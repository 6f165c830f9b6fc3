"""n random numbers, independent and uniform on [0, 1).

There is no true value to compare with, so the result is judged as a sample. Every call must give
new numbers: a method continues its generator's stream, and never seeds it again. One result cannot
show that, so tests/backends/test_uniform.py compares the results of successive calls.

Source: of the generators: M. Matsumoto and T. Nishimura, "Mersenne Twister", ACM Trans. Model.
Comput. Simul. 8 (1998); M. E. O'Neill, "PCG", HMC-CS-2014-0905 (2014); G. Marsaglia, "Xorshift
RNGs", J. Stat. Softw. 8 (2003), for XORWOW; J. K. Salmon et al., "Parallel random numbers: as
easy as 1, 2, 3", SC11 (2011), for JAX's Threefry.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ._case import Case

TITLE = "uniform random numbers"
UNIT = "standard deviations"
DTYPES = ("float64",)
SIZES = (100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000)
"""Numbers."""
MAX_ERROR = 7.0
"""Right numbers exceed it less than once in 1e8 results: of some sixty statistics, the one with
the heaviest tail, Kolmogorov's, has a probability of at most 2 * exp(-24.5)."""
FORMS = {
    "legacy": "The older interface: the Mersenne Twister; in CuPy, XORWOW by cuRAND's host API.",
    "generator": "The newer one: NumPy's Generator (PCG64); in CuPy, XORWOW by its own kernel.",
}

BLOCK = 2**20
CELLS = 4096
"""Of the histogram."""
SAMPLE = 2**17
"""So many numbers, spread over the array, show which bits are random."""
THIN = 2**16
"""About so many of the smallest numbers are compared with one another."""


def make_data(size: int, dtype: str, seed: int = 0) -> tuple[int]:
    """Return (n,): `size` itself."""
    return (size,)


def reference(n: int) -> int:
    """Return `n`: all that is known of the result."""
    return n


def error(result: Any, expected: int, dtype: Any) -> float:
    """Return the distance of the most unlikely statistic from its mean, in standard deviations.

    Over all numbers: mean, variance, correlation of neighbours, Kolmogorov's distance (which at 1/2
    has a standard deviation of 1 / (2 * sqrt(n))), and chi-square, which may also be too small. On
    a part of them: how often each of 52 bits is set.

    Infinite where the shape or dtype is another, a number is nan or outside [0, 1), numbers occur
    again, or all are float32 numbers.
    """
    x = np.asarray(result)
    if x.shape != (expected,) or x.dtype != np.dtype(dtype):
        return math.inf
    sample = x[:: max(1, x.size // SAMPLE)]
    if np.all(sample.astype(np.float32) == sample) or _outside(x) or _repeats(x):
        return math.inf
    return max(map(abs, [*_moments(x), *_histogram(x), *_bits(sample)]))


def _blocks(x: np.ndarray, overlap: int = 0) -> list[np.ndarray]:
    return [x[i : i + BLOCK + overlap] for i in range(0, x.size, BLOCK)]


def _outside(x: np.ndarray) -> bool:
    return not (x.min() >= 0 and x.max() < 1)  # a nan is neither


def _repeats(x: np.ndarray) -> bool:
    """Return whether numbers occur more often than by chance, wherever in the array."""
    # Chosen by value, so that both of two equal numbers are looked at, or neither.
    kept = np.concatenate([block[block < THIN / x.size] for block in _blocks(x)])
    repeats = kept.size - np.unique(kept).size
    # With 52 bits, 7e-4 are expected of 1e8 numbers, and 1e-10 of 1,000.
    return bool(repeats > (3 if x.size > 1000 else 0))


def _moments(x: np.ndarray) -> list[float]:
    n, total, squares, products = x.size, 0.0, 0.0, 0.0
    for block in _blocks(x, overlap=1):  # with the first of the next block, its neighbour
        d = block - 0.5
        own = d[:BLOCK]
        total += float(own.sum())
        squares += float(own @ own)
        products += float(d[:-1] @ d[1:])
    return [
        total / math.sqrt(n / 12),
        (squares - n / 12) / math.sqrt(n / 180),
        12 * products / math.sqrt(max(1, n - 1)),
    ]


def _histogram(x: np.ndarray) -> list[float]:
    counts = np.zeros(CELLS, np.int64)
    for block in _blocks(x):
        counts += np.bincount((block * CELLS).astype(np.int64), minlength=CELLS)
    found, n = np.cumsum(counts), x.size
    distance = float(np.abs(found / n - np.arange(1, CELLS + 1) / CELLS).max())
    kolmogorov = 2 * math.sqrt(n) * distance
    cells = min(CELLS, 2 ** int(math.log2(max(1, n / 16))))  # 16 numbers or more in each
    if cells < 4:
        return [kolmogorov]
    counts = counts.reshape(cells, -1).sum(axis=1)
    chi_square, freedom = float(((counts - n / cells) ** 2).sum() * cells / n), cells - 1
    # Wilson and Hilferty: the cube root is normal, also far from the mean.
    spread = 2 / (9 * freedom)
    return [kolmogorov, ((chi_square / freedom) ** (1 / 3) - (1 - spread)) / math.sqrt(spread)]


def _bits(sample: np.ndarray) -> list[float]:
    """Return how far each bit, of the first 52 after the point, is from being set half the time."""
    octets = np.ldexp(sample, 52).astype(">u8").view(np.uint8).reshape(-1, 8)
    set_ = np.unpackbits(octets, axis=1)[:, 12:].sum(axis=0, dtype=np.int64)
    return list((2 * set_ - sample.size) / math.sqrt(sample.size))


def bytes_moved(size: int, dtype: str) -> int:
    """Return the bytes that must cross the memory bus: each number out."""
    return size * np.dtype(dtype).itemsize


def flops(size: int) -> int:
    """Return the operations on floats: one, that scales an integer."""
    return size


# -- edge cases --------------------------------------------------------------------------------


def _numbers(n: int) -> Callable[[str], tuple[int]]:
    return lambda dtype: (n,)


CASES: dict[str, Case] = {f"n_{n}": Case(_numbers(n)) for n in (1, 2, 100, 1000, 100_000)}

PROBES = ("n_1000", "n_100000")
"""From 1,000 numbers on, what is wrong shows."""
