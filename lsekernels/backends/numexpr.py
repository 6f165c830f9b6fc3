"""NumExpr: array expressions as text, evaluated block by block and by several threads.

Source: that of the NumPy form.
"""

from ..backend import Backend, Matrix, Scalar, Vector
from ._known_failures import LOSES_TINY_TERMS


class NumExpr(Backend):
    title = "NumExpr"
    tier = "all"
    requires = ("numexpr",)
    distribution = "numexpr"
    extra = ("numexpr>=2.10",)
    thread_variables = ("NUMEXPR_NUM_THREADS", "NUMEXPR_MAX_THREADS")  # it refuses more
    temporaries = True
    parallel = True
    max_error = {
        "logsumexp": 8.0,
        "logsumexp_rows": 8.0,
        "softmax_rows": 8.0,
        "log_softmax_rows": 8.0,
        "log10": 2.0,
        "power8": 16.0,
    }
    known_failures = LOSES_TINY_TERMS

    def load(self) -> None:
        import numexpr
        import numpy

        self.np, self.evaluate = numpy, numexpr.evaluate

    # Its own max ignores nan, and its own sum uses one thread and adds one number after the other:
    # both are NumPy's here.

    def logsumexp(self, x: Vector) -> Scalar:
        m = x.max()
        if not self.np.isfinite(m):
            return m
        return m + self.np.log(self.evaluate("exp(x - m)", {"x": x, "m": m}).sum())

    def logsumexp_rows(self, x: Matrix) -> Vector:
        m = self._finite_maximum(x)
        e = self.evaluate("exp(x - m)", {"x": x, "m": m})
        with self.np.errstate(divide="ignore"):
            return m[:, 0] + self.np.log(e.sum(axis=1))

    def softmax_rows(self, x: Matrix) -> Matrix:
        m = x.max(axis=1, keepdims=True)
        e = self.evaluate("exp(x - m)", {"x": x, "m": m})
        s = e.sum(axis=1, keepdims=True)
        return self.evaluate("e / s", {"e": e, "s": s})

    def log_softmax_rows(self, x: Matrix) -> Matrix:
        m = self._finite_maximum(x)
        e = self.evaluate("exp(x - m)", {"x": x, "m": m})
        s = e.sum(axis=1, keepdims=True)
        return self.evaluate("x - m - log(s)", {"x": x, "m": m, "s": s})

    def _finite_maximum(self, x: Matrix) -> Matrix:
        """Return the maxima as a column, 0 where one is infinite or nan: inf - inf is nan."""
        m = x.max(axis=1, keepdims=True)
        return self.np.where(self.np.isfinite(m), m, self.np.zeros_like(m))

    def log10(self, x: Vector) -> Vector:
        return self.evaluate("log10(x)", {"x": x})

    def power8_operator(self, x: Vector) -> Vector:
        return self.evaluate("x**8", {"x": x})
