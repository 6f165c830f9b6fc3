"""What is compared: a row for each benchmark and environment, and what has been decided of all."""

from __future__ import annotations

import argparse
from collections.abc import Set
from dataclasses import dataclass, field

from . import statistics
from .builds import Built
from .side_by_side import Key, Pair

SECONDS = "seconds"


@dataclass
class Row:
    """One benchmark in one environment, and what is known of it so far."""

    built: Built
    key: Key
    pairs: dict[str, list[Pair]] = field(default_factory=lambda: {"screen": [], "confirm": []})
    """Stage -> the pairs of processes that measured it."""

    @property
    def name(self) -> str:
        """The name by which a row is stored and shown."""
        return f"{self.key} {self.built.name}"

    def ratios(self, stage: str) -> list[float]:
        """Return the ratio of each pair that has one."""
        return [pair.ratio for pair in self.pairs[stage] if pair.ratio]

    def values(self, side: str) -> list[float]:
        """Return the values of one side, of all pairs."""
        found = (getattr(pair, side) for stage in self.pairs.values() for pair in stage)
        return [value for value in found if value is not None]

    def states(self) -> list[dict[str, str]]:
        """Return why pairs have no value, each side."""
        return [pair.states for stage in self.pairs.values() for pair in stage if pair.states]

    def verdict(self, options: argparse.Namespace, typical: float | None) -> str:
        """Return what the screen says, or the reason for no time."""
        if len(self.states()) > 1:
            return "no value"
        if self.key.unit != SECONDS:
            larger = statistics.grown(
                self.values("base"), self.values("head"), options.min_growth / 100
            )
            return {None: "open", True: "grown", False: "same"}[larger]
        return statistics.screen(self.ratios("screen"), options.min_effect / 100, typical)


@dataclass
class State:
    """All rows, and what has been decided of them."""

    rows: list[Row]
    options: argparse.Namespace
    shared: dict[str, str]
    """Environment variables of the runs that use all processors: these share them with no other."""
    changed: Set[str] = frozenset()
    """Names of the files and folders, without ending, in which the commits differ."""

    def typical(self) -> float | None:
        """Return the scatter of a typical benchmark, if there are enough to tell."""
        timed = (row.ratios("screen") for row in self.rows if row.key.unit == SECONDS)
        return statistics.typical(timed)

    def verdicts(self) -> dict[str, str]:
        """Return row -> verdict; what is measured on is ``open`` or ``suspect``."""
        typical = self.typical()
        found = {row.name: row.verdict(self.options, typical) for row in self.rows}
        # Once a suspect, always one: its pairs of the second stage are not to be thrown away.
        suspects = {
            row.name: row.ratios("confirm")
            for row in self.rows
            if found[row.name] == "suspect" or row.ratios("confirm")
        }
        judged = statistics.confirm(suspects, self.options.min_effect / 100)
        return found | {name: "suspect" if v == "open" else v for name, v in judged.items()}
