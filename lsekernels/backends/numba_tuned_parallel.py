"""numba_tuned on all threads allowed, from a million elements on."""

from .numba_tuned import NumbaTuned


class NumbaTunedParallel(NumbaTuned):
    title = "Numba (tuned, parallel)"
    parallel = True

    def load(self) -> None:
        from . import _numba_tuned as tuned

        self.logsumexp = tuned.logsumexp_parallel
        self.logsumexp_rows = tuned.logsumexp_rows_parallel
        self.softmax_rows = tuned.softmax_rows_parallel
        self.log_softmax_rows = tuned.log_softmax_rows_parallel
