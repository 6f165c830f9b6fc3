"""Clock 3: the first call in a fresh process, and what is compiled before it."""

import os
import subprocess
import sys
import tempfile
import time

from . import _call
from ._tree import registry, tree

FIRST_CALL = (
    "from lsekernels import registry; import numpy; b = registry.load({!r}); "
    "b.synchronize(b.logsumexp(b.to_device(numpy.ones(1000))))"
)
START = (
    "from lsekernels import registry; import numpy; registry.load({!r}).{}(*map(numpy.ones, {}))"
)


def _remove(folder):
    """Delete a compile cache, into which a thread of Mesa's may still be writing."""
    for _ in range(20):
        try:
            folder.cleanup()
            return
        except OSError:  # a file has come into a folder that was empty
            time.sleep(0.1)


class Logsumexp:
    """What a short script pays once.

    Timed: the first call on 1,000 float64 numbers, until its result exists; one sample a process.
    Not timed: the import, which has its own series. ``cold``: the compile cache is empty.
    ``cached``: another process has compiled the same before; only backends with a cache.
    """

    version = "1"
    timeout = 300
    param_names = ("backend",)

    def setup(self, backend):
        variable = registry.declaration(backend).cache
        self.folder = tempfile.TemporaryDirectory()
        if variable:
            os.environ[variable] = self.folder.name  # read when the library is imported
        self.loaded = _call.load(backend)
        (x,) = tree("kernels.logsumexp").make_data(1000, "float64")
        self.x = self.loaded.to_device(x)

    def teardown(self, backend):
        if hasattr(self, "folder"):
            _remove(self.folder)

    def _sample(self):
        start = time.perf_counter()
        self.loaded.synchronize(self.loaded.logsumexp(self.x))
        return {"samples": [time.perf_counter() - start], "number": 1}

    def track_cold(self, backend):
        return self._sample()

    def track_cached(self, backend):
        code = FIRST_CALL.format(backend)
        subprocess.run([sys.executable, "-c", code], check=True)  # fills the cache
        return self._sample()

    track_cold.params = (list(registry.names("logsumexp")),)
    track_cached.params = (
        [n for n in registry.names("logsumexp") if registry.declaration(n).cache],
    )
    for _track in (track_cold, track_cached):
        _track.type = "time"
        _track.unit = "seconds"
        _track.rounds = 2
        _track.fresh_process = True
    del _track


def _numba_with_cache(kernel):
    return [
        name
        for name in registry.names(kernel)
        for declared in (registry.declaration(name),)
        if "numba" in declared.requires and declared.cache
    ]


class _Start:
    """What a signature and a cache save: with a signature Numba compiles before the first call.

    Timed: ``registry.load(name)``, which decorates the functions of the backend and compiles those
    with signatures (all of them, for each of their signatures, called later or not); and the first
    call on 1,000 float64 numbers. One sample a process. Not timed: the import of Numba, and what
    its compiler loads when it is first used, for which `setup` compiles another ufunc. ``cold``:
    the compile cache is empty. ``cached``: another process has done the same before.
    """

    version = "1"
    timeout = 300
    param_names = ("backend",)

    def setup(self, backend):
        self.registry = _call.registry_with(backend)
        declared = self.registry.declaration(backend)
        if reason := declared.missing():
            raise NotImplementedError(reason)
        if self.kernel not in declared.kernels():
            raise NotImplementedError(f"backend {backend!r} has no {self.kernel} in this commit")
        self.folder = tempfile.TemporaryDirectory()
        os.environ[declared.cache] = self.folder.name  # read when Numba is imported
        self.data = tree(f"kernels.{self.kernel}").make_data(1000, "float64")
        import numba

        numba.vectorize(lambda x: x + 1)(1.0)

    def teardown(self, backend):
        if hasattr(self, "folder"):
            _remove(self.folder)

    def sample(self, backend):
        start = time.perf_counter()
        loaded = self.registry.load(backend)
        result = getattr(loaded, self.kernel)(*self.data)
        seconds = time.perf_counter() - start
        truth = tree(f"kernels.{self.kernel}")
        _call.compare(truth, result, truth.reference(*self.data), "float64", backend)
        return {"samples": [seconds], "number": 1}

    def fill_cache(self, backend):
        lengths = [len(array) for array in self.data]
        code = START.format(backend, self.kernel, lengths)
        subprocess.run([sys.executable, "-c", code], check=True)

    def track_start_cold(self, backend):
        return self.sample(backend)

    def track_start_cached(self, backend):
        self.fill_cache(backend)
        return self.sample(backend)

    for _track in (track_start_cold, track_start_cached):
        _track.type = "time"
        _track.unit = "seconds"
        _track.rounds = 2
        _track.fresh_process = True
    del _track


class Log10(_Start):
    """A ufunc of one argument; the file has three of them, and signatures for two dtypes."""

    kernel = "log10"
    params = (_numba_with_cache(kernel),)


class Hypot(_Start):
    """A ufunc of two arguments; the file has three of them, and signatures for two dtypes."""

    kernel = "hypot"
    params = (_numba_with_cache(kernel),)


class MovingAverage(_Start):
    """guvectorize, which needs signatures, against a plain function compiled at the first call."""

    kernel = "moving_average"
    params = (_numba_with_cache(kernel),)
