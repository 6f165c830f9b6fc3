"""NumPy in blocks that stay in the cache: the data are read once, and nothing large is made.

NumPy vectorizes exp in float64 on few machines only, so long arrays take it from a table: with
x - c = j / STEPS + f and u = 1 + f, exp(x - c) is table[j] * (u**3 + 3 * u + 2) / 6, to 2e-16.

Source: of the running maximum: M. Milakov and N. Gimelshein, "Online normalizer calculation for
softmax", arXiv:1805.02867 (2018); of the table: P. T. P. Tang, "Table-driven implementation of
the exponential function in IEEE floating-point arithmetic", ACM Trans. Math. Softw. 15 (1989).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from ..backend import Backend, Matrix, Scalar, Vector

BLOCK = 32_768  # elements
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
        self.table = numpy.exp(numpy.arange(-REACH * STEPS, 1) / STEPS)
        self.table[0] = 0.0  # and what lies below

    # -- one vector -----------------------------------------------------------------------------

    def logsumexp(self, x: Vector) -> Scalar:
        np = self.np
        scratch = np.empty((3, min(x.size, BLOCK)), x.dtype)
        top = c = -math.inf  # the maximum so far, and what is subtracted: nearly the same
        sums = [0.0]
        with np.errstate(over="ignore", invalid="ignore"):
            for block in _blocks(x):
                m = float(np.maximum.reduce(block))
                if not m < math.inf:
                    return np.maximum.reduce(x)  # nan if there is one anywhere
                if m > top:
                    new = (m + MAGIC) - MAGIC if x.dtype == np.float64 else m
                    sums = [math.fsum(sums) * math.exp(c - new)]
                    top, c = m, new
                if m > -math.inf:
                    sums.append(self._sum_exp(block, c, scratch[:, : block.size]))
            if top == -math.inf:
                return top
            result = c + math.log(math.fsum(sums))
            if abs(result) >= 1.0 or top < -1.0:
                return result
            # Where digits cancelled, the largest terms are kept apart.
            return top + self._log_sum_exp(x, top)

    def _sum_exp(self, block: Vector, c: float, scratch: Vector) -> float:
        """Return sum(exp(block - c)); no element is above c by more than half a step."""
        np = self.np
        if block.size < FEW or block.dtype != np.float64 or abs(c) > FAR:
            terms = np.subtract(block, c, out=scratch[0])
            return float(np.add.reduce(np.exp(terms, out=terms)))
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
            return self._sum_exp(np.maximum(block, c - REACH), c, scratch)
        return total

    def _log_sum_exp(self, x: Vector, top: float) -> float:
        """Return log(sum(exp(x - top))), precise close to 0."""
        np = self.np
        ties, rest = 0, [0.0]
        for block in _blocks(x):
            d = np.subtract(block, top, dtype=np.float64)
            below = d < 0.0
            ties += block.size - np.count_nonzero(below)
            rest.append(float(np.add.reduce(np.exp(d), where=below)))
        more = math.fsum(rest)
        return math.log(ties + more) if ties + more > 1.5 else math.log1p(more)

    # -- rows -----------------------------------------------------------------------------------

    def logsumexp_rows(self, x: Matrix) -> Vector:
        np = self.np
        if x.shape[1] >= FEW:
            return np.array([self.logsumexp(row) for row in x], x.dtype)
        out = np.empty((len(x), 1), x.dtype)
        with np.errstate(over="ignore", invalid="ignore"):
            for rows in _row_blocks(x):
                top = x[rows].max(axis=1, keepdims=True)
                out[rows] = top + self._log_sums(x[rows] - top, top)
        return out[:, 0]

    def softmax_rows(self, x: Matrix) -> Matrix:
        np = self.np
        out = np.empty_like(x)
        with np.errstate(over="ignore", invalid="ignore"):
            for rows in _row_blocks(x):
                terms = np.subtract(x[rows], x[rows].max(axis=1, keepdims=True), out=out[rows])
                np.exp(terms, out=terms)
                terms /= terms.sum(axis=1, keepdims=True)
        return out

    def log_softmax_rows(self, x: Matrix) -> Matrix:
        np = self.np
        out = np.empty_like(x)
        with np.errstate(over="ignore", invalid="ignore"):
            for rows in _row_blocks(x):
                top = x[rows].max(axis=1, keepdims=True)
                d = np.subtract(x[rows], top, out=out[rows])
                d -= self._log_sums(d, top)
        return out

    def _log_sums(self, d: Matrix, top: Matrix) -> Matrix:
        """Return log(sum(exp(d))) of each row, precise close to 0; 0 where `top` is not finite."""
        np = self.np
        terms = np.exp(d)
        total = terms.sum(axis=1, keepdims=True)
        result = np.log(total)
        (close,) = np.nonzero(total[:, 0] < 1.5)
        if close.size:
            rest = np.sum(terms[close], axis=1, keepdims=True, where=d[close] < 0.0)
            result[close] = np.log1p(rest)
        result[~np.isfinite(top)] = 0.0
        return result


def _blocks(x: Vector) -> Iterator[Vector]:
    return (x[start : start + BLOCK] for start in range(0, x.size, BLOCK))


def _row_blocks(x: Matrix) -> Iterator[slice]:
    step = max(1, BLOCK // x.shape[1])
    return (slice(start, start + step) for start in range(0, len(x), step))
