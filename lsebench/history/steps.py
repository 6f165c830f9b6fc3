"""Where one series changes its level: the pure statistics of the history.

Many steps are proposed, and two tests must both agree to one:

1. **Proposed** is what circular binary segmentation finds (:func:`_propose`), with so low a
   threshold that it misses next to nothing.
2. **Each is moved** to where, between its neighbours, it explains most (least squares).
3. **A step is kept** if two chances are small at any place of the series: that of Student's t, for
   means of *autocorrelated* values (:func:`_by_means`), and that of a count that asks nothing of
   the noise's distribution (:func:`_by_counts`). One knows waves, the other spikes. This goes
   backwards: the weakest step is dropped and all others are moved and judged anew, until none is
   weak; so a step and its repair are judged together.

What rises or falls a little with every commit has no step. Within each level a **trend** is looked
for (:func:`_trend`), and where one line explains more than all steps do, it takes their place.

The noise is taken for a first-order autoregressive process, AR(1). :func:`_variance_of_mean` is the
variance of a mean of its values, the usual effective sample size (Bayley and Hammersley, 1946). The
correlation estimated from a short series is too small (Kendall, 1954), the more so the more levels
were fitted to it; and a step found by searching fits the noise best of all. Hence the corrections
in :func:`_correlation`, and the share of what the correlation is with the step left in. Their size
and :data:`LEVEL` were chosen by simulation: ``python -m lsebench history --simulate`` measures what
they do.
"""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, stats

LEVEL = 1e-2
"""Chance that each of the two tests may give noise. They agree in fewer than 0.5 % of series."""
PROPOSED = 3.0
"""Student's t from which a step is proposed."""
SHARE = 0.7
"""Of the correlation with the step taken out, in that with which the step is judged."""
SMALLEST = 0.01
"""Smaller steps, relative to the level before, are not worth a look."""
FEWEST = 3
"""Values at a level: one or two cannot be told from an outlier."""
WINDOW = 5
"""Outliers are judged by the median of so many values: shorter excursions than half of it."""
OUTLIER = 5.0
"""Standard deviations from that median."""
FEW = 0.1
"""Where a larger share of the values would be outliers, they are the series' noise."""

TREND_LEVEL = 2e-3
"""Chance that the order of noise looks like a trend."""
BLOCKS = 8
"""Whose medians a trend must order; so long ones have little to do with the one before."""
SHORTEST = 40
"""Values at a level: fewer say nothing of a trend."""
CLEAR = 3.0
"""Standard deviations from the line that a trend must amount to in all."""

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Step:
    """A change of level that the noise of the series does not explain."""

    before: int
    """Index of the last value at the old level."""
    position: int
    """Index of the first value at the new one; where values are missing, not the next index."""
    old: float
    new: float
    """The two levels; geometric means, where all values are positive."""
    ratio: float | None
    """New to old; None where either is 0 or below: there it says nothing."""
    confidence: float
    """1 minus the larger of the chances that a series without a step has one like it anywhere."""


@dataclass(frozen=True)
class Trend:
    """A level that rises or falls with every commit."""

    first: int
    last: int
    """Indices of its first value and of its last."""
    old: float
    new: float
    """The line through it at both; on a logarithmic scale, where all values are positive."""
    ratio: float | None
    """New to old; None where either is 0 or below."""
    confidence: float
    """1 minus the chance that values without a trend are in such an order."""


@dataclass(frozen=True)
class Findings:
    """What one series has."""

    steps: tuple[Step, ...] = ()
    trends: tuple[Trend, ...] = ()


