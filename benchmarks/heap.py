"""What the heap does to a call: times in the other states, page faults, time in the system.

The states are those of lsekernels/heap.py; all other suites time ``settled``.
"""

from . import _call, _heap
from ._tree import registry, tree

VECTOR, ROWS = tree("kernels.logsumexp"), tree("kernels.softmax_rows")
SIZES = [size for size in VECTOR.SIZES if 10_000 <= size <= 10_000_000]
LARGE = 100_000, 10_000_000
"""Below and above what a settled heap uses again."""
MATRIX, LONG_ROW = "1000x1000", "1x10000000"


def _names(kernel, temporaries=False):
    """Return the backends that compute in this process; with `temporaries`, those that fill them."""
    declared = ((name, registry.declaration(name)) for name in registry.names(kernel))
    here = [(n, d) for n, d in declared if d.device == "cpu" and d.in_process]
    return [n for n, d in here if d.temporaries >= temporaries]


def _data(kernel, size):
    return tree(f"kernels.{kernel}").make_data(size, "float64")


class _Young:
    """What a short script pays for each call, in a process that has freed nothing large before.

    Timed: warm calls, as in `warm`, in a fresh process that has loaded the backend and been given
    the data. What glibc changes by itself from the first call on, it does here, too. The result is
    checked behind the calls.
    """

    version = "1"
    timeout = 300
    param_names = ("backend", "size")

    def setup(self, backend, size):
        _heap.bring_about("young")
        self.data = _heap.made_elsewhere(lambda: _data(self.kernel, size))
        self.loaded = _call.load(backend)
        _call.expect(self.loaded, self.kernel, "float64", size)
        self.call = self.loaded.prepare(self.kernel, *self.data)

    def track_time(self, backend, size):
        samples = _call.sample(self.call)
        _call.check(
            self.loaded, self.kernel, self.data, "float64", f"the timed data of size {size}"
        )
        return samples

    track_time.type = "time"
    track_time.unit = "seconds"
    track_time.rounds = 2
    track_time.fresh_process = True


class _Tuned:
    """What a heap that keeps all memory saves where a settled one gives it back.

    Timed: warm calls, as in `warm`. Smaller sizes take the same time as settled.
    """

    version = "1"
    timeout = 300
    param_names = ("backend", "size")

    def setup(self, backend, size):
        _heap.bring_about("tuned")
        loaded = _call.load(backend)
        self.call = _call.prepare(loaded, self.kernel, _data(self.kernel, size), "float64", size)

    def track_time(self, backend, size):
        return _call.sample(self.call)

    track_time.type = "time"
    track_time.unit = "seconds"
    track_time.rounds = 2


class YoungLogsumexp(_Young):
    """One vector of float64, from 10,000 elements on, by backends that fill temporaries."""

    kernel = "logsumexp"
    params = (_names(kernel, temporaries=True), SIZES)


class YoungSoftmaxRows(_Young):
    """A matrix of float64: the result is new memory, whatever the backend."""

    kernel = "softmax_rows"
    params = (_names(kernel), [MATRIX])


class TunedLogsumexp(_Tuned):
    """One vector of float64, whose temporaries are larger than 32 MiB."""

    kernel = "logsumexp"
    params = (_names(kernel, temporaries=True), LARGE[1:])


class TunedSoftmaxRows(_Tuned):
    """One row of float64, whose result is larger than 32 MiB."""

    kernel = "softmax_rows"
    params = (_names(kernel), [LONG_ROW])


class _Faults:
    """How much new memory does a call fill? It explains the time, and a new temporary shows here.

    Tracked: page faults of a warm call, in pages of the smallest size. ``settled``: as timed.
    ``counted``: each temporary of 128 KiB or more is counted, also where a settled heap would use
    its memory again.
    """

    version = "1"
    timeout = 300
    param_names = ("backend", "heap", "size")
    unit = "page faults"

    def setup(self, backend, heap, size):
        _heap.bring_about(heap)
        loaded = _call.load(backend)
        self.call = _call.prepare(loaded, self.kernel, _data(self.kernel, size), "float64", size)

    def track_faults(self, backend, heap, size):
        return _heap.faults(self.call)


class Logsumexp(_Faults):
    """One vector of float64."""

    kernel = "logsumexp"
    params = (_names(kernel), ["settled", "counted"], list(LARGE))


class SoftmaxRows(_Faults):
    """A matrix of float64."""

    kernel = "softmax_rows"
    params = (_names(kernel), ["settled", "counted"], [MATRIX])


class InTheSystem:
    """How much of the time is the system's, which brings new pages and fills them with zeros?

    Tracked: the share of the processors' time of warm calls of logsumexp on float64, settled.
    """

    version = "1"
    timeout = 300
    params = (_names("logsumexp", temporaries=True), list(LARGE))
    param_names = ("backend", "size")
    unit = "share of the time"

    def setup(self, backend, size):
        _heap.settle()
        loaded = _call.load(backend)
        self.call = _call.prepare(loaded, "logsumexp", _data("logsumexp", size), "float64", size)

    def track_share(self, backend, size):
        return _heap.kernel_share(self.call)
