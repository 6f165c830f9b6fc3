"""C++ with explicit SIMD (xsimd), the instruction set chosen at run time (``_compiled/simd``)."""

from ..backend import Call
from ._ahead import Ahead


class Simd(Ahead):
    title = "C++ (SIMD)"
    tool = "xsimd"
    requires = ("lsekernels._compiled.logsumexp_simd",)
    preference = 4
    max_error = {
        "logsumexp": 4.0,
        "logsumexp_rows": 4.0,
        "softmax_rows": 8.0,
        "log_softmax_rows": 8.0,
    }
    known_failures = {}

    logsumexp: Call
    logsumexp_rows: Call
    softmax_rows: Call
    log_softmax_rows: Call
    sum_exp: Call
