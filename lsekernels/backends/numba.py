"""Numba in nopython mode: the NumPy form, compiled to machine code."""

from ..backend import Backend, Call
from .numpy import LOSES_TINY_TERMS


class Numba(Backend):
    title = "Numba"
    requires = ("numba",)
    distribution = "numba"
    compiled = "jit"
    cache = "NUMBA_CACHE_DIR"
    max_error = {"logsumexp": 8.0}
    known_failures = LOSES_TINY_TERMS

    logsumexp: Call

    def load(self) -> None:
        import numba
        import numpy as np

        @numba.njit(cache=True)
        def logsumexp(x):  # type: ignore[no-untyped-def]
            m = np.max(x)
            if not np.isfinite(m):
                return m
            # Numba adds one by one, not in pairs: float32 sums would stop growing.
            return m + np.log(np.sum(np.exp(x - m), dtype=np.float64))

        self.logsumexp = logsumexp
