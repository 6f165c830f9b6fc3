"""Every step up or down in any series, grouped by where it lies in the history."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asv.util import is_na

from lsebench import git
from lsebench.history.steps import find
from lsebench.records.stored import Incident
from lsekernels import kernels

from .raw import THREADS
from .results import context_of, day, kernel_of

QUANTITIES = {"seconds": "time", "ulp": "error", "bytes": "memory"}
"""Unit of a benchmark -> what it is; lower is better for all."""
MEASURED = {
    "warm": "warm call",
    "transfer": "call with transfers",
    "first_call": "first call",
    "imports": "import",
    "inputs": "warm call",
    "build": "build",
    "limits": "limit",
    "gpu": "warm call",
}
"""Module of a suite -> what its times are of."""
METHODS = {"track_cached": "first call, cache filled"}
MACHINE = ("machine", "arch", "cpu", "num_cpu", "os", "ram")
"""Axes that the name of the machine stands for."""
MOST = 40
"""Commits and files listed of a range; how many there are besides is said."""

Axes = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Step:
    """Where one series changes its level."""

    benchmark: str
    values: tuple[str, ...]
    """Of the benchmark's parameters."""
    axes: Axes
    """By what asv tells environments apart."""
    before: int
    """The last revision measured at the old level."""
    after: int
    """The first revision measured at the new one."""
    old: float
    new: float
    held: int
    """Measured commits at the new level, until the next step."""
    latest: float
    """The level of today: with the old one it says whether the step was repaired."""


@dataclass(frozen=True)
class Trend:
    """Where one series rises or falls a little with every commit."""

    benchmark: str
    values: tuple[str, ...]
    """Of the benchmark's parameters."""
    axes: Axes
    first: int
    last: int
    """Revisions of its first value and of its last."""
    old: float
    new: float
    """The line through it at both."""
    held: int
    """Measured commits that it is made of."""


@dataclass(frozen=True)
class Span:
    """From where to where one series is measured."""

    benchmark: str
    first: int
    last: int


def site(
    results: Iterable[Any],
    folder: Path,
    repo: Any,
    benchmarks: Mapping[str, Any],
    graphs: Any,
    revisions: Mapping[str, int],
) -> dict[str, Any]:
    """Return all that the page's script needs, ready for JSON.

    Parameters
    ----------
    results : iterable of asv.results.Results
    folder : Path
        The results folder, for the contexts stored beside the results.
    repo : asv.repo.Repo
        Where the differences in code are asked for.
    benchmarks : mapping
        Name -> benchmark, as in asv.benchmarks.Benchmarks.
    graphs : asv.graph.GraphSet
        All series, as asv has them.
    revisions : mapping
        Commit -> its place in the history.
    """
    steps, trends, spans = collect(graphs, benchmarks)
    commits = {place: commit for commit, place in revisions.items()}
    environments = list(dict.fromkeys([*(s.axes for s in steps), *(t.axes for t in trends)]))
    known = {span.benchmark for span in spans}
    stored = {(axes_of(r), r.commit_hash): r for r in results}
    dates = {r.commit_hash: r.date / 1000 for r in stored.values()}

    def installed(axes: Axes, place: int) -> dict[str, str]:
        result = stored.get((axes, commits[place]))
        return facts(context_of(result, folder)) if result else {}

    groups = []
    for (before, after), members in grouped(steps).items():
        old, new = commits[before], commits[after]
        # Versions are known where there are results: in each environment at its nearest two.
        widest_first = sorted(members, key=lambda step: step.before - step.after)
        pairs = {step.axes: (step.before, step.after) for step in widest_first}
        groups.append(
            {
                "before": old,
                "after": new,
                "date": day(dates[new]) if new in dates else "",
                **code(repo, old, new),
                "installed": [
                    [environments.index(axes), difference(*(installed(axes, p) for p in pair))]
                    for axes, pair in pairs.items()
                ],
                "measured": measured(spans, benchmarks, before, after),
                "steps": [_row(step, environments, commits, (before, after)) for step in members],
            }
        )
    again = confirmed(folder, benchmarks)
    known |= {row["benchmark"] for row in again}
    return {
        "confirmed": again,
        "groups": groups,
        "trends": [_trend(one, environments, commits) for one in sorted(trends, key=_size)[::-1]],
        "environments": _environments(environments, graphs),
        "benchmarks": {
            name: _benchmark(name, benchmark)
            for name, benchmark in benchmarks.items()
            if name in known
        },
        "commits": max((len(graph.data_points) for _, graph in graphs), default=0),
    }


