"""What no longer holds of the talk of 2020."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lsebench.site.rows import claims, words

from . import finding
from .finding import Chart, Finding, Found

FINDING = Finding(
    id="since-2020",
    title="What no longer holds of 2020",
    about="How many times as fast as SciPy: what a talk of 2020 measured (the open mark), and the "
    "same form of the same tool today, with its interval. A number holds where all of the interval "
    "lies within a factor of 1.5. The talk does not say how many numbers it took; here they are "
    "10,000,000. The page of claims says how it is judged, and what else the talk advised.",
    missing="Not measured yet: the talk's tools on 10,000,000 numbers. make claims measures them.",
)
SIZE = str(claims.SIZE)
DECIDED = ("holds", "does not hold")
Line = Mapping[str, Any]


def found(tables: Sequence[Mapping[str, Any]]) -> Finding:
    """Return what was found in the tables of the page of claims: see claims.py."""
    return FINDING.on([_of_machine(table) for table in tables])


def _of_machine(table: Mapping[str, Any]) -> Found | None:
    all_lines = [line for line in table["talk"] if "tool" in line]
    lines = [line for line in all_lines if line["row"][0] is not None]
    if not lines:
        return None
    decided = [line for line in lines if line["verdict"] in DECIDED]
    absent = [
        f"{line['title']}: {line['reason'] or line['verdict']}"
        for line in all_lines
        if line not in lines
    ]
    place = table["machine"]
    return Found(
        place=place,
        since=table["since"],
        date=table["date"],
        libraries=[table["about"].rstrip(".")],
        sentence=_sentence(decided)
        if decided
        else "The intervals do not tell here what holds of the talk of 2020.",
        more=[f"Not measured here: {'; '.join(absent)}."] if absent else (),
        chart=_chart(lines) if decided else None,
        columns=("tool", "2020: as fast as SciPy", "today", "interval", "verdict"),
        rows=[
            (
                line["title"],
                f"{line['then']}{words.TIMES}",
                finding.times(line["row"]),
                finding.between(line["row"], ""),
                ": ".join(filter(None, [line["verdict"], line["reason"]])),
            )
            for line in lines
        ],
        links=[
            ("the claims", "claims.html", {"machine": place}),
            (finding.numbers(SIZE), "index.html", finding.job(place, SIZE)),
        ],
    )


def _sentence(decided: Sequence[Line]) -> str:
    broken = [line for line in decided if line["verdict"] == "does not hold"]
    holding = words.several([line["title"] for line in decided if line not in broken])
    if not broken:
        return f"Of the speed-ups over SciPy of a talk of 2020 those of {holding} still hold."
    parts = [
        f"{line['title']} is {finding.much(line['row'])} times as fast as SciPy, not {line['then']}"
        for line in broken
    ]
    still = f"; that of {holding} still holds" if holding else ""
    return f"Since a talk of 2020 this has changed: {words.several(parts)}{still}."


def _chart(lines: Sequence[Line]) -> Chart:
    rows = []
    for place, line in enumerate(lines):
        then = float(line["then"])
        rows.append(
            {
                "place": place,
                "name": line["title"],
                **finding.drawn(line["row"]),
                "colour": finding.colour(line["tool"]),
                "text": f"{finding.times(line['row'])}  ({line['then']}{words.TIMES} in 2020)",
                "stem": then,
                "then": then,
            }
        )
    return Chart(
        name="dots",
        rows=rows,
        titles={"x": "times as fast as SciPy"},
        said=[f"{row['name']} {row['text']}" for row in rows],
    )
