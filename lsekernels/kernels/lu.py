"""LU factorisation of a square matrix, P A = L U, with partial pivoting.

L has ones on its diagonal, U is upper triangular; both are returned in one matrix. Element i of the
pivots is the row with which row i was interchanged, in this order, as ``scipy.linalg.lu_factor``
returns them. Partial pivoting takes the largest element of the column: no element of L is larger
than 1 in size, which keeps the rounding errors small.

Source: G. H. Golub and C. F. Van Loan, "Matrix computations", on elimination with partial
pivoting; of the residual, LAPACK's tests (xGET01).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ._case import Case

TITLE = "LU factorisation"
SIZE_IS = "rows of the matrix"
UNIT = "scaled residual"
DTYPES = ("float32", "float64")
SIZES = (10, 30, 100, 256, 1024)
"""Rows, and columns."""
MAX_ERROR = 4.0
"""Right results are below 0.3 here, whatever the size; LAPACK's own tests allow 30."""

UNSAFE_FORMS = {
    "unpivoted": "It fails, or loses all digits, where a pivot is zero or small; in the matrices "
    "that are timed here none is.",
}
FORMS = {
    "unpivoted": "Elimination without interchanges, which returns L and U alone. "
    + UNSAFE_FORMS["unpivoted"],
    "getrf": "The LAPACK routine itself, without the checks around it.",
}


def make_data(size: int, dtype: str, seed: int = 0) -> tuple[np.ndarray]:
    """Return (a,), shape (size, size): standard-normal numbers, and larger ones in two diagonals.

    With s = 2 * sqrt(size), row i and row i + size // 2 have s on the diagonal, s and 2 * s where
    they cross. So no pivot is small without interchanges, and partial pivoting interchanges half of
    the rows: both forms can be timed on the same matrix.
    """
    a = np.random.RandomState(seed).standard_normal((size, size))
    i, half, s = np.arange(size), size // 2, 2 * math.sqrt(size)
    a[i, i] += s
    a[i[:half], i[:half] + half] += s
    a[i[:half] + half, i[:half]] += 2 * s
    return (a.astype(dtype),)


def reference(a: np.ndarray) -> np.ndarray:
    """Return `a` itself: what the factors must give when they are multiplied."""
    return a


def error(result: Any, expected: np.ndarray, dtype: Any) -> float:
    """Return max column sum of abs(P A - L U), divided by n * eps * that of abs(A).

    So do LAPACK's own tests (``dget01``). As there, L U is formed in the precision of the factors,
    but not below float64: that adds less than the factorisation's own rounding errors.

    Parameters
    ----------
    result : (lu, pivots) or lu
        L below the diagonal and U above, shape (n, n), and integers of shape (n,). One matrix alone
        says that no rows were interchanged.
    expected : numpy.ndarray
        A.
    dtype : dtype-like
        ``float32`` or ``float64``: whose eps. The factors are rounded to it.

    Returns
    -------
    float
        Infinite where the shapes or the pivots are impossible, a number is not finite, or pivots
        were not the largest of their column: an element of L is above 1.
    """
    n, eps = len(expected), float(np.finfo(dtype).eps)
    pivoted = isinstance(result, tuple)
    lu, pivots = result if pivoted else (result, np.arange(n))
    pivots = np.asarray(pivots)
    lu = np.asarray(lu).astype(dtype).astype(np.float64)
    if lu.shape != (n, n) or pivots.shape != (n,) or pivots.dtype.kind not in "iu":
        return math.inf
    if not (np.isfinite(lu).all() and (np.arange(n) <= pivots).all() and (pivots < n).all()):
        return math.inf
    lower, upper = np.tril(lu, -1) + np.eye(n), np.triu(lu)
    if pivoted and np.abs(lower).max() > 1 + 4 * eps:
        return math.inf
    permuted = expected.astype(np.float64)
    for row, other in enumerate(pivots):
        permuted[[row, other]] = permuted[[other, row]]
    with np.errstate(over="ignore", invalid="ignore"):
        residual = _norm(permuted - lower @ upper)
    if residual == 0:
        return 0.0
    scale = n * eps * _norm(permuted)
    return residual / scale if residual < math.inf and scale else math.inf