def confirmed(folder: Path, benchmarks: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what ``python -m lsebench history --confirm`` has stored, the newest first.

    Incidents of benchmarks that are no longer there are left out, as asv does with their results.
    """
    found = []
    for machine, incidents in Incident.of_machines(folder):
        for incident in incidents:
            if incident.benchmark in benchmarks:
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
    return None if value is None else _short(value)


def collect(
    graphs: Any, benchmarks: Mapping[str, Any]
) -> tuple[list[Step], list[Trend], list[Span]]:
    """Return steps and trends of all series, and from where to where each series is measured.

    They are those of ``python -m lsebench history``: there is no second detector.
    """
    steps, trends, spans = [], [], []
    for _, graph in graphs:
        benchmark = benchmarks.get(graph.benchmark_name)
        if benchmark is None or "summary" in graph.params:
            continue
        axes = _axes(graph.params)
        data = graph.get_data()
        rows = [[row] if graph.scalar_series else row for _, row, _ in data]
        every = zip(*rows, strict=True)
        for values, column in zip(itertools.product(*benchmark["params"]), every, strict=False):
            # Places of the measured values: of what is missing nothing is said.
            there = [(k, v) for (k, _, _), v in zip(data, column, strict=True) if not is_na(v)]
            if not there:
                continue
            places, numbers = zip(*there, strict=True)
            series = graph.benchmark_name, tuple(value.strip("'") for value in values), axes
            spans.append(Span(series[0], places[0], places[-1]))
            found = find(numbers)
            ends = [*(step.position for step in found.steps), len(numbers)][1:]
            for step, end in zip(found.steps, ends, strict=True):
                where = places[step.before], places[step.position]
                held, latest = end - step.position, found.steps[-1].new
                steps.append(Step(*series, *where, step.old, step.new, held, latest))
            for trend in found.trends:
                where = places[trend.first], places[trend.last]
                held = trend.last - trend.first + 1
                trends.append(Trend(*series, *where, trend.old, trend.new, held))
    return steps, trends, spans


def grouped(steps: Iterable[Step]) -> dict[tuple[int, int], list[Step]]:
    """Return the steps by the range of revisions in which they lie, the newest first.

    Of series that are measured more rarely the range is wider: such a step is put where, within
    it, most of the others are.
    """
    steps = list(steps)
    often = Counter((step.before, step.after) for step in steps)
    home = {
        (before, after): max(
            (r for r in often if before <= r[0] and r[1] <= after),
            key=lambda r: (often[r], r[0] - r[1], r),
        )
        for before, after in often
    }
    found: dict[tuple[int, int], list[Step]] = {}
    for step in sorted(steps, key=_size, reverse=True):
        found.setdefault(home[step.before, step.after], []).append(step)
    return dict(sorted(found.items(), key=lambda item: item[0][::-1], reverse=True))


def _size(step: Step | Trend) -> float:
    return abs(math.log(step.new / step.old)) if step.new > 0 and step.old > 0 else math.inf


def measured(
    spans: Iterable[Span], benchmarks: Mapping[str, Any], before: int, after: int
) -> dict[str, int]:
    """Return how many series of each benchmark were measured on both sides of a range."""
    count = Counter(s.benchmark for s in spans if s.first <= before and after <= s.last)
    return {name: count[name] for name in benchmarks if name in count}


def code(repo: Any, before: str, after: str) -> dict[str, Any]:
    """Return the commits after `before` up to `after`, and the changed files of the package."""
    log = git.lines(repo, "log", "--format=%H %s", f"{before}..{after}", "--")
    changed = git.lines(repo, "diff", "--numstat", before, after, "--", "lsekernels/")
    return {
        "commits": [line.split(" ", 1) for line in log[:MOST]],
        "more_commits": max(0, len(log) - MOST),
        "files": [_file(line) for line in changed[:MOST]],
        "more_files": max(0, len(changed) - MOST),
    }


def _file(line: str) -> list[str]:
    added, deleted, name = line.split("\t", 2)
    # git counts no lines of a binary file.
    return [name, "binary" if added == "-" else f"+{added} \u2212{deleted}"]


def facts(context: Mapping[str, Any]) -> dict[str, str]:
    """Return what a stored context says of versions: distributions, Python, compiler, driver."""
    found: dict[str, str] = dict(context.get("installed", {}))
    build = context.get("build") or {}
    found |= {f"built: {name}": str(value) for name, value in build.items()}
    if "python" in context:
        found["Python"] = context["python"]
    for gpu in context.get("gpus", []):
        found[f"driver of {gpu['name']}"] = gpu.get("driver_version", "")
    return found


def difference(old: Mapping[str, str], new: Mapping[str, str]) -> list[list[str | None]] | None:
    """Return [what, version before, version after] of all that changed; None where not stored."""
    if not old or not new:
        return None
    names = sorted({*old, *new}, key=str.lower)
    return [[n, old.get(n), new.get(n)] for n in names if old.get(n) != new.get(n)]


def axes_of(result: Any) -> Axes:
    """Return the axes of the graphs that a result is part of."""
    settings = {f"env-{name}": value for name, value in result.env_vars.items()}
    return _axes(result.params | settings)


def _axes(params: Mapping[str, Any]) -> Axes:
    return frozenset((k, str(v)) for k, v in params.items() if k != "branch" and v)


def _environments(environments: Iterable[Axes], graphs: Any) -> list[dict[str, Any]]:
    """Return each environment as links and texts need it."""
    names = graphs.get_params()
    apart = ("machine", "python", THREADS, "branch")  # as Site.history wants them
    found = []
    for axes in map(dict, environments):
        others = {name: axes.get(name) for name in sorted(names) if name not in apart}
        # What is the same in all is no help to tell them apart.
        shown = {name: value for name, value in others.items() if value and name not in MACHINE}
        differ = [f"{name} {value}" for name, value in shown.items() if len(names[name]) > 1]
        found.append(
            {
                "machine": axes.get("machine"),
                "python": axes.get("python"),
                "threads": axes.get(THREADS),
                "versions": others,
                "differ": differ,
            }
        )
    return found


def _benchmark(name: str, benchmark: Mapping[str, Any]) -> dict[str, Any]:
    (module, _, method), kernel = name.split("."), kernel_of(name)
    quantity = QUANTITIES.get(benchmark.get("unit", ""), "other")
    known = kernel in kernels.names()
    return {
        "kernel": kernel if known else module,
        "title": getattr(kernels.load(kernel), "TITLE", kernel) if known else module,
        "what": METHODS.get(method, MEASURED.get(module, module))
        if quantity == "time"
        else quantity,
        "suite": "" if known or kernel == module else kernel.replace("_", " "),
        "quantity": quantity,
        "names": benchmark.get("param_names", []),
    }


def _row(
    step: Step, environments: list[Axes], commits: Mapping[int, str], home: tuple[int, int]
) -> dict[str, Any]:
    own = (step.before, step.after)
    return {
        "benchmark": step.benchmark,
        "values": step.values,
        "environment": environments.index(step.axes),
        "old": _short(step.old),
        "new": _short(step.new),
        "latest": _short(step.latest),
        "held": step.held,
        "range": None if own == home else [commits[place] for place in own],
    }


def _trend(trend: Trend, environments: list[Axes], commits: Mapping[int, str]) -> dict[str, Any]:
    return {
        "benchmark": trend.benchmark,
        "values": trend.values,
        "environment": environments.index(trend.axes),
        "first": commits[trend.first],
        "last": commits[trend.last],
        "old": _short(trend.old),
        "new": _short(trend.new),
        "held": trend.held,
    }


def _short(value: float) -> float:
    return float(f"{value:.4g}")
