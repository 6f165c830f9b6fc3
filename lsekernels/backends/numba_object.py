"""Numba in object mode: the NumPy form, compiled to calls of the interpreter."""

from ..backend import Backend, Call
from .numpy import LOSES_TINY_TERMS


class NumbaObject(Backend):
    title = "Numba (object mode)"
    requires = ("numba",)
    distribution = "numba"
    compiled = "jit"
    cache = "NUMBA_CACHE_DIR"
    max_error = {"logsumexp": 4.0}
    known_failures = LOSES_TINY_TERMS

    logsumexp: Call

    def load(self) -> None:
        import numba
        import numpy as np

        @numba.jit(forceobj=True, cache=True)
        def logsumexp(x):  # type: ignore[no-untyped-def]
            m = np.max(x)
            if not np.isfinite(m):
                return m
            return m + np.log(np.sum(np.exp(x - m)))

        self.logsumexp = logsumexp
