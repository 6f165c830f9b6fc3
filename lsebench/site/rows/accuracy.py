"""The page of accuracy: error by class of input, and error against time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from lsebench.site.families import described
from lsekernels import kernels, registry
from lsekernels.kernels._case import WELL

from .results import Run, Series, Value, elements, head, kernel_of, newest, rounded, usual_first

LIMITS = (1, 4, 64)
"""Up to which an error is of the first grades; then comes `more`, then no digit at all."""
NOTHING_RIGHT = len(LIMITS) + 1
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
    errors = [row for run in found for table in run["kernels"].values() for row in table["errors"]]
    names = {row[0].partition(":")[0] for row in errors}
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
    tables = {}
    for kernel, rows in _errors(series).items():
        times = {
            key: value
            for name, found in series.values.items()
            if name.startswith("warm.") and kernel_of(name) == kernel
            for key, value in found.items()
            if value.value is not None
        }
        tables[kernel] = {
            "errors": [_error(kernel, key, value) for key, value in rows.items()],
            "times": [
                [*key, *value.row()]
                for key, value in times.items()
            ],
        }
    return {
        **head(run, series),
        "installed": series.context.get("installed", {}),
        "kernels": tables,
    }


def _error(kernel: str, key: tuple[str, ...], value: Value) -> list[Any]:
    """Return [backend, dtype, input, error or None, its grade or None, commit]."""
    if value.value is None:
        return [*key, None, None, value.commit]
    _, dtype, data = key
    return [*key, rounded(value.value), grade(value.value, lost(kernel, dtype, data)), value.commit]


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
    used = {row[2] for run in runs for row in run["kernels"].get(name, {}).get("errors", [])}
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
    return sum(len(table["errors"]) for table in run["kernels"].values())
