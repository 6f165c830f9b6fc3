"""NumPy: the maximum, exp of the difference, log of the sum, each an array operation.

Source: of the shifted formula and its error: P. Blanchard, D. J. Higham and N. J. Higham,
"Accurately computing the log-sum-exp and softmax functions", IMA J. Numer. Anal. 41 (2021).
"""

from functools import cached_property
from typing import Any

from ..backend import Array, Backend, Factors, Matrix, Scalar, Vector
from ._known_failures import LOSES_TINY_TERMS, WITHOUT_INTERCHANGES


class NumPy(Backend):
    title = "NumPy"
    featured = True
    requires = ("numpy",)
    distribution = "numpy"
    temporaries = True
    preference = 1
    max_error = {
        "logsumexp": 4.0,
        "logsumexp_rows": 4.0,
        "softmax_rows": 4.0,
        "log_softmax_rows": 4.0,
        "uniform": 7.0,
        "lu": 1.0,
        "log10": 2.0,
        "hypot": 1.0,
        "moving_average": 4.0,
        "power8": 16.0,
        "stdev_variance": 8.0,
    }
    known_failures = LOSES_TINY_TERMS | WITHOUT_INTERCHANGES

    def load(self) -> None:
        import numpy

        self.np = numpy

    def logsumexp(self, x: Vector) -> Scalar:
        np = self.np
        m = np.max(x)
        if not np.isfinite(m):
            return m
        return m + np.log(np.sum(np.exp(x - m)))

    def logsumexp_rows(self, x: Matrix) -> Vector:
        np = self.np
        m = self._finite_maximum(x)
        with np.errstate(divide="ignore"):
            return m[:, 0] + np.log(np.sum(np.exp(x - m), axis=1))

    def softmax_rows(self, x: Matrix) -> Matrix:
        np = self.np
        with np.errstate(invalid="ignore"):
            e = np.exp(x - np.max(x, axis=1, keepdims=True))
            return e / np.sum(e, axis=1, keepdims=True)

    def log_softmax_rows(self, x: Matrix) -> Matrix:
        np = self.np
        d = x - self._finite_maximum(x)
        with np.errstate(divide="ignore", invalid="ignore"):
            return d - np.log(np.sum(np.exp(d), axis=1, keepdims=True))

    def _finite_maximum(self, x: Matrix) -> Matrix:
        """Return the maxima as a column, 0 where one is infinite or nan: inf - inf is nan."""
        m = self.np.max(x, axis=1, keepdims=True)
        return self.np.where(self.np.isfinite(m), m, 0)

    @cached_property
    def random_state(self) -> Any:
        return self.np.random.RandomState(0)

    @cached_property
    def generator(self) -> Any:
        return self.np.random.default_rng(0)

    def uniform_legacy(self, n: int) -> Vector:
        return self.random_state.uniform(size=n)

    def uniform_generator(self, n: int) -> Vector:
        return self.generator.random(n)

    def lu(self, a: Matrix) -> Factors:
        np = self.np
        lu, pivots = a.copy(), np.arange(len(a))
        for k in range(len(a)):
            p = k + np.argmax(np.abs(lu[k:, k]))
            if p != k:
                lu[[k, p]] = lu[[p, k]]
                pivots[k] = p
            self._eliminate(lu, k)
        return lu, pivots

    def lu_unpivoted(self, a: Matrix) -> Matrix:
        lu = a.copy()
        for k in range(len(a)):
            self._eliminate(lu, k)
        return lu

    def _eliminate(self, lu: Any, k: int) -> None:
        if lu[k, k] != 0:  # with pivoting, all below is 0 as well
            lu[k + 1 :, k] /= lu[k, k]
            lu[k + 1 :, k + 1 :] -= self.np.outer(lu[k + 1 :, k], lu[k, k + 1 :])

    def log10(self, x: Vector) -> Vector:
        return self.np.log10(x)

    def hypot(self, x: Vector, y: Vector) -> Vector:
        return self.np.hypot(x, y)

    def moving_average(self, x: Array, w: Vector) -> Array:
        windows = self.np.lib.stride_tricks.sliding_window_view(x, len(w), axis=-1)
        return windows @ w / w.sum()

    def moving_average_shifted(self, x: Array, w: Vector) -> Array:
        n = x.shape[-1] - len(w) + 1
        out = w[0] * x[..., :n]
        for j in range(1, len(w)):
            out += w[j] * x[..., j : j + n]
        out /= w.sum()
        return out

    def power8_power(self, x: Vector) -> Vector:
        return self.np.power(x, 8)

    def power8_operator(self, x: Vector) -> Vector:
        return x**8

    def power8_multiply(self, x: Vector) -> Vector:
        return x * x * x * x * x * x * x * x

    def power8_squarings(self, x: Vector) -> Vector:
        return ((x**2) ** 2) ** 2

    def power8_in_place(self, x: Vector) -> Vector:
        y = x * x
        y *= y
        y *= y
        return y

    def stdev_variance(self, x: Vector) -> Scalar:
        return x.std()
