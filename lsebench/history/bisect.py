"""Suspects measured again: is it so, since which commit, and what moved it?

A suspect is a step up in the last measured commits. It is measured again as a verdict on the two
commits beside it, side by side on today's machine; that shares nothing with the runs in which it
was seen but the code:

- **code**: the verdict sees it, too. Where several commits lie between, the range is halved until
  one is left; a commit that cannot be measured is walked round.
- **library**: the verdict sees it, but has built the two commits with different versions; or it
  sees nothing, and the versions stored beside the two results differ.
- **machine**: the verdict sees nothing, and a canary (a suite ``limits.*``, whose code never
  changes) moved in the same range.
- What is none of these was noise, and is not stored.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asv import util

from lsebench import git
from lsebench.cli import now
from lsebench.records import asv_files
from lsebench.records.stored import Incident, State

from .series import Change
from .steps import FEWEST, SMALLEST

SEEN = ("slower", "grown")
"""Verdicts that confirm a step up: of a time, and of an error or of memory."""


@dataclass(frozen=True)
class Verdict:
    """What ``python -m lsebench gate BASE HEAD --json`` has written."""

    rows: Mapping[tuple[str, tuple[str, ...], str], Mapping[str, Any]]
    """(Benchmark, parameters, environment) -> the row."""
    environments: frozenset[str]
    """Those in which the two commits had different libraries."""

    @classmethod
    def read(cls, found: Mapping[str, Any]) -> Verdict:
        """Return the part of the file that is needed here."""
        rows = {
            (row["benchmark"], tuple(row["parameters"]), row["environment"]): row
            for row in found.get("rows", ())
            # Undecided without a ratio: one of the commits has no value.
            if row["verdict"] != "undecided" or row["ratio"]
        }
        findings = found.get("findings", ())
        return cls(rows, frozenset(f["what"] for f in findings if f["kind"] == "environment"))

    def row(self, change: Change) -> Mapping[str, Any] | None:
        """Return the row of a change's series, if it could be measured."""
        return self.rows.get(_key(change))


Runner = Callable[[str, str, Sequence[str]], Verdict]
"""Measures base and head with the regular expressions of benchmarks; no rows where it cannot."""


@dataclass(frozen=True)
class Place:
    """Where results are stored, and the history that they belong to."""

    results: Path
    machine: str
    project: str
    """Name of the distribution under test, whose own version is no library's."""
    commits: tuple[str, ...]
    """Oldest first."""
    environments: frozenset[str]
    """Names of those that the configuration makes: only in them can be measured again."""

    @property
    def folder(self) -> Path:
        """Where the machine's incidents are stored."""
        return self.results / self.machine


def gate(config: str, machine: str, minutes: float) -> Runner:
    """Return the runner that measures: ``python -m lsebench gate`` as a process of its own."""

    def run(base: str, head: str, regexes: Sequence[str]) -> Verdict:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "verdict.json")
            command = [sys.executable, "-m", "lsebench", "gate", base, head, "--config", config]
            command += ["--machine", machine, "--minutes", f"{minutes:g}", "--json", str(file)]
            # A series has one environment, whatever pins its commits bring.
            command += ["--same-environments"]
            # A step of the history is confirmed however small it may be there.
            command += [f"--min-effect={100 * SMALLEST:g}", f"--min-growth={100 * SMALLEST:g}"]
            for regex in regexes:
                command += ["--bench", regex]
            print(
                f"$ python -m lsebench gate {base[:8]} {head[:8]}, {len(regexes)} benchmarks",
                flush=True,
            )
            code = subprocess.run(command).returncode
            if code == 130:
                raise KeyboardInterrupt
            if code not in (0, 1, 2, 3) or (code < 3 and not file.exists()):
                raise util.UserError(f"the verdict ended with exit code {code}, see above")
            return Verdict.read(json.loads(file.read_text()) if file.exists() else {})

    return run


