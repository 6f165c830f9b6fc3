"""Clock 3: the first call in a fresh process, where a JIT compiles."""

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
            self.folder.cleanup()

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
    del _track
