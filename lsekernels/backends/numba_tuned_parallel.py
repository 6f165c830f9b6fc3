"""numba_tuned on all threads allowed, from a million elements on; a matrix, from 768 rows on."""

from .numba_tuned import NumbaTuned


class NumbaTunedParallel(NumbaTuned):
    title = "Numba (tuned, parallel)"
    parallel = True
    forks = False

    def load(self) -> None:
        super().load()
        from . import _numba_tuned as tuned
        from . import _numba_tuned_lu as tuned_lu

        self.logsumexp = tuned.logsumexp_parallel
        self.logsumexp_rows = tuned.logsumexp_rows_parallel
        self.lu = tuned_lu.lu_parallel
        self.store_softmax = tuned.softmax_rows_parallel
        self.store_log_softmax = tuned.log_softmax_rows_parallel
