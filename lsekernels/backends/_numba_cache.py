"""Whether Numba finds a folder for what it compiles; its decorators raise where there is none.

What is cached must not call what is cached: a function that comes from the cache is linked as it
is, one that was just compiled is compiled into its caller once more, and sums are then added in
another order. The last bits of a result would depend on what another process has left there. So
the functions that others call are not cached, and what is called from Python is the cached copy of
one of them: ``njit(cache=CACHE)(function.py_func)``.
"""
# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"

import logging
from pathlib import Path

from numba import config, njit


def _nothing():
    pass


def _can_cache() -> bool:
    try:
        njit(cache=True)(_nothing)  # compiles nothing
    except RuntimeError:  # neither NUMBA_CACHE_DIR, nor beside this file, nor in the home directory
        # Logged, not warned of: it is no fault of the program, and where warnings are errors the
        # backends work as well. Once a process, as this is imported once.
        logging.getLogger(__name__).warning(
            "Numba compiles anew in every process, for it cannot write to %s; "
            "set NUMBA_CACHE_DIR to a folder where it can",
            config.CACHE_DIR or f"{Path(__file__).with_name('__pycache__')} or the home directory",
        )
        return False
    return True


CACHE = _can_cache()
