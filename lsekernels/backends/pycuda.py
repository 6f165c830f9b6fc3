"""PyCUDA: kernels in CUDA C++, compiled by nvcc; random numbers of cuRAND's device functions."""

import shutil
from functools import cache, cached_property
from typing import Any

from ..backend import Array, Backend, DeviceArray, HostResult, Matrix, Scalar, Unavailable, Vector
from ._known_failures import LOSES_TINY_TERMS


class PyCUDA(Backend):
    title = "PyCUDA"
    requires = ("pycuda",)
    distribution = "pycuda"
    extra = ("pycuda>=2025.1",)
    tier = "gpu"
    device = "gpu"
    compiled = "jit"
    cache = "PYCUDA_CACHE_DIR"
    max_error = {"logsumexp": 8.0, "logsumexp_rows": 8.0, "uniform": 7.0}
    known_failures = LOSES_TINY_TERMS

    def load(self) -> None:
        import numpy

        from . import _logsumexp_cuda

        if not shutil.which("nvcc"):
            raise Unavailable("no nvcc, by which PyCUDA compiles (a CUDA toolkit on the PATH)")
        from pycuda import driver

        try:
            from pycuda import autoprimaryctx  # the context that other libraries use, too
        except (driver.Error, RuntimeError) as error:
            raise Unavailable(f"no CUDA device ({error})") from None
        from pycuda import gpuarray

        self.driver, self.gpuarray, self.np = driver, gpuarray, numpy
        self.own = own = _logsumexp_cuda
        self.multiprocessors = autoprimaryctx.device.multiprocessor_count
        # The kernels of successive calls run one after the other, and so can share this.
        self.sums = driver.mem_alloc(self.multiprocessors * own.RESIDENT * own.SUM_BYTES)
        self.kernel = cache(self._kernel)

    def to_device(self, array: Array) -> DeviceArray:
        return self.gpuarray.to_gpu(array)

    def synchronize(self, result: DeviceArray) -> DeviceArray:
        self.driver.Context.synchronize()
        return result

    def to_host(self, result: DeviceArray) -> HostResult:
        return result.get()

    @cached_property
    def module(self) -> Any:
        from pycuda.compiler import SourceModule

        code = self.own.SOURCE.read_text(encoding="utf-8")
        return SourceModule(code, options=list(self.own.OPTIONS), no_extern_c=True)

    def _kernel(self, name: str, dtype: Any) -> Any:
        function = self.module.get_function(f"{name}_{dtype.name}")
        return function.prepare({"reduce": "PqqPP", "merge": "PqP"}[name])

    def logsumexp(self, x: Vector) -> Scalar:
        return self._reduce(x, 1, x.size, self.gpuarray.empty((), x.dtype))

    def logsumexp_rows(self, x: Matrix) -> Vector:
        rows, n = x.shape
        return self._reduce(x, rows, n, self.gpuarray.empty(rows, x.dtype))

    def _reduce(self, x: DeviceArray, rows: int, n: int, out: DeviceArray) -> DeviceArray:
        if rows == 0:
            return out
        parts, threads = self.own.launch(x, rows, n, self.multiprocessors)
        grid, block = (rows * parts, 1), (threads, 1, 1)
        data = x.gpudata if x.size else 0
        reduce = self.kernel("reduce", x.dtype)
        reduce.prepared_call(grid, block, data, n, parts, self.sums, out.gpudata)
        if parts > 1:
            merge = self.kernel("merge", x.dtype)
            merge.prepared_call((rows, 1), block, self.sums, parts, out.gpudata)
        return out

    @cached_property
    def generator(self) -> Any:
        from pycuda import curandom

        # A seed for each thread of a block; the default would be one for all.
        return curandom.XORWOWRandomNumberGenerator(curandom.seed_getter_unique)

    def uniform(self, n: int) -> Vector:
        return self.generator.gen_uniform((n,), self.np.float64)
