"""What is stored in the results, as the pages need it: the newest value of each combination."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

from lsebench.records.stored import State
from lsebench.run import noise
from lsekernels.backend import CLONE

MAIN = "pinned"
"""The kind of environment that asv.conf.json has; ``make bench-gpu`` and PyPy have others."""
FEWEST = 5
"""Samples that an interval takes. Of fewer, asv's reaches below zero."""

Row = list[float | None]
"""A value and its interval: [value, low, high]; only [value, None, None] where it has none."""


@dataclass(frozen=True)
class Value:
    """One stored number of asv's."""

    value: float | None
    """In the benchmark's unit; None where it failed."""
    low: float | None
    """Of the 99 % interval, see `interval`; None where there is none."""
    high: float | None
    commit: str
    samples: int = 1

    def row(self) -> Row:
        """Return value, low and high in as few digits as a page needs, for JSON."""
        return [None if x is None else rounded(x) for x in (self.value, self.low, self.high)]


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

    @property
    def place(self) -> str:
        """The machine as it stands in addresses: ``vm``, or ``vm/here``; as ``Site.place``."""
        return self.machine if self.kind == MAIN else f"{self.machine}/{self.kind}"

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

    noise: float | None = None
    """Scatter between processes on its machine, as share of a time, by the check nearest to when it
    last measured; None where there is none. Each interval has that of the check nearest to its own.
    """

    since: float = 0.0
    """When its machine first reported, seconds since 1970; 0 where that is not known."""

    @property
    def newest(self) -> str:
        """The newest commit."""
        return list(self.commits)[-1]

    def reasons(self) -> dict[str, str]:
        """Return backend -> why it could not run, as noted beside the newest result."""
        known = self.context.get("backends", [])
        # Older results name an index that does not have this package: see Backend.missing.
        here = rf"pip install '.\1' {CLONE}"
        return {
            b["backend"]: re.sub(r"pip install 'lsekernels(\[\w+\])'", here, b["unavailable"])
            for b in known
            if b["unavailable"]
        }

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
    checks = noise.of_machines(folder)
    for result in sorted(known, key=lambda r: revisions[r.commit_hash]):
        run = run_of(result)
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
            started = began(result, name)
            scatter = noise.near(checks.get(run.machine, ()), started)
            for key, value, stat in zip(product(*params), values, stats, strict=True):
                if value is not None and math.isnan(value):
                    continue  # n/a, or never run
                plain = tuple(text.strip("'") for text in key)
                samples = int((stat or {}).get("repeat") or 1)
                ends = interval(value, stat, scatter)
                rows[plain] = Value(value, *ends, result.commit_hash, samples)
            series.measured = max(series.measured, started or 0.0)
            at = started or result.date / 1000
            series.since = min(series.since or at, at)
    first: dict[str, float] = {}
    for run, series in found.items():
        series.noise = noise.near(checks.get(run.machine, ()), series.measured)
        first[run.machine] = min(first.get(run.machine, math.inf), series.since or math.inf)
    for run, series in found.items():
        series.since = first[run.machine] if math.isfinite(first[run.machine]) else 0.0
    return found


def began(result: Any, benchmark: str) -> float | None:
    """Return when a benchmark was measured, seconds since 1970; None where it is not noted."""
    started = result.started_at.get(benchmark)
    return started / 1000 if started else None


def newest(runs: Mapping[Run, Series]) -> dict[Run, Series]:
    """Return the runs with the newest libraries: one for each machine, kind and thread setting."""
    best: dict[tuple[str, str, str], Run] = {}
    for run in runs:
        key = (run.machine, run.kind, run.threads)
        if key not in best or _order(run, runs) > _order(best[key], runs):
            best[key] = run
    return {run: runs[run] for _, run in sorted(best.items())}


def about(run: Run) -> dict[str, Any]:
    """Return what a run is, ready for JSON."""
    return {
        "machine": run.machine,
        "kind": run.kind,
        "threads": run.threads,
        "python": run.python,
        "versions": dict(run.versions),
    }


def head(run: Run, series: Series) -> dict[str, Any]:
    """Return what every page's script is told of a run, ready for JSON."""
    return {
        **about(run),
        "newest": series.newest,
        "measured": series.reported(),
        "reasons": series.reasons(),
        "noise": series.noise,
        "since": series.since,
    }


def usual_first(run: Mapping[str, Any], count: int) -> tuple[Any, ...]:
    """Return the key that sorts runs with `count` numbers: a page opens with the usual run.

    That is one thread in the main environment, of the machine that has most to show; of those with
    as much it is the one that reported first, which no further machine changes.
    """
    order = run["kind"] != MAIN, run["threads"] != "1", -count, run.get("since", 0.0)
    return *order, run["machine"]


def _order(run: Run, runs: Mapping[Run, Series]) -> tuple[Any, ...]:
    # By NumPy and not by all: a later environment may have libraries that an earlier one has not.
    numpy = version(dict(run.versions).get("numpy", "0"))
    return version(run.python), numpy, list(runs[run].commits.values())[-1], run.newness()


def run_of(result: Any) -> Run:
    """Return what a stored result is comparable with."""
    return Run(
        machine=result.params["machine"],
        kind=result.env_name.partition("-")[0],
        threads=str(result.env_vars.get("LSEKERNELS_THREADS", "1")),
        python=str(result.params["python"]),
        versions=tuple(sorted(result._requirements.items())),
    )


def interval(
    value: float | None, stat: Mapping[str, Any] | None, scatter: float | None
) -> tuple[float | None, float | None]:
    """Return the 99 % interval of a time: of its samples, and of what another process would say.

    asv's interval knows the samples of one process alone: see `noise.widened`. There is no interval
    of fewer than five samples, nor of what is counted.
    """
    stat = stat or {}
    low, high = stat.get("ci_99_a"), stat.get("ci_99_b")
    if value is None or low is None or high is None or (stat.get("repeat") or 0) < FEWEST:
        return None, None
    if not math.isfinite(high - low):
        return None, None
    return noise.widened(value, low, high, scatter)


def apart(one: Sequence[float | None], other: Sequence[float | None]) -> bool:
    """Return whether two intervals tell the values apart; without an interval nothing does."""
    (_, low, high), (_, least, most) = one[:3], other[:3]
    if low is None or high is None or least is None or most is None:
        return False
    return low > most or least > high


def faster(one: Sequence[float | None], other: Sequence[float | None]) -> bool:
    """Return whether the intervals tell that the one time is smaller."""
    return apart(one, other) and (one[0] or 0.0) < (other[0] or 0.0)


def ratio(one: Sequence[float | None], other: Sequence[float | None]) -> Row:
    """Return how many times the other value the one is, as far as both intervals reach."""
    (value, low, high), (base, least, most) = one[:3], other[:3]
    if not value or not base:
        return [None, None, None]
    if low is None or high is None or not least or not most:  # an end at zero has no ratio
        return [value / base, None, None]
    return [value / base, low / most, high / least]


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
