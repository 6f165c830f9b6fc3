"""The series over commits: an index for every page, and a file for each machine and kernel."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from lsebench.history.series import Change, Drift, Series
from lsebench.history.steps import FEWEST
from lsebench.site.families import described, featured
from lsekernels import kernels

from .changes import History, Where, step, trend
from .libraries import oldest_first, shared
from .raw import subjects
from .results import MAIN, Run, about, kernel_of, newest
from .results import Series as Newest

MOST = 300
"""Points of a series that are drawn: more the eye cannot tell apart."""
QUANTITIES = {"seconds": "time", "ulp": "error", "scaled residual": "error", "bytes": "memory"}
"""Unit of a benchmark -> what it is; lower is better for all."""
CLOCKS = {"imports": "import", "accuracy": "error"}
"""Module of a suite -> its clock, where that is another word."""
TITLES = {
    "warm": "warm call",
    "transfer": "call with transfers",
    "first_call": "first call",
    "cached": "first call, cache filled",
    "young": "warm call, young heap",
    "tuned": "warm call, tuned heap",
    "inputs": "warm call, by class of input",
    "gpu": "warm call on a GPU",
    "memory": "memory it adds",
}
"""Clock -> what it is of; the others are called as they are."""


def write(site: Any, history: History, known: Environments, raw: Mapping[str, Any]) -> None:
    """Write the index ``data/series.js``, and ``data/series/*.js``, which it names.

    `raw` is what links to asv-tachyon are made of.
    """
    files: dict[str, dict[str, str]] = defaultdict(dict)
    for (place, group), members in grouped(history, known).items():
        name = f"series/{file_name(place, group)}"
        files[place][group] = name
        rows = [row(history, known, series, trends) for series, trends in members]
        commits = {
            known.number[series.machine, series.environment]: [
                history.place[commit] for commit in series.commits
            ]
            for series, _ in members
        }
        site.script(name, {"commits": commits, "series": rows}, f'Site.data["{name}"]')
    site.script("series", {**index(history, known), "files": files, "raw": raw})


def index(history: History, known: Environments) -> dict[str, Any]:
    """Return what a page needs before it asks for a file, ready for JSON."""
    names = {series.benchmark for series in history.series}
    stored = (incident for incidents in history.incidents.values() for incident in incidents)
    names |= {incident.benchmark for incident in stored} & set(history.benchmarks)
    groups = {address(name)[0] for name in names} & set(kernels.names())
    tools = {tool(history.benchmarks[s.benchmark], s) for s in history.series} - {""}
    said = subjects(history.repo, history.commits)
    return {
        "commits": [[one, history.dates[one], said.get(one, "")] for one in history.commits],
        "fewest": 2 * FEWEST,
        "environments": known.rows,
        "generations": [
            {"commit": history.place[commit], "environments": numbers}
            for commit, numbers in known.generations
        ],
        "benchmarks": {name: benchmark(name, history.benchmarks[name]) for name in sorted(names)},
        "kernels": {name: kernels.load(name).TITLE for name in kernels.names() if name in groups},
        "backends": {name: _look(name) for name in sorted({t.partition(":")[0] for t in tools})},
    }


def _look(backend: str) -> dict[str, Any]:
    about = described(backend)
    found = {name: about[name] for name in ("title", "colour", "dash")}
    return found | {"featured": backend in featured()}


def address(name: str) -> tuple[str, str]:
    """Return the kernel of a benchmark and its clock: ``("logsumexp", "young")``.

    Of a suite without a kernel it is the module: ``("limits", "read")``.
    """
    module, _, method = name.split(".")
    suite = kernel_of(name)
    kernel = next((k for k in _longest_first() if f"_{suite}".endswith(f"_{k}")), None)
    if kernel is None:
        return module, CLOCKS.get(module, suite)
    before = suite.removesuffix(kernel).strip("_")
    return kernel, before or ("cached" if "cached" in method else CLOCKS.get(module, module))


def _longest_first() -> list[str]:
    return sorted(kernels.names(), key=len, reverse=True)


def benchmark(name: str, declared: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a page is told of a benchmark."""
    group, clock = address(name)
    quantity = QUANTITIES.get(declared.get("unit", ""), "other")
    return {
        "group": group,
        "clock": clock,
        "names": declared.get("param_names", []),
        "unit": declared.get("unit", ""),
        "quantity": quantity,
        "title": kernels.load(group).TITLE if group in kernels.names() else group,
        "what": TITLES.get(clock, clock.replace("_", " ")),
    }


def tool(declared: Mapping[str, Any], series: Series) -> str:
    """Return whose series it is; "" of one that is no tool's."""
    names = declared.get("param_names", [])
    return next((v for k, v in zip(names, plain(series), strict=False) if k == "backend"), "")


def plain(series: Series) -> list[str]:
    """Return the parameters without the quotes that asv gives a text."""
    return [value.strip("'") for value in series.parameters]


class Environments:
    """Those of the index, first of all of the machine that has most; of each place the newest."""

    def __init__(
        self, runs: Mapping[Where, Run], stored: Mapping[Run, Newest], order: Mapping[str, int]
    ) -> None:
        self.runs = runs
        latest = set(newest(stored))
        groups: dict[tuple[str, ...], list[Run]] = defaultdict(list)
        for run in dict.fromkeys(runs.values()):
            groups[run.machine, run.kind, run.threads, run.python].append(run)
        aged = [oldest_first(group) for group in groups.values()]
        age = {run: -n for group in aged for n, run in enumerate(group)}

        most: Counter[str] = Counter()
        since = {run.machine: one.since for run, one in stored.items()}
        for run, one in stored.items():
            most[run.machine] = max(most[run.machine], sum(map(len, one.values.values())))

        def first(where: Where) -> tuple[Any, ...]:
            run = runs[where]
            machine = -most[run.machine], since.get(run.machine, 0.0), run.machine
            return (
                *machine,
                run.kind != MAIN,
                run.kind,
                run.threads != "1",
                run.threads,
                run not in latest,
                age[run],
                where,
            )

        self.order = sorted(runs, key=first)
        self.number = {where: number for number, where in enumerate(self.order)}
        self.rows = [self._row(where) for where in self.order]
        self.generations: list[tuple[str, list[int]]] = []
        """A commit that several environments have, and these, the oldest first."""
        for group in aged:
            commit = shared([list(stored[run].commits) for run in group if run in stored], order)
            if commit:
                some = [run for run in group if run in stored and commit in stored[run].commits]
                self.generations.append((commit, [n for run in some for n in self._numbers(run)]))

    def _row(self, where: Where) -> dict[str, Any]:
        run = self.runs[where]
        beside = [
            other
            for other in set(self.runs.values())
            if (other.machine, other.kind, other.threads) == (run.machine, run.kind, run.threads)
        ]
        # Their first name that no other has: a page lists them side by side.
        texts = _texts(run)
        title = next((t for n, t in enumerate(texts) if _only(t, n, beside)), texts[-1])
        return {
            **about(run),
            "name": re.sub("-LSEKERNELS_THREADS[^-]*", "", where[1].partition("-")[2]),
            "title": title,
        }

    def _numbers(self, run: Run) -> list[int]:
        return [self.number[where] for where in self.order if self.runs[where] == run]


def _texts(run: Run) -> tuple[str, str, str]:
    numpy = f"NumPy {dict(run.versions).get('numpy') or 'as it was'}"
    every = ", ".join(f"{name} {text}" for name, text in run.versions if name != "numpy")
    return numpy, f"{numpy}, Python {run.python}", f"{numpy}, Python {run.python}, {every}"


def _only(text: str, number: int, runs: Collection[Run]) -> bool:
    return sum(_texts(run)[number] == text for run in runs) == 1


def grouped(
    history: History, known: Environments
) -> dict[tuple[str, str], list[tuple[Series, list[Drift]]]]:
    """Return the series by place and kernel, each with its trends."""
    drifts: dict[int, list[Drift]] = defaultdict(list)
    for drift in history.drifts:
        drifts[id(drift.series)].append(drift)
    found: dict[tuple[str, str], list[tuple[Series, list[Drift]]]] = defaultdict(list)
    for series in history.series:
        run = known.runs[series.machine, series.environment]
        group, _ = address(series.benchmark)
        found[run.place, group].append((series, drifts[id(series)]))
    return found


def file_name(place: str, group: str) -> str:
    """Return a name that every disk and address takes, whatever the machine is called."""
    text = f"{place}-{group}"
    safe = re.sub("[^a-z0-9_-]+", "-", text.lower()).strip("-")[:60]
    return safe if safe == text else f"{safe}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"


def row(
    history: History, known: Environments, series: Series, trends: Sequence[Drift]
) -> dict[str, Any]:
    """Return a series as its page needs it.

    Returns
    -------
    dict
        ``commits``, ``value``, ``low`` and ``high`` of the points that are drawn; ``of``: how many
        there are; ``failed``: how often it failed, and the last commit at which it did.
    """
    key = series.machine, series.environment, series.benchmark, series.parameters
    rows = history.measured.rows[key]
    steps = history.steps(series)
    changed: list[Change | Drift] = [*steps, *trends]
    ends = {commit for one in changed for commit in (one.before, one.after)}
    number = known.number[key[:2]]
    ends |= {commit for commit, numbers in known.generations if number in numbers}
    there = list(rows)
    drawn = thinned([rows[commit][0] or 0.0 for commit in there], [c in ends for c in there])
    kept = [there[place] for place in drawn]
    found: dict[str, Any] = {
        "benchmark": series.benchmark,
        "values": plain(series),
        "environment": number,
        "of": len(there),
        "commits": [history.place[commit] for commit in kept],
    }
    for position, name in enumerate(("value", "low", "high")):
        found[name] = [rows[commit][position] for commit in kept]
    if failed := history.measured.failures.get(key):
        found["failed"] = [len(failed), history.place[failed[-1]]]
    found["steps"] = [step(history, one) for one in steps]
    found["trends"] = [trend(history, one) for one in trends]
    return found


def thinned(values: Sequence[float], ends: Sequence[bool]) -> list[int]:
    """Return which of many values are drawn: of each stretch the extremes, and all `ends`."""
    n = len(values)
    if n <= MOST:
        return list(range(n))
    kept = {0, n - 1, *(place for place, end in enumerate(ends) if end)}
    stretches = MOST // 2
    for number in range(stretches):
        part = range(number * n // stretches, (number + 1) * n // stretches)
        kept |= {min(part, key=values.__getitem__), max(part, key=values.__getitem__)}
    return sorted(kept)
