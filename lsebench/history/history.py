"""``python -m lsebench history``: steps in the stored results, and whether they are confirmed."""

from __future__ import annotations

import argparse
import json
import math
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from asv import environment, util
from asv.benchmarks import Benchmarks
from asv.repo import get_repo
from asv.results import Results

from lsebench.cli import (
    BAD,
    NOTHING,
    Parser,
    columns,
    in_words,
    machine_name,
    progress,
    regular_expression,
)
from lsebench.environments import config
from lsebench.records import asv_files
from lsebench.records.stored import Incident

from . import bisect, simulation
from .series import Change, Drift, Series, collect, find_all, grouped, measured_on_both_sides
from .steps import FEWEST

WHEN_INTERRUPTED = "What was confirmed is stored; the same command goes on."


def main(arguments: list[str]) -> int:
    """Show the steps of the stored results; return the exit code."""
    options = _parser().parse_args(arguments)
    if options.simulate:
        found = simulation.simulate(options.series, options.seed)
        print(simulation.table(found))
        _write(options.json, found)
        return 0
    return run(options)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m lsebench history",
        description="Find steps and trends, up and down, in the stored results: where a series "
        "changes its level for longer than its noise explains, and where it changes a little with "
        "every commit. Example: python -m lsebench history --since v1..HEAD --bench Logsumexp",
        epilog="exit codes: 0 nothing up, 1 steps or trends up (with --confirm: a step was "
        "confirmed), 3 nothing to look at, 4 error of use, 130 interrupted",
    )
    add = parser.add_argument
    add("--config", default="asv.conf.json", help="asv's configuration (asv.conf.json)")
    add("--machine", metavar="NAME", help="only results of this machine")
    add("--bench", metavar="REGEX", default="", help="only series that match: name(parameters)")
    add("--since", metavar="RANGE", help="only steps that begin in this range of git's")
    add("--json", type=Path, metavar="FILE", help="write all numbers")
    group = parser.add_argument_group("confirm")
    add = group.add_argument
    add(
        "--confirm", action="store_true",
        help="measure again what became slower of late, find the one commit, and store it in "
        f"results/MACHINE/{Incident.FILE} with its cause: code, library or machine",
    )  # fmt: skip
    add("--last", type=int, default=10, metavar="N", help="of the last N measured commits (10)")
    add("--minutes", type=float, default=10, help="of measuring, for each pair of commits (10)")
    group = parser.add_argument_group("simulate")
    add = group.add_argument
    add("--simulate", action="store_true", help="false alarms and power on series of known truth")
    add("--series", type=int, default=200, metavar="N", help="series of each kind (200)")
    add("--seed", type=int, default=1, help="of the simulation (1)")
    return parser


def run(options: argparse.Namespace) -> int:
    """Look at the results, and report; return the exit code."""
    report = options.json.resolve() if options.json else None
    file = config.enter(options.config)
    conf = config.load(file)
    repo = get_repo(conf)
    commits = repo.get_branch_commits(conf.branches[0])[::-1]
    since = set(_range(repo, options.since)) if options.since else set(commits)
    found = _series(conf, commits, options.machine)
    matches = regular_expression(options.bench).search
    series = [one for one in found if matches(one.name)]
    if not series:
        print("Nothing to look at: no stored result matches.")
        return NOTHING
    longest = max(sum(map(math.isfinite, one.values)) for one in series)
    if longest < 2 * FEWEST:
        print(
            f"Nothing to look at: the longest of {len(series)} series has {longest} measured "
            f"commit(s), and steps can be told from noise in {2 * FEWEST} or more."
        )
        return NOTHING
    changes, drifts = find_all(series, _progress)
    shown = [change for change in changes if change.after in since]
    trends = [drift for drift in drifts if drift.after in since]
    print(_table(shown, trends, series, commits))
    _write(report, _json(shown, trends, series, commits))
    if not options.confirm:
        every: list[Change | Drift] = [*shown, *trends]
        return BAD if any(one.slower for one in every) else 0
    canaries, _ = find_all([one for one in found if one.canary])
    machine = machine_name(options.machine)
    place = bisect.Place(
        Path(conf.results_dir), machine, conf.project, tuple(commits), _environments(conf)
    )
    runner = bisect.gate(file, machine, options.minutes)
    return BAD if bisect.confirm(shown, canaries, place, options.last, runner) else 0


def _environments(conf: Any) -> frozenset[str]:
    return frozenset(env.name for env in environment.get_environments(conf, None, verbose=False))


def _range(repo: Any, spec: str) -> list[str]:
    try:
        return list(repo.get_hashes_from_range(spec))
    except util.ProcessError as error:
        raise util.UserError(f"git knows no range {spec!r}") from error


