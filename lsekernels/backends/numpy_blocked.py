"""NumPy in blocks that stay in the cache: the data are read once, and nothing large is made.

NumPy vectorizes exp in float64 on few machines only; on the others long arrays take it from a
table: with x - c = j / STEPS + f and u = 1 + f, exp(x - c) is table[j] * (u**3 + 3 * u + 2) / 6, to
2e-16. Short rows are computed as columns: NumPy reduces all of those at once, but rows one by one.

Source: of the running maximum: M. Milakov and N. Gimelshein, "Online normalizer calculation for
softmax", arXiv:1805.02867 (2018); of the table: P. T. P. Tang, "Table-driven implementation of
the exponential function in IEEE floating-point arithmetic", ACM Trans. Math. Softw. 15 (1989).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from ..backend import Backend, Matrix, Scalar, Vector
from . import _cpu

CACHE = _cpu.cache(2, 2**20)  # bytes
NEAR = 16.0  # a maximum that near to 0 need not be subtracted
NARROW = 48  # columns; rows that short are computed as columns
RUN = 512  # elements a dot product adds: it has few lanes, and in them roundings add up
FEW = 4096  # elements that exp does faster than the many small operations around the table
STEPS, REACH = 2048, 64  # entries of the table a unit, and units
MAGIC = 1.5 * 2.0**52 / STEPS  # x + MAGIC has round(x * STEPS) in its lowest bits
FAR = 2.0**40  # not beyond


class NumPyBlocked(Backend):
    title = "NumPy (blocked)"
    ours = True
    requires = ("numpy",)
    distribution = "numpy"
    temporaries = True
    max_error = {
        "logsumexp": 4.0,
        "logsumexp_rows": 4.0,
        "softmax_rows": 16.0,
        "log_softmax_rows": 4.0,
    }

    def load(self) -> None:
        import numpy

        self.np = numpy
        self.tabled = not _cpu.numpy_vectorizes_exp()
        if self.tabled:
            self.table = numpy.exp(numpy.arange(-REACH * STEPS, 1) / STEPS)
            self.table[0] = 0.0  # and what lies below

    # -- one vector -----------------------------------------------------------------------------

    def logsumexp(self, x: Vector) -> Scalar:
        np = self.np
        tabled = self.tabled and x.dtype == np.float64 and x.size >= FEW
        # What is worked on takes half of the cache: a block and its terms, or three more.
        block = CACHE // (4 if tabled else 2) // x.itemsize
        if x.size > block or tabled:
            return self._of_blocks(x, block, tabled)
        top = np.maximum.reduce(x)
        if not math.isfinite(top):
            return top
        if abs(top) <= NEAR:
            result = math.log(np.add.reduce(np.exp(x)))
        else:
            with np.errstate(over="ignore"):
                result = float(top) + math.log(np.add.reduce(np.exp(x - top)))
        return result if abs(result) >= 1.0 or top < -1.0 else self._careful(x, float(top))

    def _of_blocks(self, x: Vector, size: int, tabled: bool) -> Scalar:
        np = self.np
        scratch = np.empty((3 if tabled else 1, min(x.size, size)), x.dtype)
        top, c = -math.inf, 0.0  # the maximum so far, and what is subtracted
        sums = [0.0]
        with np.errstate(over="ignore", invalid="ignore"):
            for block in _blocks(x, size):
                m = float(np.maximum.reduce(block))
                if not m < math.inf:
                    return np.maximum.reduce(x)  # nan if there is one anywhere
                if m == -math.inf:
                    continue
                if m > top:
                    plain = 0.0 if abs(m) <= NEAR else m
                    new = (m + MAGIC) - MAGIC if tabled else plain
                    sums = [math.fsum(sums) * math.exp(min(c - new, 0.0))]
                    top, c = m, new
                sums.append(self._sum_exp(block, c, scratch[:, : block.size], tabled))
            if top == -math.inf:
                return top
            result = c + math.log(math.fsum(sums))
            return result if abs(result) >= 1.0 or top < -1.0 else self._careful(x, top)

    def _sum_exp(self, block: Vector, c: float, scratch: Matrix, tabled: bool) -> float:
        """Return sum(exp(block - c)); no element is above c by much, by the table half a step."""
        np = self.np
        if not tabled or abs(c) > FAR:
            terms = np.subtract(block, c, out=scratch[0]) if c else block
            return float(np.add.reduce(np.exp(terms, out=scratch[0])))
        t, u, terms = scratch
        np.add(block, MAGIC, out=t)
        np.subtract(t, MAGIC + 1, out=u)
        np.subtract(block, u, out=u)
        j = t.view(np.int64)
        j -= int(np.float64(c + MAGIC).view(np.int64)) - REACH * STEPS
        self.table.take(j, mode="clip", out=terms)
        np.multiply(u, u, out=t)
        t += 3.0
        t *= u
        t += 2.0
        full = block.size // RUN * RUN
        parts = np.matmul(terms[:full].reshape(-1, 1, RUN), t[:full].reshape(-1, RUN, 1))
        total = float(np.add.reduce(parts, axis=None) + np.dot(terms[full:], t[full:])) / 6
        if math.isnan(total):  # -inf has no u
            return self._sum_exp(np.maximum(block, c - REACH), c, scratch, tabled)
        return total

    def _careful(self, x: Vector, top: float) -> float:
        """Return logsumexp where digits cancelled: the largest terms are kept apart."""
        return top + self._log_sum_exp(x, top)

    def _log_sum_exp(self, x: Vector, top: float) -> float:
        """Return log(sum(exp(x - top))), precise close to 0."""
        np = self.np
        ties, rest = 0, [0.0]
        for block in _blocks(x, CACHE // 32):
            d = np.subtract(block, top, dtype=np.float64)
            below = d < 0.0
            ties += block.size - np.count_nonzero(below)
            rest.append(float(np.add.reduce(np.exp(d), where=below)))
        more = math.fsum(rest)
        return math.log(ties + more) if ties + more > 1.5 else math.log1p(more)

    # -- rows -----------------------------------------------------------------------------------

    def logsumexp_rows(self, x: Matrix) -> Vector:
        np = self.np
        tabled = self.tabled and x.dtype == np.float64
        if x.shape[1] >= (FEW if tabled else CACHE // 4 // x.itemsize):
            return np.array([self.logsumexp(row) for row in x], x.dtype)
        out = np.empty(len(x), x.dtype)
        with np.errstate(over="ignore", invalid="ignore"):
            for rows in _row_blocks(x):
                d, top, axis = self._below_maximum(x[rows])
                log_sums = self._log_sums(np.exp(d, out=d), top, axis)
                out[rows] = np.add(top, log_sums, out=top).reshape(-1)
        return out

    def softmax_rows(self, x: Matrix) -> Matrix:
        np = self.np
        out = np.empty_like(x)
        with np.errstate(over="ignore", invalid="ignore"):
            if x.nbytes // len(x) > CACHE:
                for row, result in zip(x, out, strict=True):
                    self._softmax(row, result)
                return out
            for rows in _row_blocks(x):
                terms, _, axis = self._below_maximum(x[rows], out[rows])
                np.exp(terms, out=terms)
                terms /= np.add.reduce(terms, axis=axis, keepdims=True)
                if axis == 0:
                    out[rows] = terms.T
        return out

    def _softmax(self, x: Vector, out: Vector) -> None:
        np = self.np
        top, sums = np.maximum.reduce(x), []
        for block, terms in _blocks_of_two(x, out):
            np.subtract(block, top, out=terms)
            sums.append(float(np.add.reduce(np.exp(terms, out=terms))))
        out *= 1 / math.fsum(sums)

    def log_softmax_rows(self, x: Matrix) -> Matrix:
        np = self.np
        out = np.empty_like(x)
        with np.errstate(over="ignore", invalid="ignore"):
            if x.nbytes // len(x) > CACHE:
                for row, result in zip(x, out, strict=True):
                    self._log_softmax(row, result)
                return out
            for rows in _row_blocks(x):
                d, top, axis = self._below_maximum(x[rows], out[rows])
                d -= self._log_sums(np.exp(d), top, axis)
                if axis == 0:
                    out[rows] = d.T
        return out

    def _log_softmax(self, x: Vector, out: Vector) -> None:
        np = self.np
        top, sums = np.maximum.reduce(x), []
        for block in _blocks(x, CACHE // 4 // x.itemsize):
            sums.append(float(np.add.reduce(np.exp(block - top))))
        log_sum = 0.0
        if math.isfinite(top):
            total = math.fsum(sums)
            log_sum = math.log(total) if total >= 1.5 else self._log_sum_exp(x, float(top))
        for block, d in _blocks_of_two(x, out):
            np.subtract(block, top, out=d)
            d -= log_sum

    def _below_maximum(self, x: Matrix, out: Matrix | None = None) -> tuple[Matrix, Matrix, int]:
        """Return (x - maximum of each row, the maxima, the axis along a row).

        The first is `out` where that is given and the axis is 1.
        """
        np = self.np
        axis = 1
        if x.shape[1] <= NARROW:
            axis, x = 0, x.T.copy()
            out = x
        top = np.maximum.reduce(x, axis=axis, keepdims=True)
        return np.subtract(x, top, out=out), top, axis

    def _log_sums(self, terms: Matrix, top: Matrix, axis: int) -> Matrix:
        """Return log(sum(terms)) of each row, precise close to 0; 0 where `top` is not finite."""
        np = self.np
        total = np.add.reduce(terms, axis=axis, keepdims=True)
        result = np.log(total)
        if np.minimum.reduce(total, axis=None) >= 1.5:  # and nothing is nan
            return result
        (close,) = np.nonzero(total.reshape(-1) < 1.5)
        if close.size:  # one term is 1
            few = terms.take(close, axis=1 - axis)
            result.reshape(-1)[close] = np.log1p(np.add.reduce(few, axis=axis, where=few < 1.0))
        result[~np.isfinite(top)] = 0.0
        return result


def _blocks(x: Vector, size: int) -> Iterator[Vector]:
    return (x[start : start + size] for start in range(0, x.size, size))


def _blocks_of_two(x: Vector, y: Vector) -> Iterator[tuple[Vector, Vector]]:
    size = CACHE // 4 // x.itemsize
    return zip(_blocks(x, size), _blocks(y, size), strict=True)


def _row_blocks(x: Matrix) -> Iterator[slice]:
    # A call for some rows costs more than one for a vector: as much as the cache holds.
    step = max(1, CACHE // (x.shape[1] * x.itemsize))
    return (slice(start, start + step) for start in range(0, len(x), step))
