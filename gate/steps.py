"""Where one series changes its level: the pure statistics of the history.

Two methods that exist propose steps, and one test of ours decides:

1. **Proposals** are those of asv's own step detection (a piecewise constant fit whose penalty is
   chosen by a likelihood that knows autocorrelation: slow to say yes) and those of Apache Otava at
   its default settings (Hunter, Fleming et al., doi:10.1145/3578244.3583719: E-divisive with
   Student's t in windows; it sees a step after few commits, but takes the waves of an
   autocorrelated series for steps).
2. **Each is moved** to where, between its neighbours, it explains most (least squares).
3. **A step is kept** if Student's t, for means of *autocorrelated* values, is beyond what chance
   gives at any place of the series. Noise and lag-1 autocorrelation are the series' own, of what
   is left when the proposed steps are taken out. This goes backwards: the weakest step is dropped
   and all others are judged anew, until none is weak; so a step and its repair are judged together.

The noise is taken for a first-order autoregressive process, AR(1). :func:`_variance_of_mean` is the
variance of a mean of its values, the usual effective sample size (Bayley and Hammersley, 1946). The
correlation estimated from a short series is too small (Kendall, 1954), the more so the more levels
were fitted to it; and a step found by searching fits the noise best of all. Hence the corrections
in :func:`_correlation`, and the share of what the correlation is with the step left in. Their size
was chosen by simulation: ``python -m gate history --simulate`` measures what they do.

Otava asks for a NumPy of its own and for clients of databases and Slack, none of which its analysis
needs: it is installed without its dependencies.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from asv.step_detect import detect_steps
from numpy.typing import NDArray
from otava.analysis import compute_change_points
from scipy import ndimage, stats

LEVEL = 2e-3
"""Chance of a false alarm in one whole series."""
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
    ratio: float
    """New to old; inf where the old level is 0."""
    confidence: float
    """1 minus the chance that a series without a step has one like this anywhere."""
    found_by: tuple[str, ...]
    """Which methods proposed it: ``asv``, ``otava``."""


def find_steps(
    values: Sequence[float | None],
    *,
    level: float = LEVEL,
    smallest: float = SMALLEST,
    fewest: int = FEWEST,
) -> list[Step]:
    """Return the steps up and down of one series, oldest first.

    Parameters
    ----------
    values : sequence of float
        In the order of the revisions; nan, None or infinite where there is no value.
    level : float
        Chance of a false alarm in a series that has no step.
    smallest : float
        Smaller steps, relative to the level before, are left out.
    fewest : int
        Values that a level must have.
    """
    given = np.array([math.nan if value is None else value for value in values], dtype=float)
    (there,) = np.nonzero(np.isfinite(given))
    if len(there) < 2 * fewest:
        return []
    # On a logarithmic scale noise is relative, as that of times is, and a step is a ratio.
    logarithmic = bool(np.all(given[there] > 0))
    y = _without_outliers(np.log(given[there]) if logarithmic else given[there])
    proposed = _propose(np.exp(y) if logarithmic else y)
    cuts = _refine(y, sorted(proposed))
    if cuts and len(y) - cuts[-1] < fewest:  # too new to judge, and no noise of the level before,
        last = cuts.pop()
        if last - max(cuts, default=0) >= fewest:  # unless that is as new
            y = y[:last]
    while cuts:
        chances = _chances(y, cuts)
        means = _means(y, cuts)
        ratios = [_ratio(*pair, logarithmic) for pair in itertools.pairwise(means)]
        sizes = [abs(ratio - 1) for ratio in ratios]
        short = _beside_short(cuts, len(y), fewest)
        if short:
            cuts = _without(cuts, max(short, key=lambda i: chances[i]))
        elif max(chances) > level:
            cuts = _without(cuts, int(np.argmax(chances)))
        elif min(sizes) < smallest:
            cuts = _without(cuts, int(np.argmin(sizes)))
        else:
            break
    if not cuts:
        return []
    levels = [math.exp(mean) if logarithmic else mean for mean in means]
    return [
        Step(
            before=int(there[cut - 1]),
            position=int(there[cut]),
            old=levels[i],
            new=levels[i + 1],
            ratio=ratios[i],
            confidence=1 - chances[i],
            found_by=_finders(proposed, cut),
        )
        for i, cut in enumerate(cuts)
    ]


def _without_outliers(y: Values) -> Values:
    """Return `y` with lone spikes replaced by the median around them (Hampel's filter)."""
    around = ndimage.median_filter(y, WINDOW, mode="mirror")
    away = np.abs(y - around)
    deviation = 1.4826 * float(np.median(away))  # of a normal distribution, from the median
    outliers = away > max(OUTLIER * deviation, _rounding(y))
    return np.where(outliers, around, y) if outliers.mean() <= FEW else y


def _rounding(y: Values) -> float:
    """Return the size below which differences are those of arithmetic."""
    return 1e-12 * max(1.0, float(np.max(np.abs(y))))


def _propose(values: Values) -> dict[int, set[str]]:
    """Return index of a first value at a new level -> the methods that propose it."""
    found: dict[int, set[str]] = {}
    for index in asv_steps(values):
        found.setdefault(index, set()).add("asv")
    for index in otava_steps(values):
        found.setdefault(index, set()).add("otava")
    return found


def asv_steps(values: Values) -> list[int]:
    """Return where asv's step detection lets a new level begin."""
    return [int(left) for left, *_ in detect_steps(values.tolist())[1:]]


def otava_steps(values: Values) -> list[int]:
    """Return the change points of Apache Otava, at its default settings."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # constant parts have no variance
        # As a list: of an array it would analyse the whole instead of each window.
        points, _ = compute_change_points(values.tolist())
    return sorted({int(point.index) for point in points})


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


def _chances(y: Values, cuts: list[int]) -> list[float]:
    """Return, for each cut, the chance that noise alone makes a step like it anywhere."""
    n, lengths, means = len(y), _lengths(cuts, len(y)), _means(y, cuts)
    rest = y - np.repeat(means, lengths)
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
        found.append(min(1.0, 2 * n * float(stats.t.sf(t, freedom))))  # Bonferroni: n places
    return found


def _correlation(y: Values, cuts: list[int]) -> float:
    """Return the lag-1 correlation of `y` about its levels, rather too large than too small.

    It is raised by what a mean taken from the same values hides (Kendall), by twice the like of it
    for each step, which was searched for and not given, and by one standard error.
    """
    n = len(y)
    rest = y - np.repeat(_means(y, cuts), _lengths(cuts, n))
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


def _means(y: Values, cuts: list[int]) -> list[float]:
    return [float(np.mean(part)) for part in np.split(y, cuts)]


def _ratio(old: float, new: float, logarithmic: bool) -> float:
    if logarithmic:
        return math.exp(new - old)
    return new / old if old > 0 else math.inf


def _beside_short(cuts: list[int], n: int, fewest: int) -> list[int]:
    """Return the numbers of the cuts beside a level of fewer than `fewest` values."""
    short = [length < fewest for length in _lengths(cuts, n)]
    return [i for i in range(len(cuts)) if short[i] or short[i + 1]]


def _without(cuts: list[int], number: int) -> list[int]:
    return cuts[:number] + cuts[number + 1 :]


def _finders(proposed: dict[int, set[str]], cut: int) -> tuple[str, ...]:
    near = [names for index, names in proposed.items() if abs(index - cut) <= FEWEST]
    return tuple(sorted(set().union(*near)))
