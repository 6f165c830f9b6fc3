"""cuDF: pandas' interface on an NVIDIA GPU, the NumPy form on a Series.

Source: that of the NumPy form.
"""

import math

from ..backend import Array, Backend, DeviceArray, HostResult, Scalar, Unavailable, Vector
from ._known_failures import LOSES_TINY_TERMS


class CuDF(Backend):
    title = "cuDF"
    requires = ("cudf", "cupy")
    extra = ("cudf-cu13>=25.10",)
    tier = "gpu"
    device = "gpu"
    compiled = "jit"  # exp, by CuPy
    cache = "CUPY_CACHE_DIR"
    max_error = {"logsumexp": 8.0}
    known_failures = LOSES_TINY_TERMS

    def load(self) -> None:
        import cupy
        import numpy

        if not cupy.is_available():
            raise Unavailable("no CUDA device")
        import cudf

        self.cudf, self.cupy, self.np = cudf, cupy, numpy

    def version(self) -> str:
        return str(self.cudf.__version__)  # the distribution is called cudf-cu12, -cu13, ...

    def to_device(self, array: Array) -> DeviceArray:
        # Otherwise a nan is taken for a missing number.
        kind = self.cudf.Series if array.ndim == 1 else self.cudf.DataFrame
        return kind(array, nan_as_null=False)

    def synchronize(self, result: DeviceArray) -> DeviceArray:
        self.cupy.cuda.runtime.deviceSynchronize()
        return result

    def to_host(self, result: DeviceArray) -> HostResult:
        return result.to_numpy() if hasattr(result, "to_numpy") else result

    def logsumexp(self, x: Vector) -> Scalar:
        np = self.np
        m = x.max()  # of what is not nan
        m = x.dtype.type(m if math.isfinite(m) else 0)
        with np.errstate(divide="ignore"):
            return m + np.log(np.exp(x - m).sum(skipna=False))
