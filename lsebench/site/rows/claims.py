"""The page of the sources' claims: what ``make claims`` has stored for each machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lsebench.records import lines


def tables(folder: Path) -> list[dict[str, Any]]:
    """Return the stored claims of each machine in the results folder, with text for each value."""
    found = []
    for file in sorted(folder.glob("*/claims.jsonl")):
        stored = lines.read(file)
        if not stored:
            continue
        facts, *rows = stored
        table: dict[str, Any] = {**facts, "machine": file.parent.name, "lines": rows}
        for line in table["lines"]:
            value = line.get("measured")
            line["shown"] = (
                "" if value is None else f"{value:.3g}" if value < 1e3 else f"{value:,.0f}"
            )
            line["kind"] = _kind(line["verdict"])
        found.append(table)
    return found


def _kind(verdict: str) -> str:
    """Return how a verdict is marked: good, bad, or not at all."""
    if verdict in ("holds", "more than said"):
        return "good"
    return "" if not verdict or verdict.startswith("not measured") else "bad"
