"""Numba's vectorize for an NVIDIA GPU: a function of numbers, and a reduction of such functions.

Source: that of the NumPy form.
"""

import math
from collections.abc import Callable
from typing import Any

from ..backend import Call, DeviceArray, HostResult, Scalar, Unavailable, Vector
from ._known_failures import LOSES_TINY_TERMS
from ._numba_gpu import NumbaGPU
from .numba_vectorize import _exp_difference, _hypot, _log10

SIGNATURES = ("float32", "float64")
"""The GPU takes no others, and none are added at a call."""


class NumbaVectorizeCUDA(NumbaGPU):
    title = "Numba CUDA (vectorize)"
    max_error = {"logsumexp": 8.0, "log10": 4.0, "hypot": 2.0}
    known_failures = LOSES_TINY_TERMS

    log10: Call
    hypot: Call

    def load(self) -> None:
        super().load()
        if self.simulated:
            raise Unavailable("Numba's simulator has no vectorize")
        import numba
        import numpy

        def ufunc(function: Callable[..., float], arguments: int) -> Any:
            types = [f"{t}({', '.join([t] * arguments)})" for t in SIGNATURES]
            return numba.vectorize(types, target="cuda")(function)

        self.np = numpy
        self.exp_difference = ufunc(_exp_difference, 2)
        self.log10, self.hypot = ufunc(_log10, 1), ufunc(_hypot, 2)
        self.maximum = self.cuda.reduce(lambda a, b: max(a, b))
        self.total = self.cuda.reduce(lambda a, b: a + b)

    def to_host(self, result: DeviceArray) -> HostResult:
        # The reductions return numbers on the host.
        return result.copy_to_host() if hasattr(result, "copy_to_host") else result

    def logsumexp(self, x: Vector) -> Scalar:
        np = self.np
        m = self.maximum(x, init=-math.inf)  # ignores nan
        if not np.isfinite(m):
            m = x.dtype.type(0)  # what is summed then is 0, inf or nan, as it should be
        total = self.total(self.exp_difference(x, m)) if x.size else m
        with np.errstate(divide="ignore"):
            return m + np.log(total)
