"""The front page: which tool for a job, what it costs with each, and all of it in one matrix."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from lsebench.site.families import backend_of, described
from lsekernels import heap, kernels, registry

from . import words
from .accuracy import NOTHING_RIGHT, grade, lost
from .results import (
    Row,
    Run,
    Series,
    Value,
    apart,
    elements,
    head,
    kernel_of,
    newest,
    rounded,
    usual_first,
)

Times = dict[str, dict[str, Row]]
"""Tool -> size -> time of one call, with its interval, number of samples and commit."""

BASELINE = "numpy"
FIRST_CALL = ("float64", "1000")
"""What the suite of first calls is called with."""
CACHES = {"empty": "track_cold", "filled": "track_cached"}
HEAPS = ("settled", "young", "tuned")
"""States of the heap, see lsekernels.heap: other kernels than logsumexp were timed in the first."""
TIMED = "logsumexp"
"""The kernel whose transfers, first calls and heaps are timed."""


def site(runs: Mapping[Run, Series]) -> dict[str, Any]:
    """Return all that the page's script needs, ready for JSON."""
    commits: dict[str, int] = {}
    found = [of_run(run, series, commits) for run, series in newest(runs).items()]
    found = [run for run in found if run["times"]]
    found.sort(key=lambda r: usual_first(r, _count(r)))
    tools = {tool for run in found for times in run["times"].values() for tool in times["settled"]}
    names = set(map(backend_of, tools)) | set(registry.names())
    dates = {commit: date for series in runs.values() for commit, date in series.commits.items()}
    return {
        "runs": found,
        "commits": [[commit, dates[commit]] for commit in commits],
        "backends": {name: _backend(name) for name in sorted(names)},
        "kernels": {name: about_kernel(name) for name in kernels.names()},
        "nothing_right": NOTHING_RIGHT,
    }


def of_run(run: Run, series: Series, commits: dict[str, int] | None = None) -> dict[str, Any]:
    """Return what is known of each tool in a run.

    Returns
    -------
    dict
        ``times``: kernel -> state of the heap -> tool -> dtype -> size -> time of one call, or None
        where it failed. ``transfer``: the same of logsumexp, from NumPy and back. ``imports`` and
        ``compile``: tool -> seconds. ``errors``, ``memory``, ``pays``: see these functions.
    """
    commits = {} if commits is None else commits

    def nested(benchmark: str) -> dict[str, Any]:
        return _nested(series.values.get(benchmark, {}), commits)

    times: dict[str, dict[str, Any]] = {}
    for benchmark in series.values:
        module, _, method = benchmark.split(".")
        if (module, method) == ("warm", "track_time"):
            times[kernel_of(benchmark)] = {"settled": nested(benchmark)}
    if vector := times.get(TIMED):
        vector["young"] = _young(vector["settled"], nested("heap.YoungLogsumexp.track_time"))
        vector["tuned"] = nested("heap.TunedLogsumexp.track_time")
    found: dict[str, Any] = {
        **head(run, series),
        "installed": series.context.get("installed", {}),
        "times": times,
        "transfer": _transfers(nested("transfer.Logsumexp.track_time")),
        "imports": _once(series.values.get("imports.Imports.timeraw_import", {})),
        "errors": errors(series.values.get("accuracy.Logsumexp.track_error", {})),
        "memory": memory(series.values.get("memory.Logsumexp.track_added", {})),
    }
    found["first"] = {
        cache: _once(series.values.get(f"first_call.Logsumexp.{method}", {}))
        for cache, method in CACHES.items()
    }
    found["compile"] = {
        cache: compiling(first, times_of(found, *FIRST_CALL[:1]))
        for cache, first in found["first"].items()
    }
    dtypes = {d for tables in times.get(TIMED, {}).get("settled", {}).values() for d in tables}
    found["pays"] = {
        dtype: {cache: paying(found, dtype, cache) for cache in CACHES} for dtype in sorted(dtypes)
    }
    return found


