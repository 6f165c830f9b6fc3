"""What the backends that are Numba on a GPU have in common: its arrays, and its version."""

import importlib.metadata

from ..backend import Array, Backend, DeviceArray, HostResult, Unavailable


class NumbaGPU(Backend):
    requires = ("numba",)
    distribution = "numba"
    extra = ("numba-cuda[cu13]>=0.22",)
    tier = "gpu"
    device = "gpu"
    compiled = "jit"

    def load(self) -> None:
        import numba
        from numba import cuda

        self.cuda, self.simulated = cuda, bool(numba.config.ENABLE_CUDASIM)
        if not cuda.is_available():
            raise Unavailable("no CUDA device")
        if not self.simulated:
            # Of small grids, which short input needs, it would warn.
            from numba.cuda import dispatcher

            dispatcher.config.CUDA_LOW_OCCUPANCY_WARNINGS = 0

    def version(self) -> str:
        version = super().version()
        if self.cuda.implementation != "Built-in":
            version += f" (numba-cuda {importlib.metadata.version('numba-cuda')})"
        return version + (" (simulator)" if self.simulated else "")

    def to_device(self, array: Array) -> DeviceArray:
        return self.cuda.to_device(array)

    def synchronize(self, result: DeviceArray) -> DeviceArray:
        self.cuda.synchronize()
        return result

    def to_host(self, result: DeviceArray) -> HostResult:
        return result.copy_to_host()
