"""Cython, compiled when the package is built (``_compiled/logsumexp_cython``)."""

from importlib import import_module

from ..backend import Backend, Call
from .numpy import LOSES_TINY_TERMS


class Cython(Backend):
    title = "Cython"
    requires = ("lsekernels._compiled.logsumexp_cython",)
    compiled = "ahead"
    max_error = {"logsumexp": 8.0}
    known_failures = LOSES_TINY_TERMS

    logsumexp: Call

    def version(self) -> str:
        from .._compiled.build_info import BUILD

        return str(BUILD["cython"])

    def load(self) -> None:
        self.logsumexp = import_module(self.requires[0]).logsumexp
