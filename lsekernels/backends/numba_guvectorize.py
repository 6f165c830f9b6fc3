"""Numba's guvectorize: a function of vectors, generalised over all other axes.

Source: that of the NumPy form.
"""

from typing import Any

from ..backend import Array, Backend, Call, Vector
from ._known_failures import LOSES_TINY_TERMS


class NumbaGUVectorize(Backend):
    title = "Numba (guvectorize)"
    requires = ("numba",)
    distribution = "numba"
    compiled = "jit"
    cache = "NUMBA_CACHE_DIR"
    max_error = {
        "logsumexp": 8.0,
        "logsumexp_rows": 8.0,
        "softmax_rows": 8.0,
        "log_softmax_rows": 8.0,
        "moving_average": 4.0,
    }
    known_failures = LOSES_TINY_TERMS

    logsumexp: Call
    logsumexp_rows: Call
    softmax_rows: Call
    log_softmax_rows: Call

    def load(self) -> None:
        import numba
        import numpy as np

        from ._numba_cache import alone

        self.np = np
        with alone():  # with signatures they are compiled where they are defined
            self._compile(numba, np)

    def _compile(self, numba: Any, np: Any) -> None:
        from ._numba_cache import CACHE

        def gufunc(layout: str) -> Any:
            """Return the decorator for both dtypes: without signatures, a result must be given."""
            inputs, output = layout.split("->")
            vectors = len(inputs.split("),(")) + 1
            types = [f"void({', '.join([f'{t}[:]'] * vectors)})" for t in self.dtypes]
            return numba.guvectorize(types, f"{inputs}->{output}", cache=CACHE)

        @numba.njit
        def finite_maximum(x):  # type: ignore[no-untyped-def]
            m = -np.inf
            for v in x:
                m = max(m, v)
            return m if np.isfinite(m) else 0.0

        @numba.njit
        def sum_exp(x, m):  # type: ignore[no-untyped-def]
            s = 0.0  # in float64, or sums of float32 would stop growing
            for v in x:
                s += np.exp(v - m)
            return s

        @gufunc("(n)->()")
        def logsumexp(x, out):  # type: ignore[no-untyped-def]
            m = finite_maximum(x)
            s = sum_exp(x, m)
            out[0] = m + np.log(s) if s else -np.inf  # log(0) would set a flag, and NumPy warn

        @gufunc("(n)->(n)")
        def softmax(x, out):  # type: ignore[no-untyped-def]
            m = np.max(x)
            s = 0.0
            for i in range(x.size):
                out[i] = np.exp(x[i] - m)
                s += out[i]
            for i in range(x.size):
                out[i] /= s

        @gufunc("(n)->(n)")
        def log_softmax(x, out):  # type: ignore[no-untyped-def]
            m = finite_maximum(x)
            log = np.log(sum_exp(x, m))
            for i in range(x.size):
                out[i] = x[i] - m - log

        # The length of the result is no function of the others: its array must be given.
        @gufunc("(n),(k),(m)->(m)")
        def moving_average(x, w, like, out):  # type: ignore[no-untyped-def]
            total = 0.0
            for j in range(w.size):
                total += w[j]
            for i in range(out.size):
                s = 0.0
                for j in range(w.size):
                    s += w[j] * x[i + j]
                out[i] = s / total

        self.logsumexp = self.logsumexp_rows = logsumexp
        self.softmax_rows, self.log_softmax_rows = softmax, log_softmax
        self.average = moving_average

    def moving_average(self, x: Array, w: Vector) -> Array:
        out = self.np.empty((*x.shape[:-1], x.shape[-1] - w.size + 1), x.dtype)
        return self.average(x, w, out, out)
