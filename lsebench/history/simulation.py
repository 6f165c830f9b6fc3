"""``python -m lsebench history --simulate``: false alarms and power on series of known truth.

Series of 120 commits: without a step, of noise of several kinds, where every step found is a false
alarm; with one, which counts as found within three commits of its place; and with a trend. asv and
Otava are run at their defaults beside ours, on the same series.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from asv.step_detect import detect_regressions, detect_steps
from scipy.signal import lfilter

from lsebench.cli import columns, progress

from .steps import Values, find

COMMITS = 120
NOISE = 0.01
SIZES = (0.03, 0.05, 0.10)
FURTHER = (1, 3, 5, 10, 21, 60)
"""Values measured at the new level when the series is looked at."""
YOUNG = (60, 5)
"""Values before and after the step, of a history that is half as long."""
CREEPS = (0.003, 0.02)
"""By so much every commit is slower than the one before."""
NEAR = 3
ASV_THRESHOLD = 0.05
"""What asv calls a regression, unless it is told otherwise."""

Noise = Callable[[np.random.Generator, int], Values]
Positions = tuple[Sequence[int], Sequence[int]]
"""Of steps, and of trends."""
Detector = Callable[[Values], Positions]


def _ours(values: Values) -> Positions:
    found = find(values.tolist())
    return [step.position for step in found.steps], [trend.last for trend in found.trends]


def _asv(values: Values) -> Positions:
    """Return the regressions on asv's page."""
    found = detect_regressions(detect_steps(values.tolist()), threshold=ASV_THRESHOLD)[2]
    return [after for _, after, *_ in found or ()], []


def _otava(values: Values) -> Positions:
    """Return the change points of Apache Otava, at its default settings."""
    from otava.analysis import compute_change_points

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # constant parts have no variance
        # As a list: of an array it would analyse the whole instead of each window.
        points, _ = compute_change_points(values.tolist())
    return sorted({int(point.index) for point in points}), []


DETECTORS: dict[str, Detector] = {"ours": _ours, "asv": _asv, "otava": _otava}


def waves(random: np.random.Generator, count: int, correlation: float = 0.7) -> Values:
    """Return AR(1) noise of variance 1, begun long before the first value."""
    shocks = random.standard_normal(count + 200) * np.sqrt(1 - correlation**2)
    values: Values = lfilter([1.0], [1.0, -correlation], shocks)[200:]
    return values


def _one_in_ten(high: float) -> Noise:
    def values(random: np.random.Generator, count: int) -> Values:
        spikes = np.where(random.random(count) < 0.1, high, 1.0)
        return np.asarray(spikes * (1 + NOISE * random.standard_normal(count)))

    return values


NOISES: dict[str, Noise] = {
    "Gaussian": lambda random, n: 1 + NOISE * random.standard_normal(n),
    "AR(0.7)": lambda random, n: 1 + NOISE * waves(random, n),
    "Student's t, 3 degrees": lambda random, n: 1 + NOISE * random.standard_t(3, n),
    "Laplace": lambda random, n: 1 + NOISE * random.laplace(size=n),
    "one-sided exponential, 1 %": lambda random, n: 1 + NOISE * random.exponential(size=n),
    "one-sided exponential, 5 %": lambda random, n: 1 + 5 * NOISE * random.exponential(size=n),
    "+10 % in one of ten": _one_in_ten(1.1),
    "+50 % in one of ten": _one_in_ten(1.5),
    "8 bytes more in one of ten": lambda random, n: np.where(random.random(n) < 0.1, 408.0, 400.0),
}
"""What a series without a step, of a level of 1 or of 400 bytes, can look like."""


def series(
    random: np.random.Generator,
    size: float = 0.0,
    further: int = 0,
    noise: str = "Gaussian",
    count: int = COMMITS,
) -> Values:
    """Return a series with a step of `size` before its last `further` values."""
    values = NOISES[noise](random, count)
    values[len(values) - further :] *= 1 + size
    return values


def creep(random: np.random.Generator, rate: float) -> Values:
    """Return a series in which every value is larger by `rate` than the one before, and noise."""
    return series(random) * (1 + rate) ** np.arange(COMMITS)


@dataclass(frozen=True)
class Case:
    """A kind of series, and what is right to find in it."""

    title: str
    part: str
    """Of the table: ``false``, ``found`` or ``trend``."""
    make: Callable[[np.random.Generator], Values]
    place: int | None = None
    """Of the step."""

    def hit(self, positions: Sequence[int]) -> bool:
        """Return whether one of the positions counts."""
        return any(self.place is None or abs(p - self.place) <= NEAR for p in positions)


def cases() -> Iterator[Case]:
    """Give all kinds of series."""
    for noise in NOISES:
        yield Case(noise, "false", partial(series, noise=noise))
    for size in SIZES:
        for n in FURTHER:
            title = f"+{size:.0%} {n}"
            yield Case(title, "found", partial(series, size=size, further=n), COMMITS - n)
    before, n = YOUNG
    make = partial(series, size=SIZES[0], further=n, count=before + n)
    yield Case(f"+{SIZES[0]:.0%} {n} after {before}", "found", make, before)
    for rate in CREEPS:
        yield Case(f"+{rate:.1%} a commit", "trend", partial(creep, rate=rate))


def simulate(count: int, seed: int) -> dict[str, Any]:
    """Return, for each detector, in how many of `count` series of each kind something is found."""
    every = [*cases()]
    hits: dict[str, Any] = {name: {"false": {}, "found": {}, "trend": {}} for name in DETECTORS}
    for number, case in enumerate(every):
        for name in DETECTORS:
            hits[name][case.part][case.title] = 0
        for one in range(count):
            values = case.make(np.random.default_rng([seed, number, one]))
            for name, detect in DETECTORS.items():
                steps, trends = detect(values)
                right = {"false": [*steps, *trends], "found": steps, "trend": trends}
                hits[name][case.part][case.title] += case.hit(right[case.part])
            progress(f"case {number + 1} of {len(every)}: series {one + 1} of {count}")
    progress("")
    return {"commits": COMMITS, "noise": NOISE, "series": count, "seed": seed, "detectors": hits}


def table(found: dict[str, Any]) -> str:
    """Return the figures as text."""
    count, hits = found["series"], found["detectors"]

    def rows(part: str) -> str:
        lines = [
            [title, *(f"{100 * hits[name][part][title] / count:.3g}" for name in hits)]
            for title in next(iter(hits.values()))[part]
        ]
        return columns(lines, ["% of series", *hits], "l" + "r" * len(hits))

    return "\n".join(
        [
            f"{count} series of {found['commits']} commits each, seed {found['seed']}.",
            "",
            "False alarms: a step or a trend found in noise of several kinds that has none",
            rows("false"),
            "",
            f"Power: steps found within {NEAR} commits of their place, Gaussian noise of "
            f"{found['noise']:.0%};",
            "size, commits measured from the step on",
            rows("found"),
            "",
            "Trends: series in which every commit is slower, found as a trend",
            rows("trend"),
        ]
    )
