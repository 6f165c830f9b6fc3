"""What is stored in the results, as the pages need it: the newest value of each combination."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

from lsebench.records.stored import State

MAIN = "pinned"
"""The kind of environment that asv.conf.json has; ``make bench-gpu`` and PyPy have others."""


@dataclass(frozen=True)
class Value:
    """One stored number of asv's."""

    value: float | None
    """In the benchmark's unit; None where it failed."""
    low: float
    """Of the 99 % confidence interval; `value` itself where asv has none."""
    high: float
    commit: str


@dataclass(frozen=True, order=True)
class Run:
    """What is comparable: one machine, one environment, one number of threads."""

    machine: str
    kind: str
    """Of environment: ``pinned``, ``here`` (a Python that was there), ``source`` (PyPy)."""
    threads: str
    """``1`` or ``all``."""
    python: str
    versions: tuple[tuple[str, str], ...]
    """Of the libraries that asv was asked for, by name."""

    def newness(self) -> list[tuple[str, Version]]:
        """Return a key by which the newest libraries of one kind are the largest."""
        return [(name, version(text)) for name, text in self.versions]


@dataclass
class Series:
    """All that one run has."""

    values: dict[str, dict[tuple[str, ...], Value]] = field(default_factory=dict)
    """Benchmark -> parameters -> the value of the newest commit that has one."""
    commits: dict[str, float] = field(default_factory=dict)
    """Commit -> its date, seconds since 1970, oldest first."""
    context: dict[str, Any] = field(default_factory=dict)
    """What was really there, stored beside the newest result: versions, backends, CPU."""

    measured: float = 0.0
    """When, seconds since 1970; 0 where asv has not noted it."""

    @property
    def newest(self) -> str:
        """The newest commit."""
        return list(self.commits)[-1]

    def reasons(self) -> dict[str, str]:
        """Return backend -> why it could not run, as noted beside the newest result."""
        known = self.context.get("backends", [])
        return {b["backend"]: b["unavailable"] for b in known if b["unavailable"]}

    def reported(self) -> float:
        """Return when it was last measured; of old results only the commit's date is known."""
        return self.measured or self.commits[self.newest]


def collect(
    results: Iterable[Any], benchmarks: Any, revisions: Mapping[str, int], folder: Path
) -> dict[Run, Series]:
    """Return the newest values of each run.

    Parameters
    ----------
    results : iterable of asv.results.Results
    benchmarks : asv.benchmarks.Benchmarks
    revisions : mapping
        Commit -> its place in the history; results of other commits are left out.
    folder : Path
        The results folder, for the context stored beside each result.
    """
    known = [r for r in results if r.commit_hash in revisions]
    found: dict[Run, Series] = {}
    for result in sorted(known, key=lambda r: revisions[r.commit_hash]):
        run = _run(result)
        series = found.setdefault(run, Series())
        series.commits[result.commit_hash] = result.date / 1000
        if context := context_of(result, folder):
            series.context = context
        for name in result.get_result_keys(benchmarks):
            # Its own: of a combination that is not there, asv says what it says of a failure.
            params = result.get_result_params(name)
            values = result.get_result_value(name, params)
            stats = result.get_result_stats(name, params)
            rows = series.values.setdefault(name, {})
            for key, value, stat in zip(product(*params), values, stats, strict=True):
                if value is not None and math.isnan(value):
                    continue  # n/a, or never run
                plain = tuple(text.strip("'") for text in key)
                rows[plain] = Value(value, *_interval(value, stat), result.commit_hash)
            started = result.started_at.get(name)
            series.measured = max(series.measured, started / 1000 if started else 0.0)
    return found


def newest(runs: Mapping[Run, Series]) -> dict[Run, Series]:
    """Return the runs with the newest libraries: one for each machine, kind and thread setting."""
    best: dict[tuple[str, str, str], Run] = {}
    for run in runs:
        key = (run.machine, run.kind, run.threads)
        if key not in best or _order(run, runs) > _order(best[key], runs):
            best[key] = run
    return {run: runs[run] for _, run in sorted(best.items())}


def head(run: Run, series: Series) -> dict[str, Any]:
    """Return what every page's script is told of a run, ready for JSON."""
    return {
        "machine": run.machine,
        "kind": run.kind,
        "threads": run.threads,
        "python": run.python,
        "versions": dict(run.versions),
        "newest": series.newest,
        "measured": series.reported(),
        "reasons": series.reasons(),
    }


def usual_first(run: Mapping[str, Any], count: int) -> tuple[Any, ...]:
    """Return the key that sorts runs with `count` numbers: a page opens with the usual run.

    That is one thread in the main environment, of the machine that has most to show.
    """
    return run["kind"] != MAIN, run["threads"] != "1", -count, run["machine"]


def _order(run: Run, runs: Mapping[Run, Series]) -> tuple[Any, ...]:
    # By NumPy and not by all: a later environment may have libraries that an earlier one has not.
    numpy = version(dict(run.versions).get("numpy", "0"))
    return version(run.python), numpy, list(runs[run].commits.values())[-1], run.newness()


def _run(result: Any) -> Run:
    return Run(
        machine=result.params["machine"],
        kind=result.env_name.partition("-")[0],
        threads=str(result.env_vars.get("LSEKERNELS_THREADS", "1")),
        python=str(result.params["python"]),
        versions=tuple(sorted(result._requirements.items())),
    )


def _interval(value: Any, stat: Mapping[str, Any] | None) -> tuple[float, float]:
    low, high = (stat or {}).get("ci_99_a"), (stat or {}).get("ci_99_b")
    if value is None:
        return math.nan, math.nan
    if low is None or high is None or not math.isfinite(high - low):
        return value, value
    return min(low, value), max(high, value)  # asv rounds the ends


def context_of(result: Any, folder: Path) -> dict[str, Any]:
    """Return what was really there, stored beside a result; nothing where it is not."""
    state = State.last(folder / result._filename)
    return state.context if state else {}


def version(text: str) -> Version:
    """Return a version that can be compared; 0 for what is none."""
    try:
        return Version(text)
    except InvalidVersion:  # "pypy3", or a version left open
        return Version("0")


def kernel_of(benchmark: str) -> str:
    """Return the kernel of a suite: ``warm.LogsumexpRows.track_time`` -> ``logsumexp_rows``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", benchmark.split(".")[1]).lower()


def day(seconds: float) -> str:
    """Return a date in UTC, ``2026-11-20``."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")


def rounded(value: float) -> float:
    """Return `value` in as few digits as a page needs."""
    return float(f"{value:.5g}") if math.isfinite(value) else value


def elements(size: Any) -> int:
    """Return the place of a size on the axis: 1000 for itself, 20000 for ``"10x2000"``."""
    return math.prod(map(int, str(size).split("x")))
