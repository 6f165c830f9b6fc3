"""Numba with an exp of its own, in plain loops that LLVM turns into vector code; one pass."""

from typing import Any

from ..backend import Backend, Call, Matrix


class NumbaTuned(Backend):
    title = "Numba (tuned)"
    ours = True
    featured = True
    requires = ("numba",)
    distribution = "numba"
    compiled = "jit"
    cache = "NUMBA_CACHE_DIR"
    max_error = {
        "logsumexp": 4.0,
        "logsumexp_rows": 4.0,
        "softmax_rows": 16.0,
        "log_softmax_rows": 4.0,
        "lu": 1.0,
    }

    logsumexp: Call
    logsumexp_rows: Call
    lu: Call

    def load(self) -> None:
        import numba
        import numpy

        from . import _numba_tuned as tuned
        from . import _numba_tuned_lu as tuned_lu
        from ._numba_cache import CACHE

        def cached(function: Any) -> Any:
            return numba.njit(cache=CACHE)(function.py_func)

        self.empty_like = numpy.empty_like
        self.logsumexp = cached(tuned.logsumexp)
        self.logsumexp_rows = cached(tuned.logsumexp_rows)
        self.lu = cached(tuned_lu.lu)
        self.store_softmax = cached(tuned.softmax_rows)
        self.store_log_softmax = cached(tuned.log_softmax_rows)

    # NumPy asks for huge pages, Numba does not: filling a large new array takes half the time.

    def softmax_rows(self, x: Matrix) -> Matrix:
        out = self.empty_like(x)
        self.store_softmax(x, out)
        return out

    def log_softmax_rows(self, x: Matrix) -> Matrix:
        out = self.empty_like(x)
        self.store_log_softmax(x, out)
        return out
