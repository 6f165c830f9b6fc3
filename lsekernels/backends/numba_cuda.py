"""Numba on an NVIDIA GPU: a reduction in two stages, by kernels written in Python."""

from ..backend import Matrix, Scalar, Vector
from ._known_failures import LOSES_TINY_TERMS
from ._numba_gpu import NumbaGPU


class NumbaCUDA(NumbaGPU):
    title = "Numba CUDA"
    cache = "NUMBA_CACHE_DIR"
    max_error = {"logsumexp": 4.0, "logsumexp_rows": 4.0}
    known_failures = LOSES_TINY_TERMS

    def load(self) -> None:
        super().load()
        from . import _numba_cuda

        self.code = _numba_cuda
        # All kernels run in one stream, one after the other: calls can share these.
        count = _numba_cuda.BLOCKS
        self.parts = self.cuda.device_array(count), self.cuda.device_array(count)

    def logsumexp(self, x: Vector) -> Scalar:
        code, threads = self.code, self.code.THREADS
        blocks = max(1, min(-(-x.size // threads), code.BLOCKS))
        out = self.cuda.device_array((), x.dtype)
        code.parts[blocks, threads](x, code.LARGEST[x.dtype.name], *self.parts)
        code.merge[1, threads](*self.parts, blocks, out)
        return out

    def logsumexp_rows(self, x: Matrix) -> Vector:
        code, m = self.code, len(x)
        out = self.cuda.device_array(m, x.dtype)
        code.rows[m, code.THREADS](x, code.LARGEST[x.dtype.name], out)
        return out
