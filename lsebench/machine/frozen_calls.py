"""The frozen kernels whose scatter is a machine's noise, timed in one process.

Run as a program: ``python frozen_calls.py SECONDS BYTES`` prints JSON, kernel -> seconds of each
call; ``python frozen_calls.py BYTES`` makes a call of the kernel that each line of its input names,
and prints the seconds. The kernels are never changed: what changes in their times is the machine.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable
from time import perf_counter

import numpy as np

NAMES = {
    "loop": "a loop in Python",
    "exp": "NumPy's exp, in cache",
    "read": "reading an array beyond the caches",
}


def kernels(large: int) -> dict[str, Callable[[], object]]:
    """Return name -> call; `large` is the size in bytes of what is read."""
    small, out = np.linspace(-1.0, 1.0, 1024), np.empty(1024)
    array = np.ones(large // 8)

    def loop() -> int:
        total = 0
        for i in range(50_000):
            total += i & 7
        return total

    def exp() -> None:
        for _ in range(500):
            np.exp(small, out=out)

    return {"loop": loop, "exp": exp, "read": array.max}


def measure(seconds: float, large: int) -> dict[str, list[float]]:
    """Return the seconds of each call; the kernels take turns, and at least five of them."""
    calls = kernels(large)
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()  # warm-up
    end = perf_counter() + seconds
    while perf_counter() < end or len(times["loop"]) < 5:
        for name, call in calls.items():
            start = perf_counter()
            call()
            times[name].append(perf_counter() - start)
    return times


def answer(large: int) -> None:
    """Make calls when told to, so that two processes can take turns."""
    calls = kernels(large)
    for call in calls.values():
        call()  # warm-up
    for line in sys.stdin:
        call = calls[line.strip()]
        start = perf_counter()
        call()
        print(perf_counter() - start, flush=True)


if __name__ == "__main__":
    if len(sys.argv) == 2:
        answer(int(sys.argv[1]))
        sys.exit()
    found = measure(float(sys.argv[1]), int(sys.argv[2]))
    switches = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
    print(json.dumps({"times": found, "switches": switches, "numpy": np.__version__}))
