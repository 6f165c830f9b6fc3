"""Whether Numba finds a folder for what it compiles; its decorators raise where there is none.

What is cached must not call what is cached: a function that comes from the cache is linked as it
is, one that was just compiled is compiled into its caller once more, and sums are then added in
another order. The last bits of a result would depend on what another process has left there. So
the functions that others call are not cached, and what is called from Python is the cached copy of
one of them: ``njit(cache=CACHE)(function.py_func)``.

guvectorize caches two things, the function and what calls it over the other axes, which finds it by
a name that differs from process to process. Of two processes that compile at the same time each may
leave one of them, and every later process ends with a segmentation fault: hence :func:`alone`.
"""
# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from numba import config, njit

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
def alone() -> Iterator[None]:
    """Let one process at a time compile and cache, where there is a cache."""
    if not CACHE or fcntl is None:
        yield
        return
    Path(_FOLDER).mkdir(parents=True, exist_ok=True)
    with Path(_FOLDER, "guvectorize.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # until it is closed
        yield
