"""CuPy: the NumPy form on an NVIDIA GPU.

Source: that of the NumPy form.
"""

from functools import cached_property
from typing import Any

from ..backend import (
    Array,
    Backend,
    DeviceArray,
    Factors,
    HostResult,
    Matrix,
    Scalar,
    Unavailable,
    Vector,
)
from ._known_failures import LOSES_TINY_TERMS


class CuPy(Backend):
    title = "CuPy"
    featured = True
    requires = ("cupy",)
    extra = ("cupy-cuda13x>=14",)
    tier = "gpu"
    device = "gpu"
    compiled = "jit"
    cache = "CUPY_CACHE_DIR"
    max_error = {
        "logsumexp": 8.0,
        "logsumexp_rows": 8.0,
        "softmax_rows": 8.0,
        "log_softmax_rows": 8.0,
        "uniform": 7.0,
        "lu": 1.0,
        "log10": 2.0,
        "hypot": 1.0,
        "moving_average": 4.0,
        "power8": 16.0,
    }
    known_failures = LOSES_TINY_TERMS

    def load(self) -> None:
        import cupy

        if not cupy.is_available():
            raise Unavailable("no CUDA device")
        self.cupy = cupy

    def version(self) -> str:
        return str(self.cupy.__version__)  # the distribution is called cupy-cuda12x, -cuda13x, ...

    def to_device(self, array: Array) -> DeviceArray:
        return self.cupy.asarray(array)

    def synchronize(self, result: DeviceArray) -> DeviceArray:
        self.cupy.cuda.get_current_stream().synchronize()
        return result

    def to_host(self, result: DeviceArray) -> HostResult:
        return self.cupy.asnumpy(result)

    def logsumexp(self, x: Vector) -> Scalar:
        cp = self.cupy
        m = cp.max(x)
        # m stays on the device: a test of its value here would wait for it. Where it is infinite,
        # exp(x - 0) is summed instead, which gives inf, -inf or nan as it should.
        m = cp.where(cp.isinf(m), 0, m)
        return m + cp.log(cp.sum(cp.exp(x - m)))

    def logsumexp_rows(self, x: Matrix) -> Vector:
        m = self._finite_maximum(x)
        return m[:, 0] + self.cupy.log(self.cupy.sum(self.cupy.exp(x - m), axis=1))

    def softmax_rows(self, x: Matrix) -> Matrix:
        e = self.cupy.exp(x - self.cupy.max(x, axis=1, keepdims=True))
        return e / self.cupy.sum(e, axis=1, keepdims=True)

    def log_softmax_rows(self, x: Matrix) -> Matrix:
        d = x - self._finite_maximum(x)
        return d - self.cupy.log(self.cupy.sum(self.cupy.exp(d), axis=1, keepdims=True))

    def lu(self, a: Matrix) -> Factors:
        from cupyx.scipy import linalg  # an ImportError without cuSOLVER, which nothing else needs

        return linalg.lu_factor(a)

    def _finite_maximum(self, x: Matrix) -> Matrix:
        m = self.cupy.max(x, axis=1, keepdims=True)
        return self.cupy.where(self.cupy.isfinite(m), m, 0)

    @cached_property
    def random_state(self) -> Any:
        return self.cupy.random.RandomState(0)

    @cached_property
    def generator(self) -> Any:
        return self.cupy.random.default_rng(0)  # begins with a state for each of its threads

    def uniform_legacy(self, n: int) -> Vector:
        return self.random_state.random_sample(n)

    def uniform_generator(self, n: int) -> Vector:
        return self.generator.random(n)

    def log10(self, x: Vector) -> Vector:
        return self.cupy.log10(x)

    def hypot(self, x: Vector, y: Vector) -> Vector:
        return self.cupy.hypot(x, y)

    def moving_average(self, x: Array, w: Vector) -> Array:
        n = x.shape[-1] - len(w) + 1
        out = w[0] * x[..., :n]
        for j in range(1, len(w)):
            out += w[j] * x[..., j : j + n]
        return out / w.sum()

    def power8_power(self, x: Vector) -> Vector:
        return self.cupy.power(x, 8)

    def power8_multiply(self, x: Vector) -> Vector:
        return x * x * x * x * x * x * x * x

    def power8_squarings(self, x: Vector) -> Vector:
        return ((x**2) ** 2) ** 2
