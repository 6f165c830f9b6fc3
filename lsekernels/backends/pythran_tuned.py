"""Pythran, one pass in loops that the C++ compiler vectorizes (``logsumexp_pythran_tuned``)."""

from ._ahead import AheadTuned


class PythranTuned(AheadTuned):
    title = "Pythran (tuned)"
    tool = "pythran"
    requires = ("lsekernels._compiled.logsumexp_pythran_tuned",)
    builds = {
        "avx512": "lsekernels._compiled.logsumexp_pythran_tuned_avx512",
        "avx2": "lsekernels._compiled.logsumexp_pythran_tuned_avx2",
    }
    preference = 2
