"""Clock 1: a warm call, on data that is where the backend wants it."""

from . import _call
from ._tree import DTYPES, SIZES, registry, tree


class Logsumexp:
    """The question of the whole repository: which tool, for how many elements?

    Timed: one call, until its result exists. Not timed: import, compilation, transfer, making and
    checking the data. A backend that is wrong on the data fails.
    """

    version = "1"
    timeout = 300
    params = (list(registry.names("logsumexp")), DTYPES, SIZES)
    param_names = ("backend", "dtype", "size")

    def setup(self, backend, dtype, size):
        loaded = _call.load(backend)
        data = tree("kernels.logsumexp").make_data(size, dtype)
        self.call = _call.prepare(loaded, "logsumexp", data)

    def track_time(self, backend, dtype, size):
        return _call.sample(self.call)

    track_time.type = "time"
    track_time.unit = "seconds"
    track_time.rounds = 2
