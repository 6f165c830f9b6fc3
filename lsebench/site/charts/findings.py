"""The charts of findings: pictures that are the same wherever they are shown, so dark on white.

Other than the charts of the pages they are never drawn by a browser, and know their rows.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import altair as alt

from .common import COLOUR, CONFIG, COUNT, INK, TIME, ULPS

Rows = Sequence[Mapping[str, Any]]
Titles = Mapping[str, str]

DARK, QUIET = "#1c1e21", "#5b6068"
FONT = "Arial, 'Liberation Sans', Helvetica, sans-serif"
TITLE: dict[str, Any] = {
    "anchor": "start", "frame": "bounds", "font": FONT, "fontSize": 16, "lineHeight": 20,
    "color": DARK, "subtitleFont": FONT, "subtitleFontSize": 12, "subtitleColor": QUIET,
    "subtitlePadding": 5, "subtitleLineHeight": 15, "offset": 12,
}  # fmt: skip
LABELS = {
    "ulps": ULPS,
    "count": "format(datum.value, ',')",
    "times": "format(datum.value, '~g') + '\N{MULTIPLICATION SIGN}'",
}
"""How the values of an axis are written."""
ROUND = [n * 10.0**k for k in range(-3, 17) for n in (1, 2, 5)]
CLOSE = [n * 10.0**k for k in range(-3, 5) for n in (1, 1.2, 1.5, 2, 3, 4, 5, 7)]
DECADES = [10.0**k for k in range(-1, 17)]
LINE = 0.08
"""How high a line of text is, as share of what an axis shows."""


def dots(rows: Rows, titles: Titles, labels: str = "times") -> dict[str, Any]:
    """Return a chart with a mark a row, on one logarithmic axis.

    Its rows: ``place`` (from the top), ``name``, ``value``, ``low``, ``high``, ``text`` (beside the
    mark), ``colour``, ``stem`` (from where a line leads to the mark), ``then`` (an open mark).
    """
    least, most = _reach(rows, ("value", "low", "high", "stem", "then"))
    wide = most / least
    x = (
        alt.X("value:Q", title=titles["x"])
        # Room for the texts at the right.
        .scale(type="log", nice=False, domain=[least / wide**0.04, most * wide**0.32])
        .axis(labelExpr=LABELS[labels], values=_ticks(least, most), labelOverlap="greedy")
    )
    order = alt.EncodingSortField("place", op="min")
    y = alt.Y("name:N", title=None, sort=order).axis(labelLimit=280, ticks=False, domain=False)
    base = alt.Chart(alt.NamedData("rows")).encode(y=y, color=COLOUR)
    layers = (
        base.mark_rule(opacity=0.5, strokeWidth=1).encode(x="stem:Q", x2="value:Q"),
        base.transform_filter("isValid(datum.low)")
        .mark_rule(strokeWidth=6, opacity=0.3)
        .encode(x="low:Q", x2="high:Q"),
        base.transform_filter("isValid(datum.then)")
        .mark_point(size=90, filled=False, strokeWidth=2, opacity=1)
        .encode(x="then:Q"),
        base.mark_point(size=80, filled=True, opacity=1).encode(x=x),
        # Behind the mark, or behind what reaches further.
        base.transform_calculate(
            end="max(datum.value, isValid(datum.high) ? datum.high : 0, "
            "isValid(datum.then) ? datum.then : 0)"
        )
        .mark_text(align="left", dx=9)
        .encode(x="end:Q", text="text:N", color=alt.value(INK)),
    )
    return _finished(alt.layer(*layers), rows)


def curves(rows: Rows, titles: Titles, labels: str = "times") -> dict[str, Any]:
    """Return a chart of values over the number of elements, both logarithmic: a line a title.

    Its rows: ``elements``, ``value``, ``low``, ``high``, ``title``, ``colour``, ``dash``, ``mark``
    (a text at the point) and ``below`` (where it stands), ``part`` (of the line, which is broken
    between parts) and ``beside`` (a text at the left of the point).
    """
    rows = _spread(rows)
    x = (
        alt.X("elements:Q", title=titles["x"])
        .scale(type="log", nice=False, **_room(rows))
        .axis(labelExpr=COUNT, values=_decades(rows), labelOverlap="greedy")
    )
    ticks = _ticks(*_reach(rows, ("value", "low", "high")))
    y = (
        alt.Y("value:Q", title=titles["y"])
        .scale(type="log", nice=False, padding=22)
        .axis(labelExpr=LABELS[labels], values=ticks, labelOverlap="greedy")
    )
    base = alt.Chart(alt.NamedData("rows")).encode(x=x, color=_colours(rows))
    marked = base.transform_filter("datum.mark")
    layers = (
        base.transform_filter("isValid(datum.low)")
        .mark_rule(strokeWidth=6, opacity=0.25)
        .encode(y="low:Q", y2="high:Q"),
        base.mark_line(strokeWidth=2).encode(y=y, strokeDash=_dashes(rows), detail="part:N"),
        base.mark_point(size=50, filled=True, opacity=1).encode(y="value:Q"),
        base.transform_filter("datum.beside")
        .mark_text(align="right", dx=-9)
        .encode(y="height:Q", text="beside:N", color=alt.value(INK)),
        # A second line stands below the first, whatever the baseline.
        *(
            marked.transform_filter(f"!datum.below && {two} (indexof(datum.mark, '\\n') >= 0)")
            .mark_text(dy=height, lineBreak="\n")
            .encode(y="value:Q", text="mark:N")
            for two, height in (("!", -13), ("!!", -28))
        ),
        marked.transform_filter("datum.below")
        .mark_text(dy=9, lineBreak="\n", baseline="top")
        .encode(y="value:Q", text="mark:N"),
    )
    return _finished(alt.layer(*layers), rows)


def versions(rows: Rows, titles: Titles) -> dict[str, Any]:
    """Return a chart of times over versions of a library, from zero: a line a title.

    Its rows: ``place``, ``version``, ``title``, ``value``, ``low``, ``high``, ``colour``, ``text``.
    """
    order = alt.EncodingSortField("place", op="min")
    x = (
        alt.X("version:N", title=titles["x"], sort=order)
        .axis(labelAngle=0)
        .scale(type="point", padding=0.4)
    )
    y = (
        alt.Y("value:Q", title=titles["y"])
        .scale(domain=[0, 1.12 * _reach(rows, ("value", "high"))[1]], nice=False)
        .axis(labelExpr=TIME, tickCount=6)
    )
    base = alt.Chart(alt.NamedData("rows")).encode(x=x, color=_colours(rows))
    layers = (
        base.transform_filter("isValid(datum.low)")
        .mark_rule(strokeWidth=6, opacity=0.3)
        .encode(y="low:Q", y2="high:Q"),
        base.mark_line(strokeWidth=2).encode(y=y),
        base.mark_point(size=70, filled=True, opacity=1).encode(y="value:Q"),
        base.mark_text(align="left", dx=9, dy=-9).encode(y="value:Q", text="text:N"),
    )
    return _finished(alt.layer(*layers), rows)


def card() -> dict[str, Any]:
    """Return a picture that has nothing but its title."""
    return _finished(alt.Chart(alt.NamedData("rows")).mark_point(), [])


def _reach(rows: Iterable[Mapping[str, Any]], fields: Sequence[str]) -> tuple[float, float]:
    """Return the least and the largest of what a logarithmic axis shows, never one value alone."""
    found = [row[name] for row in rows for name in fields if row.get(name)]
    least, most = min(found), max(found)
    return (least, most) if most > 1.5 * least else (least / 1.5, most * 1.5)


def _ticks(least: float, most: float) -> list[float]:
    """Return where an axis has labels, a few over what it shows."""
    decades = math.log10(most / least)
    if decades < 3:
        return CLOSE if decades < 0.8 else ROUND
    return DECADES[:: 1 if decades < 8 else 3]


def _room(rows: Rows) -> dict[str, Any]:
    """Return what leaves room for texts at points: below and above them, or at their left."""
    if not any(map(_beside, rows)):
        return {"padding": 70}
    least, most = _reach(rows, ("elements",))
    return {"domain": [least / (most / least) ** 0.4, most * (most / least) ** 0.1]}


def _decades(rows: Rows) -> list[float]:
    """Return where the axis of elements has labels: not where there is but room for texts."""
    sizes = [row["elements"] for row in rows]
    return [n for n in DECADES if min(sizes) / 2 <= n <= max(sizes) * 2]


def _beside(row: Mapping[str, Any]) -> str:
    return str(row.get("beside") or "")


def _spread(rows: Rows) -> list[dict[str, Any]]:
    """Return rows with the ``height`` of what stands beside a point, kept apart from each other."""
    found = [{**row, "height": row["value"]} for row in rows]
    least, most = _reach(rows, ("value", "low", "high"))
    gap = (most / least) ** LINE
    for elements in {row["elements"] for row in found}:
        texts = [row for row in found if row["elements"] == elements and _beside(row)]
        texts.sort(key=lambda row: row["value"])
        for _ in range(60):  # as Site.spread does
            for under, over in pairwise(texts):
                near = gap * under["height"] / over["height"]
                if near > 1.0001:
                    under["height"] /= math.sqrt(near)
                    over["height"] *= math.sqrt(near)
    return found


def _lines(rows: Rows) -> dict[str, Mapping[str, Any]]:
    return {row["title"]: row for row in rows}


def _colours(rows: Rows) -> alt.Color:
    """Return the lines' colours, with a legend above the chart."""
    there = _lines(rows)
    lines = [row["title"] for row in rows if not _beside(row)]
    legend = alt.Legend(
        title=None,
        values=list(dict.fromkeys(lines)),  # a text says whose a point is that stands alone
        orient="top",
        columns=4,
        labelLimit=400,
        symbolType="stroke",
        symbolSize=500,
        symbolOpacity=1,
        symbolStrokeWidth=2,
    )
    return alt.Color("title:N", legend=legend if lines else None).scale(
        domain=list(there), range=[row["colour"] for row in there.values()]
    )


def _dashes(rows: Rows) -> alt.StrokeDash:
    there = _lines(rows)
    dashes = [list(row["dash"]) or [1, 0] for row in there.values()]
    drawn = alt.StrokeDash("title:N", title=None).scale(domain=list(there), range=dashes)
    return drawn if any(not _beside(row) for row in rows) else drawn.legend(None)


def _finished(chart: Any, rows: Rows) -> dict[str, Any]:
    """Return the specification, complete in itself."""
    spec: dict[str, Any] = json.loads(json.dumps(chart.to_dict()))
    spec["datasets"] = {**spec.get("datasets", {}), "rows": list(rows)}
    config = json.loads(json.dumps(CONFIG).replace(INK, DARK))
    legend = {"labelFontSize": 12, "labelColor": DARK}
    spec["config"] = {**config, "background": "white", "font": FONT, "legend": legend}
    spec["padding"] = {"left": 16, "right": 20, "top": 16, "bottom": 14}
    spec["autosize"] = {"type": "fit", "contains": "padding"}
    text = json.dumps(spec).replace(f'"{INK}"', f'"{DARK}"')
    finished: dict[str, Any] = json.loads(text)
    return finished
