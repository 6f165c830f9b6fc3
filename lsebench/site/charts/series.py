"""One series over commits, and what controls it."""

from __future__ import annotations

from typing import Any

import altair as alt

from .common import COLOUR, DASH, INK, finished

ROOM = 42
"""Pixels of the labels left of both charts, so that one stands exactly below the other."""


def series() -> dict[str, Any]:
    """Return the chart of one series over commits, or over library generations.

    Its rows, by ``kind``: ``point`` (``place``, ``value``, ``low``, ``high``, ``colour``, ``bar``:
    whether its interval is drawn as a bar; the tooltip's texts), ``level`` and ``trend``
    (``place``, ``end``, ``value``, ``last``), ``step`` (``place``, ``value``, ``last``: the
    higher and the lower level, ``text``). The script
    sets the domains and the labels of both axes.
    """
    x = (
        alt.X("place:Q", title=None)
        .scale(nice=False, zero=False)
        .axis(grid=False, labelFlush=True, labelOverlap="greedy", labelSeparation=8)
    )
    y = alt.Y("value:Q", title=None).scale(nice=False, zero=False).axis(minExtent=ROOM)
    tooltip = [
        alt.Tooltip("at:N", title="commit"),
        alt.Tooltip("subject:N"),
        alt.Tooltip("exact:N", title="value"),
        alt.Tooltip("interval:N", title="99 % interval"),
        alt.Tooltip("libraries:N"),
    ]
    base = alt.Chart(alt.NamedData("rows")).encode(x=x)

    def of(kind: str) -> alt.Chart:
        return base.transform_filter(f"datum.kind == '{kind}'")

    band = of("point").transform_filter("isValid(datum.low)")
    level = {"y": "value:Q", "y2": "last:Q", "x2": "end:Q"}
    layers = (
        band.mark_area(opacity=0.15, aria=False).encode(y="low:Q", y2="high:Q", color=COLOUR),
        band.transform_filter("datum.bar")
        .mark_rule(strokeWidth=3, opacity=0.35, aria=False)
        .encode(y="low:Q", y2="high:Q", color=COLOUR),
        of("point").mark_line(strokeWidth=1, opacity=0.35, aria=False).encode(y=y, color=COLOUR),
        of("point")
        .mark_point(filled=True, size=30, opacity=1, aria=False)
        .encode(y="value:Q", color=COLOUR, tooltip=tooltip),
        of("trend").mark_rule(color=INK, strokeDash=[5, 3], aria=False).encode(**level),
        of("level").mark_rule(color=INK, strokeWidth=2, aria=False).encode(**level),
        of("step").mark_rule(color=INK, aria=False).encode(y="value:Q", y2="last:Q"),
        of("step")
        .mark_text(align="left", dx=3, dy=-7, fontWeight="bold", aria=False)
        .encode(y="value:Q", text="text:N"),
    )
    return finished(alt.layer(*layers), height=260, padding={"right": 10})


def control() -> dict[str, Any]:
    """Return the strip of what never changes, to be drawn below a series with the same x.

    Its rows: ``place``, ``value`` (ratio to the median of its own), ``name``, ``dash``.
    """
    x = alt.X("place:Q", title=None).scale(nice=False, zero=False).axis(None)
    y = alt.Y("value:Q", title=None).scale(nice=False, zero=False).axis(minExtent=ROOM)
    base = alt.Chart(alt.NamedData("rows")).encode(x=x, y=y, detail="name:N")
    layers = (
        base.mark_line(color=INK, opacity=0.55, aria=False).encode(strokeDash=DASH),
        base.mark_point(color=INK, opacity=0.55, filled=True, size=12, aria=False).encode(
            tooltip=[
                alt.Tooltip("name:N", title="control"),
                alt.Tooltip("at:N", title="commit"),
                alt.Tooltip("exact:N", title="value"),
                alt.Tooltip("shown:N", title="to its median"),
            ]
        ),
    )
    return finished(alt.layer(*layers), height=60, padding={"right": 10})
