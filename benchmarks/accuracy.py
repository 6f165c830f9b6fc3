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


class _OfForms:
    """Each implementation on the data that `warm` times."""

    version = "1"
    timeout = 300
    param_names = ("backend", "dtype", "size")

    def setup(self, backend, dtype, size):
        self.loaded = _call.load(backend)
        self.truth = tree(f"kernels.{self.kernel}")
        _, self.method = registry.split(backend, self.kernel)
        self.data = self.truth.make_data(size, dtype)
        _call.prepare(self.loaded, self.method, self.data, dtype, size)  # checks, also the probes

    def track_error(self, backend, dtype, size):
        result = self.loaded.fetch(self.loaded.prepare(self.method, *self.data)())
        return self.truth.error(result, self.truth.reference(*self.data), dtype)


def _params(kernel, size):
    return (list(registry.implementations(kernel)), list(tree(f"kernels.{kernel}").DTYPES), [size])


class Power8(_OfForms):
    """What do seven multiplications cost in digits, beside the power function?

    Tracked: the largest error of 10,000 elements in ulp of the dtype, against 50 digits.
    """

    kernel = "power8"
    params = _params(kernel, 10_000)
    unit = "ulp"


class Lu(_OfForms):
    """Are the factors those of the matrix?

    Tracked: the largest column sum of abs(P A - L U) over n * eps * that of abs(A), as LAPACK's own
    tests have it.
    """

    kernel = "lu"
    params = _params(kernel, 256)
    unit = "scaled residual"
