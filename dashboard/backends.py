"""The page that lists backends by size, for the newest commit of every machine."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

from packaging.version import Version

from lsekernels import registry

from .templates import page

BENCHMARK = "warm.Logsumexp.track_time"
BASELINE = "scipy"


@dataclass
class Cell:
    """One time, or why there is none."""

    text: str
    detail: str = ""
    """For the tooltip: the interval, or the reason."""
    ratio: str = ""
    """Times the speed of the baseline."""
    best: bool = False


@dataclass
class Table:
    """One machine, environment, thread setting and dtype."""

    machine: str
    commit: str
    date: str
    environment: str
    threads: str
    dtype: str
    sizes: list[str]
    rows: list[tuple[str, list[Cell]]] = field(default_factory=list)
    """(title of the backend, one cell a size)."""
    missing: dict[str, str] = field(default_factory=dict)
    """Title of a backend without any time -> why."""


def tables(
    results: Iterable[Any], benchmarks: Any, revisions: dict[str, int], folder: Path
) -> list[Table]:
    """Return the tables of the newest commit, with the newest libraries, of each machine.

    Parameters
    ----------
    results : iterable of asv.results.Results
    benchmarks : asv.benchmarks.Benchmarks
    revisions : dict
        Commit -> its place in the history. (Several commits may have the same date.)
    folder : Path
        The results folder, for the context stored beside each result.
    """

    def place(result: Any) -> tuple[int, list[Version]]:
        versions = [Version(version) for _, version in sorted(result._requirements.items())]
        return revisions[result.commit_hash], versions

    newest: dict[tuple[str, str, str], Any] = {}
    for result in results:
        if BENCHMARK in benchmarks and BENCHMARK in result.get_result_keys(benchmarks):
            kind = result.env_name.partition("-")[0]  # of environment: PyPy has one of its own
            key = (result.params["machine"], kind, _threads(result))
            newest[key] = max(newest.get(key, result), result, key=place)
    return [
        table
        for _, result in sorted(newest.items())
        for table in _tables_of(result, benchmarks[BENCHMARK]["params"], _context(result, folder))
    ]


def _threads(result: Any) -> str:
    return str(result.env_vars.get("LSEKERNELS_THREADS", "1"))


def _tables_of(result: Any, params: list[list[str]], context: dict[str, Any]) -> list[Table]:
    names, dtypes, sizes = ([value.strip("'") for value in axis] for axis in params)
    values = result.get_result_value(BENCHMARK, params)
    stats = result.get_result_stats(BENCHMARK, params)
    cells = dict(zip(product(names, dtypes, sizes), zip(values, stats, strict=True), strict=True))
    reasons = {b["backend"]: b["unavailable"] for b in context.get("backends", [])}
    found = []
    for dtype in sorted(dtypes, reverse=True):  # float64 first
        shown = [s for s in sizes if not all(_absent(cells[n, dtype, s][0]) for n in names)]
        if not shown:
            continue
        table = Table(
            machine=result.params["machine"],
            commit=result.commit_hash[:8],
            date=datetime.fromtimestamp(result.date / 1000, UTC).strftime("%Y-%m-%d"),
            environment=", ".join(
                [f"Python {result.params['python']}"]
                + [f"{key} {value}" for key, value in sorted(result._requirements.items())]
            ),
            threads=_threads(result),
            dtype=dtype,
            sizes=[_size(size) for size in shown],
        )
        bound = {s: _upper_bound_of_best([cells[n, dtype, s] for n in names]) for s in shown}
        rows = []
        for name in names:
            title = registry.declaration(name).title if name in registry.names() else name
            row = [cells[name, dtype, size] for size in shown]
            if all(_absent(value) for value, _ in row):
                table.missing[title] = reasons.get(name) or "not measured in this run"
                continue
            line = [
                _cell(value, stat, cells.get((BASELINE, dtype, size), (math.nan,))[0])
                for (value, stat), size in zip(row, shown, strict=True)
            ]
            for cell, (value, stat), size in zip(line, row, shown, strict=True):
                cell.best = not _nan(value) and _interval(value, stat)[0] <= bound[size]
            rows.append((_sort_key(row), title, line))
        table.rows = [(title, line) for _, title, line in sorted(rows, key=lambda r: r[0])]
        found.append(table)
    return found


def _cell(value: float | None, stat: dict[str, Any] | None, baseline: float | None) -> Cell:
    if value is None:
        return Cell("failed", "it raised an error, or its result was wrong: it is not timed")
    if _absent(value):
        return Cell("", "not measured in this run")
    low, high = _interval(value, stat)
    if low == high:
        detail = f"{seconds(value)}; too few samples for an interval"
    else:
        detail = f"{seconds(value)}, 99 % interval {seconds(low)} to {seconds(high)}"
    ratio = "" if _nan(baseline) else f"{_digits(baseline / value)}x"  # type: ignore[operator]
    return Cell(seconds(value), detail, ratio)


def _interval(value: Any, stat: dict[str, Any] | None) -> tuple[float, float]:
    """Return the 99 % confidence interval, or (value, value) where asv has none."""
    low, high = (stat or {}).get("ci_99_a"), (stat or {}).get("ci_99_b")
    if low is None or high is None or not math.isfinite(high - low):
        return value, value
    return low, high


def _upper_bound_of_best(column: list[tuple[float | None, Any]]) -> float:
    """Return up to where an interval may begin to be inside the noise of the best."""
    known = [(value, stat) for value, stat in column if not _nan(value)]
    return _interval(*min(known, key=lambda cell: cell[0]))[1] if known else -math.inf  # type: ignore[arg-type, return-value]


def seconds(value: float) -> str:
    """Return a time in the unit people read: ``12.3 ns``, ``4.56 µs``, ``789 ms``."""
    for factor, unit in ((1e-9, "ns"), (1e-6, "µs"), (1e-3, "ms")):
        if abs(value) < 999.5 * factor:
            return f"{_digits(value / factor)} {unit}"
    return f"{_digits(value)} s"


def _digits(value: float) -> str:
    return f"{value:.0f}" if value >= 99.95 else f"{value:.3g}"


def _size(text: str) -> str:
    return f"{int(text):,}"


def _sort_key(row: list[tuple[float | None, Any]]) -> float:
    """Fastest first, by the largest size that has a time."""
    return next((value for value, _ in reversed(row) if value and not _nan(value)), math.inf)


def _absent(value: float | None) -> bool:
    """Return whether it is asv's n/a, or was never run."""
    return value is not None and math.isnan(value)


def _nan(value: float | None) -> bool:
    """Return whether there is no number: n/a, never run, or failed."""
    return value is None or math.isnan(value)


def _context(result: Any, folder: Path) -> dict[str, Any]:
    file = folder / Path(result._filename).with_suffix(".context.jsonl")
    if not file.exists():
        return {}
    last: dict[str, Any] = json.loads(file.read_text().splitlines()[-1])["context"]
    return last


def render(found: list[Table]) -> str:
    """Return the page; all text is escaped."""
    return page("backends.html", tables=found, baseline=BASELINE)
