"""Numba in nopython mode with parallel=True: the loops run on all threads allowed.

Source: that of the NumPy form.
"""

from ..backend import Backend, Call
from ._known_failures import LOSES_TINY_TERMS


class NumbaParallel(Backend):
    title = "Numba (parallel)"
    requires = ("numba",)
    distribution = "numba"
    compiled = "jit"
    cache = "NUMBA_CACHE_DIR"
    parallel = True
    forks = False
    max_error = {"logsumexp": 8.0, "uniform": 7.0}
    known_failures = LOSES_TINY_TERMS

    logsumexp: Call
    uniform_legacy: Call

    def load(self) -> None:
        import numba
        import numpy as np

        from ._numba_cache import CACHE

        @numba.njit(parallel=True, cache=CACHE)
        def logsumexp(x):  # type: ignore[no-untyped-def]
            m = x[0]
            for i in numba.prange(x.size):
                m = max(m, x[i])
            if np.isinf(m):
                return np.nan if np.any(np.isnan(x)) else np.float64(m)
            s = 0.0
            for i in numba.prange(x.size):
                s += np.exp(x[i] - m)
            return m + np.log(s)

        @numba.njit(parallel=True, cache=CACHE)
        def uniform_legacy(n):  # type: ignore[no-untyped-def]
            out = np.empty(n)
            for i in numba.prange(n):
                out[i] = np.random.random()  # a state for each thread
            return out

        self.logsumexp = logsumexp
        self.uniform_legacy = uniform_legacy
