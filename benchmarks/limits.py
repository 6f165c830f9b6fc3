"""What no backend can beat, measured in the same run: the harness, memory, and exp."""

import timeit

from . import _call
from ._tree import DTYPES, SIZES, tree

BLOCK = 8192  # elements; with its output this stays in the first two levels of cache


def _fastest(calls):
    return min(calls, key=lambda call: min(timeit.repeat(call, number=1, repeat=3)))


class Limits:
    """A time means little without the distance to what is possible."""

    version = "1"
    timeout = 300

    def track_empty_call(self):
        """Timed: a Python function that does nothing, through the same harness."""
        return _call.sample(lambda: None)

    def track_read(self, dtype, size):
        """Timed: reading the array once, by the fastest of NumPy's sum, max and dot."""
        import numpy as np

        (x,) = tree("kernels.logsumexp").make_data(size, dtype)
        return _call.sample(_fastest([x.sum, x.max, lambda: np.dot(x, x)]))

    def track_exp(self, dtype, size):
        """Timed: NumPy's exp of as many elements, from and to cache."""
        import numpy as np

        (x,) = tree("kernels.logsumexp").make_data(min(size, BLOCK), dtype)
        out, blocks = np.empty_like(x), max(1, size // BLOCK)

        def exp():
            for _ in range(blocks):
                np.exp(x, out)

        return _call.sample(exp)

    for _track in (track_empty_call, track_read, track_exp):
        _track.type = "time"
        _track.unit = "seconds"
        _track.rounds = 2
    for _track in (track_read, track_exp):
        _track.params = (DTYPES, SIZES)
        _track.param_names = ("dtype", "size")
    del _track
