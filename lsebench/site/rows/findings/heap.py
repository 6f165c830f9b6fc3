"""What a young, a settled and a tuned program see of the same call."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from lsebench.site.families import title
from lsebench.site.rows import words
from lsebench.site.rows.results import Row, Run, Series, apart, ratio

from . import finding
from .finding import Chart, Finding, Found

FINDING = Finding(
    id="heap",
    title="The state of the heap",
    about="The same call in three states of the heap, as ratio to the settled one. Young: a fresh "
    "process. Settled: a program that has once freed a large array, as all other times here. "
    "Tuned: a program that keeps all memory it frees. Lines are 99 % intervals.",
    missing="Not measured yet: what the state of the heap does to a call. make bench measures "
    "NumPy and SciPy in a young and in a tuned heap.",
)
TOOLS, SIZES = ("numpy", "scipy"), ("100000", "10000000")
STATES = {
    "young": "in a fresh process",
    "settled": "in one that has once freed a large array",
    "tuned": "in one that keeps all memory",
}
BENCHMARKS = {
    "young": "heap.YoungLogsumexp.track_time",
    "tuned": "heap.TunedLogsumexp.track_time",
}
FAULTS = "heap.FaultsLogsumexp.track_faults"


def found(runs: Mapping[Run, Series]) -> Finding:
    """Return what was found."""
    return FINDING.on([_of_run(run, series) for run, series in finding.single(runs)])


def _of_run(run: Run, series: Series) -> Found | None:
    cases = {(tool, size): _states(series, tool, size) for tool in TOOLS for size in SIZES}
    cases = {
        key: states
        for key, states in cases.items()
        if "settled" in states and states.keys() - {"settled"}
    }
    if not cases:
        return None
    told = [
        (abs(math.log(_value(states[slow]) / _value(states[fast]))), tool, size, slow, fast)
        for (tool, size), states in cases.items()
        for slow in states
        for fast in states
        if apart(states[slow], states[fast]) and _value(states[slow]) > _value(states[fast])
    ]
    told.sort(reverse=True)
    sentences = [
        _sentence(cases[tool, size], tool, size, slow, fast) for _, tool, size, slow, fast in told
    ]
    return Found(
        **finding.origin(run, series),
        sentence=sentences[0]
        if told
        else "The intervals do not tell the states of the heap from each other here.",
        more=[*sentences[1:4], *_same(cases), *_faults(series)],
        chart=_chart(cases) if told else None,
        columns=(
            "tool",
            "numbers",
            "heap",
            "time of a call",
            "99 % interval",
            "ratio to settled",
            "as far as both intervals reach",
        ),
        rows=[
            (
                title(tool),
                words.size(size),
                state,
                finding.seconds(row),
                finding.between(row),
                *_compared(row, states["settled"], state),
            )
            for (tool, size), states in cases.items()
            for state, row in states.items()
        ],
        links=[
            (
                f"{finding.numbers(size)}, {state}",
                "index.html",
                finding.job(run.place, size, heap=state),
            )
            for size in SIZES
            for state in STATES
            if any(state in states for (_, n), states in cases.items() if n == size)
        ],
    )


def _states(series: Series, tool: str, size: str) -> dict[str, Row]:
    there = {
        state: finding.warm(series, tool, size)
        if state == "settled"
        else finding.value(series, BENCHMARKS[state], (tool, size))
        for state in STATES
    }
    return {state: row for state, row in there.items() if row}


def _sentence(states: Mapping[str, Row], tool: str, size: str, slow: str, fast: str) -> str:
    more = finding.much(ratio(states[slow], states[fast]))
    return (
        f"{title(tool)} takes {more} times as long for the log-sum-exp of "
        f"{finding.numbers(size)} {STATES[slow]} as {STATES[fast]}: "
        f"{finding.seconds(states[slow])} against {finding.seconds(states[fast])}."
    )


def _same(cases: Mapping[tuple[str, str], Mapping[str, Row]]) -> list[str]:
    """Return what is not told apart, in a sentence."""
    pairs = [
        f"{title(tool)}'s {state} and settled times of {finding.numbers(size)}"
        for (tool, size), states in cases.items()
        for state in BENCHMARKS
        if state in states and not apart(states[state], states["settled"])
    ]
    return [f"Not told apart: {words.several(pairs)}."] if pairs else []


def _faults(series: Series) -> list[str]:
    size = SIZES[-1]
    there = [(tool, finding.value(series, FAULTS, (tool, size))) for tool in TOOLS]
    counted = [f"{_value(row):,.0f} by {title(tool)}" for tool, row in there if row]
    if not counted:
        return ["The page faults of a call were not counted here; make bench-all counts them."]
    return [
        f"Page faults of one settled call on {finding.numbers(size)}: {words.several(counted)}. "
        "For each the system brings a page of memory and fills it with zeros."
    ]


def _compared(row: Row, settled: Row, state: str) -> tuple[str, str]:
    if state == "settled":
        return "1", ""
    return finding.times(found := ratio(row, settled)), finding.between(found, "")


def _chart(cases: Mapping[tuple[str, str], Mapping[str, Row]]) -> Chart:
    rows: list[dict[str, Any]] = []
    for (tool, size), states in cases.items():
        for state, row in states.items():
            same = state == "settled"
            more = [1.0, None, None] if same else ratio(row, states["settled"])
            text = finding.seconds(row) + ("" if same else f"  ({finding.times(more)})")
            rows.append(
                {
                    "place": len(rows),
                    "name": f"{title(tool)}, {words.size(size)}: {state}",
                    **finding.drawn(more),
                    "text": text,
                    "colour": finding.colour(tool),
                    "stem": 1.0,
                }
            )
    return Chart(
        name="dots",
        rows=rows,
        titles={"x": "time of a call, as ratio to the settled heap"},
        said=[f"{row['name']} {row['text']}" for row in rows],
    )


def _value(row: Row) -> float:
    return row[0] or 0.0
