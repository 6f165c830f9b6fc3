"""The page that chooses a tool: what a job costs with each, where the winner changes, what pays."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from lsekernels import heap, kernels, registry

from .results import Row, Run, Series, Value, apart, head, kernel_of, newest, rounded, usual_first

Interval = Row
Times = dict[str, dict[str, Interval]]
"""Tool -> size -> time of one call."""

BASELINE = "numpy"
FIRST_CALL = ("float64", "1000")
"""What the suite of first calls is called with."""
CACHES = {"empty": "track_cold", "filled": "track_cached"}
TUNED = ": all memory kept"
"""What a tool is called in a heap that is tuned."""
PLACES = ("numpy", "own")
"""Where the data is: in NumPy arrays, or where the tool wants it."""


def site(runs: Mapping[Run, Series]) -> dict[str, Any]:
    """Return all that the page's script needs, ready for JSON."""
    found = [_of_run(run, series) for run, series in newest(runs).items()]
    found = [run for run in found if run["warm"]]
    found.sort(key=lambda r: usual_first(r, _count(r)))
    tools = {tool for run in found for times in run["warm"].values() for tool in times}
    return {
        "runs": found,
        "backends": {
            name: _backend(name) for name in sorted(set(map(backend_of, tools)) | _declared())
        },
        "kernels": {name: _kernel(name) for name in kernels.names()},
    }


def _of_run(run: Run, series: Series) -> dict[str, Any]:
    warm: dict[str, dict[str, dict[str, dict[str, Interval | None]]]] = {}
    for benchmark, rows in series.values.items():
        module, _, method = benchmark.split(".")
        if (module, method) == ("warm", "track_time"):
            warm[kernel_of(benchmark)] = _nested(rows)
    found: dict[str, Any] = {
        **head(run, series),
        "warm": warm,
        "transfer": _nested(series.values.get("transfer.Logsumexp.track_time", {})),
        "imports": _once(series.values.get("imports.Imports.timeraw_import", {})),
        "errors": errors(series.values.get("accuracy.Logsumexp.track_error", {})),
        "memory": _memory(series.values.get("memory.Logsumexp.track_added", {})),
    }
    vector = warm.get("logsumexp", {})
    found["fresh"] = _fresh(vector, series.values.get("heap.YoungLogsumexp.track_time", {}))
    for (tool, size), value in series.values.get("heap.TunedLogsumexp.track_time", {}).items():
        if tool in vector:
            vector[tool + TUNED] = {"float64": {size: _interval(value)}}
    found["compile"] = {
        cache: compiling(
            _once(series.values.get(f"first_call.Logsumexp.{method}", {})),
            times(found, "logsumexp", FIRST_CALL[0]),
        )
        for cache, method in CACHES.items()
    }
    found["winners"] = {
        kernel: {
            dtype: {
                place: winners(times(found, kernel, dtype, place), _sizes(kernel))
                for place in PLACES
            }
            for dtype in sorted({dtype for table in warm[kernel].values() for dtype in table})
        }
        for kernel in warm
    }
    found["pays"] = {
        dtype: {cache: paying(found, dtype, cache) for cache in CACHES}
        for dtype in found["winners"].get("logsumexp", {})
    }
    return found


def times(
    run: Mapping[str, Any], kernel: str, dtype: str, place: str = "own", fresh: bool = False
) -> dict[str, dict[str, Interval]]:
    """Return tool -> size -> time of one warm call, with the transfer where it is needed.

    With `fresh` logsumexp's are those of a process that has freed nothing large before.
    A tool with arrays of its own whose transfer was not measured is left out where the data is in
    NumPy arrays.
    """
    found: Times = {}
    own = run["fresh"] if fresh and kernel == "logsumexp" else run["warm"].get(kernel, {})
    for tool, table in own.items():
        if place == "numpy" and _moves(backend_of(tool)):
            table = run["transfer"].get(tool, {}) if kernel == "logsumexp" else {}
        timed = {size: value for size, value in table.get(dtype, {}).items() if value}
        if timed:
            found[tool] = timed
    return found


