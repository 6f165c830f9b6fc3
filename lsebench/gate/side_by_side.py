"""Two fresh processes, one with each commit, that measure in turn.

The machine changes all the time: its clock, its other programs. So a batch of one commit, of a
millisecond, is followed at once by a batch of the other, in random order, turn after turn, and
what is kept is their ratio (duet benchmarking, L. Bulej et al., arXiv:2001.05811, made turns so
that the two do not compete for the caches). What differs between processes, such as the layout of
memory, stays the same in both of all these turns: only further pairs of processes tell it.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import select
import signal
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

WORKER = Path(__file__).with_name("timing_process.py")
SIDES = "base", "head"
TURNS = 5, 200
"""Turns of a pair of processes: at least, at most."""
LONG = 4
"""So many times as long as turns should take together, they end, however few there were."""
PATIENCE = 60.0, 20
"""Seconds, or times what the slowest answer of its kind has taken, that the next one may take: one
side shows how long it takes, and the other need not hang for as long as the suite allows."""
DISTURBED, SLOWEST = 20, 10
"""One of so many turns, the slowest, is in no mean; one of so many is among the slowest."""


@dataclass(frozen=True)
class Key:
    """One benchmark with one combination of its parameters."""

    name: str
    index: int | None
    parameters: tuple[str, ...]
    unit: str = "seconds"
    timeout: float = 60.0
    fresh: bool = False
    """Whether it needs a process in which nothing was measured before."""

    def __str__(self) -> str:
        return f"{self.name}({', '.join(self.parameters)})" if self.parameters else self.name


@dataclass(frozen=True)
class Side:
    """How the processes of one commit are started."""

    python: str
    path: Path
    """The folder in which the project is installed."""
    environ: Mapping[str, str]
    root: Path
    """The folder of the benchmarks: of the working tree, for both commits."""
    packages: tuple[str, ...] = ()
    """What must come from `path` and from nowhere else."""


@dataclass
class Pair:
    """What two processes have measured of one benchmark."""

    key: Key
    base: float | None = None
    """Seconds of a call, or the benchmark's value; the median of all turns."""
    head: float | None = None
    ratio: float | None = None
    """Head over base: the median over the turns. On a busy machine this scattered half as much as
    the ratio of the medians, and a fifth of that of the fastest batches."""
    mean: float | None = None
    """Head over base, of the means over the turns; and of what the slowest turns take at least."""
    tail: float | None = None
    states: dict[str, str] = field(default_factory=dict)
    """Side -> why it has no value: ``absent: reason`` or ``failed: reason``."""


class Ended(Exception):
    """A process has ended, or was too slow, and says no more."""


