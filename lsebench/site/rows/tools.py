"""A page for each tool."""

from __future__ import annotations

from typing import Any


def write(site: Any, runs: Any, series: Any) -> None:
    site.page("tools.html")
