"""CuPy with kernels of our own in CUDA C (``_logsumexp.cu``): one pass over the data."""

from pathlib import Path
from typing import Any

from .cupy import CuPy
from .numpy import LOSES_TINY_TERMS

SOURCE = Path(__file__).with_name("_logsumexp.cu")
THREADS = 256
BLOCKS = 8
"""For each multiprocessor: enough loads in flight to keep the memory busy."""
FEW, LONG = 64, 100_000
"""So few rows of so many columns are taken one after the other, each by the whole GPU."""


class CuPyTuned(CuPy):
    title = "CuPy (tuned)"
    max_error = {
        "logsumexp": 8.0,
        "logsumexp_rows": 8.0,
        "softmax_rows": 128.0,  # float32: the difference from the maximum is rounded
        "log_softmax_rows": 8.0,
    }
    known_failures = LOSES_TINY_TERMS

    def load(self) -> None:
        super().load()
        cp = self.cupy
        module = cp.RawModule(code=SOURCE.read_text(), options=("--std=c++17",))
        names = ("parts", "merge", "logsumexp_rows", "softmax_rows", "log_softmax_rows")
        self.code = {
            (name, dtype): module.get_function(f"{name}_{dtype}")
            for name in names
            for dtype in self.dtypes
        }
        self.most = BLOCKS * cp.cuda.Device().attributes["MultiProcessorCount"]
        # All kernels run in one stream, one after the other: calls can share it.
        self.parts = cp.empty((self.most, 2))

    def logsumexp(self, x: Any) -> Any:
        out = self.cupy.empty((), x.dtype)
        self._reduce(x, out)
        return out

    def logsumexp_rows(self, x: Any) -> Any:
        out = self.cupy.empty(len(x), x.dtype)
        if self._few_and_long(x):
            for i, row in enumerate(x):
                self._reduce(row, out[i : i + 1])
        else:
            self._rows("logsumexp_rows", x, out)
        return out

    def softmax_rows(self, x: Any) -> Any:
        if self._few_and_long(x):
            return self.cupy.exp(self.log_softmax_rows(x))
        return self._rows("softmax_rows", x, self.cupy.empty_like(x))

    def log_softmax_rows(self, x: Any) -> Any:
        if self._few_and_long(x):
            return x - self.logsumexp_rows(x)[:, None]
        return self._rows("log_softmax_rows", x, self.cupy.empty_like(x))

    @staticmethod
    def _few_and_long(x: Any) -> bool:
        return bool(x.shape[0] < FEW and x.shape[1] > LONG)

    def _reduce(self, x: Any, out: Any) -> None:
        blocks = max(1, min(self.most, x.size // (4 * THREADS)))
        dtype, size = x.dtype.name, self.cupy.int64
        self.code["parts", dtype]((blocks,), (THREADS,), (x, size(x.size), self.parts))
        self.code["merge", dtype]((1,), (THREADS,), (self.parts, size(blocks), out))

    def _rows(self, name: str, x: Any, out: Any) -> Any:
        arguments = (x, self.cupy.int64(x.shape[1]), out)
        self.code[name, x.dtype.name]((len(x),), (THREADS,), arguments)
        return out
