"""What the ratios of pairs of processes say: the statistics of a verdict.

A pair gives one value for each benchmark: the logarithm of head over base. Pairs are independent
of each other, and paired t-tests on them keep their promise where tests on samples that share a
process do not. A verdict has two stages:

1. **Screen.** Every benchmark gets some pairs. What is clearly the same is done. What may differ
   or stays unclear is only a suspect: with hundreds of benchmarks some look slower by chance.
   Three pairs hardly tell how much one benchmark scatters, but all of them do: each variance is
   drawn towards the typical one (the moderated t-test of G. Smyth, 2004, with a fixed weight).
2. **Confirm.** Suspects are measured again, in fresh processes, and only these new pairs are
   tested: by having chosen the suspects nothing is won or lost in them. Benjamini and Hochberg's
   procedure over all suspects keeps the false discovery rate at `RATE`, shared by the looks at the
   data; where nothing has changed, that is the share of runs with any false alarm. An effect must
   also be as large as matters: `least`, or half of what single pairs scatter.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from scipy import special, stats

RATE = 0.01
"""False discovery rate that is allowed, of slower and faster together."""
SCREEN = 3, 8
"""Pairs of the first stage, at least and at most."""
SAME_FROM = 5
"""Pairs from which on they can be the same. Where processes have one of two layouts, fewer often
happen to have the same one."""
SUSPECT = 0.1
"""Chance of a mean as far from 0 where nothing has changed, below which it is a suspect at once."""
STRONG = 0.01
"""Likewise; below it a suspect is measured before all others."""
WEIGHT = 4
"""Pairs that the typical scatter counts as, in the first stage."""
SEVERAL = 5
"""Fewer benchmarks do not tell what is typical."""
LOOKS = 6, 12, 24, 48, 96
"""Pairs after which the second stage is judged."""
EARLY = 24
"""Pairs of the second stage after which those are left that cannot be decided by its last look."""
OPTIMISM = 0.8
"""So much of its scatter is taken for true before a benchmark is left."""
VALUES = 3
"""Pairs after which a value that is no time can be the same."""
OWN = 0.8
"""Confidence of the bound of its own scatter that a benchmark's interval must hold, too, before it
is the same: a typical scatter that is borrowed would call a noisy one the same."""
TAIL = 5
"""So many times as large as other effects must be one of the mean, or of the slowest turns, where
the median shows none: a busy machine makes single turns slow."""
SAME = 0.95
"""Confidence of the interval that must lie within what does not matter."""


@dataclass(frozen=True)
class Estimate:
    """What pairs say of one benchmark, as logarithms of ratios."""

    pairs: int
    mean: float
    scatter: float
    """Standard deviation of one pair."""
    freedom: int
    """Degrees of freedom of the scatter."""

    @property
    def error(self) -> float:
        """Standard error of the mean."""
        return self.scatter / math.sqrt(self.pairs)

    def interval(self, confidence: float = SAME) -> tuple[float, float]:
        """Return the ends of the mean's interval; infinite for one pair."""
        if self.pairs < 2:
            return -math.inf, math.inf
        reach = float(special.stdtrit(self.freedom, 0.5 + confidence / 2)) * self.error
        return self.mean - reach, self.mean + reach

    def p_value(self) -> float:
        """Return the probability of a mean as far from 0 where there is no effect, both sides."""
        if self.pairs < 2:
            return 1.0
        if self.error == 0:
            return 1.0 if self.mean == 0 else 0.0
        return 2 * float(special.stdtr(self.freedom, -abs(self.mean) / self.error))

    def matters(self, least: float) -> float:
        """Return the smallest effect that counts."""
        return max(math.log1p(least), self.scatter / 2)

    def smallest(self, least: float, chance: float) -> float:
        """Return the smallest effect that would have been seen with a probability of 80 %.

        `chance` is the p-value below which one is seen. Both must be passed: it, whose t is then
        distributed about the effect, and the smallest effect that counts.
        """
        if self.pairs < 2:
            return math.inf
        found, seen = special.stdtrit(self.freedom, [1 - chance / 2, 0.8])
        significant = float(special.nctdtrinc(self.freedom, 0.2, found)) * self.error
        return max(self.matters(least) + float(seen) * self.error, significant)

    def bounded_by_own(self, own: Estimate) -> Estimate:
        """Return the estimate with at least the upper bound of its `own` scatter, drawn to none."""
        bound = own.scatter * math.sqrt(own.freedom / special.chdtri(own.freedom, OWN))
        return replace(self, scatter=max(self.scatter, float(bound)))

    def needed(self, least: float) -> int:
        """Return the pairs, at least, after which it could be the same."""
        t = float(special.stdtrit(self.freedom, 0.5 + SAME / 2))
        return math.ceil((t * self.scatter / math.log1p(least)) ** 2)

    def hopeless(self, least: float) -> bool:
        """Return whether the last look will call it neither the same nor different."""
        hopeful = replace(self, scatter=OPTIMISM * self.scatter)
        far = abs(self.mean) + self.error
        return hopeful.needed(least) > LOOKS[-1] and far < hopeful.matters(least)

    def drawn_to(self, typical: float) -> Estimate:
        """Return the estimate with its scatter drawn towards the `typical` one."""
        squares = WEIGHT * typical**2 + self.freedom * self.scatter**2
        freedom = WEIGHT + self.freedom
        return replace(self, scatter=math.sqrt(squares / freedom), freedom=freedom)