def _series(conf: Any, commits: list[str], machine: str | None) -> list[Series]:
    results = Path(conf.results_dir)
    if not asv_files.benchmarks(results).is_file():
        return []
    found = collect(_results(results), Benchmarks.load(conf), commits)
    return [one for one in found if machine in (None, one.machine)]


def _results(folder: Path) -> Iterator[Any]:
    """Give what asv has stored; other files of ours lie beside it."""
    for path in sorted(folder.glob("*/" + 8 * "[0-9a-f]" + "-*.json")):
        try:
            yield Results.load(str(path), machine_name=path.parent.name)
        except util.UserError as error:
            print(f"left out: {error}", file=sys.stderr)


def _progress(done: int, of: int) -> None:
    progress(f"{done} of {of} series" if done < of else "")


def _table(
    changes: list[Change], drifts: list[Drift], series: list[Series], commits: list[str]
) -> str:
    """Return steps and trends as text: by the range of commits in which they lie, newest first."""
    every: list[Change | Drift] = [*changes, *drifts]
    environments = sorted({one.series.environment for one in every})
    several = len({one.environment for one in series}) > 1

    def row(one: Change | Drift) -> list[str]:
        found, unit = (one.step if isinstance(one, Change) else one.trend), one.series.unit
        mark = f" [{environments.index(one.series.environment) + 1}]" if several else ""
        levels = f"{in_words(found.old, unit)} -> {in_words(found.new, unit)}"
        times = _times(found.old, found.ratio)
        return [times, levels, f"{one.held} commits", f"{one.series.name}{mark}"]

    def rows(found: Iterable[Change | Drift]) -> str:
        return textwrap.indent(columns(map(row, found), align="rlrl", style="plain"), "  ")

    lines = []
    for group in grouped(changes, commits):
        lines += [_summary(group, series), "", rows(group), ""]
    if drifts:
        lines += ["a trend, a little with every commit:", "", rows(drifts), ""]
    if several and environments:
        lines += [f"[{number}] {name}" for number, name in enumerate(environments, 1)] + [""]
    for what, kind in (("steps", Change), ("trends", Drift)):
        count = Counter(one.slower for one in every if isinstance(one, kind))
        lines.append(f"{count[True]} {what} up and {count[False]} down in {len(series)} series.")
    return "\n".join(lines)


def _summary(group: list[Change], series: list[Series]) -> str:
    first = group[0]
    parts = []
    for unit in dict.fromkeys(change.series.unit for change in group):
        members = [change for change in group if change.series.unit == unit]
        total = measured_on_both_sides(series, members[0])
        count = Counter(change.slower for change in members)
        up, down = ("slower", "faster") if unit == "seconds" else ("higher", "lower")
        counts = [f"{count[True]} {up}"] * bool(count[True])
        counts += [f"{count[False]} {down}"] * bool(count[False])
        what = "" if unit == "seconds" else f" in {unit or 'other units'}"
        parts.append(f"of {total} series{what} {', '.join(counts)}")
    return (
        f"between {first.before[:8]} and {first.after[:8]} on {first.series.machine}: "
        + "; ".join(parts)
    )


def _times(old: float, ratio: float | None) -> str:
    if ratio is None:
        return "from 0" if old == 0 else ""  # of numbers below 0 it says nothing
    return f"x{ratio:.3f}"


def _json(
    changes: list[Change], drifts: list[Drift], series: list[Series], commits: list[str]
) -> dict[str, Any]:
    def row(one: Change | Drift) -> dict[str, Any]:
        about = {"benchmark": one.series.benchmark, "parameters": one.series.parameters,
                 "unit": one.series.unit, "environment": one.series.environment,
                 "held": one.held, "canary": one.series.canary}  # fmt: skip
        found = asdict(one.step if isinstance(one, Change) else one.trend)
        return about | {k: v for k, v in found.items() if k not in PLACES}

    def where(one: Change | Drift) -> dict[str, str]:
        return {"machine": one.series.machine, "before": one.before, "after": one.after}

    groups = [
        {**where(group[0]), "steps": [row(change) for change in group]}
        for group in grouped(changes, commits)
    ]
    trends = [where(drift) | row(drift) for drift in drifts]
    return {"series": len(series), "groups": groups, "trends": trends}


PLACES = ("before", "position", "first", "last")
"""Indices into a series, for which commits are written."""


def _write(file: Path | None, found: dict[str, Any]) -> None:
    if file:
        file.write_text(json.dumps(found, indent=1, allow_nan=False) + "\n")
