"""SciPy (scipy.special, scipy.linalg): what most people call today."""

from ..backend import Array, Backend, Call, Factors, Matrix, Vector


class SciPy(Backend):
    title = "SciPy"
    featured = True
    requires = ("scipy",)
    distribution = "scipy"
    extra = ("scipy>=1.11",)
    temporaries = True
    max_error = {
        "logsumexp": 4.0,
        "logsumexp_rows": 4.0,
        "softmax_rows": 4.0,
        "log_softmax_rows": 4.0,
        "lu": 1.0,
        "moving_average": 4.0,
    }

    logsumexp: Call
    lu: Call

    def load(self) -> None:
        import numpy
        from scipy import linalg, special

        self.special = special
        self.errstate = numpy.errstate
        self.logsumexp = special.logsumexp
        self.lu = linalg.lu_factor
        self.getrf = {4: linalg.lapack.sgetrf, 8: linalg.lapack.dgetrf}

    def logsumexp_rows(self, x: Matrix) -> Vector:
        return self.special.logsumexp(x, axis=1)

    def softmax_rows(self, x: Matrix) -> Matrix:
        with self.errstate(invalid="ignore"):
            return self.special.softmax(x, axis=1)

    def log_softmax_rows(self, x: Matrix) -> Matrix:
        with self.errstate(invalid="ignore"):
            return self.special.log_softmax(x, axis=1)

    def lu_getrf(self, a: Matrix) -> Factors:
        # The call transposes a copy, as that of lu_factor does: LAPACK wants columns.
        lu, pivots, _ = self.getrf[a.itemsize](a)
        return lu, pivots

    def moving_average(self, x: Array, w: Vector) -> Array:
        # Its result is as long as x: what has no whole window is cut off.
        from scipy.ndimage import correlate1d  # not with the others: it would slow their import

        full = correlate1d(x, w, axis=-1, mode="constant")
        before = len(w) // 2
        return full[..., before : before + x.shape[-1] - len(w) + 1] / w.sum()