def find(
    values: Sequence[float | None],
    *,
    level: float = LEVEL,
    smallest: float = SMALLEST,
    fewest: int = FEWEST,
) -> Findings:
    """Return the steps and the trends of one series, up and down, each oldest first.

    Parameters
    ----------
    values : sequence of float
        In the order of the revisions; nan, None or infinite where there is no value.
    level : float
        Chance of a false alarm that each of the tests of a step may have.
    smallest : float
        Smaller steps and trends, relative to the level before, are left out.
    fewest : int
        Values that a level must have.
    """
    given = np.array([math.nan if value is None else value for value in values], dtype=float)
    (there,) = np.nonzero(np.isfinite(given))
    if len(there) < 2 * fewest:
        return Findings()
    scale = _Scale(given[there])
    raw = scale.values
    y = _without_outliers(raw)
    cuts = _refine(y, _propose(y, fewest))
    if cuts and len(y) - cuts[-1] < fewest:  # too new to judge, and no noise of the level before,
        last = cuts.pop()
        if last - max(cuts, default=0) >= fewest:  # unless that is as new
            raw, y = raw[:last], y[:last]
    cuts, chances = _keep(raw, y, cuts, scale, level, smallest, fewest)
    cuts = _without_stairs(y, cuts)
    means = _means(y, cuts)
    steps = [
        Step(
            before=int(there[cut - 1]),
            position=int(there[cut]),
            old=scale.level(means[i]),
            new=scale.level(means[i + 1]),
            ratio=scale.ratio(means[i], means[i + 1]),
            confidence=1 - chances[cut],
        )
        for i, cut in enumerate(cuts)
    ]
    trends = [
        Trend(
            first=int(there[start]),
            last=int(there[end - 1]),
            old=scale.level(line.old),
            new=scale.level(line.new),
            ratio=scale.ratio(line.old, line.new),
            confidence=1 - line.chance,
        )
        for start, end in itertools.pairwise([0, *cuts, len(y)])
        if (line := _trend(y, start, end)) and scale.size(line.old, line.new) >= smallest
    ]
    return Findings(tuple(steps), tuple(trends))


class _Scale:
    """Where noise is relative and a step is a ratio, as of times: logarithms of positive values.

    Others are divided by the largest, so that no sum of them is beyond the largest float.
    """

    def __init__(self, given: Values) -> None:
        self.logarithmic = bool(np.all(given > 0))
        self.unit = 1.0 if self.logarithmic else float(np.max(np.abs(given))) or 1.0
        self.values: Values = np.log(given) if self.logarithmic else given / self.unit

    def level(self, y: float) -> float:
        return math.exp(min(y, LARGEST)) if self.logarithmic else y * self.unit

    def ratio(self, old: float, new: float) -> float | None:
        if self.logarithmic:
            return math.exp(min(new - old, LARGEST))
        return new / old if old > 0 and new > 0 else None

    def size(self, old: float, new: float) -> float:
        """Return the change relative to the level before; inf from 0."""
        if self.logarithmic:
            return abs(math.expm1(min(new - old, LARGEST)))
        return abs(new - old) / abs(old) if old else math.inf


LARGEST = math.log(sys.float_info.max)


def _keep(
    raw: Values,
    y: Values,
    cuts: list[int],
    scale: _Scale,
    level: float,
    smallest: float,
    fewest: int,
) -> tuple[list[int], dict[int, float]]:
    """Return the cuts that both tests keep, and the chance of each."""
    chances: list[float] = []
    while cuts:
        pairs = zip(_by_means(y, cuts, fewest), _by_counts(raw, cuts, fewest), strict=True)
        chances = [max(pair) for pair in pairs]
        sizes = [scale.size(*pair) for pair in itertools.pairwise(_means(y, cuts))]
        short = _beside_short(cuts, len(y), fewest)
        if short:
            weakest = max(short, key=lambda i: chances[i])
        elif max(chances) > level:
            weakest = int(np.argmax(chances))
        elif min(sizes) < smallest:
            weakest = int(np.argmin(sizes))
        else:
            break
        cuts = _refine(y, _without(cuts, weakest))
    return cuts, dict(zip(cuts, chances, strict=False))


def _without_outliers(y: Values) -> Values:
    """Return `y` with lone spikes replaced by the median around them (Hampel's filter)."""
    around = ndimage.median_filter(y, WINDOW, mode="mirror")
    away = np.abs(y - around)
    deviation = _deviation(away)
    outliers = away > max(OUTLIER * deviation, _rounding(y))
    return np.where(outliers, around, y) if outliers.mean() <= FEW else y


def _deviation(away: Values) -> float:
    """Return the standard deviation that the median of the distances has of a normal one."""
    return 1.4826 * float(np.median(np.abs(away)))


def _rounding(y: Values) -> float:
    """Return the size below which differences are those of arithmetic."""
    return 1e-12 * max(1.0, float(np.max(np.abs(y))))


