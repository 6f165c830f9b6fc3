"""Series over commits."""

from __future__ import annotations

from typing import Any


def write(site: Any, results: Any, repo: Any, benchmarks: Any, graphs: Any, revisions: Any) -> None:
    site.script("series", {})
