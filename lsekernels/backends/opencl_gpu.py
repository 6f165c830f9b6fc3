"""OpenCL through PyOpenCL, on a GPU: the kernels of the CPU, with more items a group."""

from .opencl import OpenCL


class OpenCLGPU(OpenCL):
    title = "OpenCL GPU"
    tier = "gpu"
    device = "gpu"
    extra = ("pyopencl>=2025.1",)
    parallel = False  # no CPU threads
    hint = "the driver of the GPU brings one"
    items = 256
