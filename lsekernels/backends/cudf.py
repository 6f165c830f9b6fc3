"""cuDF: a Series on an NVIDIA GPU, with the arithmetic that Series have."""

from typing import Any

from ..backend import Backend, Unavailable
from .numpy import LOSES_TINY_TERMS


class CuDF(Backend):
    title = "cuDF (Series)"
    requires = ("cudf", "cupy")
    device = "gpu"
    compiled = "jit"
    max_error = {"logsumexp": 8.0}
    known_failures = LOSES_TINY_TERMS

    def load(self) -> None:
        import cupy

        if not cupy.is_available():  # cuDF imports without one, and fails later
            raise Unavailable("no CUDA device")
        import cudf
        import numpy

        self.np, self.cudf, self.cupy = numpy, cudf, cupy

    def version(self) -> str:
        return str(self.cudf.__version__)  # the distribution is called cudf-cu12, cudf-cu13, ...

    def to_device(self, array: Any) -> Any:
        return self.cudf.Series(array, nan_as_null=False)  # else nan would be left out of sums

    def synchronize(self, result: Any) -> Any:
        self.cupy.cuda.get_current_stream().synchronize()
        return result

    def logsumexp(self, x: Any) -> Any:
        # Reductions of a Series give numbers of Python's, and so wait for the GPU.
        np = self.np
        m = x.max()
        if not np.isfinite(m):
            return m
        return m + np.log(np.exp(x - m).sum())