def compiling(first: Mapping[str, Interval], warm: Times) -> dict[str, Interval]:
    """Return what the first call takes beyond a warm one; never less than nothing."""
    found = {}
    for name, (value, low, high) in first.items():
        call = warm.get(name, {}).get(FIRST_CALL[1])
        if call:
            extra = rounded(max(0.0, value - call[0]))
            if None in (low, high, *call):
                found[name] = [extra, None, None]
                continue
            least, most = max(0.0, low - call[2]), max(extra, high - call[1])
            found[name] = [extra, rounded(least), rounded(most)]
    return found


def winners(measured: Times, sizes: list[str]) -> list[dict[str, Any]]:
    """Return where the winner changes.

    Returns
    -------
    list of dict
        ``sizes``: the measured sizes of a range; ``tools``: who wins at each of them, as far as the
        noise tells; of several, the first is the fastest over the range. A range ends only where
        no tool of it wins any more. Shapes (``10x2000``) have no order: each is a range. A size
        at which fewer than half of the tools were timed has no winner, as after an interrupted
        run.
    """
    found: list[dict[str, Any]] = []
    shapes = any("x" in size for size in sizes)
    for size in sizes:
        row = {tool: table[size] for tool, table in measured.items() if size in table}
        if not row or 2 * len(row) < len(measured):
            continue
        best = min(row.values())
        tied = {tool for tool, value in row.items() if not apart(value, best)}
        if found and not shapes and tied & found[-1]["tools"]:
            found[-1]["sizes"].append(size)
            found[-1]["tools"] &= tied
        else:
            found.append({"sizes": [size], "tools": tied})
    for part in found:
        part["tools"] = sorted(
            part["tools"],
            key=lambda tool: (math.prod(measured[tool][s][0] for s in part["sizes"]), tool),
        )
    return found


def paying(run: Mapping[str, Any], dtype: str, cache: str) -> list[dict[str, Any]]:
    """Return from how many calls of logsumexp on each compiled tool pays off against NumPy.

    The process is fresh, and the data is in NumPy arrays: every tool's import includes NumPy's.

    Returns
    -------
    list of dict
        ``tool``, ``missing`` (what was not measured; then there is nothing more), ``calls``: size
        -> a number of calls, ``never`` (it is slower) or ``unclear`` (the noise hides which is).
    """
    warm = times(run, "logsumexp", dtype, "numpy", fresh=True)
    base = warm.get(BASELINE, {})
    start, missing = startup(run, BASELINE, cache)
    found: list[dict[str, Any]] = []
    for tool in sorted(set(warm) - {BASELINE}):
        if not base or _compiled(tool) == "no":
            continue
        extra, lacks = startup(run, tool, cache)
        lacks = lacks or [f"{what} of NumPy" for what in missing]
        calls = {
            size: break_even(extra - start, base[size], value)
            for size, value in warm[tool].items()
            if size in base and not lacks
        }
        found.append({"tool": tool, "missing": lacks, "calls": calls})
    return found


def startup(run: Mapping[str, Any], tool: str, cache: str) -> tuple[float, list[str]]:
    """Return import and compilation in seconds, and which of them were not measured."""
    own, numpy = run["imports"].get(tool), run["imports"].get(BASELINE)
    # A cache that a tool does not have changes nothing.
    cache = cache if _caches(tool) else "empty"
    parts = {
        "import": own and numpy and max(own, numpy),
        "compile": run["compile"][cache].get(tool),
    }
    seconds = sum(part[0] for part in parts.values() if part)
    return seconds, [name for name, part in parts.items() if not part]


def break_even(extra: float, base: Interval, tool: Interval) -> int | str:
    """Return the number of calls whose gain pays `extra` seconds, or why there is none."""
    if not apart(base, tool):
        return "unclear"
    if tool[0] > base[0]:
        return "never"
    return max(1, math.ceil(extra / (base[0] - tool[0])))


