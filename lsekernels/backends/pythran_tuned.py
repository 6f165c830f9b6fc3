"""Pythran, one pass in loops that the C++ compiler vectorizes (``logsumexp_pythran_tuned``)."""

from typing import ClassVar

from ..backend import Call, Failures
from ._ahead import Ahead


class PythranTuned(Ahead):
    title = "Pythran (tuned)"
    ours = True
    tool = "pythran"
    requires = ("lsekernels._compiled.logsumexp_pythran_tuned",)
    preference = 2
    max_error = {
        "logsumexp": 4.0,
        "logsumexp_rows": 4.0,
        "softmax_rows": 8.0,
        "log_softmax_rows": 8.0,
    }
    known_failures: ClassVar[Failures] = {}

    logsumexp_rows: Call
    softmax_rows: Call
    log_softmax_rows: Call
