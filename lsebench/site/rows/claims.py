"""The page of the sources' claims: what was said, what is measured here, and one verdict on each.

The figures are those that ``make claims`` has stored: five processes, each of which made both calls
in turn. Where it was not run they are made of the suites' times, if these have an interval.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lsebench.records.stored import Claim, Facts
from lsebench.run import claims, noise, table
from lsebench.run.table import Check, Group
from lsekernels import kernels, registry

from . import words
from .results import MAIN, Run, Series, Value, day, kernel_of, newest, ratio, usual_first

SECONDS = {
    "scipy": 6.7, "numpy": 6.2, "numba_object": 6.9, "numba": 6.0, "pythran": 5.45, "cupy": 1.6,
}  # fmt: skip
"""The talk's table, of logsumexp of a 1-D array."""
TALK = "the talk"
BASE = "scipy"
"""What the talk's table compares with."""
SIZE = 10_000_000
"""At which it is measured today; of how many elements it was the talk does not say."""
PROCESSES, SUITES = (
    "5 processes, each with both calls in turn",
    "the suites, one tool after another",
)
KINDS = {"holds": "good", "does not hold": "bad"}
"""Verdict -> how it is marked; the others are not."""
LIBRARIES = ("numpy", "scipy", "numba", "pythran")
TARGET = re.compile(r"(about|<=|>=) \d+(\.\d+)?( |$)")
EQUALS = {"times as fast": "faster", "times as long": "longer"}
"""What one time as much, or more, is called."""


@dataclass(frozen=True)
class Machine:
    """What is known of the claims on a machine."""

    name: str
    scatter: float | None
    """Between its processes, by the check nearest to when the claims were measured; None where
    nobody has measured it."""
    facts: Facts | None = None
    stored: Mapping[str, Claim] | None = None
    """By what they say; None where ``make claims`` was not run."""
    run: Run | None = None
    series: Series | None = None
    """Of the suites, by one thread."""

    @property
    def since(self) -> float:
        """When it first reported, as far as is known."""
        known = self.series.since if self.series else 0.0
        return known or (noise.seconds(self.facts.date) if self.facts else 0.0)


@dataclass(frozen=True)
class Figure:
    """A value and the interval that is judged, or why there is none."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    how: str = ""
    missing: str = ""
    """Why it has no verdict, whatever its value."""


def site(runs: Mapping[Run, Series], folder: Path) -> list[dict[str, Any]]:
    """Return what the page says of each machine that has anything to show, most verdicts first."""
    shown = [_of_machine(machine) for machine in _machines(runs, folder)]
    shown.sort(key=lambda found: usual_first(found, found["judged"]))
    return [found for found in shown if found["measured"]]


def _machines(runs: Mapping[Run, Series], folder: Path) -> Iterator[Machine]:
    checks = noise.of_machines(folder)
    suites = {
        run.machine: (run, series)
        for run, series in newest(runs).items()
        if (run.kind, run.threads) == (MAIN, "1")
    }
    stored = {machine: (facts, lines) for machine, facts, lines in Claim.tables(folder)}
    for name in {*suites, *stored}:
        facts, lines = stored.get(name, (None, None))
        run, series = suites.get(name, (None, None))
        known = None if lines is None else {line.what: line for line in lines}
        scatter = series.noise if series else None
        if facts:
            scatter = noise.near(checks.get(name, ()), noise.seconds(facts.date))
        yield Machine(name, scatter, facts, known, run, series)


def _of_machine(machine: Machine) -> dict[str, Any]:
    lines = [(group, check) for group in _groups() for check in group.checks]
    talk = [(group, check) for group, check in lines if _of_table(check)]
    others = [_line(machine, *line) for line in lines if line not in talk]
    today = {check.what for _, check in lines}
    older = [line for line in (machine.stored or {}).values() if line.what not in today]
    others += [_line(machine, None, _check(line)) for line in older]
    rows = [_talk(machine, group, check) for group, check in talk]
    return {
        "machine": machine.name,
        "kind": MAIN,
        "threads": "1",
        "since": machine.since,
        "date": _date(machine),
        "about": _about(machine),
        "noise": _noise(machine.scatter),
        "talk": [{"title": _title(BASE), "seconds": f"{SECONDS[BASE]:g} s"}, *rows],
        "lines": others,
        "measured": sum(bool(line["measured"]) for line in [*rows, *others]),
        "judged": sum(line["verdict"] in KINDS for line in [*rows, *others]),
    }


@cache
def _groups() -> list[Group]:
    return table.load(claims.TABLE)


def _of_table(check: Check) -> bool:
    return check.source == TALK and check.value.above == BASE


def _check(line: Claim) -> Check:
    """Return the check of a stored line that is not in today's table."""
    target = line.target if TARGET.match(line.target) else "none"
    return Check(
        line.what, target, table.Value(""), source=line.source, note=line.note,
        quantity="" if target == "none" else "times",
    )  # fmt: skip


