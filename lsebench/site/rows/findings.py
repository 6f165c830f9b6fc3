"""What was found."""

from __future__ import annotations

from typing import Any


def write(site: Any, runs: Any, folder: Any) -> None:
    site.page("findings.html")
