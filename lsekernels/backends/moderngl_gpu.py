"""OpenGL compute shaders through ModernGL, on a GPU: the shaders of the CPU."""

from .moderngl import ModernGL


class ModernGLGPU(ModernGL):
    title = "OpenGL GPU"
    tier = "gpu"
    device = "gpu"
    parallel = False  # no CPU threads
