"""The front page: time against size, and speed-ups over a baseline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lsebench.site.families import described, featured
from lsekernels import kernels, registry

from .results import Run, Series, Value, elements, head, kernel_of, newest, rounded, usual_first

CLOCKS = {
    "warm": ("warm", "Warm call: imported, compiled, data where the tool wants it"),
    "transfer": ("transfer", "Warm call from NumPy to NumPy: with both transfers"),
    "first": ("first_call", "First call of a fresh process, nothing in the compile cache"),
    "cached": ("first_call", "First call of a fresh process, compile cache filled"),
}
"""Clock -> (module of its suites, what it is)."""
METHODS = {"first": "track_cold", "cached": "track_cached"}
LIMITS = {
    "EmptyCall": "empty call",
    "Read": "reading once",
    "Exp": "exp of each",
    "Copy": "copying",
}
BASELINE = "scipy"

Row = list[Any]


def site(runs: Mapping[Run, Series]) -> dict[str, Any]:
    """Return all that the page's script needs, ready for JSON."""
    shown = newest(runs)
    commits: dict[str, int] = {}

    def number(commit: str) -> int:
        return commits.setdefault(commit, len(commits))

    found = [_of_run(run, series, number) for run, series in shown.items()]
    found.sort(key=lambda r: usual_first(r, _count(r)))
    names = sorted({n for r in found for n in _names(r)} | set(registry.names()))
    return {
        "runs": found,
        "commits": list(commits),
        "dates": {c: s.commits[c] for s in shown.values() for c in s.commits if c in commits},
        "backends": {name: described(name) for name in names},
        "kernels": {name: _kernel(name) for name in kernels.names()},
        "clocks": {clock: about for clock, (_, about) in CLOCKS.items()},
        "featured": featured(),
        "baseline": BASELINE,
    }


def _of_run(run: Run, series: Series, number: Any) -> dict[str, Any]:
    clocks: dict[str, Any] = {}
    limits: dict[str, Any] = {}
    for benchmark, rows in series.values.items():
        module, suite, method = benchmark.split(".")
        if module == "limits" and suite in LIMITS:
            limits[LIMITS[suite]] = [
                [*(key or ("", "")), *_numbers(value, number)] for key, value in rows.items()
            ]
            continue
        for clock, (of, _) in CLOCKS.items():
            if module == of and method == METHODS.get(clock, "track_time"):
                table = clocks.setdefault(clock, {}).setdefault(kernel_of(benchmark), [])
                for key, value in rows.items():
                    # First calls have a backend alone: their one size is that of the suite.
                    name, dtype, size = key if len(key) == 3 else (key[0], "float64", "1000")
                    table.append([name, dtype, size, *_numbers(value, number)])
    return {
        **head(run, series),
        "installed": series.context.get("installed", {}),
        "clocks": clocks,
        "limits": limits,
    }


def _numbers(value: Value, number: Any) -> Row:
    """Return [seconds or None, low, high, number of the commit], in few digits."""
    commit = number(value.commit)
    if value.value is None:
        return [None, None, None, commit]
    return [rounded(value.value), rounded(value.low), rounded(value.high), commit]


def _count(run: Mapping[str, Any]) -> int:
    return sum(len(rows) for table in run["clocks"].values() for rows in table.values())


def _names(run: Mapping[str, Any]) -> set[str]:
    rows = (row for table in run["clocks"].values() for rows in table.values() for row in rows)
    return {row[0].partition(":")[0] for row in rows}


def _kernel(name: str) -> dict[str, Any]:
    truth = kernels.load(name)
    return {
        "title": getattr(truth, "TITLE", name),
        "forms": getattr(truth, "FORMS", {}),
        "sizes": [str(size) for size in truth.SIZES],
        "unit": truth.UNIT,
        "elements": {str(size): elements(size) for size in truth.SIZES},
        "bytes": {
            dtype: {str(size): truth.bytes_moved(size, dtype) for size in truth.SIZES}
            for dtype in truth.DTYPES
        }
        if hasattr(truth, "bytes_moved")
        else {},
    }
