"""Pythran with OpenMP: two parallel loops (``_compiled/logsumexp_pythran_openmp``)."""

from .pythran import Pythran


class PythranOpenMP(Pythran):
    title = "Pythran (OpenMP)"
    requires = ("lsekernels._compiled.logsumexp_pythran_openmp",)
    parallel = True
