"""The noise floor: how much the times of code that never changes scatter on this machine."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import frozen_calls
from .linux_checks import BAD, GOOD, Check, read

PROCESSES = 10
SECONDS = 2.0
"""Of timing in each process."""
MOST = 0.02
"""Scatter between processes beyond which a change of 2 % takes many of them to be seen."""
SCALE = 1.4826
"""Makes the median of distances from the median a standard deviation, of normal values."""

Times = Mapping[str, Sequence[float]]


def robust_cv(values: Sequence[float]) -> float:
    """Return the scatter relative to the median, blind to single outliers."""
    middle = statistics.median(values)
    return SCALE * statistics.median(abs(v - middle) for v in values) / middle


def array_bytes(root: Path) -> int:
    """Return the size of an array that no cache holds: twice the largest, 64 MiB to 1 GiB."""
    sizes = [2**25]
    for file in (root / "sys/devices/system/cpu/cpu0/cache").glob("index*/size"):
        text = read(file.parent, file.name) or ""
        if text[:-1].isdigit() and text[-1] in "KM":
            sizes.append(int(text[:-1]) * {"K": 2**10, "M": 2**20}[text[-1]])
    return min(2 * max(sizes), 2**30)


def summary(runs: Sequence[Times]) -> dict[str, dict[str, Any]]:
    """Return for each kernel its time, and the scatter within and between processes."""
    found = {}
    for name in runs[0]:
        medians = [statistics.median(run[name]) for run in runs]
        found[name] = {
            "seconds": statistics.median(medians),
            "within": statistics.median(robust_cv(run[name]) for run in runs),
            "between": robust_cv(medians),
            "processes": medians,
        }
    return found


def floor(
    root: Path,
    processes: int = PROCESSES,
    seconds: float = SECONDS,
    say: Callable[[str], object] = print,
) -> dict[str, Any]:
    """Time the frozen kernels in fresh processes, one after the other.

    Parameters
    ----------
    root : Path
        Below which ``sys`` tells the sizes of the caches.
    processes : int
    seconds : float
        Of timing in each.
    say : callable
        Told how far it is.
    """
    large = array_bytes(root)
    command = [sys.executable, frozen_calls.__file__, str(seconds), str(large)]
    runs: list[Times] = []
    switches = 0
    for number in range(1, processes + 1):
        say(f"noise floor: process {number} of {processes}")
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"the frozen kernels do not run:\n{done.stderr.strip()}")
        said = json.loads(done.stdout)
        runs.append(said["times"])
        switches += said["switches"]
    spent = sum(sum(times) for run in runs for times in run.values())
    return {
        "kernels": summary(runs),
        "bytes": large,
        "seconds": seconds,
        "switches": switches / spent,
        "numpy": said["numpy"],
        "python": "{}.{}.{}".format(*sys.version_info),
    }


def check(found: Mapping[str, Any]) -> Check:
    """Judge a noise floor by its worst kernel."""
    worst = max(found["kernels"].values(), key=lambda kernel: float(kernel["between"]))["between"]
    interrupted = f"interrupted {found['switches']:.0f} times a second"
    text = f"processes differ by {100 * worst:.2g} %; {interrupted}"
    if worst <= MOST:
        return Check("noise floor", text, GOOD)
    why = f"over {100 * MOST:.0f} % a change of that size takes many processes to be seen"
    return Check("noise floor", text, BAD, why, "mend what is bad above, then measure it again")
