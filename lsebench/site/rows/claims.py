"""The page of the sources' claims: what ``make claims`` has stored for each machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lsebench.records.stored import Claim


def tables(folder: Path) -> list[dict[str, Any]]:
    """Return the stored claims of each machine in the results folder, with text for each value."""
    return [
        facts.to_json() | {"machine": machine, "lines": list(map(_line, claims))}
        for machine, facts, claims in Claim.tables(folder)
    ]


def _line(claim: Claim) -> dict[str, Any]:
    value = claim.measured
    shown = "" if value is None else f"{value:.3g}" if value < 1e3 else f"{value:,.0f}"
    return claim.to_json() | {"shown": shown, "kind": _kind(claim.verdict)}


def _kind(verdict: str) -> str:
    """Return how a verdict is marked: good, bad, or not at all."""
    if verdict in ("holds", "more than said"):
        return "good"
    return "" if not verdict or verdict.startswith("not measured") else "bad"
