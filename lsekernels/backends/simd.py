"""C++ with explicit SIMD (xsimd), the instruction set chosen at run time (``_compiled/simd``)."""

from importlib import import_module

from ..backend import Call, Vector
from ._ahead import Ahead


class Simd(Ahead):
    title = "C++ (SIMD)"
    ours = True
    featured = True
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

    def load(self) -> None:
        super().load()
        module = import_module(self.requires[0])
        # The public functions look for them.
        for name in ("logsumexp_along", "softmax_along", "log_softmax_along", "weighted_rows"):
            setattr(self, name, getattr(module, name))

    def sum_exp(self, x: Vector) -> tuple[float, int]:
        try:
            pair: tuple[float, int] = import_module(self.requires[0]).sum_exp(x)
        except OverflowError:  # far from zero
            return super().sum_exp(x)
        return pair
