"""Pythran, one pass in loops that the C++ compiler vectorizes (``logsumexp_pythran_tuned``)."""

from ._ahead import AheadTuned


class PythranTuned(AheadTuned):
    title = "Pythran (tuned)"
    tool = "pythran"
    requires = ("lsekernels._compiled.logsumexp_pythran_tuned",)
    preference = 2
