"""What the heap does to a call: times in the other states, page faults, time in the system.

The states are those of lsekernels/heap.py; all other suites time ``settled``.
"""

import statistics
import timeit

from . import _call, _heap, memory
from ._tree import registry, tree

VECTOR, ROWS = tree("kernels.logsumexp"), tree("kernels.softmax_rows")
SIZES = [size for size in VECTOR.SIZES if 10_000 <= size <= 10_000_000]
LARGE = 10_000_000
"""Elements: beyond what a settled heap uses again."""
MATRIX, LONG_ROW = "1000x1000", "1x10000000"


def _names(kernel, temporaries=False, featured=False):
    """Return the backends of this process; those that fill `temporaries`, or are `featured`."""
    declared = ((name, registry.declaration(name)) for name in registry.names(kernel))
    here = [(n, d) for n, d in declared if d.device == "cpu" and d.in_process]
    return [n for n, d in here if d.temporaries >= temporaries and d.featured >= featured]


def _data(method, size):
    return tree(f"kernels.{tree('kernels').of(method)}").make_data(size, "float64")


class _Fresh:
    """A fresh process that has loaded the backend, been given the data, and freed nothing large.

    The result is checked behind what is measured.
    """

    version = "1"
    timeout = 300
    param_names = ("backend", "size")

    def setup(self, backend, size):
        _heap.bring_about(self.heap)
        self.data = _heap.made_elsewhere(lambda: _data(self.kernel, size))
        self.loaded = _call.load(backend)
        _call.expect(self.loaded, self.kernel, "float64", size)
        self.call = self.loaded.prepare(self.kernel, *self.data)

    def checked(self, value, size):
        _call.check(self.loaded, self.kernel, self.data, "float64", f"the data of size {size}")
        return value


class _Young(_Fresh):
    """What a short script pays for each call.

    Timed: warm calls, as in `warm`. What glibc changes by itself from the first call on, it does
    here, too.
    """

    heap = "young"

    def track_time(self, backend, size):
        return self.checked(_call.sample(self.call), size)

    track_time.type = "time"
    track_time.unit = "seconds"
    track_time.rounds = 2
    track_time.fresh_process = True


class _Prepared:
    """A process that all sizes of a backend share, in the state `heap`."""

    version = "1"
    timeout = 300
    param_names = ("backend", "size")

    def setup(self, backend, size):
        _heap.bring_about(self.heap)
        loaded = _call.load(backend)
        self.call = _call.prepare(loaded, self.kernel, _data(self.kernel, size), "float64", size)


class _Tuned(_Prepared):
    """What a heap that keeps all memory saves where a settled one gives it back.

    Timed: warm calls, as in `warm`. Smaller sizes take the same time as settled.
    """

    heap = "tuned"

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
    params = (_names(kernel, featured=True), [MATRIX])


class TunedLogsumexp(_Tuned):
    """One vector of float64, whose temporaries are larger than 32 MiB."""

    kernel = "logsumexp"
    params = (_names(kernel, temporaries=True), [LARGE])


class TunedSoftmaxRows(_Tuned):
    """One row of float64, whose result is larger than 32 MiB."""

    kernel = "softmax_rows"
    params = (_names(kernel, featured=True), [LONG_ROW])


class _Faults(_Prepared):
    """How much new memory does the system bring for a call? It explains the time.

    Tracked: page faults of a warm call, settled, in pages of the smallest size.
    """

    heap = "settled"

    def track_faults(self, backend, size):
        return _heap.faults(self.call)

    track_faults.unit = "page faults"


class _Temporaries(_Fresh):
    """How much memory does a call fill in blocks of 128 KiB and more? A new temporary shows here.

    Tracked: page faults of a warm call, in pages of the smallest size, where every such block is
    given back when it is freed, so that none is filled unseen.
    """

    heap = "counted"

    def track_pages(self, backend, size):
        return self.checked(_heap.faults(self.call), size)

    track_pages.unit = "pages"
    track_pages.fresh_process = True


class FaultsLogsumexp(_Faults):
    """One vector of float64, larger than what a settled heap uses again."""

    kernel = "logsumexp"
    params = (_names(kernel), [LARGE])


class FaultsSoftmaxRows(_Faults):
    """One row of float64, whose result is larger than what a settled heap uses again."""

    kernel = "softmax_rows"
    params = (_names(kernel), [LONG_ROW])


class TemporariesLogsumexp(_Temporaries):
    """One vector of float64."""

    kernel = "logsumexp"
    params = (_names(kernel), [100_000])


class TemporariesSoftmaxRows(_Temporaries):
    """A matrix of float64; its result is new memory, too."""

    kernel = "softmax_rows"
    params = (_names(kernel), [MATRIX])


class InTheSystem(_Prepared):
    """How much of the time is the system's, which brings new pages and fills them with zeros?

    Tracked: the share of the processors' time of warm calls of logsumexp on float64, settled.
    """

    heap = "settled"
    kernel = "logsumexp"
    params = (_names(kernel, temporaries=True), [LARGE])
    unit = "share of the time"

    def track_share(self, backend, size):
        return _heap.kernel_share(self.call)


def observe(state, backend, method, size):
    """Return what a warm call on float64 does in a state of the heap, in this fresh process.

    Parameters
    ----------
    state : str
        ``young``, ``settled`` or ``tuned``; ``as it is``: nothing is set.
    backend : str
    method : str
        A method of the backend for a kernel, or ``to_device``.
    size : int or str

    Returns
    -------
    dict
        ``seconds`` (the median of seven batches), ``faults`` a call, ``system`` (the system's share
        of the time), ``kept`` (bytes of memory that the process has more than before, the result
        and what was compiled among them).
    """
    if state != "as it is":
        _heap.bring_about(state)
    moved = method == "to_device"
    data = _heap.made_elsewhere(lambda: _data("logsumexp" if moved else method, size))
    loaded = _call.load(backend)
    before = memory.resident()
    if moved:

        def call():
            return loaded.synchronize(loaded.to_device(data[0]))

    else:
        _call.expect(loaded, method, "float64", size)
        call = loaded.prepare(method, *data)
    timer = timeit.Timer(call)
    for _ in range(2):
        timer.timeit(1)
    number = 1
    while (seconds := timer.timeit(number)) < 0.02:
        number = max(2 * number, int(0.02 / max(seconds, 1e-9) * number))
    faults = _heap.heap.faults()
    seconds = statistics.median(timer.repeat(7, number)) / number
    faults = (_heap.heap.faults() - faults) / (7 * number)
    found = {
        "seconds": seconds,
        "faults": round(faults, 1),
        "system": _heap.kernel_share(call, 0.2),
        "kept": memory.resident() - before,
    }
    if not moved:
        _call.check(loaded, method, data, "float64", f"the data of size {size}")
    return found