def _norm(a: np.ndarray) -> float:
    return float(np.abs(a).sum(axis=0).max())


def bytes_moved(size: int, dtype: str) -> int:
    """Return the bytes that must cross the memory bus: each element in, and out."""
    return 2 * size * size * np.dtype(dtype).itemsize


def flops(size: int) -> int:
    """Return the divisions, multiplications and subtractions: about 2/3 * size**3."""
    return size * (size - 1) * (4 * size + 1) // 6


# -- edge cases --------------------------------------------------------------------------------


def _of(*rows: tuple[float, ...]) -> Callable[[str], np.ndarray]:
    return lambda dtype: np.array(rows, dtype)


def _data(size: int, factor: float = 1.0) -> Callable[[str], np.ndarray]:
    return lambda dtype: (make_data(size, "float64", size)[0] * factor).astype(dtype)


def _zero_first(size: int) -> Callable[[str], np.ndarray]:
    def make(dtype: str) -> np.ndarray:
        a = np.random.RandomState(size).standard_normal((size, size)).astype(dtype)
        a[0, 0] = 0
        return a

    return make


def _permutation(size: int, shift: int) -> Callable[[str], np.ndarray]:
    return lambda dtype: np.roll(np.eye(size, dtype=dtype), shift, axis=0)


def _hilbert(dtype: str) -> np.ndarray:
    i = np.arange(1.0, 13.0)
    return (1 / (i[:, None] + i - 1)).astype(dtype)


def _graded(dtype: str) -> np.ndarray:
    (a,) = make_data(20, "float64")
    return np.asarray(a * 10.0 ** -np.arange(20)[:, None], dtype)


def _one_row_zero(dtype: str) -> np.ndarray:
    a = _data(20)(dtype)
    a[13] = 0
    return a


def _one_column_zero(dtype: str) -> np.ndarray:
    return np.ascontiguousarray(_one_row_zero(dtype).T)


_SIZES = (2, 3, 4, 5, 7, 8, 9, 11, 15, 16, 17, 23, 31, 32, 33, 47, 63, 64, 65, 100, 127, 128, 129)

CASES: dict[str, Case] = {
    # A pivot is zero, or small beside what is below it.
    "swap": Case(_of((0, 1), (1, 0))),
    "tiny_pivot": Case(_of((1e-20, 1), (1, 1))),
    "late_zero_pivot": Case(_of((1, 2, 3), (1, 2, 5), (1, 1, 1))),
    "cyclic": Case(_permutation(9, 1)),
    "cyclic_far": Case(_permutation(40, 17)),
    "zero_first_7": Case(_zero_first(7)),
    "zero_first_33": Case(_zero_first(33)),
    "zero_first_100": Case(_zero_first(100)),
    # The largest in size is negative.
    "negative_largest": Case(_of((1, 2), (-3, 4))),
    # Singular, or nearly: the factors exist all the same.
    "zero": Case(_of((0,))),
    "zeros": Case(lambda dtype: np.zeros((5, 5), dtype)),
    "ones": Case(lambda dtype: np.ones((9, 9), dtype)),
    "rank_one": Case(_of((1, 2, 3), (2, 4, 6), (3, 6, 9))),
    "row_of_zeros": Case(_one_row_zero),
    "column_of_zeros": Case(_one_column_zero),
    "hilbert": Case(_hilbert),
    # Scales.
    "one_element": Case(_of((-3.5,))),
    "identity": Case(lambda dtype: np.eye(6, dtype=dtype)),
    "graded": Case(_graded),
    "large": Case(_data(20, 1e30)),
    "small": Case(_data(20, 1e-30)),
} | {f"size_{n}": Case(_data(n)) for n in _SIZES}
"""Edge cases by name. The seed is the size, so that no two of them share numbers."""

PROBES = ("swap", "negative_largest", "zero_first_33")
"""Cases that an implementation must also pass before it is timed: they need interchanges."""

FORM_PROBES = {"lu_unpivoted": ("size_33",)}
"""The probes of forms that those above cannot be asked of."""
