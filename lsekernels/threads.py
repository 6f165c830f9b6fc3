"""The number of threads the libraries may use: a setting of the run, not of a backend."""

from __future__ import annotations

import os
import sys
from itertools import chain

from . import registry

_SHARED = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
"""Of OpenMP, and of what computes linear algebra for several libraries."""
_DECLARED = (registry.declaration(name).thread_variables for name in registry.names())
VARIABLES = tuple(dict.fromkeys((*_SHARED, *chain.from_iterable(_DECLARED))))
"""Environment variables that the libraries read once, when they are imported."""


def limit(setting: str | int) -> int:
    """Let every library use `setting` threads: a number, or ``"all"`` for one a core.

    Must be called before any of them is imported. Returns the number.

    Raises
    ------
    ValueError
        `setting` is neither a positive number nor ``"all"``.
    RuntimeError
        NumPy or Numba is imported already and would go on with the number it has read.
    """
    try:
        number = _cores() if setting == "all" else int(setting)
    except ValueError:
        number = 0
    if number < 1:
        raise ValueError(f"threads must be a positive number or 'all', not {setting!r}")
    wanted = {name: str(number) for name in VARIABLES}
    late = [name for name in ("numpy", "numba") if sys.modules.get(name)]
    if late and any(os.environ.get(name) != value for name, value in wanted.items()):
        raise RuntimeError(f"threads must be set before {' and '.join(late)} is imported")
    os.environ.update(wanted)
    return number


def allowed(cores: int | None = None) -> int:
    """Return how many threads, or processes of one thread, this process may use.

    Of ``OMP_NUM_THREADS`` as OpenMP reads it: the first number of a list; what is no positive
    number says nothing, and there may be as many as `cores`, by default all of this process.
    """
    first = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(first) if first.isdecimal() and int(first) else cores or _cores()


def _cores() -> int:
    """Return the cores this process may run on, which taskset and containers reduce."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