def times_of(
    run: Mapping[str, Any], dtype: str, place: str = "own", heap: str = "settled"
) -> Times:
    """Return tool -> size -> time of one call of logsumexp.

    With `place` ``numpy`` transfers count where a tool has arrays of its own; one whose transfers
    were not measured is left out.
    """
    found: Times = {}
    for tool, table in run["times"].get(TIMED, {}).get(heap, {}).items():
        if place == "numpy" and moves(backend_of(tool)):
            table = run["transfer"][heap].get(tool, {})
        timed = {size: value for size, value in table.get(dtype, {}).items() if value}
        if timed:
            found[tool] = timed
    return found


def compiling(first: Mapping[str, Row], warm: Times) -> dict[str, Row]:
    """Return what the first call takes beyond a warm one; never less than nothing."""
    found: dict[str, Row] = {}
    for name, (value, low, high) in first.items():
        call = warm.get(name, {}).get(FIRST_CALL[1])
        if not call or value is None or call[0] is None:
            continue
        extra = rounded(max(0.0, value - call[0]))
        found[name] = [extra, None, None]
        if low is not None and high is not None and call[1] is not None and call[2] is not None:
            most = max(extra, high - call[1])
            found[name] = [extra, rounded(max(0.0, low - call[2])), rounded(most)]
    return found


def paying(run: Mapping[str, Any], dtype: str, cache: str) -> list[dict[str, Any]]:
    """Return from how many calls of logsumexp on each compiled tool pays off against NumPy.

    The process is fresh, and the data is in NumPy arrays: every tool's import includes NumPy's.

    Returns
    -------
    list of dict
        ``tool``, ``missing`` (what was not measured; then there is nothing more), ``calls``: size
        -> a number of calls, ``never`` (it is slower) or ``unclear`` (the intervals of a call
        do not tell which is faster), ``about``: whether a start has too few samples for an
        interval.
    """
    warm = times_of(run, dtype, "numpy", "young")
    base = warm.get(BASELINE, {})
    start, missing, vague = startup(run, BASELINE, cache)
    found: list[dict[str, Any]] = []
    for tool in sorted(set(warm) - {BASELINE}):
        if not base or _compiled(tool) == "no":
            continue
        extra, lacks, about = startup(run, tool, cache)
        lacks = lacks or [f"{what} of NumPy" for what in missing]
        calls = {
            size: break_even(extra - start, base[size], value, about or vague)
            for size, value in warm[tool].items()
            if size in base and not lacks
        }
        found.append({"tool": tool, "missing": lacks, "calls": calls, "about": about or vague})
    return found


def startup(run: Mapping[str, Any], tool: str, cache: str) -> tuple[float, list[str], bool]:
    """Return import and compilation in seconds, which of them was not measured, and if vaguely."""
    own, numpy = run["imports"].get(tool), run["imports"].get(BASELINE)
    # A cache that a tool does not have changes nothing.
    cache = cache if caches(tool) else "empty"
    parts = {
        "import": own and numpy and max(own, numpy),
        "compile": run["compile"][cache].get(tool),
    }
    known = [part for part in parts.values() if part]
    seconds = sum(part[0] for part in known)
    vague = any(part[1] is None for part in known)
    return seconds, [name for name, part in parts.items() if not part], vague


def break_even(extra: float, base: Row, tool: Row, vague: bool = False) -> int | str:
    """Return the number of calls whose gain pays `extra` seconds, or why there is none.

    It has the digits that all pages show, see `words.rough`: fewer where the start is `vague`.
    """
    if not apart(base, tool) or base[0] is None or tool[0] is None:
        return "unclear"
    if tool[0] > base[0]:
        return "never"
    return words.rough(max(1, math.ceil(extra / (base[0] - tool[0]))), vague)


def errors(rows: Mapping[tuple[str, ...], Value]) -> dict[str, dict[str, list[Any]]]:
    """Return dtype -> tool -> [largest error or None where it fails, class of input, its grade]."""
    found: dict[str, dict[str, list[Any]]] = {}
    for (tool, dtype, name), value in rows.items():
        table = found.setdefault(dtype, {})
        worst = math.inf if value.value is None else value.value
        known = table.get(tool, [-1.0, ""])
        if known[0] is not None and worst > known[0]:
            there = not math.isinf(worst)
            place = grade(worst, lost(TIMED, dtype, name)) if there else NOTHING_RIGHT
            table[tool] = [rounded(worst) if there else None, name, place]
    return found


