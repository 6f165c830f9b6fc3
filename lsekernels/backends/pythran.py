"""Pythran: the NumPy form, compiled when the package is built (``_compiled/logsumexp_pythran``)."""

from ..backend import Call
from ._ahead import Ahead


class Pythran(Ahead):
    title = "Pythran"
    featured = True
    tool = "pythran"
    requires = (
        "lsekernels._compiled.logsumexp_pythran",
        "lsekernels._compiled.lu_pythran",
        "lsekernels._compiled.power8_pythran",
    )

    lu: Call
    power8_operator: Call
    power8_squarings: Call