def confirm(
    shown: Sequence[Change], canaries: Sequence[Change], place: Place, last: int, runner: Runner
) -> list[Incident]:
    """Measure the suspects among `shown` again, store what is confirmed, and return it.

    Parameters
    ----------
    shown : sequence of Change
        Among which the suspects are.
    canaries : sequence of Change
        The steps of benchmarks whose code never changes.
    place : Place
    last : int
        A suspect begins in so many last measured commits of its series.
    runner : callable
        Measures two commits.
    """
    found: list[Incident] = []
    for group in _ranges(suspects(shown, place, last)):
        base, head = group[0].before, group[0].after
        names = f"{base[:8]}..{head[:8]}"
        print(f"\n{len(group)} suspect(s) in {names}", flush=True)
        verdict = runner(base, head, _regexes(group))
        seen = [change for change in group if _seen(verdict, change)]
        for change in group:
            if change in seen:
                continue
            elsewhere = _not_seen(verdict, change) and _elsewhere(change, canaries, place)
            if elsewhere:
                found.append(_store(place, change, (base, head), elsewhere, verdict))
            else:
                print(f"  not confirmed: {change.series.name}{_why(verdict, change)}")
        for change, pair, last_verdict in walk(seen, base, head, verdict, runner):
            cause = "library" if change.series.environment in last_verdict.environments else "code"
            found.append(_store(place, change, pair, cause, last_verdict))
    print(
        f"\n{len(found)} incident(s) confirmed"
        + (f": see {Incident.path(place.folder)}" if found else "")
    )
    return found


def suspects(changes: Sequence[Change], place: Place, last: int) -> list[Change]:
    """Return the steps up of late on this machine that are not confirmed already.

    Those in environments that are not made here are named, and left out.
    """
    stored = Incident.read(place.folder)
    found = [
        change
        for change in changes
        if change.slower
        and not change.series.canary
        and change.series.machine == place.machine
        and _from_the_end(change) < last
        and not any(same(incident, change, place.commits) for incident in stored)
    ]
    elsewhere = Counter(change.series.environment for change in found)
    for name in elsewhere.keys() - place.environments:
        print(f"left out: {elsewhere[name]} in {name}, which --config does not make")
    return [change for change in found if change.series.environment in place.environments]


def walk(
    changes: Sequence[Change], base: str, head: str, verdict: Verdict, runner: Runner
) -> Iterator[tuple[Change, tuple[str, str], Verdict]]:
    """Halve the range of commits in which confirmed changes lie, down to one where possible.

    Each verdict has the range's first commit as its base, where the level is the old one: a change
    that is seen lies before the commit in the middle, another behind it.

    Yields
    ------
    change, (the commit before, the commit of the change), the verdict that says so
    """
    between = _between(base, head)
    # A range, the changes in it, and the verdict that saw them at its end.
    open_ranges = [(0, len(between) - 1, list(changes), verdict)]
    unusable: set[int] = set()
    while open_ranges:
        low, high, members, seen_by = open_ranges.pop()
        tried = None
        for middle in _from_the_middle(low, high):
            if not members or middle in unusable:
                continue
            tried = runner(base, between[middle], _regexes(members))
            if any(tried.row(change) for change in members):
                break
            print(f"  {between[middle][:8]} cannot be measured: another commit is taken")
            unusable.add(middle)
            tried = None
        if tried is None:  # neighbours, or nothing between can be measured
            for change in members:
                yield change, (between[low], between[high]), seen_by
            continue
        earlier = [change for change in members if _seen(tried, change)]
        later = [change for change in members if _not_seen(tried, change)]
        for change in members:
            if change not in earlier + later:  # undecided: no nearer than this
                yield change, (between[low], between[high]), seen_by
        open_ranges.append((middle, high, later, seen_by))
        open_ranges.append((low, middle, earlier, tried))


def _between(base: str, head: str) -> list[str]:
    """Return the commits from `base` to `head`, both among them, oldest first."""
    return [base, *git.list_commits(f"{base}..{head}")]


def _from_the_middle(low: int, high: int) -> list[int]:
    """Return the places between two, those nearest to the middle first."""
    return sorted(range(low + 1, high), key=lambda place: abs(2 * place - low - high))


