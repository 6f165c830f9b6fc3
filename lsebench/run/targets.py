"""``python -m lsebench speed``: the targets of the fastest kernels, measured and judged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lsebench.records.stored import Target

from . import side_by_side

TABLE = Path(__file__).with_suffix(".toml")


def main(arguments: Sequence[str]) -> int:
    """Measure, judge and store; return the exit code."""
    return side_by_side.main(
        "speed", TABLE, Target, "the targets of the fastest kernels", arguments
    )
