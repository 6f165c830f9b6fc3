"""The same work in one call and in thousands: what going to and fro costs."""

import timeit

from . import _call, _heap
from ._tree import registry, tree

KERNEL, ROWS = tree("kernels.logsumexp"), tree("kernels.logsumexp_rows")

setup = _heap.settle

TOTAL = 1_000_000
CALLS = (1, 10, 100, 1_000, 10_000, 100_000)
LIMIT = 10.0
"""Seconds that all calls may take; they are made ten times for one transfer of their parts."""


def all_calls(backend, parts):
    """Return a call that computes logsumexp of each of `parts`, which are on the device.

    Where results arrive later, all calls are made before any is waited for, as a user would: on a
    GPU for the last, as the calls are in one queue, on the CPU for each.
    """
    from lsekernels.backend import Backend

    compute = backend.logsumexp

    def direct():
        return list(map(compute, parts))

    def queue():
        results = direct()
        results[-1] = backend.synchronize(results[-1])
        return results

    def each():
        return list(map(backend.synchronize, direct()))

    if type(backend).synchronize is Backend.synchronize:
        return direct
    return queue if backend.device == "gpu" else each


class Logsumexp:
    """When does a tool that is fast on large arrays stop to pay?

    Timed: 1,000,000 float64 numbers, cut into `calls` equal parts that lie where the backend wants
    them, and one call for each part; the time of all of them. The slope over the calls is the cost
    of a call; where the curve leaves its floor is the size from which a call is worth making. Each
    result is checked. n/a where it would take over 10 s, or more open files than are allowed.
    """

    version = "2"
    timeout = 300
    params = (list(registry.names("logsumexp")), list(CALLS))
    param_names = ("backend", "calls")

    def setup(self, backend, calls):
        loaded = _call.load(backend)
        (x,) = KERNEL.make_data(TOTAL, "float64")
        parts = x.reshape(calls, -1)
        _call.prepare(loaded, "logsumexp", (parts[0],), "float64")  # all have one shape
        seconds = calls * self.estimate(loaded, parts[:10])
        if seconds > LIMIT:
            raise NotImplementedError(
                f"{calls} calls would take {seconds:.0f} s; the limit is {LIMIT:g} s"
            )
        try:
            self.call = all_calls(loaded, [loaded.to_device(part) for part in parts])
            results = [loaded.to_host(result) for result in self.call()]
        except OSError as error:  # each part in shared memory is an open file
            raise NotImplementedError(f"{calls} parts at a time: {error}") from None
        _call.compare(ROWS, results, ROWS.reference(parts), "float64", backend, "a part")

    @staticmethod
    def estimate(backend, parts):
        """Return the seconds that a call takes, and a tenth of those that its part is moved in."""

        def move():
            return [backend.to_device(part) for part in parts]

        steps = all_calls(backend, move()), move
        call, transfer = (min(timeit.repeat(step, number=1, repeat=5)) for step in steps)
        return (call + transfer / 10) / len(parts)

    def track_time(self, backend, calls):
        return _call.sample(self.call)

    track_time.type = "time"
    track_time.unit = "seconds"
    track_time.rounds = 2


class InOneCall:
    """The way out: the parts as rows of one matrix.

    Timed: one call of logsumexp_rows on the same numbers in `rows` rows.
    """

    version = "2"
    timeout = 300
    params = (list(registry.names("logsumexp_rows")), list(CALLS))
    param_names = ("backend", "rows")

    def setup(self, backend, rows):
        loaded = _call.load(backend)
        data = ROWS.make_data(f"{rows}x{TOTAL // rows}", "float64")
        self.call = _call.prepare(loaded, "logsumexp_rows", data, "float64")

    def track_time(self, backend, rows):
        return _call.sample(self.call)

    track_time.type = "time"
    track_time.unit = "seconds"
    track_time.rounds = 2
