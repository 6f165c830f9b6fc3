"""Cython, the tuned source compiled with OpenMP: a part of the array, or of the rows, a thread."""

from .cython_tuned import CythonTuned


class CythonTunedOpenMP(CythonTuned):
    title = "Cython (tuned, OpenMP)"
    requires = ("lsekernels._compiled.logsumexp_cython_tuned_openmp",)
    parallel = True
    forks = False
    preference = 0
