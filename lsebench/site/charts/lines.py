"""Time against size."""

from __future__ import annotations

from typing import Any

import altair as alt

from .common import COUNT, TIME, finished

TOOLTIP = [
    alt.Tooltip("title:N", title="tool"),
    alt.Tooltip("size:N", title="size"),
    alt.Tooltip("exact:N", title="time"),
    alt.Tooltip("interval:N", title="99 % interval"),
    alt.Tooltip("ratio:N", title="against the baseline"),
    alt.Tooltip("rate:N", title="throughput"),
    alt.Tooltip("commit:N"),
    alt.Tooltip("version:N"),
]



def lines() -> dict[str, Any]:
    """Return the chart of time against size, both logarithmic: one line a tool, and the limits.

    Its rows: ``elements``, ``seconds``, ``low``, ``high``, ``name``, ``title``, ``colour``,
    ``dash``, ``kind`` (``tool`` or ``limit``), ``end`` (whether the line ends here), ``label``
    (where the text at its end is) and the tooltip's texts.
    """
    apart = {"labelFlush": False, "labelOverlap": "greedy", "labelSeparation": 5}
    x = (
        alt.X("elements:Q", title="elements")
        .scale(type="log")
        .axis(labelExpr=COUNT, values=[10**k for k in range(12)], **apart)
    )
    y = (
        alt.Y("seconds:Q", title="time of one call")
        .scale(type="log")
        .axis(labelExpr=TIME, values=[10.0**k for k in range(-9, 4)])
    )
    base = alt.Chart(alt.NamedData("rows")).encode(
        x=x, color=alt.Color("colour:N").scale(None).legend(None), detail="name:N"
    )
    # The limits are no layer of their own: one without rows would have no extent.
    tools = base.transform_filter("datum.kind == 'tool'")
    layers = (
        tools.mark_area(opacity=0.18).encode(y=alt.Y("low:Q"), y2="high:Q"),
        base.mark_line(strokeWidth=alt.expr("datum.kind == 'limit' ? 1 : 2")).encode(
            y=y, strokeDash=alt.StrokeDash("dash:N").scale(None).legend(None)
        ),
        tools.mark_point(size=45, filled=True, opacity=1).encode(y="seconds:Q", tooltip=TOOLTIP),
        base.transform_filter("datum.end")
        .mark_text(align="left", dx=7, limit=160)
        .encode(y="label:Q", text="title:N"),
    )
    return finished(alt.layer(*layers), height=460, padding={"right": 10})
