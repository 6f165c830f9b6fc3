"""Clock 2: a warm call with the transfer to the backend and back."""

from . import _call
from ._tree import registry, tree

KERNEL = tree("kernels.logsumexp")


class Logsumexp:
    """What a caller pays whose data is in a NumPy array.

    Timed: conversion or transfer of the input, one call, transfer of the result. Only backends
    with arrays of their own are listed: for all others this is the warm call.
    """

    version = "1"
    timeout = 300
    params = (
        [n for n in registry.names("logsumexp") if registry.declaration(n).moves_data()],
        list(KERNEL.DTYPES),
        list(KERNEL.SIZES),
    )
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
