"""All series of the results, their steps and trends: found once, for all pages that show them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

from lsebench.history.bisect import same
from lsebench.history.series import Change, Drift, Series, collect, find_all
from lsebench.records.stored import Incident
from lsebench.run import noise

from . import causes
from .results import Row, Value, began, context_of, interval, run_of

Where = tuple[str, str]
"""Machine and environment."""
Key = tuple[str, str, str, tuple[str, ...]]
"""Machine, environment, benchmark, parameters as asv writes them."""


@dataclass
class Measured:
    """What asv's results have of each series beside its values."""

    rows: dict[Key, dict[str, Row]]
    """Commit -> value and interval."""
    failures: dict[Key, list[str]]
    """The commits at which a combination failed."""

    @classmethod
    def read(
        cls,
        results: Sequence[Any],
        benchmarks: Mapping[str, Any],
        checks: Mapping[str, Sequence[noise.Check]],
    ) -> Measured:
        """Take it out of `results`, which are in the order of their commits."""
        rows: dict[Key, dict[str, Row]] = defaultdict(dict)
        failures: dict[Key, list[str]] = defaultdict(list)
        for result in results:
            machine, commit = result.params["machine"], result.commit_hash
            for name in result.get_result_keys(benchmarks):
                params = result.get_result_params(name)
                scatter = noise.near(checks.get(machine, ()), began(result, name))
                values = result.get_result_value(name, params)
                stats = result.get_result_stats(name, params)
                for parameters, value, stat in zip(product(*params), values, stats, strict=True):
                    key = machine, result.env_name, name, parameters
                    if value is None:
                        failures[key].append(commit)
                    elif math.isfinite(value):
                        ends = interval(value, stat, scatter)
                        rows[key][commit] = Value(value, *ends, commit).row()
        return cls(rows, failures)


class History:
    """All series of the results, with what happened to them.

    Parameters
    ----------
    results : iterable of asv.results.Results
    folder : Path
        The results folder, for the contexts and incidents stored beside the results.
    repo : asv.repo.Repo
        Where the differences in code are asked for.
    benchmarks : mapping
        Name -> benchmark, as in asv.benchmarks.Benchmarks.
    revisions : mapping
        Commit -> its place in the history; results of other commits are left out.
    """

    def __init__(
        self,
        results: Iterable[Any],
        folder: Path,
        repo: Any,
        benchmarks: Mapping[str, Any],
        revisions: Mapping[str, int],
    ) -> None:
        self.repo, self.benchmarks, self.order = repo, benchmarks, revisions
        known = [result for result in results if result.commit_hash in revisions]
        known.sort(key=lambda result: revisions[result.commit_hash])
        self.dates = {result.commit_hash: result.date / 1000 for result in known}
        self.commits = list(self.dates)  # oldest first
        self.place = {commit: place for place, commit in enumerate(self.commits)}
        self.runs = {_where(result): run_of(result) for result in known}
        self.measured = Measured.read(known, benchmarks, noise.of_machines(folder))
        self.contexts = {
            (_where(result), result.commit_hash): context_of(result, folder) for result in known
        }
        self.incidents = dict(Incident.of_machines(folder))
        self.series = collect(known, benchmarks, self._in_order())
        self.changes, self.drifts = find_all(self.series)
        self._steps: dict[int, list[Change]] = defaultdict(list)
        for change in self.changes:
            self._steps[id(change.series)].append(change)
        self._canaries = [change for change in self.changes if change.series.canary]
        self.code = cache(lambda before, after: causes.code(repo, before, after))
        self.cause = cache(self._cause)

    def _in_order(self) -> list[str]:
        return sorted(self.order, key=lambda commit: self.order[commit])

    def steps(self, series: Series) -> list[Change]:
        """Return the steps of a series, oldest first."""
        return self._steps[id(series)]

    def installed(self, series: Series, commit: str) -> dict[str, str]:
        """Return the versions that were there; nothing where they are not stored."""
        where = series.machine, series.environment
        return causes.facts(self.contexts.get((where, commit), {}))

    def _cause(self, change: Change) -> tuple[str, bool]:
        """Return what moved the series, and whether that was measured again and confirmed."""
        one = change.series
        stored = self.incidents.get(one.machine, [])
        if stored:
            commits = self._in_order()
            for incident in stored:
                if same(incident, change, commits):
                    return incident.cause, True
        old, new = (self.installed(one, commit) for commit in (change.before, change.after))
        moved = not one.canary and any(self._together(change, other) for other in self._canaries)
        return causes.likely(old, new, self.code(change.before, change.after), moved), False

    def _together(self, change: Change, canary: Change) -> bool:
        """Return whether a benchmark whose code never changes moved as well, and there."""
        first, last = self.order[change.before], self.order[change.after]
        begun, ended = self.order[canary.before], self.order[canary.after]
        alike = (canary.series.machine, canary.slower) == (change.series.machine, change.slower)
        return alike and first < ended and begun < last


def _where(result: Any) -> Where:
    return result.params["machine"], result.env_name


def step(history: History, change: Change) -> dict[str, Any]:
    """Return what every page says of a step, ready for JSON."""
    one, found = change.series, change.step
    steps = history.steps(one)
    later = [other.step.position for other in steps if other.step.position > found.position]
    level = one.values[found.position : min(later, default=None)]
    latest = steps[-1].step.new
    cause, confirmed = history.cause(change)
    versions = (history.installed(one, commit) for commit in (change.before, change.after))
    return {
        "before": history.place[change.before],
        "at": history.place[change.after],
        "commits": history.order[change.after] - history.order[change.before],
        "old": short(found.old),
        "new": short(found.new),
        "ratio": None if found.ratio is None else short(found.ratio),
        "held": sum(map(math.isfinite, level)),
        "latest": short(latest),
        "became": causes.became(found, latest),
        "cause": cause,
        "confirmed": confirmed,
        "versions": (causes.difference(*versions) or [])[:FEW],
    }


def trend(history: History, drift: Drift) -> dict[str, Any]:
    """Return what every page says of a trend, ready for JSON."""
    return {
        "before": history.place[drift.before],
        "at": history.place[drift.after],
        "old": short(drift.trend.old),
        "new": short(drift.trend.new),
        "ratio": None if drift.trend.ratio is None else short(drift.trend.ratio),
        "held": drift.held,
    }


def short(value: float) -> float:
    """Return a level or a ratio in as many digits as anyone reads."""
    return float(f"{value:.4g}")


FEW = 3
"""Versions that are named beside a step."""