# -- lines -----------------------------------------------------------------------------------------


def _line(machine: Machine, group: Group | None, check: Check) -> dict[str, Any]:
    """Return a line in words."""
    figure = _figure(machine, group, check)
    return {
        "what": check.what,
        "source": check.source,
        "note": check.note,
        "said": _said(check),
        "measured": _measured(check, figure.value),
        "interval": _interval(figure),
        "row": [figure.value, figure.low, figure.high],
        "how": figure.how,
        **_verdict(check, figure),
    }


def _talk(machine: Machine, group: Group, check: Check) -> dict[str, Any]:
    """Return a line of the talk's table; the verdict is on the settled heap, the standard."""
    (name,) = [n for n in group.calls if n != BASE]
    line = _line(machine, group, check)
    young = _young(machine, name)
    other = _verdict(check, young)
    differs = bool(young.value) and line["verdict"] and other["verdict"] != line["verdict"]
    return line | {
        "tool": name,
        "title": _title(name),
        "seconds": f"{SECONDS[name]:g} s",
        "then": check.target.removeprefix("about "),
        "young": table.shown(young.value),
        "young_interval": _interval(young),
        "young_verdict": ": ".join(filter(None, [other["verdict"], other["reason"]]))
        if differs
        else "",
    }


def _verdict(check: Check, figure: Figure) -> dict[str, str]:
    """Return the verdict of the one judge, its reason, and how it is marked."""
    if figure.missing:
        verdict, _, reason = figure.missing.partition(": ")
    elif check.target == "none":
        verdict, reason = "", ""
    elif figure.low is None or figure.high is None:
        verdict, reason = "no verdict", "too few samples for an interval"
    else:
        verdict, _, reason = check.verdict(figure.low, figure.high).partition(": ")
    return {"verdict": verdict, "reason": reason, "kind": KINDS.get(verdict, "")}


def _said(check: Check) -> str:
    """Return what must be so for a claim to hold."""
    if check.target == "none":
        return ""
    relation, bound = check.target.split()[:2]
    if bound == "1" and relation == ">=" and check.quantity in EQUALS:
        return EQUALS[check.quantity]
    words_of = {"about": "about", ">=": "at least", "<=": "at most"}
    return f"{words_of[relation]} {float(bound):,g} {check.quantity}"


def _measured(check: Check, value: float | None) -> str:
    if value is None:
        return ""
    if value >= table.NEVER:
        return "at no size"
    return f"{table.shown(value)} {check.quantity}".strip()


def _interval(figure: Figure) -> str:
    if figure.low is None or figure.high is None or figure.low == figure.high:
        return ""
    ends = ("∞" if math.isinf(end) else table.shown(end) for end in (figure.low, figure.high))
    return " to ".join(ends)


# -- figures ---------------------------------------------------------------------------------------