def estimate(ratios: Sequence[float]) -> Estimate:
    """Return what `ratios`, one a pair, say."""
    logs = [math.log(ratio) for ratio in ratios]
    mean = math.fsum(logs) / len(logs)
    squares = math.fsum((value - mean) ** 2 for value in logs)
    freedom = max(1, len(logs) - 1)
    return Estimate(len(logs), mean, math.sqrt(squares / freedom), freedom)


def typical(found: Iterable[Sequence[float]]) -> float | None:
    """Return the median scatter of benchmarks, each of some ratios; None where they are few."""
    scatters = [estimate(ratios).scatter for ratios in found if len(ratios) >= SCREEN[0]]
    return statistics.median(scatters) if len(scatters) >= SEVERAL else None


def screened(ratios: Sequence[float], typical: float | None) -> Estimate:
    """Return what the ratios of the first stage say, leaning on the `typical` scatter."""
    found = estimate(ratios)
    return found if typical is None else found.drawn_to(typical)


def screen(ratios: Sequence[float], least: float, typical: float | None) -> str:
    """Return ``same``, ``suspect``, or ``open`` where more pairs are needed."""
    if len(ratios) < SCREEN[0]:
        return "open"
    found = screened(ratios, typical)
    low, high = found.bounded_by_own(estimate(ratios)).interval()
    edge = math.log1p(least)
    if len(ratios) >= SAME_FROM and -edge < low and high < edge:
        return "same"
    # Half of what matters, or an effect of just that size would be missed every second time.
    if abs(found.mean) >= edge / 2 and found.p_value() < SUSPECT:
        return "suspect"
    # What is not clear by now needs more turns and more pairs than all can have.
    return "open" if len(ratios) < SCREEN[1] else "suspect"


def slow_tail(ratios: Sequence[float], least: float) -> bool:
    """Return whether the means, or the slowest turns, of pairs look slower than they may."""
    if len(ratios) < SAME_FROM:
        return False
    found = estimate(ratios)
    return found.mean >= math.log1p(TAIL * least) and found.p_value() < SUSPECT


def strong(screening: Sequence[float], confirming: Sequence[float], typical: float | None) -> bool:
    """Return whether a suspect looks so different that it should be known first."""
    if len(confirming) >= LOOKS[0]:
        return estimate(confirming).p_value() < STRONG
    return screened(screening, typical).p_value() < STRONG


def alone(suspects: int) -> float:
    """Return the p-value that one of so many suspects needs if no other is discovered."""
    return RATE / len(LOOKS) / max(1, suspects)


def discoveries(p_values: Mapping[str, float], rate: float, of: int) -> set[str]:
    """Return those that Benjamini and Hochberg's procedure calls discoveries at `rate`, of `of`."""
    rest = [1.0] * (of - len(p_values))
    adjusted = stats.false_discovery_control([*p_values.values(), *rest])
    return {name for name, p in zip(p_values, adjusted, strict=False) if p <= rate}


def confirm(
    found: Mapping[str, Sequence[float]], least: float, rate: float = RATE
) -> dict[str, str]:
    """Judge the suspects by their new pairs: ``slower``, ``faster``, ``same`` or ``open``.

    Parameters
    ----------
    found : mapping
        Name of each suspect -> the ratios of its new pairs.
    """
    verdicts = dict.fromkeys(found, "open")
    for look in LOOKS:
        # What a look has decided stays so; each look has its share of the rate.
        seen = {name: estimate(r[:look]) for name, r in found.items() if len(r) >= look}
        if not seen:
            break
        p_values = {name: e.p_value() for name, e in seen.items()}
        kept = discoveries(p_values, rate / len(LOOKS), len(found))
        for name, e in seen.items():
            if verdicts[name] != "open":
                continue
            low, high = e.interval()
            edge = math.log1p(least)
            if name in kept and abs(e.mean) >= e.matters(least):
                verdicts[name] = "slower" if e.mean > 0 else "faster"
            elif -edge < low and high < edge:
                verdicts[name] = "same"
            elif look == LOOKS[-1] or (look >= EARLY and e.hopeless(least)):
                verdicts[name] = "undecided"
    return verdicts


def grown(base: Sequence[float], head: Sequence[float], least: float, of: int = 1) -> bool | None:
    """Return whether a value that is no time, such as an error or memory, is surely larger.

    None: there are too few values. Larger means every value of the head beyond every value of the
    base, and the smallest of them by more than `least`, relative. Where nothing has changed, any
    order of the values is as likely, so there must be so many that this one is a chance of `RATE`,
    shared by the `of` values that are judged.
    """
    if len(base) < VALUES:
        return None
    if not (min(head) > max(base) and min(head) - max(base) > least * abs(max(base))):
        return False
    orders = math.comb(len(base) + len(head), len(base))
    return True if orders * RATE >= of else None
