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
from typing import Any

WORKER = Path(__file__).with_name("timing_process.py")
SIDES = "base", "head"
TURNS = 5, 200
"""Turns of a pair of processes: at least, at most."""


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
    states: dict[str, str] = field(default_factory=dict)
    """Side -> why it has no value: ``absent: reason`` or ``failed: reason``."""


class Ended(Exception):
    """A process has ended, or was too slow, and says no more."""


class Process:
    """A fresh process of one commit."""

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

    def end(self) -> None:
        """End the process and all that it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


def measure(
    sides: Mapping[str, Side], seconds: Mapping[Key, float], cpu: int | None, chance: random.Random
) -> Iterator[Pair]:
    """Measure all keys of `seconds`, in random order, in one pair of fresh processes.

    Where a process ends unasked, the rest goes on in new ones; what needs fresh ones gets them.

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

    def both(request: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """Ask both, which then work at the same time."""
        for side in SIDES:
            processes[side].ask(**request)
        return {side: heard(side) for side in SIDES}

    def heard(side: str) -> dict[str, Any]:
        try:
            said = processes[side].answer(key.timeout)
        except Ended as error:
            pair.states[side] = f"failed: {error}"
            raise
        for kind in ("absent", "failed"):
            if kind in said:
                pair.states[side] = f"{kind}: {said[kind]}"
        return said

    try:
        taken = both({"take": [key.name, key.index], "cpu": everywhere})
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
        if turn >= least and time.monotonic() - start > seconds:
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
