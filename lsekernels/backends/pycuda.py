"""PyCUDA: the CUDA C of ``_logsumexp.cu``, compiled by nvcc, and random numbers by cuRAND."""

from functools import cached_property
from typing import Any

from ..backend import Backend, Unavailable
from .cupy_tuned import BLOCKS, SOURCE, THREADS
from .numpy import LOSES_TINY_TERMS


class PyCUDA(Backend):
    title = "PyCUDA"
    requires = ("pycuda",)
    distribution = "pycuda"
    device = "gpu"
    compiled = "jit"
    max_error = {"logsumexp": 8.0, "logsumexp_rows": 8.0, "uniform": 7.0}
    known_failures = LOSES_TINY_TERMS

    def load(self) -> None:
        from pycuda import driver

        try:
            import pycuda.autoprimaryctx as context
        except (driver.Error, RuntimeError) as error:
            raise Unavailable(f"no CUDA device ({error})") from None
        import numpy
        from pycuda import compiler, gpuarray

        self.np, self.gpuarray, self.driver = numpy, gpuarray, driver
        module = compiler.SourceModule(SOURCE.read_text(), options=["-std=c++17"], no_extern_c=True)
        self.code = {
            (name, dtype): module.get_function(f"{name}_{dtype}")
            for name in ("parts", "merge", "logsumexp_rows")
            for dtype in self.dtypes
        }
        self.most = BLOCKS * context.device.multiprocessor_count
        self.parts = gpuarray.empty((self.most, 2), numpy.float64)

    def to_device(self, array: Any) -> Any:
        return self.gpuarray.to_gpu(array)

    def synchronize(self, result: Any) -> Any:
        self.driver.Context.synchronize()
        return result

    def to_host(self, result: Any) -> Any:
        return result.get()

    def logsumexp(self, x: Any) -> Any:
        out = self.gpuarray.empty((), x.dtype)
        blocks = max(1, min(self.most, x.size // (4 * THREADS)))
        dtype, size, shape = x.dtype.name, self.np.int64, {"block": (THREADS, 1, 1)}
        self.code["parts", dtype](x, size(x.size), self.parts, grid=(blocks, 1), **shape)
        self.code["merge", dtype](self.parts, size(blocks), out, grid=(1, 1), **shape)
        return out

    def logsumexp_rows(self, x: Any) -> Any:
        m, n = x.shape
        out = self.gpuarray.empty(m, x.dtype)
        code = self.code["logsumexp_rows", x.dtype.name]
        code(x, self.np.int64(n), out, grid=(m, 1), block=(THREADS, 1, 1))
        return out

    @cached_property
    def generator(self) -> Any:
        from pycuda import curandom

        # The default seeds call a function that NumPy 2 no longer has.
        return curandom.XORWOWRandomNumberGenerator(curandom.seed_getter_unique)

    def uniform(self, n: int) -> Any:
        return self.generator.gen_uniform((n,), self.np.float64)
