"""Clock 2: a warm call with the transfer to the backend and back, and the transfer alone."""

import timeit

from . import _call, _heap
from ._tree import registry, tree

KERNEL = tree("kernels.logsumexp")
PARAMS = (
    [n for n in registry.names("logsumexp") if registry.declaration(n).moves_data()],
    list(KERNEL.DTYPES),
    list(KERNEL.SIZES),
)
setup = _heap.settle

BATCH = 1000, 64 * 2**20
"""Arrays that are fetched in one sample at most, and their bytes."""


class Logsumexp:
    """What a caller pays whose data is in a NumPy array.

    Timed: conversion or transfer of the input, one call, transfer of the result. Only backends
    with arrays of their own are listed: for all others this is the warm call.
    """

    version = "2"
    timeout = 300
    params = PARAMS
    param_names = ("backend", "dtype", "size")

    def setup(self, backend, dtype, size):
        loaded = _call.load(backend)
        data = KERNEL.make_data(size, dtype)
        _call.prepare(loaded, "logsumexp", data, dtype)  # checks and warms up

        def round_trip():
            moved = map(loaded.to_device, data)
            return loaded.to_host(loaded.synchronize(loaded.logsumexp(*moved)))

        self.call = round_trip

    def track_time(self, backend, dtype, size):
        return _call.sample(self.call)

    track_time.type = "time"
    track_time.unit = "seconds"
    track_time.rounds = 2


def host_array(size, dtype):
    """Return the data of the kernel as large NumPy arrays lie in memory.

    A multiple of 64 bytes is the start of a small array by chance and of a large one never; JAX
    would not copy it.
    """
    import numpy as np

    (x,) = KERNEL.make_data(size, dtype)
    room = np.empty(x.nbytes + 80, np.uint8)
    start = -room.ctypes.data % 64 + 16
    lying = room[start : start + x.nbytes].view(x.dtype)
    lying[:] = x
    return lying


class _Transfer:
    """The two parts of a round trip; added, they are the whole of it without the call.

    The array is back unchanged, or nothing is timed. n/a for a backend whose blocks lie in other
    processes.
    """

    version = "2"
    timeout = 300
    params = PARAMS
    param_names = ("backend", "dtype", "size")

    def setup(self, backend, dtype, size):
        import numpy as np

        loaded = _call.load(backend)
        if not getattr(loaded, "in_process", True):  # older commits do not declare it
            raise NotImplementedError("its arrays lie in other processes, and are not fetched")
        if dtype not in loaded.dtypes:
            raise NotImplementedError(f"backend {backend!r} has no {dtype}")
        x = host_array(size, dtype)
        self.bytes, self.to_host = x.nbytes, loaded.to_host
        self.to_device = lambda: loaded.synchronize(loaded.to_device(x))
        back = self.to_host(self.to_device())
        if not isinstance(back, np.ndarray) or not np.array_equal(back, x):
            raise AssertionError(f"{backend} is not timed: it returns {back!r} for {x!r}")


class ToDevice(_Transfer):
    """From a NumPy array to an array of the backend's.

    Timed: ``to_device``, until the array is there. PyTorch on the CPU goes on with NumPy's memory
    and copies nothing; JAX on the CPU copies.
    """

    def track_time(self, backend, dtype, size):
        return _call.sample(self.to_device)

    track_time.type = "time"
    track_time.unit = "seconds"
    track_time.rounds = 2


class ToHost(_Transfer):
    """From an array of the backend's to a NumPy array.

    Timed: ``to_host`` of arrays that are there and have never been fetched: JAX keeps the copy that
    was once made. On the CPU PyTorch and JAX lend their memory and copy nothing.
    """

    def track_time(self, backend, dtype, size):
        most, limit = BATCH
        number = max(1, min(most, limit // self.bytes))
        arrays = []

        def make():
            arrays[:] = [self.to_device() for _ in range(number)]

        def fetch():
            for array in arrays:
                self.to_host(array)

        times = timeit.repeat(fetch, make, number=1, repeat=10)
        return {"samples": [time / number for time in times], "number": number}

    track_time.type = "time"
    track_time.unit = "seconds"
    track_time.rounds = 2