def _elsewhere(change: Change, canaries: Sequence[Change], place: Place) -> str | None:
    """Return what can have moved a series where the verdict sees no difference in the code."""
    old, new = (_installed(place, commit, change) for commit in (change.before, change.after))
    if old and new and old != new:
        return "library"
    start, stop = _span(change.before, change.after, place.commits)
    for other in canaries:
        if other.series.machine == place.machine:
            first, end = _span(other.before, other.after, place.commits)
            if first < stop and start < end and other.slower == change.slower:
                return "machine"
    return None


def _installed(place: Place, commit: str, change: Change) -> dict[str, str]:
    """Return the versions that were installed, noted beside a result; none where they are not."""
    file = asv_files.result(place.results, place.machine, commit, change.series.environment)
    state = State.last(file)
    context = state.context if state else {}
    versions = dict(context.get("installed", {}))
    versions.pop(place.project, None)
    if "python" in context:
        versions["python"] = context["python"]
    return versions


def _store(
    place: Place, change: Change, pair: tuple[str, str], cause: str, verdict: Verdict
) -> Incident:
    """Append one incident to the machine's file: a line at a time, so that none is lost."""
    row = dict(verdict.row(change) or {})
    seen = _seen(verdict, change)
    one = change.series
    incident = Incident(
        benchmark=one.benchmark,
        parameters=list(one.parameters),
        environment=one.environment,
        before=pair[0],
        after=pair[1],
        # Of the code what the verdict has measured; of the rest what the history shows.
        ratio=row.get("ratio") if seen else change.step.ratio,
        low=row.get("low") if seen else None,
        high=row.get("high") if seen else None,
        cause=cause,
        confirmed=now(),
        verdict={key: row[key] for key in VERDICT if key in row},
    )
    incident.append(place.folder)
    print(f"  confirmed, {cause}: {one.name} since {pair[1][:8]}", flush=True)
    return incident


VERDICT = ("verdict", "ratio", "low", "high", "smallest", "base", "head", "pairs")
"""Figures of a row that are kept."""


def _key(change: Change) -> tuple[str, tuple[str, ...], str]:
    return change.series.benchmark, change.series.parameters, change.series.environment


def _seen(verdict: Verdict, change: Change) -> bool:
    row = verdict.row(change)
    return row is not None and row["verdict"] in SEEN


def _not_seen(verdict: Verdict, change: Change) -> bool:
    row = verdict.row(change)
    return row is not None and row["verdict"] not in (*SEEN, "undecided")


def _why(verdict: Verdict, change: Change) -> str:
    row = verdict.row(change)
    return f", {row['verdict']}" if row else ", no value on one of the commits"


def _regexes(changes: Sequence[Change]) -> list[str]:
    return list(dict.fromkeys(f"^{re.escape(change.series.name)}$" for change in changes))


def _ranges(changes: Sequence[Change]) -> list[list[Change]]:
    """Return the changes by the two commits beside them: each pair is measured at once."""
    found: dict[tuple[str, str], list[Change]] = {}
    for change in changes:
        found.setdefault((change.before, change.after), []).append(change)
    return list(found.values())


def _from_the_end(change: Change) -> int:
    return len(change.series.commits) - 1 - change.step.position


def same(incident: Incident, change: Change, commits: Sequence[str]) -> bool:
    """Return whether a step is a confirmed one, found again: new values can move it a little."""
    key = incident.benchmark, tuple(incident.parameters), incident.environment
    if key != _key(change) or not {incident.before, incident.after} <= set(commits):
        return False
    measured = change.series.commits
    first = measured[max(0, change.step.before - FEWEST)]
    end = measured[min(len(measured) - 1, change.step.position + FEWEST)]
    start, stop = _span(first, end, commits)
    begun, ended = _span(incident.before, incident.after, commits)
    return begun < stop and start < ended


def _span(before: str, after: str, commits: Sequence[str]) -> tuple[int, int]:
    return commits.index(before), commits.index(after)
