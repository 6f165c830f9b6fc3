"""What the processes of a machine differ by: part of every interval that is published."""

from __future__ import annotations

import math
from pathlib import Path

from lsebench.records.stored import Tuning

ASSUMED = 0.05
"""Between processes, as share of the time, on a machine where nobody has measured it."""
NORMAL_99 = 2.576
"""A 99 % interval in standard deviations."""


def of_machines(results: Path) -> dict[str, float]:
    """Return machine -> the scatter between its processes, as its newest check has found it."""
    return {
        machine: max(kernel["between"] for kernel in records[-1].noise["kernels"].values())
        for machine, records in Tuning.of_machines(results)
    }


def widened(value: float, low: float, high: float, noise: float | None) -> tuple[float, float]:
    """Return an interval with what another process would say added in quadrature.

    Parameters
    ----------
    value, low, high : float
        A time or a ratio of times, and what is known of it by its own samples. Where they are
        rounded, the value may lie beyond them.
    noise : float or None
        Between processes, as share; None where it was not measured.
    """
    between = NORMAL_99 * (ASSUMED if noise is None else noise) * value
    below = math.hypot(max(0.0, value - low), between)
    above = math.hypot(max(0.0, high - value), between)
    return max(0.0, value - below), value + above
