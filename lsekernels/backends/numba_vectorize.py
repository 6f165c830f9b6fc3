"""Numba's vectorize: a function of numbers made a ufunc, compiled for a dtype when it meets it.

Source: that of the NumPy form.
"""

import math
from collections.abc import Callable
from typing import Any, ClassVar

from ..backend import Backend, Matrix, Scalar, Vector
from ._known_failures import LOSES_TINY_TERMS


def _exp_difference(x: float, m: float) -> float:
    return math.exp(x - m)


def _log10(x: float) -> float:
    return math.log10(x)


def _hypot(x: float, y: float) -> float:
    return math.hypot(x, y)  # without the overflow of sqrt(x * x + y * y)


class NumbaVectorize(Backend):
    title = "Numba (vectorize)"
    requires = ("numba",)
    distribution = "numba"
    temporaries = True
    compiled = "jit"
    cache = "NUMBA_CACHE_DIR"
    max_error = {"logsumexp": 4.0, "logsumexp_rows": 4.0, "log10": 2.0, "hypot": 1.0}
    known_failures = LOSES_TINY_TERMS

    target: ClassVar[str] = "cpu"
    signatures: ClassVar[tuple[str, ...]] = ()
    """The number types it is compiled for at once, when it is loaded; none: at the first call."""

    def load(self) -> None:
        import numba
        import numpy

        from ._numba_cache import CACHE

        self.np = numpy

        options = {} if self.target == "cpu" else {"target": self.target}

        def ufunc(function: Callable[..., float], arguments: int) -> dict[Any, Any]:
            # One for each dtype: a ufunc that has met float64 would take float32 for it from then
            # on, instead of compiling once more.
            found = {}
            for dtype in self.dtypes:
                types = [f"{dtype}({', '.join([dtype] * arguments)})"] * (dtype in self.signatures)
                found[numpy.dtype(dtype)] = numba.vectorize(types, cache=CACHE, **options)(function)
            return found

        self.exp_difference = ufunc(_exp_difference, 2)
        self.ufunc_log10, self.ufunc_hypot = ufunc(_log10, 1), ufunc(_hypot, 2)

    def logsumexp(self, x: Vector) -> Scalar:
        m = x.max()
        if not self.np.isfinite(m):
            return m
        return m + self.np.log(self.exp_difference[x.dtype](x, m).sum())

    def logsumexp_rows(self, x: Matrix) -> Vector:
        m = x.max(axis=1, keepdims=True)
        m = self.np.where(self.np.isfinite(m), m, self.np.zeros_like(m))
        with self.np.errstate(divide="ignore"):
            return m[:, 0] + self.np.log(self.exp_difference[x.dtype](x, m).sum(axis=1))

    def log10(self, x: Vector) -> Vector:
        return self.ufunc_log10[x.dtype](x)

    def hypot(self, x: Vector, y: Vector) -> Vector:
        return self.ufunc_hypot[x.dtype](x, y)
