"""Clock 1: a warm call, on data that is where the backend wants it."""

from . import _call, _heap
from ._tree import registry, tree

setup = _heap.settle


def _params(kernel):
    truth = tree(f"kernels.{kernel}")
    return (list(registry.implementations(kernel)), list(truth.DTYPES), list(truth.SIZES))


class _Warm:
    """The question of the whole repository: which tool, for how many elements?

    Timed: one call, until its result exists, in a settled heap; the result's memory is used again
    where the heap does that (up to 32 MiB). Not timed: import, compilation, transfer, making and
    checking the data. A backend that is wrong on the data fails.
    """

    version = "2"
    timeout = 300
    param_names = ("backend", "dtype", "size")

    def setup(self, backend, dtype, size):
        loaded = _call.load(backend)
        data = tree(f"kernels.{self.kernel}").make_data(size, dtype)
        _, method = registry.split(backend, self.kernel)
        self.call = _call.prepare(loaded, method, data, dtype, size)

    def track_time(self, backend, dtype, size):
        return _call.sample(self.call)

    track_time.type = "time"
    track_time.unit = "seconds"
    track_time.rounds = 2


class Logsumexp(_Warm):
    """One vector."""

    kernel = "logsumexp"
    params = _params(kernel)


class LogsumexpRows(_Warm):
    """Each row of a matrix, rows x columns."""

    kernel = "logsumexp_rows"
    params = _params(kernel)


class SoftmaxRows(_Warm):
    """Each row of a matrix, rows x columns; one row is the softmax of a vector."""

    kernel = "softmax_rows"
    params = _params(kernel)


class LogSoftmaxRows(_Warm):
    """Each row of a matrix, rows x columns."""

    kernel = "log_softmax_rows"
    params = _params(kernel)


class Uniform(_Warm):
    """Random numbers on [0, 1), new ones in each call; written, never read."""

    kernel = "uniform"
    params = _params(kernel)


class Lu(_Warm):
    """LU factorisation of a square matrix: loops where a call is dear, blocks where memory is."""

    kernel = "lu"
    params = _params(kernel)


class PythonIdioms(_Warm):
    """Small choices in plain Python, in pairs; n items."""

    kernel = "python_idioms"
    params = _params(kernel)


class Log10(_Warm):
    """log10 of each element, as a ufunc."""

    kernel = "log10"
    params = _params(kernel)


class Hypot(_Warm):
    """A ufunc of two arguments."""

    kernel = "hypot"
    params = _params(kernel)


class MovingAverage(_Warm):
    """A window of 5 weights over rows: what guvectorize generalises over the other axes."""

    kernel = "moving_average"
    params = _params(kernel)


class Power8(_Warm):
    """x**8 in several forms: what the power function costs beside multiplications."""

    kernel = "power8"
    params = _params(kernel)


class StdevVariance(_Warm):
    """A function that calls another: what forgetting one decorator costs."""

    kernel = "stdev_variance"
    params = _params(kernel)


class PingPong(_Warm):
    """Two tasks pass a ball to and fro, which costs nothing but the switches; n passes."""

    kernel = "ping_pong"
    params = _params(kernel)
