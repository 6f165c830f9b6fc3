"""Cython with OpenMP: two parallel loops (``_compiled/logsumexp_cython_openmp``)."""

from ._ahead import Ahead


class CythonOpenMP(Ahead):
    title = "Cython (OpenMP)"
    tool = "cython"
    requires = ("lsekernels._compiled.logsumexp_cython_openmp",)
    parallel = True
    forks = False
