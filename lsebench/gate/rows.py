"""What is compared: a row for each benchmark and environment, and what has been decided of all."""

from __future__ import annotations

import argparse
import re
from collections.abc import Set
from dataclasses import dataclass, field
from pathlib import Path

from . import layout, statistics
from .builds import Built
from .side_by_side import SIDES, Key, Pair

SECONDS = "seconds"
BINARY = ".so"
STAGES = "screen", "confirm"
TAILS = "mean", "tail"
"""What is judged beside the median of the turns."""
TAIL = "slow tail"
"""The verdict of a benchmark some of whose calls are slower, while the median is not."""


@dataclass
class Row:
    """One benchmark in one environment, and what is known of it so far."""

    built: Built
    key: Key
    part: int = 0
    """Number of the part of the profile that it belongs to."""
    pairs: dict[str, list[Pair]] = field(default_factory=lambda: {stage: [] for stage in STAGES})
    """Stage -> the pairs of processes that measured it."""
    touched: set[str] | None = None
    """The installed files that it loads and that differ; None: it may be any."""

    @property
    def identical(self) -> bool:
        """Whether all that it loads is the same on both sides, byte by byte: it is not measured."""
        return self.touched == set()

    def only_moved(self) -> bool:
        """Return whether the instructions that it runs are the same, and perhaps elsewhere."""
        if not self.touched or not all(file.endswith(BINARY) for file in self.touched):
            return False
        suite = self.key.name.split(".")[-2]  # called after its kernel
        method = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", suite).lower()
        base, head = (self.built.sides[side].path for side in SIDES)
        moved = {layout.only_moved(base / file, head / file, method) for file in self.touched}
        return True in moved and False not in moved

    @property
    def name(self) -> str:
        """The name by which a row is stored and shown."""
        return f"{self.key} {self.built.name}"

    def ratios(self, stage: str, what: str = "ratio") -> list[float]:
        """Return the ratio of each pair that has one: of its median, ``mean`` or ``tail``."""
        return [ratio for pair in self.pairs[stage] if (ratio := getattr(pair, what))]

    def slow_tail(self, stage: str, least: float) -> bool:
        """Return whether some of its calls look slower, whatever the median says."""
        return any(statistics.slow_tail(self.ratios(stage, what), least) for what in TAILS)

    def values(self, side: str) -> list[float]:
        """Return the values of one side, of all pairs."""
        found = (getattr(pair, side) for stage in self.pairs.values() for pair in stage)
        return [value for value in found if value is not None]

    def states(self) -> list[dict[str, str]]:
        """Return why pairs have no value, each side."""
        return [pair.states for stage in self.pairs.values() for pair in stage if pair.states]

    def nowhere(self) -> bool:
        """Return whether it is n/a on both sides, in every pair."""
        states = self.states()
        return bool(states) and all(
            state.get(side, "").startswith("absent") for state in states for side in SIDES
        )

    def verdict(self, options: argparse.Namespace, typical: float | None, values: int) -> str:
        """Return what the screen says, or the reason for no time; of so many other `values`."""
        if self.identical:
            return "same"
        if len(self.states()) > 1 or self.nowhere():
            return "no value"
        if self.key.unit != SECONDS:
            larger = statistics.grown(
                self.values("base"), self.values("head"), options.min_growth / 100, values
            )
            return {None: "open", True: "grown", False: "same"}[larger]
        least = options.min_effect / 100
        found = statistics.screen(self.ratios("screen"), least, typical)
        return "suspect" if found == "same" and self.slow_tail("screen", least) else found


@dataclass
class State:
    """All rows, and what has been decided of them."""

    rows: list[Row]
    options: argparse.Namespace
    shared: dict[str, str]
    """Environment variables of the runs that use all processors: these share them with no other."""
    changed: Set[str] = frozenset()
    """Names, without ending, of the installed files in which the commits differ."""
    machine: Path = Path()
    """Its folder in the results."""

    def typical(self) -> float | None:
        """Return the scatter of a typical benchmark, if there are enough to tell."""
        timed = (row.ratios("screen") for row in self.rows if row.key.unit == SECONDS)
        return statistics.typical(timed)

    def verdicts(self) -> dict[str, str]:
        """Return row -> verdict; what is measured on is ``open`` or ``suspect``."""
        typical = self.typical()
        values = sum(row.key.unit != SECONDS and not row.identical for row in self.rows)
        found = {row.name: row.verdict(self.options, typical, values) for row in self.rows}
        # Once a suspect, always one: its pairs of the second stage are not to be thrown away.
        suspects = [
            row
            for row in self.rows
            if found[row.name] == "suspect" or (row.ratios("confirm") and not row.identical)
        ]
        least = self.options.min_effect / 100
        slow = set()
        for what in TAILS:
            ratios = {row.name: row.ratios("confirm", what) for row in suspects}
            tails = statistics.confirm(
                ratios, statistics.TAIL * least, statistics.RATE / len(TAILS)
            )
            slow |= {name for name, verdict in tails.items() if verdict == "slower"}
        judged = statistics.confirm({row.name: row.ratios("confirm") for row in suspects}, least)
        for row in suspects:
            verdict = found[row.name] = judged[row.name].replace("open", "suspect")
            if verdict in ("slower", "faster"):
                continue
            if row.name in slow:
                found[row.name] = TAIL
            elif (
                row.slow_tail("confirm", least)
                and len(row.ratios("confirm")) < statistics.LOOKS[-1]
            ):
                found[row.name] = "suspect"
        return found
