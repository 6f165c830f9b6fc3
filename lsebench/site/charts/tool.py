"""Time against size of one tool, with NumPy beside it: one small chart a kernel."""

from __future__ import annotations

from typing import Any

import altair as alt

from .common import COLOUR, COUNT, COUNTS, DASH, INK, TIME, finished

TOOLTIP = [
    alt.Tooltip("title:N", title="tool"),
    alt.Tooltip("shown:N", title="size"),
    alt.Tooltip("exact:N", title="time"),
    alt.Tooltip("interval:N", title="99 % interval"),
    alt.Tooltip("ratio:N", title="against NumPy"),
]


def tool() -> dict[str, Any]:
    """Return the chart of time against size: a line for each form of the tool, and of NumPy.

    Its rows: ``elements``, ``size`` (where shapes are told apart), ``seconds``, ``low``, ``high``,
    ``name``, ``colour``, ``dash``, ``base`` (whether it is NumPy's) and the tooltip's texts. The
    script leaves bands and lines out where sizes are shapes, which have no order.
    """
    x = (
        alt.X("elements:Q", title="elements")
        .scale(type="log")
        .axis(labelExpr=COUNT, values=COUNTS, labelOverlap="greedy")
    )
    y = (
        alt.Y("seconds:Q", title=None)
        .scale(type="log")
        .axis(labelExpr=TIME, values=[10.0**k for k in range(-9, 4)])
    )
    base = alt.Chart(alt.NamedData("rows")).encode(x=x, detail="name:N")
    own, numpy = base.transform_filter("!datum.base"), base.transform_filter("datum.base")
    layers = (
        own.mark_area(opacity=0.2).encode(y="low:Q", y2="high:Q", color=COLOUR),
        numpy.mark_line(color=INK, opacity=0.45, strokeWidth=1.5).encode(y="seconds:Q"),
        own.mark_line(strokeWidth=2).encode(y="seconds:Q", color=COLOUR, strokeDash=DASH),
        own.mark_rule(strokeWidth=3, opacity=0.35).encode(y="low:Q", y2="high:Q", color=COLOUR),
        numpy.mark_point(size=22, filled=True, color=INK, opacity=0.55).encode(
            y="seconds:Q", tooltip=TOOLTIP
        ),
        own.mark_point(size=45, filled=True, opacity=1).encode(y=y, color=COLOUR, tooltip=TOOLTIP),
    )
    return finished(alt.layer(*layers), height=190, padding={"right": 8})
