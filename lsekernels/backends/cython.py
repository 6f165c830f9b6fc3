"""Cython: two plain loops, compiled when the package is built (``_compiled/logsumexp_cython``)."""

from ..backend import Call
from ._ahead import Ahead


class Cython(Ahead):
    title = "Cython"
    tool = "cython"
    requires = ("lsekernels._compiled.logsumexp_cython", "lsekernels._compiled.lu_cython")

    lu: Call
