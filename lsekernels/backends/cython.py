"""Cython: two plain loops, compiled when the package is built (``_compiled/logsumexp_cython``)."""

from ._ahead import Ahead


class Cython(Ahead):
    title = "Cython"
    tool = "cython"
    requires = ("lsekernels._compiled.logsumexp_cython",)