def _propose(y: Values, fewest: int) -> list[int]:
    """Return where a level may begin: circular binary segmentation.

    Of every two places in a part, it takes those between which the mean differs most from that of
    the rest, by Student's t, and goes on in the parts that they make. Source: Olshen, Venkatraman,
    Lucito and Wigler, Biostatistics 5 (2004), 557.
    """
    found, parts = [], [(0, len(y))]
    while parts:
        start, end = parts.pop()
        n = end - start
        if n < 2 * fewest:
            continue
        part = y[start:end] - np.mean(y[start:end])
        sums = np.concatenate([[0.0], np.cumsum(part)])
        best, pair = 0.0, (0, n)
        for i in range(n - fewest + 1):
            j = np.arange(i + fewest, min(n, n + i - fewest) + 1)
            inside = j - i
            explained = (sums[j] - sums[i]) ** 2 * n / (inside * (n - inside))
            k = int(np.argmax(explained))
            if explained[k] > best:
                best, pair = float(explained[k]), (i, int(j[k]))
        left = float(np.sum(part**2)) - best
        if best > PROPOSED**2 * max(left, 0.0) / (n - 2) and best > n * _rounding(y) ** 2:
            cuts = [start + place for place in pair if 0 < place < n]
            found += cuts
            parts += itertools.pairwise([start, *cuts, end])
    return sorted(set(found))


def _refine(y: Values, cuts: list[int]) -> list[int]:
    """Move each cut to where, between its neighbours, two levels fit best; twice round."""
    cuts = list(cuts)
    for i in [*range(len(cuts))] * 2:
        left = cuts[i - 1] if i else 0
        right = cuts[i + 1] if i + 1 < len(cuts) else len(y)
        n = right - left
        if n < 2:
            continue
        m = np.arange(1, n)
        sums = np.cumsum(y[left:right] - np.mean(y[left:right]))[:-1]
        cuts[i] = left + 1 + int(np.argmax(sums**2 / (m * (n - m))))
    return sorted({cut for cut in cuts if 0 < cut < len(y)})


def _by_means(y: Values, cuts: list[int], fewest: int) -> list[float]:
    """Return, for each cut, the chance that AR(1) noise alone makes a step like it anywhere."""
    n, lengths, means = len(y), _lengths(cuts, len(y)), _means(y, cuts)
    rest = _rest(y, cuts)
    with_all = _correlation(y, cuts)
    found = []
    for i in range(len(cuts)):
        # Taking a step out hides some correlation; leaving it in takes a true step for some.
        correlation = SHARE * with_all + (1 - SHARE) * _correlation(y, _without(cuts, i))
        variances = [_variance_of_mean(length, correlation) for length in lengths]
        # Each mean takes its share of the squares away.
        taken = sum(m * variance for m, variance in zip(lengths, variances, strict=True))
        deviation = math.sqrt(float(np.sum(rest**2)) / max(n - taken, n / 5))
        # So many independent values would tell as much (Bayley and Hammersley, 1946).
        freedom = max(4.0, n * (1 - correlation) / (1 + correlation) - len(lengths))
        error = max(deviation, _rounding(y)) * math.sqrt(variances[i] + variances[i + 1])
        t = abs(means[i + 1] - means[i]) / error
        found.append(_anywhere(float(stats.t.sf(t, freedom)), n, fewest))
    return found


def _by_counts(raw: Values, cuts: list[int], fewest: int) -> list[float]:
    """Return, for each cut, the chance that any noise, if independent, makes a step like it.

    It asks how often values of all other levels are as far from the median beside the step as those
    of its shorter side, and how probable it is that so many of these would be: the prediction of a
    beta-binomial model (Gelman et al., Bayesian Data Analysis, 2.4) whose prior is :data:`SPIKES`,
    the smallest over all distances. Three spikes in a row do not count where spikes are frequent.
    """
    n = len(raw)
    parts = np.split(raw, cuts)
    medians = [float(np.median(part)) for part in parts]
    rest = [part - median for part, median in zip(parts, medians, strict=True)]
    found = []
    for i in range(len(cuts)):
        short, beside = (i, i + 1) if len(parts[i]) < len(parts[i + 1]) else (i + 1, i)
        up = 1 if medians[short] > medians[beside] else -1
        here = np.sort(up * (parts[short] - medians[beside]))
        others = np.sort(up * np.concatenate([part for j, part in enumerate(rest) if j != short]))
        from_here = here - _rounding(raw)
        so_many = len(here) - np.searchsorted(here, from_here)
        of_others = len(others) - np.searchsorted(others, from_here)
        beta = of_others + SPIKES, len(others) - of_others + 1 - SPIKES
        chance = float(np.min(stats.betabinom.sf(so_many - 1, len(here), *beta)))
        # Where it ends was searched for, too, if the series goes on behind it.
        ends = n if 0 < short < len(cuts) else 1
        found.append(_anywhere(ends * chance, n, fewest))
    return found