def _figure(machine: Machine, group: Group | None, check: Check) -> Figure:
    """Return what is measured of a claim: side by side, or else by the suites."""
    line = (machine.stored or {}).get(check.what)
    if line and line.measured is not None:
        if line.low is None or line.high is None:
            few = "" if check.target == "none" else table.FEW
            return Figure(line.measured, how="fewer than 5 processes", missing=few)
        low, high = check.reach(line.measured, line.low, line.high, machine.scatter)
        return Figure(line.measured, low, high, PROCESSES)
    if line:
        return Figure(missing=line.verdict.replace("not measured here", "not measured"))
    return _of_suites(machine, group, check) if group else Figure()


def _of_suites(machine: Machine, group: Group, check: Check) -> Figure:
    """Return a ratio of the times that the suites have of the same calls."""
    names = [check.value.above, check.value.below]
    calls = [group.calls[name] for name in names if isinstance(name, str) and name in group.calls]
    unknown = Figure(missing="not measured: run make claims")
    plain = group.threads == "1" and not check.value.sizes and len(calls) == 2
    if not plain or any(call[0] != "backend" for call in calls):
        return unknown
    times = [_time(machine.series, *call[1:]) for call in calls]
    if None not in times:
        return _ratio(*times)
    absent = machine.series.reasons() if machine.series else {}
    why = dict.fromkeys(f"{_title(c[1])}: {absent[c[1]]}" for c in calls if c[1] in absent)
    return Figure(missing=f"not measured: {'; '.join(why)}") if why else unknown


def _ratio(above: Value | None, below: Value | None) -> Figure:
    if above is None or below is None:
        return Figure()
    value, low, high = ratio(above.row(), below.row())
    return Figure(value, low, high, SUITES)


def _time(series: Series | None, tool: str, method: str, dtype: str, size: Any) -> Value | None:
    kernel = kernels.of(method) or ""
    form = method.removeprefix(kernel).removeprefix("_")
    key = (f"{tool}:{form}" if form else tool, dtype, str(size))
    for name, rows in series.values.items() if series else ():
        if name.startswith("warm.") and kernel_of(name) == kernel and key in rows:
            return rows[key] if rows[key].value else None
    return None


def _young(machine: Machine, name: str) -> Figure:
    """Return a speed-up over SciPy in a young heap: of what leaves nothing large it is the same."""
    rows = machine.series.values.get("heap.YoungLogsumexp.track_time", {}) if machine.series else {}

    def of(tool: str) -> Value | None:
        value = rows.get((tool, str(SIZE)))
        if value is None and not registry.declaration(tool).temporaries:
            return _time(machine.series, tool, "logsumexp", "float64", SIZE)
        return value if value and value.value else None

    return _ratio(of(BASE), of(name))


# -- words -----------------------------------------------------------------------------------------


def _title(backend: str) -> str:
    return registry.declaration(backend).title


def _noise(scatter: float | None) -> str:
    if scatter is None:
        return (
            f"How much its processes differ was never measured: {100 * noise.ASSUMED:g} % is "
            "assumed (make machine measures it)."
        )
    return f"Its processes differ by {words.digits(100 * scatter)} %."


def _date(machine: Machine) -> str:
    """Return when the claims were measured; the suites, where these stand for them."""
    if machine.facts:
        return machine.facts.date[:10]
    return day(machine.series.reported()) if machine.series else ""


def _about(machine: Machine) -> str:
    if machine.facts:
        facts = machine.facts
        gpus = [f"{gpu['name']}, driver {gpu['driver_version']}" for gpu in facts.gpus or []]
        there = {name: facts.installed[name] for name in LIBRARIES if name in facts.installed}
        where = f"Commit {facts.commit[:8]}, {_date(machine)}, Python {facts.python}"
    elif machine.run and machine.series:
        gpus, asked = [], dict(machine.run.versions)
        there = {name: asked[name] for name in LIBRARIES if name in asked}
        where = (
            f"Of the suites at commit {machine.series.newest[:8]}, "
            f"{_date(machine)}, Python {machine.run.python}"
        )
    else:
        return ""
    return ". ".join([f"{where}, {', '.join(f'{k} {v}' for k, v in there.items())}", *gpus]) + "."
