"""``python -m lsebench claims``: what the sources claim, measured side by side today."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lsebench.records.stored import Claim

from . import side_by_side

TABLE = Path(__file__).with_suffix(".toml")


def main(arguments: Sequence[str]) -> int:
    """Measure, judge and store; return the exit code."""
    return side_by_side.main("claims", TABLE, Claim, "the claims of the sources", arguments)
