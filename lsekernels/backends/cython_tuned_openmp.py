"""Cython, the tuned source compiled with OpenMP: a part of the array, or of the rows, a thread."""

from .cython_tuned import CythonTuned


class CythonTunedOpenMP(CythonTuned):
    title = "Cython (tuned, OpenMP)"
    requires = ("lsekernels._compiled.logsumexp_cython_tuned_openmp",)
    builds = {
        "avx512": "lsekernels._compiled.logsumexp_cython_tuned_openmp_avx512",
        "avx2": "lsekernels._compiled.logsumexp_cython_tuned_openmp_avx2",
    }
    parallel = True
    forks = False
    preference = 0
