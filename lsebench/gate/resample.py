"""Runs of the gate drawn from the pairs of real ones: what its statistics make of their scatter.

Of each benchmark the pairs of all runs are known, those of what was slowed down divided by their
effect. A drawn run has the rows and the number of pairs of a real one. Its pairs are drawn from
these with replacement, and its slowed rows multiplied by the effect of its case.
"""

from __future__ import annotations

import argparse
import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from lsebench.records.stored import JudgedRow, PowerRun

from .rows import SECONDS, STAGES, TAIL, Row, State
from .side_by_side import Key, Pair

FEW = 5
"""Benchmarks with fewer pairs than this are not drawn."""
OPTIONS = argparse.Namespace(min_effect=2.0, min_growth=10.0)
Pool = Mapping[str, Sequence[Sequence[float]]]


def drawn(
    runs: Sequence[PowerRun],
    pool: Pool,
    case: str,
    times: Callable[[PowerRun, JudgedRow], float | None],
    seed: int,
) -> PowerRun | None:
    """Return a run of `case`, drawn and judged; None where no real run is like it.

    Parameters
    ----------
    runs : sequence
        The real ones.
    pool : mapping
        Of :func:`pool`, for these runs.
    times : callable
        How many times as long the head of a row of a run takes in truth; None: not known.
    """
    chance = random.Random(seed)
    own = [run for run in runs if run.case == case]
    if not own:
        return None
    like = chance.choice(own)
    known = {row["name"]: times(like, row) for row in like.rows}
    truth = {n: t for n, t in known.items() if t and len(pool.get(n, ())) >= FEW}
    rows = [row for row in like.rows if row["name"] in truth]
    verdicts = _judged(pool, truth, sum(_pairs(row) for row in rows), chance)
    return replace(like, rows=[{**row, "verdict": verdicts[row["name"]]} for row in rows])


def _pairs(row: JudgedRow) -> int:
    return len(row["screen"]) + len(row["confirm"])


def pool(runs: Sequence[PowerRun], times: Callable[[PowerRun, JudgedRow], float | None]) -> Pool:
    """Return benchmark -> the pairs it would have had without a slowdown."""
    found: defaultdict[str, list[list[float]]] = defaultdict(list)
    for run in runs:
        for row in run.rows:
            if truth := times(run, row):
                pairs = (*row["screen"], *row["confirm"])
                found[row["name"]] += [[value / truth for value in pair] for pair in pairs]
    return found


def _judged(
    pool: Pool, times: Mapping[str, float], pairs: int, chance: random.Random
) -> dict[str, str]:
    """Return the verdict of each row after at most so many `pairs`, given to all in turn."""
    built: Any = SimpleNamespace(name="")
    rows = {name: Row(built, Key(name, None, (), unit=SECONDS)) for name in times}
    state = State(list(rows.values()), OPTIONS, {})
    while True:
        verdicts = {name.strip(): verdict for name, verdict in state.verdicts().items()}
        waiting = [name for name in rows if verdicts[name] in ("open", "suspect")]
        for name in waiting[: max(0, pairs)]:
            stage = STAGES[verdicts[name] == "suspect"]
            ratio, mean, tail = (times[name] * v for v in chance.choice(pool[name]))
            rows[name].pairs[stage].append(Pair(rows[name].key, 1.0, ratio, ratio, mean, tail))
        pairs -= len(waiting)
        if not waiting or pairs <= 0:
            break
    final = {"slower": "slower", TAIL: "slower", "faster": "faster", "same": "same"}
    return {name: final.get(verdict, "undecided") for name, verdict in verdicts.items()}
