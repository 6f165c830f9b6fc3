"""The noise floor: how much the times of code that never changes scatter on this machine.

Twice: of processes one after the other, as what is stored over months is measured; and of pairs of
processes that take turns, as the gate measures. What slows both of a pair down is not in their
ratio, so pairs scatter less, and their scatter is what decides which change the gate can see.
"""

from __future__ import annotations

import json
import math
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from lsebench.run.jobs import processors, room

from . import frozen_calls
from .linux_checks import BAD, GOOD, Check, read

PROCESSES = 10
SECONDS = 2.0
"""Of timing in each process."""
MOST = 0.02
"""Scatter between processes beyond which a change of 2 % takes many of them to be seen."""
SCALE = 1.4826
"""Makes the median of distances from the median a standard deviation, of normal values."""

PAIRS = 24
"""That the gate has for what it suspects, in an ordinary run."""
LEAST = 0.02
"""Change from which on one counts, for the gate (``--min-effect``)."""
SIGNIFICANT, SEEN = (statistics.NormalDist().inv_cdf(share) for share in (0.999, 0.8))
"""Standard errors of a change that is no chance, as the gate judges one suspect; and to be found in
four of five runs."""

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


def paired(
    large: int, pairs: int, seconds: float, jobs: int = 1, say: Callable[[str], object] = print
) -> dict[str, list[float]]:
    """Return for each kernel the ratio of two processes that take turns, one for each pair.

    `jobs` pairs run at a time, each on a core of its own.
    """
    found: dict[str, list[float]] = {name: [] for name in frozen_calls.NAMES}
    with ThreadPoolExecutor(jobs) as pool:
        for number in range(1, pairs + 1, jobs):
            several = f"pair {number}" if jobs == 1 else f"pairs {number} to {number + jobs - 1}"
            say(f"noise floor: {several} of {pairs}")
            cpus = processors(jobs)
            for ratios in pool.map(_pair, [large] * jobs, [seconds] * jobs, cpus):
                for name, values in ratios.items():
                    found[name].append(statistics.median(values))
    return found


def _pair(large: int, seconds: float, cpu: int) -> dict[str, list[float]]:
    """Return for each kernel the ratios of the turns of two processes, both on one processor."""
    command = [sys.executable, frozen_calls.__file__, str(large)]
    ratios: dict[str, list[float]] = {name: [] for name in frozen_calls.NAMES}
    with ExitStack() as both:
        sides = [both.enter_context(_turns(command, cpu)) for _ in range(2)]
        end = time.monotonic() + seconds
        while time.monotonic() < end or len(ratios["loop"]) < 5:
            for name, values in ratios.items():
                took = {side: _ask(sides[side], name) for side in random.sample((0, 1), 2)}
                values.append(took[1] / took[0])
        for side in sides:
            side.communicate()  # its input ends, and so does it
    return ratios


def _turns(command: Sequence[str], cpu: int) -> subprocess.Popen[str]:
    """Start a process that makes calls when told to."""
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    os.sched_setaffinity(process.pid, {cpu})
    return process


def _ask(process: subprocess.Popen[str], name: str) -> float:
    assert process.stdin
    assert process.stdout
    try:
        process.stdin.write(f"{name}\n")
        process.stdin.flush()
        return float(process.stdout.readline())
    except (OSError, ValueError):
        process.kill()
        raise RuntimeError(f"the frozen kernels do not run:\n{process.communicate()[1]}") from None


def scatter(ratios: Sequence[float]) -> float:
    """Return the standard deviation of pairs, relative, as the gate has it."""
    return statistics.stdev(math.log(ratio) for ratio in ratios)


def visible(of_pairs: float) -> float:
    """Return the smallest change that the gate finds in four of five runs, from the scatter."""
    error = of_pairs / math.sqrt(PAIRS)
    counts = max(math.log1p(LEAST), of_pairs / 2)
    return math.expm1(max(counts, SIGNIFICANT * error) + SEEN * error)


def floor(
    root: Path,
    processes: int = PROCESSES,
    seconds: float = SECONDS,
    say: Callable[[str], object] = print,
) -> dict[str, Any]:
    """Time the frozen kernels in fresh processes, one after the other, and then in pairs.

    Parameters
    ----------
    root : Path
        Below which ``sys`` tells the sizes of the caches.
    processes : int
        And as many pairs.
    seconds : float
        Of timing in each, and in each pair.
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
    kernels = summary(runs)
    for name, ratios in paired(large, processes, seconds, say=say).items():
        of_pairs = scatter(ratios)
        kernels[name] |= {"paired": of_pairs, "visible": visible(of_pairs), "ratios": ratios}
    if (together := room()) > 1:  # does the gate do better with several pairs at a time?
        for name, ratios in paired(large, processes, seconds, together, say).items():
            kernels[name]["beside"] = scatter(ratios)
    return {
        "kernels": kernels,
        "bytes": large,
        "seconds": seconds,
        "switches": switches / spent,
        "numpy": said["numpy"],
        "python": "{}.{}.{}".format(*sys.version_info),
    }


def check(found: Mapping[str, Any]) -> Check:
    """Judge a noise floor by its worst kernel."""
    kernels = found["kernels"].values()
    worst = max(float(kernel["between"]) for kernel in kernels)
    text = f"processes differ by {100 * worst:.2g} %"
    if pairs := [kernel["visible"] for kernel in kernels if "visible" in kernel]:
        text += f"; in pairs changes from {100 * max(pairs):.2g} % on are seen"
    text += f"; interrupted {found['switches']:.0f} times a second"
    if worst <= MOST:
        return Check("noise floor", text, GOOD)
    why = f"over {100 * MOST:.0f} % a change of that size takes many processes to be seen"
    return Check("noise floor", text, BAD, why, "mend what is bad above, then measure it again")
