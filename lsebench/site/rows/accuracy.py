"""The page of accuracy: error by class of input, and error against time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from lsebench.site.families import described
from lsekernels import kernels, registry
from lsekernels.kernels._case import WELL

from . import words
from .results import Run, Series, Value, elements, head, kernel_of, newest, rounded, usual_first

LIMITS = (1, 4, 64)
"""Up to which an error is of the first grades; then comes `more`, then no digit at all."""
NOTHING_RIGHT = len(LIMITS) + 1
WORST = "worst"
"""In place of a class of input: the worst of those whose result is well conditioned."""
ABOUT = {
    "ulp": (
        "An ulp, unit in the last place, is the distance from the true value to the next number "
        "that the number type can hold: up to half of one is lost in rounding even the true value.",
        (
            "up to 1 ulp: rounded as well as can be",
            "up to 4: the last digit may be off",
            "up to 64: the last two digits may be off",
            "more",
            "no digit right: off by a tenth of the true value or more",
        ),
    ),
    "scaled residual": (
        "The scaled residual says how far the product of the factors is from the matrix, in units "
        "of what rounding alone may cost for its size: below 1 nothing better can be asked.",
        (
            "up to 1: as good as rounding allows",
            "up to 4: still accepted here",
            "up to 64: too far off to be timed here",
            "more",
            "no digit right: off by a tenth of the matrix or more",
        ),
    ),
}
"""Unit -> (what it is, in one sentence; its grades in words, the best first)."""


def site(runs: Mapping[Run, Series]) -> dict[str, Any]:
    """Return all that the page's script needs, ready for JSON."""
    shown = {run: series for run, series in newest(runs).items() if _errors(series)}
    found = [_of_run(run, series) for run, series in shown.items()]
    found.sort(key=lambda r: usual_first(r, _count(r)))
    tools = {tool for run in found for table in run["kernels"].values() for tool in _tools(table)}
    names = {tool.partition(":")[0] for tool in tools}
    return {
        "runs": found,
        "dates": {c: date for series in shown.values() for c, date in series.commits.items()},
        "backends": {name: described(name) for name in sorted(names | set(registry.names()))},
        "kernels": {name: _kernel(name, found) for name in kernels.names() if _has(found, name)},
    }


def _errors(series: Series) -> dict[str, Mapping[tuple[str, ...], Value]]:
    """Return kernel -> the rows of its suite of errors."""
    found = {
        kernel_of(name): rows
        for name, rows in series.values.items()
        if name.startswith("accuracy.") and rows
    }
    return {k: rows for k, rows in found.items() if k in kernels.names() and _unit(k) in ABOUT}


def _unit(kernel: str) -> str:
    unit: str = kernels.load(kernel).UNIT
    return unit


def _of_run(run: Run, series: Series) -> dict[str, Any]:
    return {
        **head(run, series),
        "installed": series.context.get("installed", {}),
        "kernels": {
            kernel: {
                "errors": (errors := _cells(kernel, rows)),
                "worst": {
                    dtype: {tool: worst(kernel, cells) for tool, cells in tools.items()}
                    for dtype, tools in errors.items()
                },
                "times": _times(kernel, series),
            }
            for kernel, rows in _errors(series).items()
        },
    }


def _cells(kernel: str, rows: Mapping[tuple[str, ...], Value]) -> dict[str, dict[str, Any]]:
    """Return dtype -> tool -> input -> what is shown of an error."""
    found: dict[str, dict[str, Any]] = {}
    for key, value in rows.items():
        tool, dtype, data = key
        found.setdefault(dtype, {}).setdefault(tool, {})[data] = _cell(kernel, key, value)
    return found


def _cell(kernel: str, key: tuple[str, ...], value: Value) -> dict[str, Any]:
    """Return ``error`` or None where it failed, ``text``, ``grade`` and ``commit``.

    An error is the same in every process: it has no interval. There is no grade of what failed, nor
    of a form that is unsafe: its error says nothing of other data.
    """
    if value.value is None:
        return {"error": None, "text": "failed", "grade": None, "commit": value.commit}
    tool, dtype, data = key
    place = grade(value.value, lost(kernel, dtype, data))
    return {
        "error": rounded(value.value),
        "text": words.error(value.value),
        "grade": None if _unsafe(kernel, tool) else place,
        "commit": value.commit,
    }


def _unsafe(kernel: str, tool: str) -> str:
    return kernels.unsafe(kernel, tool.partition(":")[2])


