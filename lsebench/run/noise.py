"""What the processes of a machine differ by: part of every interval that is published."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lsebench.records.stored import Tuning

ASSUMED = 0.05
"""Between processes, as share of the time, on a machine where nobody has measured it."""
NORMAL_99 = 2.576
"""A 99 % interval in standard deviations."""


@dataclass(frozen=True)
class Check:
    """What a check of a machine has found."""

    at: float
    """When, in seconds since 1970; 0 where it does not say."""
    scatter: float
    """Between processes, as share of the time."""


def of_machines(results: Path) -> dict[str, list[Check]]:
    """Return machine -> its checks, the oldest first."""
    return {
        machine: [
            Check(seconds(record.checked), max(kernel["between"] for kernel in kernels.values()))
            for record in records
            if (kernels := record.noise["kernels"])
        ]
        for machine, records in Tuning.of_machines(results)
    }


def near(checks: Sequence[Check], when: float | None = None) -> float | None:
    """Return the scatter that the check nearest to `when` has found; None where there is none.

    A quiet minute today says nothing of what was timed in a loud one. Of equally near checks it is
    the later one, and the newest where nobody knows when the times were measured.
    """
    latest_first = list(reversed(checks))
    if when:
        latest_first.sort(key=lambda check: abs(check.at - when))
    return latest_first[0].scatter if latest_first else None


def seconds(text: str) -> float:
    """Return a stored time, ISO 8601 in UTC, in seconds since 1970; 0 of what is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return 0.0
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


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
