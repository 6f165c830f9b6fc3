"""The public functions: what programs call that just want the result, by whichever backend."""

import os
import tempfile

from . import _call, _heap
from ._tree import tree

setup = _heap.settle

SHAPES = {  # the rows that are summed over, and how they lie in the array
    "10": ("1x10", None),
    "1000000": ("1x1000000", None),
    "128x1000, axis 1": ("128x1000", 1),
    "1000x128, axis 0": ("128x1000", 0),
    "100x10, axis 1": ("100x10", 1),
}


class Functions:
    """What the functions add to a backend: shapes, axes, dtypes, and the choice of the best one.

    Timed: a warm call on float64 numbers in C order, in a settled heap. A wrong result fails.
    """

    version = "1"
    timeout = 300
    params = (["logsumexp", "softmax", "log_softmax"], list(SHAPES))
    param_names = ("function", "shape")

    def setup(self, function, shape):
        import numpy

        compute = _installed("lsekernels", function)
        size, axis = SHAPES[shape]
        truth = tree(f"kernels.{function}_rows")
        (rows,) = truth.make_data(size, "float64")
        x = {None: rows[0], 0: numpy.ascontiguousarray(rows.T), 1: rows}[axis]
        self.call = lambda: compute(x, axis=axis)
        result, expected = self.call(), truth.reference(rows)
        as_rows = result.T if axis == 0 else result.reshape(expected[0].shape)
        _call.compare(truth, as_rows, expected, "float64", f"{function} of {shape}")

    def track_time(self, function, shape):
        return _call.sample(self.call)

    track_time.type = "time"
    track_time.unit = "seconds"
    track_time.rounds = 2


class Chunked:
    """What a worker of `lsekernels.chunked` does: a file, chunk by chunk, and the parts merged.

    Timed: 1,000,000 numbers of a .npy file that is in memory, mapped, in 8 chunks, warm; without
    Dask. float32 is converted in blocks: it is summed in double. A wrong result fails.
    """

    version = "1"
    timeout = 300
    params = (["float64", "float32"],)
    param_names = ("dtype",)

    def setup(self, dtype):
        import numpy

        from lsekernels import registry

        layout, reduce_file, merge = (
            _installed("lsekernels.chunked", name) for name in ("layout", "reduce_file", "merge")
        )
        truth = tree("kernels.logsumexp")
        (x,) = truth.make_data(1_000_000, dtype)
        self.folder = tempfile.TemporaryDirectory()
        path = os.path.join(self.folder.name, "x.npy")
        numpy.save(path, x)
        lies, best, chunk = layout(path), registry.best().name, x.size // 8
        starts = range(0, x.size, chunk)
        self.call = lambda: merge([reduce_file(i, path, lies, chunk, best) for i in starts])
        log, expected = self.call().log, truth.reference(x)
        _call.compare(truth, log, expected, "float64", f"logsumexp of chunks of {dtype}")

    def teardown(self, dtype):
        if hasattr(self, "folder"):
            self.folder.cleanup()

    def track_time(self, dtype):
        return _call.sample(self.call)

    track_time.type = "time"
    track_time.unit = "seconds"
    track_time.rounds = 2


def _installed(module, name):
    """Return a function of the measured commit; asv shows n/a where that has none."""
    from importlib import import_module

    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise NotImplementedError(f"this commit has no {module}.{name} ({error})") from None
