"""Cython, one pass in loops that the C compiler vectorizes (``logsumexp_cython_tuned``)."""

from ._ahead import AheadTuned


class CythonTuned(AheadTuned):
    title = "Cython (tuned)"
    tool = "cython"
    requires = ("lsekernels._compiled.logsumexp_cython_tuned",)
    builds = {
        "avx512": "lsekernels._compiled.logsumexp_cython_tuned_avx512",
        "avx2": "lsekernels._compiled.logsumexp_cython_tuned_avx2",
    }
    preference = 3
