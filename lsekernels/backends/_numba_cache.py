"""Whether Numba finds a folder for what it compiles; its decorators raise where there is none.

What is cached must not call what is cached: a function that comes from the cache is linked as it
is, one that was just compiled is compiled into its caller once more, and sums are then added in
another order. The last bits of a result would depend on what another process has left there. So
the functions that others call are not cached, and what is called from Python is the cached copy of
one of them: ``njit(cache=CACHE)(function.py_func)``.

guvectorize caches two things, the function and what calls it over the other axes, which finds it by
a name that differs from process to process. Of two processes that compile at the same time each may
leave one of them, and every later process ends with a segmentation fault: hence :func:`alone`.

Every cache is two files, an index and what it names. Of two processes that store another dtype each
at the same time, the index of one may name what the other has stored, and every later call with
that dtype is an error: so a function is stored by one process at a time, and not read meanwhile.
"""
# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"

import functools
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from numba import config, njit
from numba.core.caching import IndexDataCacheFile

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]


def _nothing():
    pass


def _folder() -> str:
    """Return the folder that Numba has chosen for this package; "" where it finds none."""
    try:
        return str(njit(cache=True)(_nothing).stats.cache_path)  # compiles nothing
    except RuntimeError:  # neither NUMBA_CACHE_DIR, nor beside this file, nor in the home directory
        # Logged, not warned of: it is no fault of the program, and where warnings are errors the
        # backends work as well. Once a process, as this is imported once.
        logging.getLogger(__name__).warning(
            "Numba compiles anew in every process, for it cannot write to %s; "
            "set NUMBA_CACHE_DIR to a folder where it can",
            config.CACHE_DIR or f"{Path(__file__).with_name('__pycache__')} or the home directory",
        )
        return ""


_FOLDER = _folder()
CACHE = bool(_FOLDER)


@contextmanager
def _locked(file: Path, shared: bool = False) -> Iterator[None]:
    """Hold a lock in the folder of a cache, where there is one that can be written to."""
    lock = None
    if fcntl is not None:
        with suppress(OSError):
            lock = file.open("w")
            fcntl.flock(lock, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
    try:
        yield
    finally:
        if lock:
            lock.close()


@contextmanager
def alone() -> Iterator[None]:
    """Let one process at a time compile and cache, where there is a cache."""
    if CACHE:
        Path(_FOLDER).mkdir(parents=True, exist_ok=True)
    with _locked(Path(_FOLDER, "guvectorize.lock")):
        yield


def _one_at_a_time(operation, shared):
    @functools.wraps(operation)
    def locked(cache, *arguments):
        with _locked(Path(cache._cache_path, "index.lock"), shared):
            return operation(cache, *arguments)

    return locked


IndexDataCacheFile.save = _one_at_a_time(IndexDataCacheFile.save, shared=False)
IndexDataCacheFile.load = _one_at_a_time(IndexDataCacheFile.load, shared=True)
