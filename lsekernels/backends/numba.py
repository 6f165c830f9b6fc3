"""Numba in nopython mode: the NumPy form, compiled to machine code.

Source: that of the NumPy form; of LU, the outer products of G. H. Golub and C. F. Van Loan,
"Matrix computations".
"""

import math

from ..backend import Backend, Call, Vector
from . import python
from ._known_failures import LOSES_TINY_TERMS, WITHOUT_INTERCHANGES


class Numba(Backend):
    title = "Numba"
    featured = True
    requires = ("numba",)
    distribution = "numba"
    extra = ("numba>=0.59",)
    thread_variables = ("NUMBA_NUM_THREADS",)
    temporaries = True
    compiled = "jit"
    cache = "NUMBA_CACHE_DIR"
    max_error = {
        "logsumexp": 8.0,
        "logsumexp_rows": 8.0,
        "softmax_rows": 8.0,
        "log_softmax_rows": 8.0,
        "uniform": 7.0,
        "lu": 1.0,
        "power8": 16.0,
        "stdev_variance": 256.0,
        "moving_average": 4.0,
    }
    known_failures = LOSES_TINY_TERMS | WITHOUT_INTERCHANGES

    logsumexp: Call
    logsumexp_rows: Call
    softmax_rows: Call
    log_softmax_rows: Call
    uniform_legacy: Call
    lu: Call
    power8_power: Call
    power8_operator: Call
    power8_multiply: Call
    power8_squarings: Call
    stdev_variance: Call
    moving_average: Call
    lu_unpivoted: Call

    def load(self) -> None:
        import numba
        import numpy as np

        from ._numba_cache import CACHE

        @numba.njit
        def logsumexp(x):  # type: ignore[no-untyped-def]
            m = np.max(x)
            if not np.isfinite(m):
                return m
            # Numba adds one by one, not in pairs: float32 sums would stop growing.
            return m + np.log(np.sum(np.exp(x - m), dtype=np.float64))

        @numba.njit(cache=CACHE)
        def logsumexp_rows(x):  # type: ignore[no-untyped-def]
            out = np.empty(x.shape[0], x.dtype)
            for i in range(x.shape[0]):
                out[i] = logsumexp(x[i])
            return out

        @numba.njit(cache=CACHE)
        def softmax_rows(x):  # type: ignore[no-untyped-def]
            out = np.empty_like(x)
            for i in range(x.shape[0]):
                e = np.exp(x[i] - np.max(x[i]))
                out[i] = e / np.sum(e, dtype=np.float64)
            return out

        @numba.njit(cache=CACHE)
        def log_softmax_rows(x):  # type: ignore[no-untyped-def]
            out = np.empty_like(x)
            for i in range(x.shape[0]):
                m = np.max(x[i])
                d = x[i] - m if np.isfinite(m) else x[i]
                out[i] = d - np.log(np.sum(np.exp(d), dtype=np.float64))
            return out

        @numba.njit(cache=CACHE)
        def uniform_legacy(n):  # type: ignore[no-untyped-def]
            out = np.empty(n)
            for i in range(n):
                out[i] = np.random.random()  # Numba's own state, seeded by the operating system
            return out

        @numba.njit(cache=CACHE)
        def draw(generator, n):  # type: ignore[no-untyped-def]
            out = np.empty(n)
            for i in range(n):
                out[i] = generator.random()
            return out

        @numba.njit
        def eliminate(lu, k):  # type: ignore[no-untyped-def]
            if lu[k, k] == 0:  # with pivoting, all below is 0 as well
                return
            for i in range(k + 1, len(lu)):
                factor = lu[i, k] / lu[k, k]
                lu[i, k] = factor
                for j in range(k + 1, len(lu)):
                    lu[i, j] -= factor * lu[k, j]

        @numba.njit(cache=CACHE)
        def lu(a):  # type: ignore[no-untyped-def]
            lu, pivots = a.copy(), np.empty(len(a), np.int64)
            for k in range(len(a)):
                p = k
                for i in range(k + 1, len(a)):
                    if abs(lu[i, k]) > abs(lu[p, k]):
                        p = i
                pivots[k] = p
                if p != k:
                    for j in range(len(a)):
                        lu[k, j], lu[p, j] = lu[p, j], lu[k, j]
                eliminate(lu, k)
            return lu, pivots

        @numba.njit(cache=CACHE)
        def lu_unpivoted(a):  # type: ignore[no-untyped-def]
            lu = a.copy()
            for k in range(len(a)):
                eliminate(lu, k)
            return lu

        @numba.njit(cache=CACHE)
        def moving_average(x, w):  # type: ignore[no-untyped-def]
            n = x.shape[-1] - len(w) + 1
            out = np.empty(x.shape[:-1] + (n,), x.dtype)  # noqa: RUF005  # Numba knows no *
            rows = np.ascontiguousarray(x).reshape(-1, x.shape[-1])
            averages = out.reshape(-1, n)
            total = np.sum(w)
            for row in range(len(rows)):
                for i in range(n):
                    s = 0.0
                    for j in range(len(w)):
                        s += w[j] * rows[row, i + j]
                    averages[row, i] = s / total
            return out

        @numba.njit(cache=CACHE)
        def power8_power(x):  # type: ignore[no-untyped-def]
            out = np.empty_like(x)
            for i in range(x.size):
                out[i] = math.pow(x[i], 8.0)
            return out

        @numba.njit(cache=CACHE)
        def power8_operator(x):  # type: ignore[no-untyped-def]
            return x**8

        @numba.njit(cache=CACHE)
        def power8_multiply(x):  # type: ignore[no-untyped-def]
            return x * x * x * x * x * x * x * x

        @numba.njit(cache=CACHE)
        def power8_squarings(x):  # type: ignore[no-untyped-def]
            out = np.empty_like(x)
            for i in range(x.size):
                y = x[i] * x[i]
                y *= y
                out[i] = y * y
            return out

        variance = numba.njit(python.variance)

        @numba.njit
        def stdev_variance(x):  # type: ignore[no-untyped-def]
            return math.sqrt(variance(x))

        self.power8_power, self.power8_operator = power8_power, power8_operator
        self.power8_multiply, self.power8_squarings = power8_multiply, power8_squarings
        self.stdev_variance = stdev_variance
        self.moving_average = moving_average
        self.logsumexp = numba.njit(cache=CACHE)(logsumexp.py_func)
        self.logsumexp_rows = logsumexp_rows
        self.softmax_rows = softmax_rows
        self.log_softmax_rows = log_softmax_rows
        self.uniform_legacy = uniform_legacy
        self.lu, self.lu_unpivoted = lu, lu_unpivoted
        self.draw, self.generator = draw, np.random.default_rng(0)

    def uniform_generator(self, n: int) -> Vector:
        return self.draw(self.generator, n)