def errors(rows: Mapping[tuple[str, ...], Value]) -> dict[str, dict[str, list[Any]]]:
    """Return dtype -> tool -> [largest error or None where it fails, class of input]."""
    found: dict[str, dict[str, list[Any]]] = {}
    for (tool, dtype, name), value in rows.items():
        table = found.setdefault(dtype, {})
        worst = math.inf if value.value is None else value.value
        known = table.get(tool, [-1.0, ""])
        if known[0] is not None and worst > known[0]:
            table[tool] = [None if math.isinf(worst) else rounded(worst), name]
    return found


def _memory(rows: Mapping[tuple[str, ...], Value]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for (tool, dtype), value in rows.items():
        if value.value is not None:
            found.setdefault(dtype, {})[tool] = value.value
    return found


def _nested(
    rows: Mapping[tuple[str, ...], Value],
) -> dict[str, dict[str, dict[str, Interval | None]]]:
    found: dict[str, dict[str, dict[str, Interval | None]]] = {}
    for (tool, dtype, size), value in rows.items():
        found.setdefault(tool, {}).setdefault(dtype, {})[size] = _interval(value)
    return found


def _fresh(
    settled: Mapping[str, Any], young: Mapping[tuple[str, ...], Value]
) -> dict[str, dict[str, dict[str, Interval | None]]]:
    """Return the times in a young heap, and the settled ones of calls that are the same in both."""
    found: dict[str, dict[str, dict[str, Interval | None]]] = {}
    for tool, tables in settled.items():
        declared = registry.declaration(tool) if tool in _declared() else None
        for dtype, table in tables.items():
            most = math.inf
            if declared and declared.temporaries:  # then up to what any heap uses again
                most = heap.SMALLEST // int(dtype[-2:]) * 8
            same = {size: value for size, value in table.items() if int(size) <= most}
            found.setdefault(tool, {})[dtype] = same
    for (tool, size), value in young.items():
        if tool in found:
            found[tool].setdefault("float64", {})[size] = _interval(value)
    return found


def _once(rows: Mapping[tuple[str, ...], Value]) -> dict[str, Interval]:
    return {key[0]: found for key, value in rows.items() if (found := _interval(value))}


def _interval(value: Value) -> Interval | None:
    return None if value.value is None else value.row()


def backend_of(tool: str) -> str:
    """Return the backend of a tool: ``numba`` of ``numba:loop``."""
    return tool.partition(":")[0]


def _declared() -> set[str]:
    return set(registry.names())


def _compiled(tool: str) -> str:
    name = backend_of(tool)
    return registry.declaration(name).compiled if name in _declared() else "no"


def _caches(tool: str) -> bool:
    name = backend_of(tool)
    return name in _declared() and bool(registry.declaration(name).cache)


def _moves(name: str) -> bool:
    return name in _declared() and registry.declaration(name).moves_data()


def _count(run: Mapping[str, Any]) -> int:
    return sum(len(tools) for tools in run["warm"].values())


def _sizes(kernel: str) -> list[str]:
    return [str(size) for size in kernels.load(kernel).SIZES] if kernel in kernels.names() else []


def _backend(name: str) -> dict[str, Any]:
    if name not in _declared():  # of an older commit
        return {"title": name, "compiled": "no", "cache": False, "moves": False, "kernels": []}
    declared = registry.declaration(name)
    return {
        "title": declared.title,
        "compiled": declared.compiled,
        "cache": bool(declared.cache),
        "moves": declared.moves_data(),
        "parallel": declared.parallel,
        "kernels": declared.kernels(),
    }


def _kernel(name: str) -> dict[str, Any]:
    truth = kernels.load(name)
    sizes = _sizes(name)
    return {
        "title": getattr(truth, "TITLE", name),
        "forms": getattr(truth, "FORMS", {}),
        "sizes": sizes,
        "shapes": any("x" in size for size in sizes),
    }