def memory(rows: Mapping[tuple[str, ...], Value]) -> dict[str, dict[str, float]]:
    """Return dtype -> tool -> bytes that a call adds."""
    found: dict[str, dict[str, float]] = {}
    for (tool, dtype), value in rows.items():
        if value.value is not None:
            found.setdefault(dtype, {})[tool] = value.value
    return found


def _nested(rows: Mapping[tuple[str, ...], Value], commits: dict[str, int]) -> dict[str, Any]:
    """Return tool -> dtype -> size -> [value, low, high, samples, number of the commit]."""
    found: dict[str, Any] = {}
    for (tool, *dtype, size), value in rows.items():
        cell: list[Any] | None = None
        if value.value is not None:
            number = commits.setdefault(value.commit, len(commits))
            cell = [*value.row(), value.samples, number]
        found.setdefault(tool, {}).setdefault((dtype or ["float64"])[0], {})[size] = cell
    return found


def _young(settled: Mapping[str, Any], young: dict[str, Any]) -> dict[str, Any]:
    """Return the times in a young heap, and the settled ones of calls that are the same in both."""
    found: dict[str, Any] = {}
    for tool, tables in settled.items():
        declared = registry.declaration(tool) if tool in registry.names() else None
        for dtype, table in tables.items():
            most = math.inf
            if declared and declared.temporaries:  # then up to what any heap uses again
                most = heap.SMALLEST // int(dtype[-2:]) * 8
            same = {size: value for size, value in table.items() if int(size) <= most}
            measured = young.get(tool, {}).get(dtype, {})
            found.setdefault(tool, {})[dtype] = same | measured
    return found


def _transfers(settled: dict[str, Any]) -> dict[str, Any]:
    """Return the times with transfers by state of the heap: they were timed in a settled one."""
    young = {
        tool: {
            dtype: {
                n: v for n, v in table.items() if int(n) * int(dtype[-2:]) // 8 <= heap.SMALLEST
            }
            for dtype, table in tables.items()
        }
        for tool, tables in settled.items()
    }
    return {"settled": settled, "young": young, "tuned": {}}


def _once(rows: Mapping[tuple[str, ...], Value]) -> dict[str, Row]:
    return {key[0]: value.row() for key, value in rows.items() if value.value is not None}


def _compiled(tool: str) -> str:
    name = backend_of(tool)
    return registry.declaration(name).compiled if name in registry.names() else "no"


def caches(tool: str) -> bool:
    """Return whether a tool keeps what it compiles for the next process."""
    name = backend_of(tool)
    return name in registry.names() and bool(registry.declaration(name).cache)


def moves(name: str) -> bool:
    """Return whether a backend has arrays of its own."""
    return name in registry.names() and registry.declaration(name).moves_data()


def _count(run: Mapping[str, Any]) -> int:
    return sum(len(heaps["settled"]) for heaps in run["times"].values())


def _backend(name: str) -> dict[str, Any]:
    return {**described(name), "cache": caches(name), "moves": moves(name)}


def about_kernel(name: str) -> dict[str, Any]:
    """Return what a page's script is told of a kernel, ready for JSON."""
    truth = kernels.load(name)
    sizes = [str(size) for size in truth.SIZES]
    return {
        "title": getattr(truth, "TITLE", name),
        "forms": getattr(truth, "FORMS", {}),
        "unsafe": getattr(truth, "UNSAFE_FORMS", {}),
        "tasks": getattr(truth, "TASKS", {}),
        "sizes": sizes,
        "elements": {size: elements(size) for size in sizes},
        "shapes": any("x" in size for size in sizes),
        "dtypes": list(truth.DTYPES),
        "what": getattr(truth, "SIZE_IS", "numbers"),
    }
