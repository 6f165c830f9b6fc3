"""The stored results as series: one for each machine, environment, benchmark and parameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from lsebench.gate.side_by_side import Key

from .steps import Step, Trend, find


@dataclass(frozen=True)
class Series:
    """The values of one benchmark with one set of parameters, in the order of the commits."""

    machine: str
    environment: str
    benchmark: str
    parameters: tuple[str, ...]
    """As asv writes them: a text has its quotes."""
    unit: str
    commits: tuple[str, ...]
    """All that were measured in this environment, oldest first."""
    values: tuple[float, ...]
    """One for each commit; nan where this benchmark has none."""

    @property
    def name(self) -> str:
        """The name by which ``asv run --bench`` selects it."""
        return str(Key(self.benchmark, None, self.parameters))

    @property
    def canary(self) -> bool:
        """Whether its code never changes, so that only the machine can move it."""
        return self.benchmark.startswith("limits.")


@dataclass(frozen=True)
class Change:
    """A step of one series."""

    series: Series
    step: Step

    @property
    def before(self) -> str:
        """The last commit measured at the old level."""
        return self.series.commits[self.step.before]

    @property
    def after(self) -> str:
        """The first commit measured at the new level."""
        return self.series.commits[self.step.position]

    @property
    def slower(self) -> bool:
        """Whether it is a step up; less is better in every unit of asv's."""
        return self.step.new > self.step.old

    @property
    def size(self) -> float:
        """How much larger or smaller it has become, as a logarithm; inf from or to 0 or below."""
        return math.inf if self.step.ratio is None else abs(math.log(self.step.ratio))

    @property
    def held(self) -> int:
        """How many values have been measured from the step on."""
        return sum(map(math.isfinite, self.series.values[self.step.position :]))


@dataclass(frozen=True)
class Drift:
    """A trend of one series."""

    series: Series
    trend: Trend

    @property
    def before(self) -> str:
        """The first commit of the trend."""
        return self.series.commits[self.trend.first]

    @property
    def after(self) -> str:
        """Its last measured commit."""
        return self.series.commits[self.trend.last]

    @property
    def slower(self) -> bool:
        """Whether it rises; less is better in every unit of asv's."""
        return self.trend.new > self.trend.old

    @property
    def held(self) -> int:
        """How many values it is made of."""
        there = self.series.values[self.trend.first : self.trend.last + 1]
        return sum(map(math.isfinite, there))


def collect(
    results: Iterable[Any], benchmarks: Mapping[str, Any], commits: Iterable[str]
) -> list[Series]:
    """Return every series that has a value.

    Parameters
    ----------
    results : iterable of asv.results.Results
    benchmarks : asv.benchmarks.Benchmarks
        Of those, results of other versions are left out: their numbers are not comparable.
    commits : iterable of str
        The history, oldest first; results of other commits are left out.
    """
    order = {commit: place for place, commit in enumerate(commits)}
    found: dict[tuple[str, str], list[Any]] = {}
    for result in results:
        if result.commit_hash in order:
            found.setdefault((result.params["machine"], result.env_name), []).append(result)
    series = []
    for (machine, environment), members in sorted(found.items()):
        members.sort(key=lambda result: order[result.commit_hash])
        measured = tuple(result.commit_hash for result in members)
        rows: dict[tuple[str, tuple[str, ...]], list[float]] = {}
        for place, result in enumerate(members):
            for key, value in _values(result, benchmarks):
                rows.setdefault(key, [math.nan] * len(members))[place] = value
        for (name, parameters), values in sorted(rows.items()):
            unit = benchmarks[name].get("unit") or ""
            about = (machine, environment, name, parameters, unit, measured)
            series.append(Series(*about, values=tuple(values)))
    return series


def _values(
    result: Any, benchmarks: Mapping[str, Any]
) -> Iterator[tuple[tuple[str, tuple[str, ...]], float]]:
    for name in result.get_result_keys(benchmarks):
        # Its own parameters: today's list may have others.
        params = result.get_result_params(name)
        values = result.get_result_value(name, params)
        for parameters, value in zip(product(*params), values, strict=True):
            if value is not None and math.isfinite(value):
                yield (name, parameters), float(value)


def find_all(
    series: Sequence[Series], progress: Callable[[int, int], None] = lambda done, of: None
) -> tuple[list[Change], list[Drift]]:
    """Return steps and trends of all series; `progress` is told how many are done, of how many."""
    changes, drifts = [], []
    for number, one in enumerate(series, 1):
        found = find(one.values)
        changes += [Change(one, step) for step in found.steps]
        drifts += [Drift(one, trend) for trend in found.trends]
        progress(number, len(series))
    return changes, drifts


def grouped(changes: Iterable[Change], commits: Iterable[str]) -> list[list[Change]]:
    """Return the changes of each machine by the range of commits they lie in, newest first.

    Within a group the largest is first.
    """
    order = {commit: place for place, commit in enumerate(commits)}
    groups: dict[tuple[int, int, str], list[Change]] = {}
    for change in changes:
        where = (order[change.after], order[change.before], change.series.machine)
        groups.setdefault(where, []).append(change)
    for members in groups.values():
        members.sort(key=lambda change: (change.slower, change.size), reverse=True)
    return [groups[where] for where in sorted(groups, reverse=True)]


def measured_on_both_sides(series: Iterable[Series], change: Change) -> int:
    """Return how many series of the machine have values before and after a change.

    Those of the unit that it has, so that times are counted with times.
    """

    def both_sides(one: Series) -> bool:
        if (one.machine, one.unit) != (change.series.machine, change.series.unit):
            return False
        if not {change.before, change.after} <= set(one.commits):
            return False
        there = [math.isfinite(value) for value in one.values]
        before = one.commits.index(change.before)
        return any(there[: before + 1]) and any(there[one.commits.index(change.after) :])

    return sum(map(both_sides, series))
