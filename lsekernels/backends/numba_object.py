"""Numba in object mode: the NumPy form, compiled to calls of the interpreter.

Source: that of the NumPy form.
"""

import math

from ..backend import Backend, Call
from . import python
from ._known_failures import LOSES_TINY_TERMS


class NumbaObject(Backend):
    title = "Numba (object mode)"
    featured = True
    requires = ("numba",)
    distribution = "numba"
    temporaries = True
    compiled = "jit"
    cache = "NUMBA_CACHE_DIR"
    max_error = {"logsumexp": 4.0, "stdev_variance": 256.0}
    known_failures = LOSES_TINY_TERMS

    logsumexp: Call
    stdev_variance: Call
    stdev_variance_objmode: Call

    def load(self) -> None:
        import numba
        import numpy as np

        from ._numba_cache import CACHE

        @numba.jit(forceobj=True, cache=CACHE)
        def logsumexp(x):  # type: ignore[no-untyped-def]
            m = np.max(x)
            if not np.isfinite(m):
                return m
            return m + np.log(np.sum(np.exp(x - m)))

        self.logsumexp = logsumexp

        variance = python.variance  # not jitted: the decorator was forgotten

        @numba.jit(forceobj=True, cache=CACHE)
        def stdev_variance(x):  # type: ignore[no-untyped-def]
            return math.sqrt(variance(x))

        @numba.njit
        def stdev_variance_objmode(x):  # type: ignore[no-untyped-def]
            with numba.objmode(v="float64"):
                v = variance(x)
            return math.sqrt(v)

        self.stdev_variance = stdev_variance
        self.stdev_variance_objmode = stdev_variance_objmode
