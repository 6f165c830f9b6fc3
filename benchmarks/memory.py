"""Memory that a call adds beyond its input."""

import sys

from . import _call
from ._tree import registry, tree

KERNEL = tree("kernels.logsumexp")

SIZE = 10_000_000
STATUS = "/proc/self/status"


def _kilobytes(key):
    with open(STATUS) as status:
        return next(int(line.split()[1]) for line in status if line.startswith(key))


def resident():
    """Return the bytes of this process that are in memory."""
    return 1024 * _kilobytes("VmRSS:")


class Logsumexp:
    """Temporaries decide what still fits, and cost page faults.

    Tracked: the peak of resident memory during one warm call on 10,000,000 elements, less what
    was resident before, in bytes; steps of 64 KiB, for the noise of the allocator. asv's peakmem
    would count the interpreter, the libraries and the input.
    """

    version = "1"
    timeout = 300
    params = (list(registry.names("logsumexp")), list(KERNEL.DTYPES))
    param_names = ("backend", "dtype")
    unit = "bytes"

    def setup(self, backend, dtype):
        loaded = _call.load(backend)
        if loaded.device != "cpu":
            raise NotImplementedError("memory on the device is not measured")
        if not getattr(loaded, "in_process", True):  # older commits do not declare it
            raise NotImplementedError("it computes in other processes")
        if not sys.platform.startswith("linux"):
            raise NotImplementedError("the peak of resident memory is reset through Linux's /proc")
        data = KERNEL.make_data(SIZE, dtype)
        self.call = _call.prepare(loaded, "logsumexp", data, dtype)

    def track_added(self, backend, dtype):
        tree("heap").trim()  # or the call would reuse what setup has freed
        before = _kilobytes("VmRSS:")
        with open("/proc/self/clear_refs", "w") as peak:
            peak.write("5")  # sets the peak to the present
        self.call()
        added = max(0, _kilobytes("VmHWM:") - before)
        return added // 64 * 65_536

    track_added.fresh_process = True  # what another size has freed would be used again
