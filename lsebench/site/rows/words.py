"""Numbers in words, as the scripts of the pages have them: see static/site.js."""

from __future__ import annotations

import math
from collections.abc import Sequence

UNITS = ((1e-9, "ns"), (1e-6, "µs"), (1e-3, "ms"))
TIMES = "\N{MULTIPLICATION SIGN}"
RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def digits(value: float) -> str:
    """Return three digits: ``1.23``, ``45.6``, ``789``, ``259,000``."""
    if not math.isfinite(value):
        return "∞"
    rounded = float(f"{value:.3g}")
    return f"{rounded:,.0f}" if value >= 99.95 else f"{rounded:.12g}"


def seconds(value: float) -> str:
    """Return a time in the unit people read: ``1.23 µs``."""
    for factor, unit in UNITS:
        if value < 999.5 * factor:
            return f"{digits(value / factor)} {unit}"
    if value < 119.5:
        return f"{digits(value)} s"
    return f"{digits(value / 60)} min" if value < 7200 else f"{digits(value / 3600)} h"


def span(low: float, high: float, unit: str = "") -> str:
    """Return an interval: ``4.2 to 5.1``."""
    return f"{digits(low)} to {digits(high)}{unit}"


def error(value: float) -> str:
    """Return an error in two digits: ``0.47``; a large one with a power of ten."""
    if value < 1e4:
        return f"{float(f'{value:.2g}'):.12g}"
    mantissa, power = f"{value:.1e}".split("e+")
    return f"{mantissa} {TIMES} 10{str(int(power)).translate(RAISED)}"


def rough(number: int, vague: bool) -> int:
    """Return a number of calls in two digits where it is made of few samples, or else in three."""
    return int(float(f"{number:.{2 if vague else 3}g}"))


def calls(number: int, vague: bool) -> str:
    """Return a number of calls in a sentence: ``about 220,000 calls``, ``1 call``."""
    text = f"{'about ' if vague else ''}{rough(number, vague):,}"
    return f"{text} call{'s' if number != 1 else ''}"


def size(text: str) -> str:
    """Return a size with its thousands told apart: ``10000``, ``1000x1000``."""
    return f" {TIMES} ".join(f"{int(part):,}" for part in text.split("x"))


def several(texts: Sequence[str]) -> str:
    """Return texts as a list in a sentence: ``a, b and c``."""
    return " and ".join(filter(None, [", ".join(texts[:-1]), *texts[-1:]]))
