"""``python -m gate history --simulate``: false alarms and power on series of known truth.

Series of 120 commits with a noise of 1 %: without a step, where every step found is a false alarm,
and with one, which counts as found within three commits of its place. asv and Otava are run at
their defaults beside ours, on the same series.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from asv.step_detect import detect_regressions, detect_steps
from scipy.signal import lfilter

from .command import progress
from .steps import Values, find_steps, otava_steps

COMMITS = 120
NOISE = 0.01
CORRELATIONS = {"independent": 0.0, "AR(0.7)": 0.7}
SIZES = (0.03, 0.05, 0.10)
FURTHER = (1, 3, 5, 10, 21, 60)
"""Values measured at the new level when the series is looked at."""
NEAR = 3
ASV_THRESHOLD = 0.05
"""What asv calls a regression, unless it is told otherwise."""

Detector = Callable[[Values], Sequence[int]]


def _ours(values: Values) -> list[int]:
    return [step.position for step in find_steps(values.tolist())]


def _asv(values: Values) -> list[int]:
    """Return the regressions on asv's page."""
    found = detect_regressions(detect_steps(values.tolist()), threshold=ASV_THRESHOLD)[2]
    return [after for _, after, *_ in found or ()]


DETECTORS: dict[str, Detector] = {"ours": _ours, "asv": _asv, "otava": otava_steps}


def noise(random: np.random.Generator, correlation: float, count: int = COMMITS) -> Values:
    """Return AR(1) noise of variance 1, begun long before the first value."""
    shocks = random.standard_normal(count + 200) * np.sqrt(1 - correlation**2)
    values: Values = lfilter([1.0], [1.0, -correlation], shocks)[200:]
    return values


def series(
    random: np.random.Generator, correlation: float = 0.0, size: float = 0.0, further: int = 0
) -> Values:
    """Return a series with a step of `size` before its last `further` values."""
    values = 1 + NOISE * noise(random, correlation)
    values[len(values) - further :] *= 1 + size
    return values


def simulate(count: int, seed: int) -> dict[str, Any]:
    """Return, for each detector, how many of `count` series have an alarm or their step found."""
    cases = [*_cases()]
    found: dict[str, Any] = {
        "commits": COMMITS, "noise": NOISE, "series": count, "seed": seed,
        "detectors": {name: {"false": {}, "found": {}} for name in DETECTORS},
    }  # fmt: skip
    for number, (title, correlation, size, further) in enumerate(cases):
        hits = dict.fromkeys(DETECTORS, 0)
        for one in range(count):
            values = series(np.random.default_rng([seed, number, one]), correlation, size, further)
            for name, detect in DETECTORS.items():
                positions = detect(values)
                place = COMMITS - further
                near = [p for p in positions if not size or abs(p - place) <= NEAR]
                hits[name] += bool(near)
            progress(f"case {number + 1} of {len(cases)}: series {one + 1} of {count}")
        for name, hit in hits.items():
            row = found["detectors"][name]
            if size:
                row["found"].setdefault(title, {})[str(further)] = hit
            else:
                row["false"][title] = hit
    progress("")
    return found


def _cases() -> Iterator[tuple[str, float, float, int]]:
    for title, correlation in CORRELATIONS.items():
        yield title, correlation, 0.0, 0
    for size in SIZES:
        for further in FURTHER:
            yield f"+{size:.0%}", 0.0, size, further


def table(found: dict[str, Any]) -> str:
    """Return the figures as text."""
    count = found["series"]
    sizes = [f"+{size:.0%}" for size in SIZES]
    alarms = [f"{title:>12}" for title in CORRELATIONS]
    powers = [f"{f'{size} step, %':>24}" for size in sizes]
    lines = [
        f"{count} series of {found['commits']} commits each, noise {found['noise']:.0%}, "
        f"seed {found['seed']}.",
        "False alarms: series without a step in which one is found.",
        f"Found: steps located within {NEAR} commits when "
        f"{'/'.join(map(str, FURTHER))} commits are measured from the step on, in %.",
        "",
        f"{'':8}{'false alarms':>24}",
        f"{'':8}{''.join(alarms)}{''.join(powers)}",
    ]
    for name, row in found["detectors"].items():
        false = [f"{hits:12}" for hits in row["false"].values()]
        power = [
            "/".join(f"{100 * row['found'][size][str(f)] / count:.0f}" for f in FURTHER)
            for size in sizes
        ]
        lines.append(f"{name:8}{''.join(false)}{''.join(f'{text:>24}' for text in power)}")
    return "\n".join(lines)
