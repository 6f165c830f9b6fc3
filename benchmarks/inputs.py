"""Numbers that take longer than others."""

import math

from . import _call, _heap
from ._tree import registry, tree

KERNEL = tree("kernels.logsumexp")
SIZE = 1_000_000

setup = _heap.settle


def call(backend, name):
    """Return the warmed-up call on input `name` of the kernel's HARD_INPUTS, checked."""
    x = KERNEL.HARD_INPUTS[name](SIZE)
    made = backend.prepare("logsumexp", x)
    result, truth = float(backend.to_host(made())), float(KERNEL.reference(x))
    # In ulp of 1 where the result nearly cancels: its own ulps have no meaning there.
    off = 0 if result == truth else abs(result - truth) / math.ulp(max(abs(truth), 1.0))
    if not off <= KERNEL.MAX_ERROR:
        raise AssertionError(f"{backend.name} is not timed: {result!r} for {name}, not {truth!r}")
    return made


class Logsumexp:
    """A kernel that is fast on average data may be slow on what it did not expect.

    Timed: a warm call on 1,000,000 float64 numbers: standard normal, and what forces another
    reference, another pass, or denormal numbers. A backend that is wrong on them fails.
    """

    version = "2"
    timeout = 300
    params = (list(registry.names("logsumexp")), list(KERNEL.HARD_INPUTS))
    param_names = ("backend", "input")

    def setup(self, backend, name):
        self.call = call(_call.load(backend), name)

    def track_time(self, backend, name):
        return _call.sample(self.call)

    track_time.type = "time"
    track_time.unit = "seconds"
    track_time.rounds = 2
