"""After how many calls a compiler has paid for its import and first call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lsebench.site.families import described, title
from lsebench.site.rows import home, words
from lsebench.site.rows.results import Run, Series, elements, newest

from . import finding
from .finding import Chart, Finding, Found

FINDING = Finding(
    id="compiler",
    title="When a compiler pays",
    about="Calls of logsumexp after which the time gained has paid for import and first call, "
    "against NumPy: a fresh process, data in NumPy arrays, compile caches empty. There is a number "
    "only where the intervals tell the tool's warm call from NumPy's, and it is the quicker one: "
    "elsewhere a line is broken. First calls have fewer than five samples, so the numbers are "
    "rough (about) and have two digits.",
    missing="Not measured yet: first calls and imports. make bench measures them.",
)
NAMED = 2
"""Of so many tools the sentence speaks."""


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
    drawn = {tool: calls for tool, calls in paying.items() if not described(tool)["parallel"]}
    drawn = drawn or paying
    named = sorted(finding.known(paying), key=lambda tool: -len(_numbers(paying[tool])))[:NAMED]
    sizes = sorted({size for calls in known.values() for size in calls}, key=elements)
    about = {row["tool"]: row.get("about", True) for row in pays}
    return Found(
        **finding.origin(run, series),
        sentence=" ".join(_sentence(tool, paying[tool], about[tool]) for tool in named)
        or "The intervals tell no compiled tool's call to be quicker than NumPy's here.",
        more=_left_out([tool for tool in paying if tool not in drawn]),
        chart=_chart(drawn, sizes, about) if paying else None,
        columns=("tool", *(finding.numbers(size) for size in sizes)),
        rows=[
            (title(tool), *(_text(known[tool].get(size), about[tool]) for size in sizes))
            for tool in sorted(known, key=title)
        ],
        links=[
            (
                finding.numbers(size),
                "index.html",
                finding.job(run.place, size, process="empty", heap="young"),
            )
            for size in sizes
        ],
    )


def _left_out(tools: Sequence[str]) -> list[str]:
    """Return which tools with numbers are not drawn, and why, in a sentence."""
    names = words.several([title(tool) for tool in tools])
    return [f"Not drawn, for this is one thread: {names}. The table has them."] if tools else []


def _numbers(calls: Mapping[str, Any]) -> dict[str, int]:
    return {
        size: calls[size] for size in sorted(calls, key=elements) if isinstance(calls[size], int)
    }


def _sentence(tool: str, calls: Mapping[str, Any], about: bool) -> str:
    some = list(_numbers(calls).items())
    ends = [some[0], *some[1:][-1:]]
    parts = [f"{words.calls(number, about)} on {finding.numbers(size)}" for size, number in ends]
    rest = {"unclear": "it is not told from NumPy", "never": "it is slower"}
    for why, text in rest.items():
        there = [words.size(size) for size in sorted(calls, key=elements) if calls[size] == why]
        rest[why] = f"; on {words.several(there)} {text}" if there else ""
    start = f"{title(tool)} has paid for its import and first call"
    return f"{start} after {words.several(parts)}{''.join(rest.values())}."


def _text(calls: Any, about: bool) -> str:
    if calls is None:
        return "not measured"
    return words.calls(calls, about).rpartition(" ")[0] if isinstance(calls, int) else str(calls)


def _chart(
    drawn: Mapping[str, Mapping[str, Any]], sizes: Sequence[str], about: Mapping[str, bool]
) -> Chart:
    # The usual form of each library first.
    order = sorted(drawn, key=lambda tool: ("_" in tool, -len(_numbers(drawn[tool])), tool))
    rows = [row for tool in order for row in _line(tool, drawn[tool], sizes)]
    return Chart(
        name="curves",
        rows=rows,
        titles={"x": "numbers in a call", "y": "calls until it has paid"},
        said=[
            f"{row['title']}, {row['elements']:,} numbers: {words.calls(row['value'], about[tool])}"
            for tool in order
            for row in rows
            if row["tool"] == tool
        ],
        options={"labels": "count"},
    )


def _line(tool: str, calls: Mapping[str, Any], sizes: Sequence[str]) -> list[dict[str, Any]]:
    """Return a tool's marks: a line has a part wherever there are numbers side by side."""
    parts: list[list[str]] = [[]]
    for size in sizes:
        if isinstance(calls.get(size), int):
            parts[-1].append(size)
        else:
            parts.append([])
    return [
        {
            "tool": tool,
            "title": title(tool),
            "elements": elements(size),
            "value": calls[size],
            "low": None,
            "high": None,
            "colour": finding.colour(tool),
            "dash": described(tool)["dash"],
            "part": number,
            "mark": "",
            "below": False,
            "beside": title(tool) if len(part) == 1 else "",
        }
        for number, part in enumerate(parts)
        for size in part
    ]