SPIKES = 0.1
"""Share of values that are spikes, as far as one value would tell."""


def _anywhere(chance: float, n: int, fewest: int) -> float:
    """Return the chance of the like at any place of `n` values, up or down (Bonferroni)."""
    return min(1.0, 2 * (n - 2 * fewest + 1) * chance)


class _Line(NamedTuple):
    """A straight line through the values of one level."""

    old: float
    new: float
    """At the first and at the last of them."""
    chance: float
    left: float
    """Sum of the squares of what it does not explain."""


def _trend(y: Values, start: int, end: int) -> _Line | None:
    """Return the line of a trend from `start` to before `end`, if there is one.

    Kendall's rank correlation (Biometrika, 1938), as Mann's test of a trend has it (Econometrica,
    1945), of the medians of :data:`BLOCKS` blocks; the line is that of Theil and Sen (Sen, J. Am.
    Stat. Assoc., 1968). Neither spikes nor the waves of AR(1) noise within a block move them much.
    """
    if end - start < SHORTEST:
        return None
    part = y[start:end]
    medians = [float(np.median(block)) for block in np.array_split(part, BLOCKS)]
    chance = float(stats.kendalltau(range(BLOCKS), medians).pvalue)
    if not chance <= TREND_LEVEL:  # nan, where all are equal
        return None
    slope, intercept, *_ = stats.theilslopes(part)
    line = intercept + slope * np.arange(len(part))
    away = part - line
    deviation = _deviation(away)
    if abs(line[-1] - line[0]) < CLEAR * max(deviation, _rounding(y)):
        return None
    return _Line(float(line[0]), float(line[-1]), chance, float(np.sum(away**2)))


def _without_stairs(y: Values, cuts: list[int]) -> list[int]:
    """Return `cuts` without those where one line explains more than the levels, widest first."""
    bounds = [0, *cuts, len(y)]
    for width in range(len(cuts), 0, -1):
        for i in range(len(cuts) - width + 1):
            start, end, stairs = bounds[i], bounds[i + width + 1], cuts[i : i + width]
            line = _trend(y, start, end)
            if not line:
                continue
            left = float(np.sum(_rest(y[start:end], [cut - start for cut in stairs]) ** 2))
            # Schwarz's criterion: each step is two numbers more that were fitted, a line is one.
            more = (end - start) ** ((2 * width - 1) / (end - start))
            if line.left < more * left:
                return _without_stairs(y, [cut for cut in cuts if cut not in stairs])
    return cuts


def _correlation(y: Values, cuts: list[int]) -> float:
    """Return the lag-1 correlation of `y` about its levels, rather too large than too small.

    It is raised by what a mean taken from the same values hides (Kendall), by twice the like of it
    for each step, which was searched for and not given, and by one standard error.
    """
    n = len(y)
    rest = _rest(y, cuts)
    squares = float(np.sum(rest**2))
    if squares <= n * _rounding(y) ** 2:  # exact values, as bytes are
        return 0.0
    found = float(np.sum(rest[1:] * rest[:-1])) / squares
    found += (1 + 3 * found + 2 * len(cuts)) / n + 1 / math.sqrt(n)
    return min(max(found, 0.0), 0.99)


def _variance_of_mean(m: int, correlation: float) -> float:
    """Return the variance of the mean of `m` values of AR(1) noise of variance 1."""
    r = correlation
    return ((1 + r) / (1 - r) - 2 * r * (1 - r**m) / (m * (1 - r) ** 2)) / m


def _lengths(cuts: list[int], n: int) -> list[int]:
    return [right - left for left, right in itertools.pairwise([0, *cuts, n])]


def _rest(y: Values, cuts: list[int]) -> Values:
    """Return what is left of `y` when the means of its levels are taken away."""
    rest: Values = y - np.repeat(_means(y, cuts), _lengths(cuts, len(y)))
    return rest


def _means(y: Values, cuts: list[int]) -> list[float]:
    return [float(np.mean(part)) for part in np.split(y, cuts)]


def _beside_short(cuts: list[int], n: int, fewest: int) -> list[int]:
    """Return the numbers of the cuts beside a level of fewer than `fewest` values."""
    short = [length < fewest for length in _lengths(cuts, n)]
    return [i for i in range(len(cuts)) if short[i] or short[i + 1]]


def _without(cuts: list[int], number: int) -> list[int]:
    return cuts[:number] + cuts[number + 1 :]
