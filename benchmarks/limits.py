"""What no backend can beat, measured in the same run: the harness, memory, and exp."""

import timeit

from . import THREADS, _call, _heap, gpu
from ._tree import tree

KERNEL = tree("kernels.logsumexp")

setup = _heap.settle

BLOCK = 2048  # elements; stays in the first level of cache


def _fastest(calls):
    return min(calls, key=lambda call: min(timeit.repeat(call, number=1, repeat=3)))


def _loops():
    """Return the package's own loops, with explicit SIMD, or None for a commit without them."""
    try:
        if THREADS > 1:
            from lsekernels._compiled import logsumexp_simd_openmp as loops
        else:
            from lsekernels._compiled import logsumexp_simd as loops
    except ImportError:
        return None
    return loops


def read(x):
    """Return the fastest call that reads `x` once: NumPy's sum, max and dot, and our own loop."""
    import numpy as np

    calls = [x.sum, x.max, lambda: np.dot(x, x)]
    loops = _loops()
    if loops:
        calls.append(lambda: loops.read(x))
    return _fastest(calls)


def exp(x, size):
    """Return the fastest call of `size` times exp on numbers of `x` that stay in cache.

    NumPy's exp from and to cache, and our own loop, which adds the results up without a check.
    """
    import numpy as np

    block = x[:BLOCK].copy()
    out = np.empty_like(block)
    whole, rest = divmod(size, len(block))

    def numpy_exp():
        for _ in range(whole):
            np.exp(block, out)
        np.exp(block[:rest], out[:rest])

    loops = _loops()
    return _fastest([numpy_exp] + ([lambda: loops.exp(block, size)] if loops else []))


class EmptyCall:
    """Timed: a Python function that does nothing, through the same harness."""

    version = "1"
    timeout = 300

    def track_time(self):
        return _call.sample(lambda: None)

    track_time.type = "time"
    track_time.unit = "seconds"
    track_time.rounds = 2


class _Limit:
    """A time means little without the distance to what is possible."""

    version = "2"
    timeout = 300
    params = (list(KERNEL.DTYPES), list(KERNEL.SIZES))
    param_names = ("dtype", "size")

    def track_time(self, dtype, size):
        (x,) = KERNEL.make_data(size, dtype)
        return _call.sample(self.call(x, size))

    track_time.type = "time"
    track_time.unit = "seconds"
    track_time.rounds = 2


class Read(_Limit):
    """Timed: reading the array once; a lower bound for logsumexp of what is not in cache."""

    def call(self, x, size):
        return read(x)


class Exp(_Limit):
    """Timed: as many exponentials, in cache and by one thread; a lower bound in cache."""

    def call(self, x, size):
        return exp(x, size)


class Copy(_Limit):
    """Timed: copying the array to another, settled as softmax's result; a lower bound for it."""

    def call(self, x, size):
        return x.copy


class GpuCopy:
    """Timed: copying an array in the memory of an NVIDIA GPU, by CuPy; it is read and written.

    Inputs that are not in the L2 cache, as those of gpu.Logsumexp.
    """

    version = "1"
    timeout = 600
    params = (list(KERNEL.DTYPES), list(gpu.SIZES))
    param_names = ("dtype", "size")

    def setup(self, dtype, size):
        if size > gpu.LARGEST[dtype]:
            raise NotImplementedError(f"{size} numbers of {dtype} are more than 4 GB")
        self.call = gpu_copy(dtype, size)

    def track_time(self, dtype, size):
        return _call.sample(self.call)

    track_time.type = "time"
    track_time.unit = "seconds"
    track_time.rounds = 2


def gpu_copy(dtype, size):
    """Return the call that copies `size` numbers on the GPU, and waits until they are there."""
    cupy = _call.load("cupy")
    (x,) = KERNEL.make_data(size, dtype)
    inputs = [cupy.to_device(x) for _ in range(gpu.copies(x.nbytes))]
    out = inputs[0].copy()

    def copy_of(one):
        def copy():
            out[...] = one
            cupy.synchronize(out)

        return copy

    return gpu.in_turn(list(map(copy_of, inputs)))
