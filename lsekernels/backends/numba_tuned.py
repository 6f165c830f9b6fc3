"""Numba with its own exp in plain loops, which LLVM turns into vector code; one pass."""

from ..backend import Backend, Call


class NumbaTuned(Backend):
    title = "Numba (tuned)"
    requires = ("numba",)
    distribution = "numba"
    compiled = "jit"
    cache = "NUMBA_CACHE_DIR"
    max_error = {
        "logsumexp": 4.0,
        "logsumexp_rows": 4.0,
        "softmax_rows": 4.0,
        "log_softmax_rows": 4.0,
    }

    logsumexp: Call
    logsumexp_rows: Call
    softmax_rows: Call
    log_softmax_rows: Call

    def load(self) -> None:
        from . import _numba_tuned as tuned

        self.logsumexp = tuned.logsumexp
        self.logsumexp_rows = tuned.logsumexp_rows
        self.softmax_rows = tuned.softmax_rows
        self.log_softmax_rows = tuned.log_softmax_rows
