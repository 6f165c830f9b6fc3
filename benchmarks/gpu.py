"""What a GPU's memory allows: inputs too large for its cache, up to 1e9 elements."""

from itertools import cycle

from . import _call
from ._tree import registry, tree

KERNEL = tree("kernels.logsumexp")
SIZES = (1_000_000, 10_000_000, 100_000_000, 500_000_000, 1_000_000_000)
LARGEST = {"float32": 1_000_000_000, "float64": 500_000_000}
"""4 GB each."""
ROTATED = 2**29
"""Bytes of input that the calls go round: four times the largest L2 cache of today, 126 MB."""


def copies(nbytes):
    """Return how many inputs of `nbytes` the calls must go round, so that none is still cached."""
    return max(1, -(-ROTATED // nbytes))


def in_turn(calls):
    """Return a call that makes the next of `calls`, over and over."""
    calls = cycle(calls)
    return lambda: next(calls)()


def on_gpu(implementation):
    """Return whether the backend of `implementation` is one of a GPU."""
    return registry.declaration(implementation.partition(":")[0]).device == "gpu"


class Logsumexp:
    """How near to the bandwidth of the card?

    Timed: one call, until its result exists, on an input that is not in the card's L2 cache: copies
    of small inputs are used in turn. Compare with limits.GpuCopy. n/a for float64 beyond 5e8.
    """

    version = "1"
    timeout = 600
    params = (
        [n for n in registry.names("logsumexp") if on_gpu(n)],
        list(KERNEL.DTYPES),
        list(SIZES),
    )
    param_names = ("backend", "dtype", "size")

    def setup(self, backend, dtype, size):
        if size > LARGEST[dtype]:
            raise NotImplementedError(f"{size} numbers of {dtype} are more than 4 GB")
        loaded = _call.load(backend)
        (x,) = KERNEL.make_data(size, dtype)
        checked = _call.prepare(loaded, "logsumexp", (x,), dtype, size)
        more = [loaded.prepare("logsumexp", x) for _ in range(copies(x.nbytes) - 1)]
        self.call = in_turn([checked, *more])

    def track_time(self, backend, dtype, size):
        return _call.sample(self.call)

    track_time.type = "time"
    track_time.unit = "seconds"
    track_time.rounds = 2


class Uniform:
    """Random numbers beyond the sizes that a CPU is asked for: does the time still hardly grow?

    Timed: one call, until the numbers, 8 GB of them, are in the memory of the GPU.
    """

    version = "1"
    timeout = 900  # checking a billion numbers takes minutes
    params = (
        [n for n in registry.implementations("uniform") if on_gpu(n)],
        [1_000_000_000],
    )
    param_names = ("backend", "size")

    def setup(self, backend, size):
        loaded = _call.load(backend)
        _, method = registry.split(backend, "uniform")
        self.call = _call.prepare(loaded, method, (size,), "float64", size)

    def track_time(self, backend, size):
        return _call.sample(self.call)

    track_time.type = "time"
    track_time.unit = "seconds"
    track_time.rounds = 2
