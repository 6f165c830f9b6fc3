"""How many pairs of processes are measured at a time: as many as tell most in the same minutes."""

from __future__ import annotations

import math
import os
import statistics
from pathlib import Path

from lsebench.records.stored import Tuning

MOST = 2


def cores() -> list[int]:
    """Return a processor of each core that this process may use: never two of one core."""
    found = {}
    for cpu in sorted(os.sched_getaffinity(0)):
        siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        found[siblings.read_text() if siblings.exists() else str(cpu)] = cpu
    return list(found.values())


def room(most: int = MOST) -> int:
    """Return how many pairs have a core each while one more is left for all else; at least one."""
    return max(1, min(most, len(cores()) - 1))


def processors(jobs: int) -> list[int]:
    """Return the processors for so many pairs; the first core has the machine's own work."""
    return cores()[-jobs:]


def best(machine: Path) -> int:
    """Return the number that the newest check of a machine found best; 1 where it looked at none.

    Parameters
    ----------
    machine : Path
        Its folder in the results.
    """
    tuning = Tuning.last(machine)
    kernels = tuning.noise["kernels"].values() if tuning else ()
    scatters = [(k["paired"], k["beside"]) for k in kernels if "paired" in k and "beside" in k]
    if not scatters or room() < MOST:
        return 1
    # There are twice as many pairs in the same time.
    alone, beside = (statistics.median(values) for values in zip(*scatters, strict=True))
    return MOST if beside / math.sqrt(MOST) < alone else 1
