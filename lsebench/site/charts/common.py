"""What all charts have in common: labels, colours, and the place they take."""

from __future__ import annotations

from collections.abc import Mapping
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
COUNTS = [10**k for k in range(12)]
"""Where such an axis has its labels."""

ULPS = "datum.value < 1e4 ? format(datum.value, '~g') : format(datum.value, '.0e')"

INK = "currentColor"
COLOUR = alt.Color("colour:N").scale(None).legend(None)
DASH = alt.StrokeDash("dash:N").scale(None).legend(None)
"""The looks that a row brings with it."""
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


def finished(chart: Any, height: int, padding: Mapping[str, int]) -> dict[str, Any]:
    """Return the specification of a chart, as wide as its place on the page."""
    spec: dict[str, Any] = chart.properties(width="container", height=height).to_dict()
    spec["config"] = CONFIG
    spec["padding"] = {"left": 5, "right": 5, "top": 5, "bottom": 5, **padding}
    spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    return spec
