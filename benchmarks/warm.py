"""Clock 1: a warm call, on data that is where the backend wants it."""

from . import _call, _heap
from ._tree import registry, tree

setup = _heap.settle


def _params(kernel):
    truth = tree(f"kernels.{kernel}")
    return (list(registry.implementations(kernel)), list(truth.DTYPES), list(truth.SIZES))


class _Warm:
    """The question of the whole repository: which tool, for how many elements?

    Timed: one call, until its result exists, in a settled heap; the result's memory is used again
    where the heap does that (up to 32 MiB). Not timed: import, compilation, transfer, making and
    checking the data. A backend that is wrong on the data fails.
    """

    version = "2"
    timeout = 300
    param_names = ("backend", "dtype", "size")

    def setup(self, backend, dtype, size):
        loaded = _call.load(backend)
        data = tree(f"kernels.{self.kernel}").make_data(size, dtype)
        _, method = registry.split(backend, self.kernel)
        self.call = _call.prepare(loaded, method, data, dtype, size)

    def track_time(self, backend, dtype, size):
        return _call.sample(self.call)

    track_time.type = "time"
    track_time.unit = "seconds"
    track_time.rounds = 2


def _suite(kernel):
    """Return the suite of a kernel, with what its file says of itself."""
    name = kernel.title().replace("_", "")
    facts = {"kernel": kernel, "params": _params(kernel)}
    about = {"__module__": __name__, "__doc__": tree(f"kernels.{kernel}").__doc__}
    return type(name, (_Warm,), about | facts)


# One a kernel: logsumexp_rows is measured by LogsumexpRows.
globals().update({suite.__name__: suite for suite in map(_suite, tree("kernels").names())})
