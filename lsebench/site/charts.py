"""The charts, as Vega-Lite specifications: one makes the page's chart and the picture of it.

Whoever draws puts the rows in: the page's script, or `pictures.py`. Text and axes are
of ``currentColor``, so that a chart is light or dark with its page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import altair as alt

TIME = (
    "datum.value < 0.9995e-6 ? format(datum.value * 1e9, '~g') + ' ns' : "
    "datum.value < 0.9995e-3 ? format(datum.value * 1e6, '~g') + ' µs' : "
    "datum.value < 0.9995 ? format(datum.value * 1e3, '~g') + ' ms' : "
    "format(datum.value, '~g') + ' s'"
)
"""A label of a time axis, in the unit people read."""
COUNT = "format(datum.value, '~s')"
"""A label of an axis of elements: 100, 1k, 10k, 1M."""

ULPS = "datum.value < 1e4 ? format(datum.value, '~g') : format(datum.value, '.0e')"

INK = "currentColor"
CONFIG: dict[str, Any] = {
    "background": None,
    "font": "system-ui, sans-serif",
    "axis": {
        "labelColor": INK, "titleColor": INK, "domainColor": INK, "tickColor": INK,
        "gridColor": INK, "gridOpacity": 0.12, "labelFontSize": 12, "titleFontSize": 13,
        "titleFontWeight": "normal", "domainOpacity": 0.4, "tickOpacity": 0.4,
    },
    "text": {"color": INK, "fontSize": 12},
    "view": {"stroke": None},
}  # fmt: skip
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
    return _finished(alt.layer(*layers), height=460, padding={"right": 10})


def bars() -> dict[str, Any]:
    """Return the chart of speed-ups over the baseline at one size, in the order of its rows.

    Its rows: ``title``, ``speedup``, ``least``, ``most``, ``colour``, ``shown`` and the
    tooltip's texts.
    """
    x = (
        alt.X("speedup:Q", title="times as fast as the baseline")
        .stack(False)
        .axis(format="~f", tickCount=6)
    )
    base = alt.Chart(alt.NamedData("rows")).encode(
        y=alt.Y("title:N", title=None, sort=None).axis(labelLimit=180)
    )
    layers = (
        base.mark_bar(opacity=0.85).encode(
            x=x, color=alt.Color("colour:N").scale(None).legend(None), tooltip=TOOLTIP
        ),
        base.mark_rule(strokeWidth=1.5, color=INK, opacity=0.7).encode(x="least:Q", x2="most:Q"),
        base.mark_text(align="left", dx=6).encode(x="most:Q", text="shown:N"),
        alt.Chart(alt.InlineData([{"one": 1}]))
        .mark_rule(color=INK, strokeDash=[4, 3], opacity=0.6)
        .encode(x="one:Q"),
    )
    return _finished(alt.layer(*layers), height={"step": 24}, padding={"right": 24})


def accuracy() -> dict[str, Any]:
    """Return the chart of time against error, both logarithmic: one mark a tool.

    Its rows: ``error`` (where it is drawn), ``seconds``, ``title``, ``colour``, ``label`` (where
    the text beside the mark is) and the tooltip's texts. The script sets the axes' domains.
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
    colour = alt.Color("colour:N").scale(None).legend(None)
    base = alt.Chart(alt.NamedData("rows")).encode(x=x)
    layers = (
        alt.Chart(alt.InlineData([{"one": 1}]))
        .mark_rule(color=INK, strokeDash=[4, 3], opacity=0.5)
        .encode(x="one:Q"),
        # From the mark to its name, where that had to move aside.
        base.mark_rule(color=INK, opacity=0.25).encode(y="seconds:Q", y2="label:Q"),
        base.mark_rule(strokeWidth=3, opacity=0.35).encode(y="low:Q", y2="high:Q", color=colour),
        base.mark_point(size=80, filled=True, opacity=1).encode(y=y, color=colour, tooltip=tooltip),
        base.mark_text(align="left", dx=8).encode(y="label:Q", text="title:N"),
    )
    return _finished(alt.layer(*layers), height=480, padding={"right": 130})


def libraries() -> dict[str, Any]:
    """Return the chart of time over library generations, as ratio to the newest: a line a tool.

    Its rows: ``place`` and ``generation`` (its name), ``ratio``, ``least``, ``most``, ``name``,
    ``title``, ``colour``, ``dash``, ``differs`` (whether any generation does), ``first`` (whether
    the line begins here), ``label`` (where the text at its beginning is) and the tooltip's texts.
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
    other = base.transform_filter("datum.differs").encode(
        color=alt.Color("colour:N").scale(None).legend(None)
    )
    dash = alt.StrokeDash("dash:N").scale(None).legend(None)
    layers = (
        same.mark_line(color=INK, strokeWidth=1, opacity=0.3).encode(y=y),
        same.mark_point(color=INK, size=40, filled=True, opacity=0.35).encode(
            y="ratio:Q", tooltip=tooltip
        ),
        other.mark_rule(strokeWidth=3, opacity=0.25).encode(y="least:Q", y2="most:Q"),
        other.mark_line(strokeWidth=2).encode(y="ratio:Q", strokeDash=dash),
        other.mark_point(size=60, filled=True, opacity=1).encode(y="ratio:Q", tooltip=tooltip),
        other.transform_filter("datum.first")
        .mark_text(align="right", dx=-9)
        .encode(y="label:Q", text="title:N", color=alt.value(INK)),
    )
    return _finished(alt.layer(*layers), height=420, padding={"left": 5})


def _finished(chart: Any, height: Any, padding: dict[str, int]) -> dict[str, Any]:
    """Return the specification; a height of ``{"step": 24}`` gives each value on y so much."""
    spec: dict[str, Any] = chart.properties(width="container").to_dict()
    if isinstance(height, dict):
        # Vega-Lite's own steps do not go with a width that fits the page: see `height`.
        spec["usermeta"] = {"step": height["step"], "field": _field_on_y(spec)}
    else:
        spec["height"] = height
    spec["config"] = CONFIG
    spec["padding"] = {"left": 5, "right": 5, "top": 5, "bottom": 5, **padding}
    spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    return spec


def _field_on_y(spec: Mapping[str, Any]) -> str:
    on_y = (layer["encoding"].get("y", {}) for layer in spec.get("layer", [spec]))
    return next(str(y["field"]) for y in on_y if "field" in y)


def height(spec: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> int:
    """Return how high the chart of these rows is; ``Site.draw`` knows it too."""
    if "height" in spec:
        return int(spec["height"])
    meta = spec["usermeta"]
    return int(meta["step"]) * len({row[meta["field"]] for row in rows})


def all_charts() -> dict[str, dict[str, Any]]:
    """Return name -> specification of every chart of the pages."""
    return {
        "lines": lines(), "bars": bars(), "accuracy": accuracy(), "libraries": libraries(),
    }  # fmt: skip
