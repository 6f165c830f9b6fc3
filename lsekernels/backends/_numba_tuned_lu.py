"""LU factorisation in blocks of columns, in plain loops that LLVM turns into vector code.

A block of BLOCK columns is factorised in a transposed copy, where a column is contiguous. What is
right of it changes once a block and not once a column, in the loops that take most of the time:
two rows at a time minus multiples of four others, which lie in a buffer that stays in the cache.

All indices are unsigned: there is no test for negative ones, which would keep loops from being
vectorized; nor are there slices, which cost more than a short loop.

Source: of the blocks of columns: LAPACK's xGETRF.
"""
# mypy: disable-error-code="no-untyped-def,no-untyped-call"

import numpy as np
from numba import njit, prange

from ._numba_cache import CACHE

ZERO, ONE, TWO, THREE, FOUR = map(np.uint64, range(5))
BLOCK = np.uint64(16)  # columns that are factorised together: a multiple of 4
WIDTH = np.uint64(256)  # columns to the right that are changed together
FEW = np.uint64(24)  # rows that blocks would not do faster
MANY = 768  # rows from which on a second thread gains
PADDING = np.uint64(8)  # columns of a power of two elements would compete for the same cache lines

FUSED = {"contract"}
MAXIMUM = {"nnan", "nsz"}  # without them LLVM does not vectorize a maximum


@njit
def swap_rows(lu, i, j):
    for c in range(np.uint64(lu.shape[1])):
        lu[i, c], lu[j, c] = lu[j, c], lu[i, c]


# -- a block of columns ----------------------------------------------------------------------------


@njit(fastmath=FUSED)
def subtract_column(columns, c, b, n):
    """Subtract the multiple of column `b` that makes row b of column `c` part of U."""
    factor = columns[c, b]
    for i in range(b + ONE, n):
        columns[c, i] -= factor * columns[b, i]


@njit(fastmath=MAXIMUM)
def largest(columns, c, n):
    """Return the first row, from `c` on, where column `c` is largest in size."""
    size = abs(columns[c, c])
    for i in range(c + ONE, n):
        size = max(size, abs(columns[c, i]))
    for i in range(c, n):
        if abs(columns[c, i]) == size:
            return i
    return c


@njit(error_model="numpy")
def factorise_columns(lu, k, stop, columns, pivots):
    """Factorise columns k to `stop`, from row k on; `columns` is room for their transpose."""
    height, width = np.uint64(len(lu)) - k, stop - k
    for i in range(height):
        for c in range(width):
            columns[c, i] = lu[k + i, k + c]
    for c in range(width):
        for b in range(c):
            subtract_column(columns, c, b, height)
        p = largest(columns, c, height)
        pivots[k + c] = k + p
        if p != c:
            swap_rows(lu, k + c, k + p)
            for b in range(width):
                columns[b, c], columns[b, p] = columns[b, p], columns[b, c]
        pivot = columns[c, c]
        if pivot != 0:  # or all below is 0 as well
            for i in range(c + ONE, height):
                columns[c, i] /= pivot
    for i in range(height):
        for c in range(width):
            lu[k + i, k + c] = columns[c, i]


# -- what is right of it ---------------------------------------------------------------------------


@njit(fastmath=FUSED)
def solve(lu, k, start, width, u):
    """Make the rows of the block, in `width` columns, rows of U; `u` gets a copy."""
    for r in range(BLOCK):
        row = r * WIDTH
        for j in range(width):
            u[row + j] = lu[k + r, start + j]
        for b in range(r):
            factor, other = lu[k + r, k + b], b * WIDTH
            for j in range(width):
                u[row + j] -= factor * u[other + j]
        for j in range(width):
            lu[k + r, start + j] = u[row + j]


@njit(fastmath=FUSED)
def subtract_from_two(lu, i, k, start, width, u, row):
    """Subtract from rows i and i + 1 their L, from column `k` on, times four rows of `u`."""
    x, y = i, i + ONE
    x0, x1, x2, x3 = lu[x, k], lu[x, k + ONE], lu[x, k + TWO], lu[x, k + THREE]
    y0, y1, y2, y3 = lu[y, k], lu[y, k + ONE], lu[y, k + TWO], lu[y, k + THREE]
    for j in range(width):
        u0, u1 = u[row + j], u[row + j + WIDTH]
        u2, u3 = u[row + j + TWO * WIDTH], u[row + j + THREE * WIDTH]
        lu[x, start + j] = lu[x, start + j] - x0 * u0 - x1 * u1 - x2 * u2 - x3 * u3
        lu[y, start + j] = lu[y, start + j] - y0 * u0 - y1 * u1 - y2 * u2 - y3 * u3


@njit(fastmath=FUSED)
def subtract_from_one(lu, i, k, start, width, u, row):
    for b in range(FOUR):
        factor, other = lu[i, k + b], row + b * WIDTH
        for j in range(width):
            lu[i, start + j] -= factor * u[other + j]


@njit
def change_right(lu, k, start, width, u):
    """Solve for U in the rows of the block, and subtract L U from those below."""
    n, i = np.uint64(len(lu)), k + BLOCK
    solve(lu, k, start, width, u)
    while i + ONE < n:
        for b in range(ZERO, BLOCK, FOUR):
            subtract_from_two(lu, i, k + b, start, width, u, b * WIDTH)
        i += TWO
    if i < n:
        for b in range(ZERO, BLOCK, FOUR):
            subtract_from_one(lu, i, k + b, start, width, u, b * WIDTH)


# -- the kernel ------------------------------------------------------------------------------------


@njit(fastmath=FUSED, error_model="numpy")
def factorise_few(lu, pivots):
    n = np.uint64(len(lu))
    for k in range(n):
        p = k
        for i in range(k + ONE, n):
            if abs(lu[i, k]) > abs(lu[p, k]):
                p = i
        pivots[k] = p
        if p != k:
            swap_rows(lu, k, p)
        pivot = lu[k, k]
        if pivot != 0:
            for i in range(k + ONE, n):
                factor = lu[i, k] / pivot
                lu[i, k] = factor
                for j in range(k + ONE, n):
                    lu[i, j] -= factor * lu[k, j]


@njit  # _numba_cache says why it is not cached here
def lu(a):
    lu, n = a.copy(), np.uint64(len(a))
    pivots = np.empty(n, np.int64)
    if n <= FEW:
        factorise_few(lu, pivots)
        return lu, pivots
    columns, u = np.empty((BLOCK, n + PADDING), a.dtype), np.empty(BLOCK * WIDTH, a.dtype)
    for k in range(ZERO, n, BLOCK):
        factorise_columns(lu, k, min(k + BLOCK, n), columns, pivots)
        for start in range(k + BLOCK, n, WIDTH):
            change_right(lu, k, start, min(WIDTH, n - start), u)
    return lu, pivots


@njit(parallel=True, cache=CACHE)
def lu_parallel(a):
    if len(a) < MANY:
        return lu(a)
    out, n = a.copy(), np.uint64(len(a))
    pivots, columns = np.empty(n, np.int64), np.empty((BLOCK, n + PADDING), a.dtype)
    for k in range(ZERO, n, BLOCK):
        right = min(k + BLOCK, n)
        factorise_columns(out, k, right, columns, pivots)
        for part in prange(np.int64((n - right + WIDTH - ONE) // WIDTH)):
            start = right + np.uint64(part) * WIDTH
            u = np.empty(BLOCK * WIDTH, a.dtype)
            change_right(out, k, start, min(WIDTH, n - start), u)
    return out, pivots
