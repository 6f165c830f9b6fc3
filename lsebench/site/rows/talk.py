"""What the talk of 2020 advised and measured, and what of it holds on each machine today."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from lsekernels import registry

from .home import Interval
from .results import apart
from .results import MAIN, Run, Series, newest

SECONDS = {
    "scipy": 6.7, "numpy": 6.2, "numba_object": 6.9, "numba": 6.0, "pythran": 5.45, "cupy": 1.6,
}  # fmt: skip
"""On a Xeon Silver 4116 and a GTX 1080 Ti; NumPy 1.17.5, Numba 0.51, Pythran 0.9.6, CuPy 7.8."""
SIZE = "10000000"
MUCH = 1.5
"""Speed-ups further from each other than this factor are not said to be the same."""

ADVICE = (
    ("There is a GPU? Try CuPy.", "cupy", "numpy"),
    ("CPU only? Numba first …", "numba", "numpy"),
    ("… then Pythran.", "pythran", "numba"),
)
"""The decision tree: the advice, the tool, and what it is then to be faster than."""


def tables(runs: Mapping[Run, Series]) -> list[dict[str, Any]]:
    """Return the talk's table and tree with today's numbers, for each machine; one thread."""
    found = []
    for run, series in newest(runs).items():
        if run.kind != MAIN or run.threads != "1":
            continue
        times = _times(series, "warm.Logsumexp.track_time", ("float64", SIZE))
        if not times:
            continue
        young = _times(series, "heap.YoungLogsumexp.track_time", (SIZE,))
        # The state of the heap is nothing to a tool that leaves no large block behind.
        young |= {n: times[n] for n in times if not registry.declaration(n).temporaries}
        reasons = series.reasons()
        found.append(
            {
                "machine": run.machine,
                "versions": ", ".join(f"{name} {text}" for name, text in run.versions),
                "lines": [_line(name, times, young, reasons) for name in SECONDS],
                "tree": [
                    {"advice": advice, **_judged(name, other, times, reasons)}
                    for advice, name, other in ADVICE
                ],
            }
        )
    return found


def _times(series: Series, benchmark: str, rest: tuple[str, ...]) -> dict[str, Interval]:
    """Return tool -> time, of what has `rest` as its other parameters."""
    return {
        key[0]: [value.value, value.low, value.high]
        for key, value in series.values.get(benchmark, {}).items()
        if key[1:] == rest and value.value is not None and key[0] in registry.names()
    }


def _line(
    name: str,
    times: Mapping[str, Interval],
    young: Mapping[str, Interval],
    reasons: Mapping[str, str],
) -> dict[str, Any]:
    then = SECONDS["scipy"] / SECONDS[name]
    line: dict[str, Any] = {
        "title": registry.declaration(name).title,
        "seconds": f"{SECONDS[name]:g} s",
        "then": f"{then:.2f}",
        "now": "",
        "interval": "",
        "young": "",
        "young_interval": "",
    }
    if reason := _lacking(name, "scipy", times, reasons):
        return {**line, "verdict": reason, "kind": ""}
    if name == "scipy":
        return {
            **line,
            "now": "1",
            "young": "1",
            "verdict": "what the others are measured by",
            "kind": "",
        }
    value, low, high = speedup(times["scipy"], times[name])
    verdict, kind = judge(then, [value, low, high])
    line |= {"now": f"{value:.2f}", "interval": f"{low:.2f} to {high:.2f}"}
    if "scipy" in young and name in young:
        value, low, high = speedup(young["scipy"], young[name])
        line |= {"young": f"{value:.2f}", "young_interval": f"{low:.2f} to {high:.2f}"}
        other, other_kind = judge(then, [value, low, high])
        if other_kind != kind:
            verdict, kind = f"{verdict}; in a fresh process {other}", ""
    return {**line, "verdict": verdict, "kind": kind}


def speedup(base: Interval, tool: Interval) -> Interval:
    """Return how many times as fast as the baseline; as far as both intervals reach."""
    most = base[2] / tool[1] if tool[1] > 0 else math.inf  # asv's interval may go on below zero
    return [base[0] / tool[0], base[1] / tool[2], most]


def judge(then: float, now: Interval) -> tuple[str, str]:
    """Return in words whether a speed-up over SciPy still holds, and how the verdict is marked."""
    value, low, high = now
    if low <= 1 <= high:
        return "open: today the noise does not tell it from SciPy", ""
    if (then > 1) != (value > 1):
        return f"no longer: today it is {'faster' if value > 1 else 'slower'} than SciPy", "bad"
    way = "faster" if value > 1 else "slower"
    if max(value / then, then / value) <= MUCH:
        return f"still holds: {way}, by about as much", "good"
    more = (value > then) == (value > 1)
    return f"holds in kind: {way}, but by {'more' if more else 'less'} than then", "good"


def _judged(
    name: str, other: str, times: Mapping[str, Interval], reasons: Mapping[str, str]
) -> dict[str, str]:
    if reason := _lacking(name, other, times, reasons):
        return {"verdict": reason, "kind": ""}
    than = registry.declaration(other).title
    if not apart(times[name], times[other]):
        return {"verdict": f"open: the noise does not tell it from {than}", "kind": ""}
    ratio = times[other][0] / times[name][0]
    if ratio > 1:
        return {"verdict": f"still holds: {ratio:.2f} times as fast as {than}", "kind": "good"}
    return {"verdict": f"no longer: {than} is {1 / ratio:.2f} times as fast", "kind": "bad"}


def _lacking(
    name: str, other: str, times: Mapping[str, Interval], reasons: Mapping[str, str]
) -> str:
    for tool in (name, other):
        if tool not in times:
            why = reasons.get(tool) or "no time at this size in this run"
            return f"not measured here: {registry.declaration(tool).title}: {why}"
    return ""
