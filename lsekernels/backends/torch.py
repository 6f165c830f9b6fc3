"""PyTorch on the CPU: its own logsumexp and softmax."""

from ..backend import (
    Array,
    Backend,
    DeviceArray,
    Factors,
    Failures,
    HostResult,
    Matrix,
    Scalar,
    Vector,
)
from ._known_failures import LOSES_TINY_TERMS

INFINITY_IS_NAN: Failures = {
    ("log_softmax_rows", case): "a row with inf is all nan, where the limit is -inf beside it: "
    "https://github.com/pytorch/pytorch/issues/6864"
    for case in ("plus_inf", "both_infinities", "unlike_rows")
}


class Torch(Backend):
    title = "PyTorch"
    tier = "all"
    featured = True
    requires = ("torch",)
    distribution = "torch"
    extra = ("torch>=2.4",)
    temporaries = True
    parallel = True
    forks = False
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
    }
    known_failures = LOSES_TINY_TERMS | INFINITY_IS_NAN

    def load(self) -> None:
        import torch

        self.torch = torch
        self.generator = torch.Generator().manual_seed(0)

    def to_device(self, array: Array) -> DeviceArray:
        # Shares memory; PyTorch has no read-only tensors.
        return self.torch.from_numpy(array if array.flags.writeable else array.copy())

    def to_host(self, result: DeviceArray) -> HostResult:
        return result.numpy()

    def logsumexp(self, x: Vector) -> Scalar:
        return self.torch.logsumexp(x, 0)

    def logsumexp_rows(self, x: Matrix) -> Vector:
        return self.torch.logsumexp(x, 1)

    def softmax_rows(self, x: Matrix) -> Matrix:
        return self.torch.softmax(x, 1)

    def log_softmax_rows(self, x: Matrix) -> Matrix:
        return self.torch.log_softmax(x, 1)

    def uniform(self, n: int) -> Vector:
        torch, own = self.torch, self.generator
        return torch.rand(n, dtype=torch.float64, generator=own, device=own.device)

    def lu(self, a: Matrix) -> Factors:
        # lu_factor is this and an error where a pivot is 0. LAPACK counts rows from 1.
        lu, pivots, _ = self.torch.linalg.lu_factor_ex(a)
        return lu, pivots - 1

    def log10(self, x: Vector) -> Vector:
        return self.torch.log10(x)

    def hypot(self, x: Vector, y: Vector) -> Vector:
        return self.torch.hypot(x, y)

    def moving_average(self, x: Array, w: Vector) -> Array:
        rows = x.reshape(-1, 1, x.shape[-1])  # conv1d does not turn the window round
        out = self.torch.nn.functional.conv1d(rows, w.reshape(1, 1, -1))
        return (out / w.sum()).reshape(*x.shape[:-1], -1)

    def power8_power(self, x: Vector) -> Vector:
        return self.torch.pow(x, 8)

    def power8_multiply(self, x: Vector) -> Vector:
        return x * x * x * x * x * x * x * x

    def power8_squarings(self, x: Vector) -> Vector:
        return ((x**2) ** 2) ** 2
