"""The page of the sources' claims: what ``make claims`` has stored for each machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lsebench.records.stored import Claim
from lsebench.run.table import FEW, shown


def tables(folder: Path) -> list[dict[str, Any]]:
    """Return the stored claims of each machine in the results folder, with text for each value."""
    return [
        facts.to_json() | {"machine": machine, "lines": list(map(_line, claims))}
        for machine, facts, claims in Claim.tables(folder)
    ]


def _line(claim: Claim) -> dict[str, Any]:
    numbers = {name: shown(getattr(claim, name)) for name in ("measured", "low", "high")}
    verdict = claim.verdict
    if claim.measured is not None and claim.low is None and claim.target != "none":
        verdict = FEW
    kind = {"holds": "good", "more than said": "good"}.get(verdict, "bad")
    if not verdict or verdict.startswith(("undecided", "not measured", "no interval")):
        kind = ""
    return claim.to_json() | numbers | {"verdict": verdict, "kind": kind}
