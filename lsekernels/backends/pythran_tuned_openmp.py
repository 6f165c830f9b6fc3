"""Pythran, the tuned source compiled with OpenMP: a part of the array, or of the rows, a thread."""

from .pythran_tuned import PythranTuned


class PythranTunedOpenMP(PythranTuned):
    title = "Pythran (tuned, OpenMP)"
    requires = ("lsekernels._compiled.logsumexp_pythran_tuned_openmp",)
    builds = {
        "avx512": "lsekernels._compiled.logsumexp_pythran_tuned_openmp_avx512",
        "avx2": "lsekernels._compiled.logsumexp_pythran_tuned_openmp_avx2",
    }
    parallel = True
    forks = False
    preference = 0
