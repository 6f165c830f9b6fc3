"""CuPy with kernels of its own in CUDA C++: logsumexp in one pass, softmax in two."""

from functools import cache, cached_property
from typing import Any

from ..backend import Matrix, Scalar, Vector
from .cupy import CuPy


class CuPyTuned(CuPy):
    title = "CuPy (tuned)"
    ours = True

    def load(self) -> None:
        import numpy

        from . import _logsumexp_cuda

        super().load()
        self.int64 = numpy.int64
        self.own = _logsumexp_cuda
        self.kernel = cache(self._kernel)
        self.device_of = cache(self._device_of)

    @cached_property
    def module(self) -> Any:
        code = self.own.SOURCE.read_text(encoding="utf-8")
        return self.cupy.RawModule(code=code, options=self.own.OPTIONS)

    def _kernel(self, name: str, dtype: Any) -> Any:
        return self.module.get_function(f"{name}_{dtype.name}")

    def _device_of(self, device: int) -> tuple[int, Any]:
        """Return (multiprocessors, room for the sums of all blocks).

        Calls share the room, as the kernels of one stream run one after the other; calls in several
        streams at once would not be right.
        """
        count = self.cupy.cuda.Device(device).attributes["MultiProcessorCount"]
        return count, self.cupy.empty(count * self.own.RESIDENT * self.own.SUM_BYTES, "u1")

    def logsumexp(self, x: Vector) -> Scalar:
        return self._reduce(x, 1, x.size, self.cupy.empty((), x.dtype))

    def logsumexp_rows(self, x: Matrix) -> Vector:
        rows, n = x.shape
        return self._reduce(x, rows, n, self.cupy.empty(rows, x.dtype))

    def softmax_rows(self, x: Matrix) -> Matrix:
        return self._map("softmax", x)

    def log_softmax_rows(self, x: Matrix) -> Matrix:
        return self._map("log_softmax", x)

    def _reduce(self, x: Any, rows: int, n: int, out: Any) -> Any:
        if rows == 0:
            return out
        x = self.cupy.ascontiguousarray(x)
        count, sums = self.device_of(x.device.id)
        how = self.own.launch(x, rows, n, count)
        parts = self.int64(how.parts)
        reduce = self.kernel("reduce", x.dtype)
        reduce((rows * how.parts,), (how.threads,), (x, self.int64(n), parts, sums, out))
        if parts > 1:
            merge = self.kernel("merge", x.dtype)
            merge((rows,), (how.threads,), (sums, parts, out))
        return out

    def _map(self, name: str, x: Any) -> Any:
        x = self.cupy.ascontiguousarray(x)
        out = self.cupy.empty_like(x)
        rows, n = x.shape
        if x.size == 0:
            return out
        count, sums = self.device_of(x.device.id)
        how = self.own.launch(x, rows, n, count)
        grid, block, length = (rows * how.parts,), (how.threads,), self.int64(n)
        parts = self.int64(how.parts)
        if parts > 1:  # the result of reduce() is not asked for
            self.kernel("reduce", x.dtype)(grid, block, (x, length, parts, sums, out))
        self.kernel(name, x.dtype)(grid, block, (x, length, parts, sums, out))
        return out
