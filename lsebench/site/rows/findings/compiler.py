"""After how many calls a compiler has paid for its import and first call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lsebench.site.families import described
from lsebench.site.rows import home, words
from lsebench.site.rows.results import Run, Series, elements, newest

from . import finding
from .finding import Chart, Finding, Found

FINDING = Finding(
    id="compiler",
    title="When a compiler pays",
    about="Calls of logsumexp after which the time gained has paid for import and first call, "
    "against NumPy: a fresh process, data in NumPy arrays, compile caches empty. There is a number "
    "only where the intervals tell the tool's warm call from NumPy's. First calls have fewer "
    "than five samples, so the numbers are rough (about).",
    missing="Not measured yet: first calls and imports. make bench measures them.",
)
NAMED = 2
"""Of so many tools the sentence speaks."""
DRAWN = 6


def found(runs: Mapping[Run, Series]) -> Finding:
    """Return what was found."""
    return FINDING.on([_of_run(run, series) for run, series in finding.single(newest(runs))])


def _of_run(run: Run, series: Series) -> Found | None:
    pays = home.of_run(run, series)["pays"].get(finding.DTYPE, {}).get("empty", [])
    known: dict[str, dict[str, Any]] = {
        row["tool"]: row["calls"]
        for row in pays
        if not row["missing"] and row["calls"] and described(row["tool"])["compiled"] == "jit"
    }
    if not known:
        return None
    paying = {tool: calls for tool, calls in known.items() if _numbers(calls)}
    named = sorted(finding.known(paying), key=lambda tool: -len(_numbers(paying[tool])))[:NAMED]
    sizes = sorted({size for calls in known.values() for size in calls}, key=elements)
    about = {row["tool"]: row.get("about", True) for row in pays}
    return Found(
        **finding.origin(run, series),
        sentence=" ".join(_sentence(tool, paying[tool], about[tool]) for tool in named)
        or "The intervals tell no compiled tool's call to be quicker than NumPy's here.",
        chart=_chart(paying) if paying else None,
        columns=("tool", *(finding.numbers(size) for size in sizes)),
        rows=[
            (finding.title(tool), *(_text(known[tool].get(size), about[tool]) for size in sizes))
            for tool in sorted(known, key=finding.title)
        ],
        links=[
            (
                finding.numbers(size),
                "index.html",
                finding.job(finding.place(run), size, process="fresh", heap="young"),
            )
            for size in sizes
        ],
    )


def _numbers(calls: Mapping[str, Any]) -> dict[str, int]:
    return {
        size: calls[size] for size in sorted(calls, key=elements) if isinstance(calls[size], int)
    }


def _sentence(tool: str, calls: Mapping[str, Any], about: bool) -> str:
    some = list(_numbers(calls).items())
    ends = [some[0], *some[1:][-1:]]
    parts = [
        f"{_text(number, about)} {'call' if number == 1 else 'calls'} on {finding.numbers(size)}"
        for size, number in ends
    ]
    never = [words.size(size) for size in sorted(calls, key=elements) if calls[size] == "never"]
    slower = f"; on {finding.several(never)} it is slower" if never else ""
    start = f"{finding.title(tool)} has paid for its import and first call"
    return f"{start} after {finding.several(parts)}{slower}."


def _text(calls: Any, about: bool) -> str:
    if calls is None:
        return "not measured"
    if not isinstance(calls, int):
        return str(calls)
    # Two digits are more than the samples of a first call can carry.
    return f"about {int(float(f'{calls:.2g}')):,}" if about else f"{calls:,}"


def _chart(paying: Mapping[str, Mapping[str, Any]]) -> Chart:
    # The usual form of each library first; the page's table has them all.
    order = sorted(paying, key=lambda tool: ("_" in tool, -len(_numbers(paying[tool])), tool))
    rows = [
        {
            "name": tool,
            "title": finding.title(tool),
            "elements": elements(size),
            "value": calls,
            "low": None,
            "high": None,
            "colour": finding.colour(tool),
            "dash": described(tool)["dash"],
            "mark": "",
            "below": False,
        }
        for tool in order[:DRAWN]
        for size, calls in _numbers(paying[tool]).items()
    ]
    return Chart(
        name="curves",
        rows=rows,
        titles={"x": "numbers in a call", "y": "calls until it has paid"},
        said=[
            f"{row['title']}, {row['elements']:,} numbers: about {row['value']:,} calls"
            for row in rows
        ],
        options={"labels": "count"},
    )
