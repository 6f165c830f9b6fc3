"""Pythran, the tuned source compiled with OpenMP: a part of the array, or of the rows, a thread."""

from .pythran_tuned import PythranTuned


class PythranTunedOpenMP(PythranTuned):
    title = "Pythran (tuned, OpenMP)"
    requires = ("lsekernels._compiled.logsumexp_pythran_tuned_openmp",)
    parallel = True
    forks = False
    preference = 0
