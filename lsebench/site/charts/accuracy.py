"""Time against error."""

from __future__ import annotations

from typing import Any

import altair as alt

from .common import COLOUR, INK, TIME, ULPS, finished


def accuracy() -> dict[str, Any]:
    """Return the chart of time against error, both logarithmic: one mark a tool.

    Its rows: ``error`` (where it is drawn), ``seconds``, ``low`` and ``high`` (null where there is
    no interval), ``title``, ``colour``, ``label`` (where the text beside the mark is) and the
    tooltip's texts. The script sets the axes' domains.
    """
    x = alt.X("error:Q").scale(type="log", nice=False).axis(labelExpr=ULPS)
    y = (
        alt.Y("seconds:Q", title="time of one call")
        .scale(type="log", nice=False)
        .axis(labelExpr=TIME)
    )
    tooltip = [
        alt.Tooltip("title:N", title="tool"),
        alt.Tooltip("shown:N", title="error"),
        alt.Tooltip("input:N"),
        alt.Tooltip("exact:N", title="time"),
        alt.Tooltip("interval:N", title="99 % interval"),
        alt.Tooltip("commit:N"),
    ]
    base = alt.Chart(alt.NamedData("rows")).encode(x=x)
    layers = (
        alt.Chart(alt.InlineData([{"one": 1}]))
        .mark_rule(color=INK, strokeDash=[4, 3], opacity=0.5, aria=False)
        .encode(x="one:Q"),
        # From the mark to its name, where that had to move aside.
        base.mark_rule(color=INK, opacity=0.25, aria=False).encode(y="seconds:Q", y2="label:Q"),
        base.transform_filter("datum.low > 0")
        .mark_rule(strokeWidth=3, opacity=0.35, aria=False)
        .encode(y="low:Q", y2="high:Q", color=COLOUR),
        base.mark_point(size=80, filled=True, opacity=1).encode(y=y, color=COLOUR, tooltip=tooltip),
        base.mark_text(align="left", dx=8, aria=False).encode(y="label:Q", text="title:N"),
    )
    return finished(alt.layer(*layers), height=480, padding={"right": 130})
