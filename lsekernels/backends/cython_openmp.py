"""Cython with OpenMP: two parallel loops (``_compiled/logsumexp_cython_openmp``)."""

from .cython import Cython


class CythonOpenMP(Cython):
    title = "Cython (OpenMP)"
    requires = ("lsekernels._compiled.logsumexp_cython_openmp",)
    parallel = True