def worst(kernel: str, cells: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return what the chart may show of a tool: its error by input, and the worst of them.

    Returns
    -------
    dict
        Input, or `WORST` -> ``error``, ``input`` (whose it is), ``text``, ``commit``; of an input
        on which the tool failed, ``failed`` alone: the titles of those.
    """
    truth = kernels.load(kernel)
    classes: dict[str, str] = getattr(truth, "INPUT_CLASSES", {})
    about = {name: _input(truth, name, classes) for name in cells}
    found = {name: _worst(truth, {name: cells[name]}, about) for name in cells}
    well = {name: cell for name, cell in cells.items() if about[name]["well"]}
    if well:
        found[WORST] = _worst(truth, well, about)
    return found


def _worst(
    truth: Any, cells: Mapping[str, Mapping[str, Any]], about: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    failed = [about[name]["title"] for name, cell in cells.items() if cell["error"] is None]
    if failed:
        return {"failed": failed}
    name = max(cells, key=lambda name: cells[name]["error"])
    cell = cells[name]
    return {
        "error": cell["error"],
        "input": about[name]["title"],
        "text": f"{cell['text']} {truth.UNIT}",
        "commit": cell["commit"],
    }


def _times(kernel: str, series: Series) -> dict[str, dict[str, dict[str, Any]]]:
    """Return dtype -> size -> tool -> the time of a warm call, and that it failed where it did."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for name, rows in series.values.items():
        if not name.startswith("warm.") or kernel_of(name) != kernel:
            continue
        for (tool, dtype, size), value in rows.items():
            found.setdefault(dtype, {}).setdefault(size, {})[tool] = _time(value)
    return found


def _time(value: Value) -> dict[str, Any]:
    if value.value is None:
        return {"time": None, "text": "failed", "interval": ""}
    row = value.row()
    _, low, high = row
    known = low is not None and high is not None
    return {
        "time": row,
        "text": words.seconds(value.value),
        "interval": f"{words.seconds(low or 0.0)} to {words.seconds(high or 0.0)}"
        if known
        else "too few samples for an interval",
    }


def grade(error: float, lost: float) -> int:
    """Return the place of an error among its unit's grades: 0 is the best.

    Parameters
    ----------
    error : float
        In the kernel's unit.
    lost : float
        From this error on no digit is right.
    """
    if error <= LIMITS[0]:
        return 0
    if error >= lost:
        return NOTHING_RIGHT
    return next((place for place, limit in enumerate(LIMITS) if error <= limit), len(LIMITS))


@cache
def lost(kernel: str, dtype: str, data: str) -> float:
    """Return the error from which on no digit is right: that of a result off by a tenth.

    Of a denormal number this is a few ulp, for it has few digits.
    """
    truth = kernels.load(kernel)
    if data in getattr(truth, "INPUT_CLASSES", ()):
        of_zero: Callable[..., float] = truth.error
        expected = truth.reference(*truth.CASES[data].arguments(dtype))
        return of_zero(0.0, expected, dtype) / 10
    one = 2.0 ** (23 if dtype == "float32" else 52)
    # A scaled residual counts in units of size * eps.
    return one / 10 / (elements(data) if truth.UNIT == "scaled residual" else 1)


def _kernel(name: str, runs: list[dict[str, Any]]) -> dict[str, Any]:
    truth = kernels.load(name)
    tables = [run["kernels"][name] for run in runs if name in run["kernels"]]
    used = {
        data
        for table in tables
        for tools in table["errors"].values()
        for cells in tools.values()
        for data in cells
    }
    told = {tool: _unsafe(name, tool) for table in tables for tool in _tools(table)}
    classes: dict[str, str] = getattr(truth, "INPUT_CLASSES", {})
    # Sizes, as other suites have them, are the data that are timed.
    order = [*(c for c in classes if c in used), *sorted(used - set(classes))]
    about, grades = ABOUT[truth.UNIT]
    return {
        "title": truth.TITLE,
        "unit": truth.UNIT,
        "about": about,
        "grades": grades,
        "forms": getattr(truth, "FORMS", {}),
        "unsafe": {tool: why for tool, why in told.items() if why},
        "inputs": {c: _input(truth, c, classes) for c in order},
        "sizes": [str(size) for size in truth.SIZES],
        "elements": {str(size): elements(size) for size in truth.SIZES},
    }


def _input(truth: Any, name: str, classes: Mapping[str, str]) -> dict[str, Any]:
    """Return what an input is, and whether its result is well conditioned."""
    if name not in classes:
        title = f"size {int(name):,}" if name.isdigit() else name
        return {"title": title, "help": "the data that are timed", "well": True}
    kind = truth.CASES[name].kind
    title = name.replace("_", " ").replace("100000", "100,000")
    return {"title": title, "help": f"{classes[name]} ({kind})", "well": kind == WELL}


def _has(runs: list[dict[str, Any]], kernel: str) -> bool:
    return any(kernel in run["kernels"] for run in runs)


def _count(run: Mapping[str, Any]) -> int:
    tables = run["kernels"].values()
    return sum(
        len(cells) for t in tables for tools in t["errors"].values() for cells in tools.values()
    )


def _tools(table: Mapping[str, Any]) -> list[str]:
    return [tool for tools in table["errors"].values() for tool in tools]
