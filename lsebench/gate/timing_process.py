"""The measuring process: times single batches of a benchmark, whenever it is told to.

It runs in asv's environment, where only asv_runner is installed beside the project. Two of these
processes, one for each commit, are told to measure in turn: see `side_by_side.py`. Each line of
standard input is a request in JSON, each line of standard output its answer; what the benchmarks
print goes to standard error.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    del sys.path[0]  # this folder: its modules are not the environment's, nor Python's

import contextlib
import io
import json
import math
import os
import random
import statistics
from typing import Any

from asv_runner.benchmarks.mark import SkipNotImplemented
from asv_runner.benchmarks.time import TimeBenchmark
from asv_runner.discovery import get_benchmark_from_name

BATCH = 1e-3
"""Seconds that a batch of calls takes at least: the shorter, the less a machine changes between
one commit's batch and the other's. With batches of 5 ms the pairs scattered twice as much."""
MAX_NUMBER = 10_000_000
PADDING = 16, 4096
"""Blocks of memory, and their bytes at most, that shift what a benchmark's setup allocates."""
CHANCE = random.Random()  # of its own: a benchmark may seed the common one


class _Reached(BaseException):
    """asv's timer has got the call that is to be timed."""

    def __init__(self, benchmark: Any, params: tuple[Any, ...]) -> None:
        self.benchmark, self.params = benchmark, params


def _reach(self: Any, *params: Any) -> Any:
    raise _Reached(self, params)


def padding() -> list[bytearray]:
    """Return blocks of random length, to be kept while a benchmark is measured.

    A comment more in a source moves all that is allocated after reading it, and with it where
    arrays begin within a line of the cache: NumPy's moving average of 10,000 numbers became 4.5 %
    slower by one, in every process. Moved at random, that is noise, and no verdict.
    """
    blocks, most = PADDING
    return [bytearray(CHANCE.randrange(most)) for _ in range(blocks)]


class Taken:
    """A benchmark with its parameters set up, and how a sample of it is taken.

    Of a `fresh` one only the first run in a process means something: none is made to find a timer.
    """

    def __init__(self, root: str, name: str, index: int | None, fresh: bool = False) -> None:
        asked = name if index is None else f"{name}-{index}"
        self.benchmark = get_benchmark_from_name(root, asked)
        cached = self.benchmark.setup_cache_key is not None
        self.benchmark.set_cache(self.benchmark.do_setup_cache() if cached else None)
        self.timer: Any = None
        self.number = 1
        with contextlib.redirect_stdout(io.StringIO()) as said:  # asv prints why it skips
            skip = self.benchmark.do_setup()
        if skip:
            raise NotImplementedError(said.getvalue().partition("asv: skipped: ")[2].strip())
        if self.benchmark.type == "time" and not fresh:
            self._find_timer()

    def _find_timer(self) -> None:
        """Find the bare call: a ``time_`` function, or what a ``track_`` gives to asv's timer."""
        run, TimeBenchmark.run = TimeBenchmark.run, _reach
        try:
            self.benchmark.do_run()
            return  # its values are no calls in this process: taken one by one
        except _Reached as reached:
            found, params = reached.benchmark, reached.params
        finally:
            TimeBenchmark.run = run
        self.timer = found._get_timer(*params)
        if found.number or (found._setups and found._setup_isolates_timed_calls):
            self.number = found.number or 1  # as asv does
            return
        self.timer.timeit(1)
        while (seconds := self.timer.timeit(self.number)) < BATCH and self.number < MAX_NUMBER:
            wanted = BATCH / max(seconds, 1e-9) * self.number
            self.number = max(self.number + 1, min(10 * self.number, math.ceil(1.1 * wanted)))

    def sample(self) -> float:
        """Return the seconds of one call, as the mean of a batch; or else the benchmark's value."""
        if self.timer is not None:
            return float(self.timer.timeit(self.number)) / self.number
        value = self.benchmark.do_run()
        if isinstance(value, dict):
            value = statistics.median(value["samples"])
        if value is None:
            raise ValueError("it returned None")
        return float(value)

    def call(self, number: int) -> None:
        """Make so many calls.

        Raises
        ------
        ValueError
            The benchmark is none of calls in this process.
        """
        if self.timer is None:
            raise ValueError("its calls are not in this process")
        self.timer.timeit(number)

    def leave(self) -> None:
        """Undo the setup."""
        self.benchmark.do_teardown()


def check_place(folder: str, packages: list[str]) -> None:
    """Raise ImportError where a module of these packages was not loaded from `folder`."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        here = not file or os.path.realpath(file).startswith(os.path.join(folder, ""))
        if not here and name.partition(".")[0] in packages:
            raise ImportError(
                f"{name} is not this commit's but {file}: the commit's copy lacks a part; run the "
                "same command again, it is then copied anew"
            )


def main() -> None:
    """Answer requests until there are no more."""
    root, folder = sys.argv[1], os.path.realpath(os.getcwd())
    if len(sys.argv) > 2:  # name, index or "", and how many calls: for lsebench.gate.instructions
        name, index, calls = sys.argv[2:]
        Taken(root, name, int(index) if index else None).call(int(calls))
        return
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever prints, prints elsewhere
    taken: Taken | None = None
    kept: list[bytearray] = []
    for line in sys.stdin:
        asked = json.loads(line)
        said: dict[str, Any] = {}
        try:
            if "cpu" in asked:
                os.sched_setaffinity(0, asked["cpu"])
            if "take" in asked:
                kept = padding()
                taken = Taken(root, *asked["take"])
                check_place(folder, asked["packages"])
                said["batched"] = taken.timer is not None
            elif "sample" in asked and taken:
                said["value"] = taken.sample()
            elif "leave" in asked and taken:
                taken.leave()
                taken = None
                kept.clear()
        except (NotImplementedError, SkipNotImplemented) as error:
            said = {"absent": str(error) or "it is skipped with these parameters"}
        except Exception as error:
            said = {"failed": f"{type(error).__name__}: {error}".splitlines()[0][:300]}
        answers.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    main()
