"""Pythran with OpenMP: two parallel loops (``_compiled/logsumexp_pythran_openmp``)."""

from ._ahead import Ahead


class PythranOpenMP(Ahead):
    title = "Pythran (OpenMP)"
    tool = "pythran"
    requires = ("lsekernels._compiled.logsumexp_pythran_openmp",)
    parallel = True
    forks = False
