"""What is kept of a chunk, and how several are combined.

Source: of the pair (sum, exponent): M. Dukhan and A. Ablavatski, "The two-pass softmax algorithm",
arXiv:2001.04438 (2020); of log(2) in two parts: W. J. Cody and W. Waite, "Software manual for the
elementary functions" (1980); of log1p of all but the largest: P. Blanchard, D. J. Higham and N. J.
Higham, "Accurately computing the log-sum-exp and softmax functions", IMA J. Numer. Anal. 41 (2021).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple


class Part(NamedTuple):
    """What is kept of a chunk, or of several."""

    sum: float
    """sum(exp(x)) / 2**exponent: 0, infinite, nan or from sqrt(1/2) to sqrt(2)."""
    exponent: int
    log: float
    """logsumexp(x): all digits of it also where it is near zero, and those of `sum` are not."""


LN2_HIGH, LN2_LOW = 0.693147180369123816490, 1.90821492927058770002e-10
"""log(2) in two parts: an integer below 2**21 times the first is exact."""

EMPTY = Part(0.0, 0, -math.inf)


def from_sum(total: float, exponent: int) -> Part:
    """Return the part of numbers whose exponentials add up to total * 2**exponent."""
    if not total or not math.isfinite(total):
        return Part(total, 0, math.log(total) if total else -math.inf)
    total, shift = math.frexp(total)
    exponent += shift
    if total < math.sqrt(0.5):  # near 1 it shall be 1 - small, not 2 * (1/2 - small)
        total, exponent = 2 * total, exponent - 1
    # Halves, for a number that only times ln 2 is below the largest float.
    half = exponent / 2
    log = 2 * (half * LN2_HIGH + (half * LN2_LOW + math.log(total) / 2))
    return Part(total, exponent, log)


def _add(parts: Sequence[Part]) -> Part:
    top = max((part.exponent for part in parts if part.sum), default=0)
    total = math.fsum(math.ldexp(part.sum, part.exponent - top) for part in parts)
    return from_sum(total, top)


def merge(parts: Sequence[Part]) -> Part:
    """Return the part of all that `parts` are of."""
    whole = _add(parts)
    if abs(whole.log) < 1:
        # log(sum) has lost what is small beside 1; the largest part may have it still.
        ranked = sorted(parts, key=lambda part: part.log)
        rest, largest = _add(ranked[:-1]), ranked[-1].log
        if whole.log - largest < LN2_HIGH:  # it is more than half of the sum
            small = math.ldexp(rest.sum, rest.exponent) / math.exp(largest)
            return whole._replace(log=largest + math.log1p(small))
    return whole
