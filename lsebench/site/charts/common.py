"""What all charts have in common: labels, colours, and the place they take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

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


def finished(chart: Any, height: Any, padding: dict[str, int]) -> dict[str, Any]:
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
