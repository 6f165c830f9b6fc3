"""Cython: two plain loops, compiled when the package is built (``_compiled/logsumexp_cython``)."""

from ..backend import Call
from ._ahead import Ahead


class Cython(Ahead):
    title = "Cython"
    featured = True
    tool = "cython"
    requires = (
        "lsekernels._compiled.logsumexp_cython",
        "lsekernels._compiled.lu_cython",
        "lsekernels._compiled.power8_cython",
    )

    lu: Call
    power8_power: Call
    power8_squarings: Call
