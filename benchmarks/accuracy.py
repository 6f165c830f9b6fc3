"""Error against the true value, by class of input."""

import math

from . import _call
from ._tree import registry, tree

KERNEL = tree("kernels.logsumexp")


class Logsumexp:
    """Speed is worth nothing where the digits are wrong.

    Tracked: the error of one call in ulp of the dtype, against 50 digits. What is finite where
    the truth is not, or the other way round, fails.
    """

    version = "1"
    timeout = 300
    params = (list(registry.names("logsumexp")), list(KERNEL.DTYPES), list(KERNEL.INPUT_CLASSES))
    param_names = ("backend", "dtype", "input")
    unit = "ulp"

    def setup(self, backend, dtype, name):
        self.loaded = _call.load(backend)
        self.x = KERNEL.CASES[name].make(dtype)

    def track_error(self, backend, dtype, name):
        call = self.loaded.prepare("logsumexp", self.x)
        result = self.loaded.to_host(call())
        truth = KERNEL.reference(self.x)
        error = KERNEL.error(result, truth, dtype)
        if not math.isfinite(error):
            raise AssertionError(f"{backend} gives {result!r} for {name}, where {truth} is true")
        return error
