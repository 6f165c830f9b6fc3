"""The charts, as Vega-Lite specifications: one makes the page's chart and the picture of it.

Whoever draws puts the rows in: the page's script, or `findings`. Text and axes are of
``currentColor``, so that a chart is light or dark with its page.
"""

from __future__ import annotations

from typing import Any

from .accuracy import accuracy
from .libraries import libraries
from .limits import limits
from .series import control, series
from .tool import tool

CHARTS = (accuracy, libraries, limits, tool, series, control)


def all_charts() -> dict[str, dict[str, Any]]:
    """Return name -> specification of every chart of the pages: each is named as its function."""
    return {chart.__name__: chart() for chart in CHARTS}
