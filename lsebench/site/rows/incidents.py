"""Every step and trend of the history, the steps grouped by where they lie."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lsebench.history.series import Change, Drift, Series

from . import causes
from .changes import History, short, step, trend
from .history import Environments, plain
from .results import day

Range = tuple[int, int]
"""Places in the history: the last commit at the old level, and the first at the new one."""


def site(history: History, known: Environments) -> dict[str, Any]:
    """Return what the page of incidents has beside the index of the series, ready for JSON."""
    commits = {place: commit for commit, place in history.order.items()}
    groups, ranges = [], spans(history.series, history.order)
    for (before, after), members in grouped(history.changes, history.order).items():
        old, new = commits[before], commits[after]
        groups.append(
            {
                "before": old,
                "after": new,
                "date": day(history.dates[new]),
                **history.code(old, new),
                "installed": _installed(history, known, members),
                "measured": measured(ranges, before, after),
                "steps": [
                    _of(known, one.series) | step(history, one) | {"range": _range(one, old, new)}
                    for one in members
                ],
            }
        )
    drifts = sorted(history.drifts, key=_size, reverse=True)
    return {
        "confirmed": confirmed(history),
        "groups": groups,
        "trends": [_of(known, one.series) | trend(history, one) for one in drifts],
        "longest": max((len(rows) for rows in history.measured.rows.values()), default=0),
    }


def _of(known: Environments, series: Series) -> dict[str, Any]:
    """Return what a page finds a series by."""
    where = series.machine, series.environment
    return {
        "benchmark": series.benchmark,
        "values": plain(series),
        "environment": known.number[where],
    }


def _range(change: Change, before: str, after: str) -> list[str] | None:
    """Return the commits beside a step, where they are not those of its group."""
    own = [change.before, change.after]
    return None if own == [before, after] else own


def _installed(
    history: History, known: Environments, members: Iterable[Change]
) -> list[tuple[int, list[list[str | None]] | None]]:
    """Return, for each environment, what changed of its versions between its nearest results."""
    order = history.order
    widest_first = sorted(members, key=lambda one: order[one.before] - order[one.after])
    nearest = {(one.series.machine, one.series.environment): one for one in widest_first}
    found = []
    for where, one in nearest.items():
        pair = (history.installed(one.series, commit) for commit in (one.before, one.after))
        found.append((known.number[where], causes.difference(*pair)))
    return found


def confirmed(history: History) -> list[dict[str, Any]]:
    """Return what ``python -m lsebench history --confirm`` has stored, the newest first.

    Incidents of benchmarks that are no longer there are left out, as asv does with their results.
    """
    found = []
    for machine, incidents in history.incidents.items():
        for incident in incidents:
            if incident.benchmark in history.benchmarks:
                same = ("benchmark", "environment", "before", "after", "cause")
                found.append(
                    {name: getattr(incident, name) for name in same}
                    | {name: _maybe(getattr(incident, name)) for name in ("ratio", "low", "high")}
                    | {
                        "machine": machine,
                        "values": [value.strip("'") for value in incident.parameters],
                        "date": incident.confirmed[:10],
                    }
                )
    return sorted(found, key=lambda incident: incident["date"], reverse=True)


def _maybe(value: float | None) -> float | None:
    return None if value is None else short(value)


def grouped(changes: Sequence[Change], order: Mapping[str, int]) -> dict[Range, list[Change]]:
    """Return the steps by the range of the history in which they lie, the newest first.

    Of series that are measured more rarely the range is wider: such a step is put where, within
    it, most of the others are.
    """

    def where(change: Change) -> Range:
        return order[change.before], order[change.after]

    often = Counter(map(where, changes))
    home = {
        (before, after): max(
            (r for r in often if before <= r[0] and r[1] <= after),
            key=lambda r: (often[r], r[0] - r[1], r),
        )
        for before, after in often
    }
    found: dict[Range, list[Change]] = {}
    for change in sorted(changes, key=lambda change: change.size, reverse=True):
        found.setdefault(home[where(change)], []).append(change)
    return dict(sorted(found.items(), key=lambda item: item[0][::-1], reverse=True))


def _size(drift: Drift) -> float:
    return math.inf if drift.trend.ratio is None else abs(math.log(drift.trend.ratio))


def spans(series: Iterable[Series], order: Mapping[str, int]) -> list[tuple[str, int, int]]:
    """Return the benchmark of each series, and from where to where it is measured."""
    found = []
    for one in series:
        pairs = zip(one.commits, one.values, strict=True)
        there = [order[commit] for commit, value in pairs if math.isfinite(value)]
        found.append((one.benchmark, there[0], there[-1]))
    return found


def measured(spans: Iterable[tuple[str, int, int]], before: int, after: int) -> dict[str, int]:
    """Return how many series of each benchmark were measured on both sides of a range."""
    count = Counter(name for name, first, last in spans if first <= before and after <= last)
    return dict(sorted(count.items()))
