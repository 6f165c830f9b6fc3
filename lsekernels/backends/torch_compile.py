"""PyTorch's compiler: the three lines, fused by Inductor into C++ (needs a C++ compiler).

Source: that of the NumPy form.
"""

import shutil
import warnings
from typing import ClassVar

from ..backend import Call, DeviceArray, Failures, Unavailable
from ._known_failures import LOSES_TINY_TERMS
from .torch import Torch


class TorchCompile(Torch):
    title = "PyTorch (compiled)"
    slow_start = True
    temporaries = False
    compiled = "jit"
    cache = "TORCHINDUCTOR_CACHE_DIR"
    known_failures: ClassVar[Failures] = LOSES_TINY_TERMS

    logsumexp: Call
    logsumexp_rows: Call
    softmax_rows: Call
    log_softmax_rows: Call

    def load(self) -> None:
        super().load()
        if not shutil.which("c++"):
            raise Unavailable("no C++ compiler, which torch.compile needs (apt install g++)")

        def finite(m: DeviceArray) -> DeviceArray:
            return torch.where(torch.isfinite(m), m, 0)

        def logsumexp(x: DeviceArray) -> DeviceArray:
            m = finite(x.max())
            return m + torch.log(torch.exp(x - m).sum())

        def logsumexp_rows(x: DeviceArray) -> DeviceArray:
            m = finite(x.amax(1, keepdim=True))
            return m[:, 0] + torch.log(torch.exp(x - m).sum(1))

        def softmax_rows(x: DeviceArray) -> DeviceArray:
            e = torch.exp(x - x.amax(1, keepdim=True))
            return e / e.sum(1, keepdim=True)

        def log_softmax_rows(x: DeviceArray) -> DeviceArray:
            d = x - finite(x.amax(1, keepdim=True))
            return d - torch.log(torch.exp(d).sum(1, keepdim=True))

        with warnings.catch_warnings():  # of what PyTorch's compiler itself imports
            warnings.simplefilter("ignore", DeprecationWarning)
            import torch.utils.cpp_extension

            for function in (logsumexp, logsumexp_rows, softmax_rows, log_softmax_rows):
                # Not dynamic=True: the code of a first short array, without threads, would be taken
                # from the cache for a long one.
                setattr(self, function.__name__, torch.compile(function))
