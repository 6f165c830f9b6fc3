"""Time over generations of libraries."""

from __future__ import annotations

from typing import Any

import altair as alt

from .common import COLOUR, DASH, INK, finished


def libraries() -> dict[str, Any]:
    """Return the chart of time over library generations, as ratio to the newest: a line a tool.

    Its rows: ``place`` and ``generation`` (its name), ``ratio``, ``least`` and ``most`` (null
    where there is no interval), ``name``, ``title``, ``colour``, ``dash``, ``differs`` (whether any
    generation does), ``first`` (whether the line begins here), ``label`` (where the text at its
    beginning is) and the tooltip's texts.
    """
    order = alt.EncodingSortField("place", op="min")
    x = alt.X("generation:N", title=None, sort=order).axis(labelAngle=0).scale(type="point")
    y = (
        alt.Y("ratio:Q", title="time, as ratio to the newest")
        .scale(type="log", nice=False)
        .axis(orient="right", format=",", values=[0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50])
    )
    tooltip = [
        alt.Tooltip("title:N", title="tool"),
        alt.Tooltip("generation:N", title="libraries"),
        alt.Tooltip("shown:N", title="ratio to the newest"),
        alt.Tooltip("interval:N", title="as far as both intervals reach"),
        alt.Tooltip("verdict:N"),
        alt.Tooltip("exact:N", title="time"),
    ]
    base = alt.Chart(alt.NamedData("rows")).encode(x=x, detail="name:N")
    same = base.transform_filter("!datum.differs")
    other = base.transform_filter("datum.differs").encode(color=COLOUR)
    layers = (
        same.mark_line(color=INK, strokeWidth=1, opacity=0.3, aria=False).encode(y=y),
        same.mark_point(color=INK, size=40, filled=True, opacity=0.35, aria=False).encode(
            y="ratio:Q", tooltip=tooltip
        ),
        other.transform_filter("datum.least > 0")
        .mark_rule(strokeWidth=3, opacity=0.25, aria=False)
        .encode(y="least:Q", y2="most:Q"),
        other.mark_line(strokeWidth=2, aria=False).encode(y="ratio:Q", strokeDash=DASH),
        other.mark_point(size=60, filled=True, opacity=1, aria=False).encode(
            y="ratio:Q", tooltip=tooltip
        ),
        other.transform_filter("datum.first")
        .mark_text(align="right", dx=-9, aria=False)
        .encode(y="label:Q", text="title:N", color=alt.value(INK)),
    )
    return finished(alt.layer(*layers), height=420, padding={"left": 5})
