"""Triton: kernels of blocks, compiled for an NVIDIA GPU, on PyTorch's tensors."""

from typing import Any

from ..backend import Array, Backend, DeviceArray, HostResult, Matrix, Scalar, Unavailable, Vector
from ._known_failures import LOSES_TINY_TERMS

OPTIONS = {"enable_fp_fusion": True}
"""Of the compiler: products may be fused with additions. Its default changes in Triton 3.10."""


class Triton(Backend):
    title = "Triton"
    requires = ("triton", "torch")
    distribution = "triton"
    extra = ("triton>=3.4", "lsekernels[torch]")
    tier = "gpu"
    device = "gpu"
    compiled = "jit"
    cache = "TRITON_CACHE_DIR"
    max_error = {"logsumexp": 4.0, "logsumexp_rows": 4.0, "softmax_rows": 8.0}
    known_failures = LOSES_TINY_TERMS

    def load(self) -> None:
        import torch
        import triton

        self.interpreted = bool(triton.knobs.runtime.interpret)
        if not (self.interpreted or torch.cuda.is_available()):
            raise Unavailable("no CUDA device")
        from . import _triton

        self.torch, self.code = torch, _triton
        self.power_of_two = triton.next_power_of_2
        self.target = "cpu" if self.interpreted else "cuda"

    def version(self) -> str:
        return super().version() + (" (interpreter)" if self.interpreted else "")

    def to_device(self, array: Array) -> DeviceArray:
        # PyTorch has no read-only tensors.
        tensor = self.torch.from_numpy(array if array.flags.writeable else array.copy())
        return tensor.to(self.target)

    def synchronize(self, result: DeviceArray) -> DeviceArray:
        if not self.interpreted:
            self.torch.cuda.synchronize()
        return result

    def to_host(self, result: DeviceArray) -> HostResult:
        return result.cpu().numpy()

    def logsumexp(self, x: Vector) -> Scalar:
        code, n = self.code, len(x)
        count = max(1, min(-(-n // code.BLOCK), code.PARTS))
        m, s = self.torch.empty((2, code.PARTS), dtype=self.torch.float64, device=x.device)
        out = x.new_empty(())  # type: ignore[attr-defined]  # PyTorch's
        code.parts[(count,)](x, n, m, s, self._largest(x), code.BLOCK, **OPTIONS)
        code.merge[(1,)](m, s, count, out, code.PARTS, **OPTIONS)
        return out

    def logsumexp_rows(self, x: Matrix) -> Vector:
        out = x.new_empty(len(x))  # type: ignore[attr-defined]  # PyTorch's
        return self._by_row(self.code.rows, x, out)

    def softmax_rows(self, x: Matrix) -> Matrix:
        return self._by_row(self.code.softmax, x, self.torch.empty_like(x))

    def _by_row(self, kernel: Any, x: Matrix, out: DeviceArray) -> DeviceArray:
        m, n = x.shape
        block = min(self.power_of_two(n), self.code.BLOCK)
        kernel[(m,)](x, n, out, self._largest(x), block, **OPTIONS)
        return out

    def _largest(self, x: Vector) -> float:
        return float(self.torch.finfo(x.dtype).max)
