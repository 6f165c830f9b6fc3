"""C++ with explicit SIMD on all threads allowed, from half a million elements a thread on."""

from .simd import Simd


class SimdOpenMP(Simd):
    title = "C++ (SIMD, OpenMP)"
    requires = ("lsekernels._compiled.logsumexp_simd_openmp",)
    parallel = True
    forks = False
    preference = 0
