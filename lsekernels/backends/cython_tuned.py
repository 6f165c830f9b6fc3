"""Cython, one pass in loops that the C compiler vectorizes (``logsumexp_cython_tuned``)."""

from typing import ClassVar

from ..backend import Call, Failures
from ._ahead import Ahead


class CythonTuned(Ahead):
    title = "Cython (tuned)"
    ours = True
    tool = "cython"
    requires = ("lsekernels._compiled.logsumexp_cython_tuned",)
    preference = 3
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
