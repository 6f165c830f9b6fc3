"""Throughput against size, between the caches and below what the machine allows."""

from __future__ import annotations

from typing import Any

import altair as alt

from .common import COLOUR, COUNT, COUNTS, DASH, INK, finished

GIGABYTES = "format(datum.value / 1e9, '~g')"
TOOLTIP = [
    alt.Tooltip("title:N", title="what"),
    alt.Tooltip("size:N", title="size"),
    alt.Tooltip("shown:N", title="throughput"),
    alt.Tooltip("interval:N", title="99 % interval"),
    alt.Tooltip("share:N", title="of the ceiling"),
    alt.Tooltip("time:N", title="time of one call"),
    alt.Tooltip("why:N", title="limit?"),
]


def limits() -> dict[str, Any]:
    """Return the chart of throughput against size, both logarithmic.

    Its rows, of three kinds. ``tool`` and ``comparison``: ``elements``, ``rate``, ``low``,
    ``high``, ``name``, ``title``, ``colour``, ``dash``, ``filled`` (0 or 1), ``joined`` (whether
    sizes are joined by a line), ``end`` (whether the line ends here), ``label`` (where the text at
    its end is) and the tooltip's texts. ``cache``: ``left``, ``right``, ``middle`` (elements),
    ``shade`` and ``title``. The script sets the axes' domains. Only the marks have names of their
    own: they hold all that is to be read.
    """
    apart = {"labelFlush": False, "labelOverlap": "greedy", "labelSeparation": 5}
    x = (
        alt.X("elements:Q", title="elements")
        .scale(type="log", nice=False)
        .axis(labelExpr=COUNT, values=COUNTS, grid=False, **apart)
    )
    y = (
        alt.Y("rate:Q", title="GB/s")
        .scale(type="log", nice=False)
        .axis(labelExpr=GIGABYTES, values=[10.0**k for k in range(-12, 19)])
    )
    rows = alt.Chart(alt.NamedData("rows"))
    caches = rows.transform_filter("datum.kind == 'cache'")
    measured = rows.transform_filter("datum.kind != 'cache'").encode(
        x=x, color=COLOUR, detail="name:N"
    )
    ends = measured.transform_filter("datum.end")
    shade = alt.Opacity("shade:Q").scale(None).legend(None)
    layers = (
        caches.mark_rect(color=INK, aria=False).encode(x="left:Q", x2="right:Q", opacity=shade),
        caches.mark_text(baseline="top", fontSize=11, aria=False).encode(
            x="middle:Q", y=alt.value(3), text="title:N"
        ),
        measured.transform_filter("isValid(datum.low)")
        .mark_rule(strokeWidth=3, opacity=0.25, aria=False)
        .encode(y="low:Q", y2="high:Q"),
        measured.transform_filter("datum.joined")
        .mark_line(strokeWidth=alt.expr("datum.kind == 'tool' ? 2 : 1.5"), aria=False)
        .encode(y=y, strokeDash=DASH),
        measured.mark_point(
            filled=False, fill=INK, opacity=1, size=alt.expr("datum.kind == 'tool' ? 40 : 100")
        ).encode(
            y="rate:Q",
            fill=alt.Fill("colour:N").scale(None).legend(None),
            fillOpacity=alt.FillOpacity("filled:Q").scale(None).legend(None),
            tooltip=TOOLTIP,
        ),
        # Names are in ink, which all can read; the colour is in a square before them.
        ends.mark_square(xOffset=9, size=50, opacity=1, aria=False).encode(y="label:Q"),
        ends.mark_text(align="left", dx=15, limit=170, aria=False).encode(
            y="label:Q", text="title:N", color=alt.value(INK)
        ),
    )
    return finished(alt.layer(*layers), height=480, padding={"right": 10})
