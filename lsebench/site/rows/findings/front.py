"""Which tool when: what can be gained over NumPy, by number of elements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lsebench.site.families import backend_of, described, plain, title
from lsebench.site.rows import home, words
from lsebench.site.rows.results import Row, Run, Series, elements, faster, ratio

from . import finding
from .finding import Chart, Finding, Found

FINDING = Finding(
    id="front",
    title="Which tool when",
    about="How many times as fast as NumPy: of the tools that can be installed one that none is "
    "told to be faster than, the same of our own kernels, and SciPy. One warm call of logsumexp on "
    "float64 in NumPy arrays, one thread. Where the intervals tell several tools not apart it is "
    "NumPy, or else the plainest: not parallel, then not a special form. The others are in the "
    "table. Bars reach as far as both intervals do.",
    missing="Not measured yet: the times of one call. make bench measures them in some minutes.",
)
GROUPS = {
    "installable": ("can be installed: none told to be faster", "#0072b2", []),
    "ours": ("our own: none told to be faster", "#c04d00", []),
    "numpy": ("NumPy", "#555555", [2, 2]),
    "scipy": ("SciPy", "#7a5195", [6, 3]),
}
"""Line -> its name, colour and dash."""
COLUMNS = (
    "numbers",
    "line",
    "tool",
    "time of a call",
    "99 % interval",
    "as fast as NumPy",
    "as far as both intervals reach",
    "or, not told apart from it",
)


@dataclass(frozen=True)
class Best:
    """The tool of a line at a size: none of the line is told to be faster."""

    tool: str
    time: Row
    gain: Row
    """How many times as fast as NumPy."""
    ties: Sequence[str]
    """Of whom the same is true, so that they are not told apart from it."""


def found(runs: Mapping[Run, Series]) -> Finding:
    """Return what was found."""
    return FINDING.on([_of_run(run, series) for run, series in finding.single(runs)])


def _of_run(run: Run, series: Series) -> Found | None:
    known = home.times_of(home.of_run(run, series), finding.DTYPE, "numpy")
    sizes = sorted(known.get("numpy", {}), key=elements)
    table = {size: _at(known, size) for size in sizes}
    if not table:
        return None
    lines = ("installable", "ours")
    told = any(_told(of_size.get(line)) for of_size in table.values() for line in lines)
    return Found(
        **finding.origin(run, series),
        sentence=_sentence(table)
        if told
        else "No tool is told to be faster than NumPy here: take NumPy.",
        chart=_chart(table) if told else None,
        columns=COLUMNS,
        rows=[
            _row(size, line, best)
            for size, of_size in table.items()
            for line, best in of_size.items()
        ],
        links=[
            (finding.numbers(size), "index.html", finding.job(run.place, size)) for size in sizes
        ],
    )


def _row(size: str, line: str, best: Best) -> tuple[str, ...]:
    same = best.tool == "numpy"
    return (
        words.size(size),
        GROUPS[line][0],
        title(best.tool),
        finding.seconds(best.time),
        finding.between(best.time),
        "1" if same else finding.times(best.gain),
        "" if same else finding.between(best.gain, ""),
        words.several([title(tool) for tool in best.ties]),
    )


def _at(known: home.Times, size: str) -> dict[str, Best]:
    """Return the best tool of each line at a size."""
    numpy = known["numpy"][size][:3]
    timed = {tool: table[size][:3] for tool, table in known.items() if size in table}
    timed = {tool: row for tool, row in timed.items() if row[1] is not None} | {"numpy": numpy}
    own = [tool for tool in timed if described(backend_of(tool)).get("ours")]
    lines = {
        "installable": [tool for tool in timed if tool not in own],
        "ours": own,
        "numpy": ["numpy"],
        "scipy": [tool for tool in timed if tool == "scipy"],
    }
    return {line: _best(timed, tools) for line, tools in lines.items() if tools}


def _best(timed: Mapping[str, Row], tools: Sequence[str]) -> Best:
    numpy = timed["numpy"]
    same = [one for one in tools if not any(faster(timed[other], timed[one]) for other in tools)]
    # What is told to be faster than NumPy stays so, whatever plainer tool is not told from it.
    chosen = [one for one in same if faster(timed[one], numpy)]
    several = chosen if chosen and "numpy" not in same else same
    # NumPy is there already; on one thread nothing is gained by a parallel form.
    best, *ties = sorted(
        several, key=lambda one: (one != "numpy", *plain(one), timed[one][0] or 0.0)
    )
    gain: Row = [1.0, None, None] if best == "numpy" else ratio(numpy, timed[best])
    return Best(best, timed[best], gain, ties)


def _told(best: Best | None) -> bool:
    return best is not None and best.gain[1] is not None and best.gain[1] > 1


def _sentence(table: Mapping[str, Mapping[str, Best]]) -> str:
    ends = list(dict.fromkeys([next(iter(table)), list(table)[-1]]))
    parts = [f"of {finding.numbers(size)} {_gains(table[size])}" for size in ends]
    return f"Against NumPy's logsumexp: {'; '.join(parts)}."


def _gains(of_size: Mapping[str, Best]) -> str:
    """Return what is told to be faster than NumPy."""
    parts = ["nothing that can be installed is told to be faster"]
    best, own = of_size.get("installable"), of_size.get("ours")
    if best and _told(best):
        parts = [f"{_named(best)} is {finding.much(best.gain)} times as fast"]
    if own and _told(own):
        parts.append(f"our own {_named(own)} {finding.much(own.gain)} times")
    return ", ".join(parts)


def _named(best: Best) -> str:
    """Return the tool, and who is not told apart from it: two by name, or one and how many more."""
    names = [title(tool) for tool in best.ties]
    if len(names) > 2:
        names = [names[0], f"{len(names) - 1} more"]
    same = f" (or {words.several(names)})" if names else ""
    return title(best.tool) + same


def _chart(table: Mapping[str, Mapping[str, Best]]) -> Chart:
    rows: list[dict[str, Any]] = [
        {
            "title": name,
            "elements": elements(size),
            **finding.drawn(of_size[group].gain),
            "colour": colour,
            "dash": dash,
            "mark": "" if of_size[group].tool == group else _short(of_size[group]),
            "below": group == "installable",
        }
        for group, (name, colour, dash) in GROUPS.items()
        for size, of_size in table.items()
        if group in of_size
    ]
    return Chart(
        name="curves",
        rows=rows,
        titles={"x": "numbers in a call", "y": "times as fast as NumPy"},
        said=[_said(row) for row in rows],
        options={"labels": "times"},
    )


def _short(best: Best) -> str:
    """Return the tool, and how many more there are that are not told apart from it."""
    more = f"\nor {len(best.ties)} more" if best.ties else ""
    return title(best.tool) + more


def _said(row: Mapping[str, Any]) -> str:
    tool = f": {row['mark']}".replace("\n", " ") if row["mark"] else ""
    gain = finding.times([row["value"], None, None])
    return f"{row['elements']:,} numbers, {row['title']}{tool} {gain}"