class Process:
    """A fresh process of one commit."""

    alive: ClassVar[set[Process]] = set()

    def __init__(self, side: Side, seed: int) -> None:
        environ = {**os.environ, **side.environ, "PYTHONPATH": str(side.path)}
        # Both of a pair have the same order of dictionaries' keys, no two pairs need have.
        environ["PYTHONHASHSEED"] = str(seed)
        self._process = subprocess.Popen(
            [side.python, str(WORKER), str(side.root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environ,
            cwd=side.path,
            start_new_session=True,  # with all that it starts
        )
        self.packages = side.packages
        self.alive.add(self)

    def ask(self, **request: Any) -> None:
        """Send a request; the answer is fetched by :meth:`answer`."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # the answer will say so

    def answer(self, timeout: float) -> dict[str, Any]:
        """Wait for the answer to a request.

        Raises
        ------
        Ended
            There is none within `timeout` seconds, or the process has ended.
        """
        pipe = self._process.stdout
        assert pipe is not None
        line = pipe.readline() if select.select([pipe], [], [], timeout)[0] else None
        if line:
            return dict(json.loads(line))
        if line is None:
            raise Ended(f"no answer within {timeout:.0f} s")
        code = self._process.wait()
        name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        raise Ended(f"its process ended ({name})")

    def kill(self) -> None:
        """Kill the process and all that it has started: whoever waits for its answer gets none."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def end(self) -> None:
        """End the process and all that it has started."""
        self.kill()
        self._process.wait()
        self.alive.discard(self)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


def measure(
    sides: Mapping[str, Side], seconds: Mapping[Key, float], cpu: int | None, chance: random.Random
) -> Iterator[Pair]:
    """Measure all keys of `seconds`, in random order, in one pair of fresh processes.

    Where a process ends unasked, the rest goes on in new ones; what needs fresh ones gets them.
    What fails is tried again at once, and then yielded twice.

    Parameters
    ----------
    sides : mapping
        ``base`` and ``head``.
    seconds : mapping
        Benchmark -> after the least number of turns no more are begun once so much time is spent.
    cpu : int, optional
        The processor on which both run while they are timed; None leaves them all.
    chance : random.Random
    """
    waiting = chance.sample(list(seconds), len(seconds))
    tried: set[Key] = set()
    while waiting:
        processes = {}
        seed = chance.randrange(1, 2**32)
        try:
            for name in chance.sample(SIDES, 2):
                processes[name] = Process(sides[name], seed)
            whole, used = True, False
            while waiting and whole and not (used and waiting[-1].fresh):
                key = waiting.pop()
                pair, whole = _pair(processes, key, seconds[key], cpu, chance)
                yield pair
                failed = any(state.startswith("failed") for state in pair.states.values())
                if failed and key not in tried:
                    tried.add(key)
                    waiting.append(key)
                    break  # in new processes
                used, whole = True, whole and not key.fresh
        finally:
            for process in processes.values():
                process.end()


def _pair(
    processes: Mapping[str, Process],
    key: Key,
    seconds: float,
    cpu: int | None,
    chance: random.Random,
) -> tuple[Pair, bool]:
    """Return what was measured, and whether both processes can go on."""
    pair = Pair(key)
    everywhere = sorted(os.sched_getaffinity(0))
    packages = sorted({name for process in processes.values() for name in process.packages})
    taken_at_most: dict[str, float] = {}

    def both(request: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """Ask both, which then work at the same time."""
        for side in SIDES:
            processes[side].ask(**request)
        said = {}
        for side in SIDES:
            with contextlib.suppress(Ended):  # what the other has to say counts, too
                said[side] = heard(side, next(iter(request)))
        if len(said) < len(SIDES):
            raise Ended
        return said

    def heard(side: str, kind: str = "sample") -> dict[str, Any]:
        start, slowest = time.monotonic(), taken_at_most.get(kind)
        least, times = PATIENCE
        patience = key.timeout if slowest is None else max(least, times * slowest)
        try:
            said = processes[side].answer(min(key.timeout, patience))
            taken_at_most[kind] = max(slowest or 0, time.monotonic() - start)
        except Ended as error:
            pair.states[side] = f"failed: {error}"
            raise
        for kind in ("absent", "failed"):
            if kind in said:
                pair.states[side] = f"{kind}: {said[kind]}"
        return said

    try:
        taken = both(
            {"take": [key.name, key.index, key.fresh], "cpu": everywhere, "packages": packages}
        )
        if not pair.states:
            if cpu is not None:
                both({"cpu": [cpu]})
            batched = all(said["batched"] for said in taken.values())
            _turns(processes, pair, heard, TURNS if batched else (1, 1), seconds, chance)
        both({"leave": True})
    except Ended:
        return pair, False
    return pair, True


def _turns(
    processes: Mapping[str, Process],
    pair: Pair,
    heard: Callable[[str], dict[str, Any]],
    turns: tuple[int, int],
    seconds: float,
    chance: random.Random,
) -> None:
    """Measure turn by turn, and note what came of it in `pair`."""
    least, most = turns
    values: dict[str, list[float]] = {side: [] for side in SIDES}
    start = time.monotonic()
    for turn in range(most):
        spent = time.monotonic() - start
        if spent > seconds and (turn >= least or spent > LONG * seconds):
            break
        for side in chance.sample(SIDES, 2):
            processes[side].ask(sample=True)
            said = heard(side)
            if pair.states:
                return
            if said["value"] != said["value"]:
                pair.states[side] = "absent: its value is nan"
                return
            values[side].append(said["value"])
    pair.base, pair.head = (statistics.median(values[side]) for side in SIDES)
    if min(map(min, values.values())) > 0:
        ratios = [h / b for b, h in zip(values["base"], values["head"], strict=True)]
        pair.ratio = statistics.median(ratios)
        ordered = [sorted(values[side]) for side in SIDES]
        base, head = (statistics.fmean(v[: len(v) - len(v) // DISTURBED]) for v in ordered)
        pair.mean = head / base
        base, head = (v[-1 - len(v) // SLOWEST] for v in ordered)
        pair.tail = head / base
