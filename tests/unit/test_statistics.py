"""The statistics of a verdict, on simulated data whose truth is known."""

import argparse
import math
import random
from types import SimpleNamespace

import pytest
from scipy import stats

from lsebench.gate import statistics
from lsebench.gate.compare_commits import Row, State, _waiting
from lsebench.gate.rows import TAIL
from lsebench.gate.side_by_side import Key, Pair

OPTIONS = argparse.Namespace(min_effect=2, min_growth=10)


def simulate(effects, scatter, seed, pairs=120):
    """Decide a whole run by simulated pairs; return benchmark -> verdict.

    effects: the true ratio of each benchmark; scatter: the noise of one pair, a function of chance.
    """
    chance = random.Random(seed)
    built = SimpleNamespace(name="env", env_vars={})
    rows = [Row(built, Key(f"b{n}", None, ())) for n in range(len(effects))]
    state = State(rows, OPTIONS, {})
    for _ in range(pairs):
        verdicts = state.verdicts()
        waiting = [row for row in rows if verdicts[row.name] in ("open", "suspect")]
        if not waiting:
            return [verdicts[row.name] for row in rows]
        for row in waiting:
            stage = "confirm" if verdicts[row.name] == "suspect" else "screen"
            ratio = effects[int(row.key.name[1:])] * math.exp(scatter(chance))
            row.pairs[stage].append(Pair(row.key, 1.0, ratio, ratio))
    raise AssertionError("it never ends")


def normal(deviation):
    return lambda chance: chance.gauss(0, deviation)


def outliers(chance):
    """Half a percent, but in every tenth pair ten times as much."""
    return chance.gauss(0, 0.05 if chance.random() < 0.1 else 0.005)


@pytest.mark.parametrize(
    "scatter",
    [normal(0.003), normal(0.01), normal(0.03), outliers],
    ids=["0.3%", "1%", "3%", "mixed"],
)
def test_nothing_has_changed(scatter):
    verdicts = [simulate([1.0] * 120, scatter, seed) for seed in range(15)]
    false = sum("slower" in found for found in verdicts)
    assert false <= 1, "one run in twenty at most"
    assert sum(found.count("faster") for found in verdicts) <= 1


@pytest.mark.parametrize(
    ("effect", "deviation", "least"),
    [
        (1.05, 0.01, 0.97),
        (1.03, 0.004, 0.97),
        (1.03, 0.01, 0.97),
        (1.03, 0.03, 0.95),
        (1.03, 0.05, 0.75),
        (1.10, 0.03, 0.95),
    ],
)
def test_slowdowns_are_found(effect, deviation, least):
    found = [
        verdict
        for seed in range(25)
        for verdict in simulate([effect] * 4 + [1.0] * 36, normal(deviation), seed)[:4]
    ]
    assert found.count("slower") >= least * len(found)
    assert "faster" not in found


def test_what_is_faster_is_said_too():
    assert simulate([0.9, 1.0], normal(0.005), 3) == ["faster", "same"]


def test_below_what_matters_is_no_slowdown():
    """1 % is there, and does not count."""
    found = [v for seed in range(20) for v in simulate([1.01] * 5, normal(0.003), seed)]
    assert found.count("slower") == 0
    assert found.count("same") > 90


def test_noise_makes_undecided_not_the_same():
    found = simulate([1.0] * 30, normal(0.15), 4)
    assert "slower" not in found
    assert found.count("undecided") > found.count("same")


def test_what_96_pairs_cannot_decide_is_left_early():
    chance = random.Random(8)
    noisy = [[math.exp(chance.gauss(0, 0.3)) for _ in range(24)] for _ in range(100)]
    left = statistics.confirm({str(n): ratios for n, ratios in enumerate(noisy)}, 0.02)
    assert list(left.values()).count("undecided") > 50
    slow = {str(n): [1.3 * ratio for ratio in ratios] for n, ratios in enumerate(noisy)}
    assert list(statistics.confirm(slow, 0.02).values()).count("undecided") < 5
    quiet = {str(n): [ratio**0.1 for ratio in ratios] for n, ratios in enumerate(noisy)}
    assert "undecided" not in statistics.confirm(quiet, 0.02).values()


def order(measured, busy=(), changed=(), parts=()):
    """Return the order of measuring of benchmarks: name -> ratios of both stages."""
    built = SimpleNamespace(name="env", env_vars={})
    rows = []
    for name, stages in measured.items():
        key = Key("b", None, (f"'{name}:power'",))
        rows.append(Row(built, key, dict(parts).get(name, 0)))
        for stage, ratios in zip(("screen", "confirm"), stages, strict=True):
            rows[-1].pairs[stage] += [Pair(rows[-1].key, 1.0, r, r) for r in ratios]
    state = State(rows, OPTIONS, {}, set(changed))
    found = _waiting(state, state.verdicts(), {f"{name} env 0" for name in busy})
    return [group.partition(" ")[0] for group, _ in found]


def test_the_most_different_comes_first_then_the_least_known():
    measured = {
        "open": ([1.0, 1.05, 0.97, 1.0], []),
        "new": ([1.0], []),
        "weak": ([1.02, 1.03, 1.02], [1.0, 0.96, 1.05, 0.99, 1.02, 0.97]),
        "strong": ([1.10, 1.11, 1.10], [1.10]),
        "busy": ([], []),
    }
    assert order(measured, busy=["busy"]) == ["strong", "new", "open", "weak", "busy"]


def test_a_later_part_of_the_profile_waits_until_the_first_is_screened():
    pairs = [1.0, 1.05, 0.97, 1.04, 0.98, 1.03, 0.96]
    measured = {"late": ([], []), "first": (pairs, []), "weak": ([*pairs, 1.02], [1.01])}
    assert order(measured, parts={"late": 1}) == ["first", "late", "weak"]
    assert order(measured) == ["late", "first", "weak"]
    measured["late"] = [1.2, 1.21, 1.2], [1.2]
    assert order(measured, parts={"late": 1})[0] == "late", "but for what looks most different"


@pytest.mark.parametrize("changed", ["numba_tuned", "_numba_tuned", "logsumexp_numba_tuned"])
def test_what_the_change_has_touched_gets_more_pairs(changed):
    pairs = [1.0, 1.05, 0.97]
    measured = {"numba": (pairs, []), "new": (pairs[:1], []), "numba_tuned": (2 * pairs, [])}
    assert order(measured) == ["new", "numba", "numba_tuned"]
    assert order(measured, changed=[changed, "README"]) == ["new", "numba_tuned", "numba"]
    measured["numba_tuned"] = 3 * pairs, [1.0]
    assert order(measured, changed=[changed]) == ["new", "numba", "numba_tuned"], "not for ever"


def test_interval_and_p_value_are_student_s():
    logs = [0.01, 0.03, 0.02, 0.05]
    found = statistics.estimate([math.exp(value) for value in logs])
    truth = stats.ttest_1samp(logs, 0)
    assert found.p_value() == pytest.approx(truth.pvalue)
    assert found.interval(0.9) == pytest.approx(truth.confidence_interval(0.9))


def test_few_pairs_lean_on_what_is_typical():
    """Three pairs that happen to agree are not believed, nor three that happen to scatter."""
    agree, scattered = [1.008, 1.008, 1.0081] * 2, [1.01, 0.997, 0.992] * 2
    assert statistics.screen(agree, 0.02, 0.0) == "same"
    assert statistics.screen(agree, 0.02, 0.02) != "same"
    assert statistics.screen(scattered, 0.02, 0.05) == "open"
    assert statistics.screen(scattered, 0.02, 0.002) == "same"
    assert statistics.screen(agree[:4], 0.02, 0.0) != "same", "four may have one layout by chance"
    noisy = [1.03, 0.99, 0.985, 1.0, 1.01]
    assert statistics.screened(noisy, 0.002).interval()[1] < math.log(1.02)
    assert statistics.screen(noisy, 0.02, 0.002) != "same", "its own scatter counts, too"
    some = [[1.0], [1.01, 0.99, 1.0], [1.02, 0.98, 1.0], []]
    assert statistics.typical(some) is None, "two are not several"
    assert statistics.typical([*some, *some, *some[1:]]) == pytest.approx(0.015, rel=0.01)


def test_a_benchmark_alone_leans_on_nothing():
    agree = [1.010, 1.010, 1.0101]
    assert statistics.screened(agree, None) == statistics.estimate(agree)
    assert statistics.screened(agree, 0.01).freedom == statistics.WEIGHT + 2


def test_what_stays_unclear_is_measured_on():
    assert statistics.screen([1.05, 0.95] * 4, 0.02, None) == "suspect"


def test_one_pair_says_nothing():
    found = statistics.estimate([1.5])
    assert found.interval() == (-math.inf, math.inf)
    assert found.p_value() == 1
    assert found.smallest(0.02, statistics.RATE) == math.inf


def test_ratios_without_any_noise():
    assert statistics.estimate([1.0] * 3).p_value() == 1
    assert statistics.estimate([1.1] * 3).p_value() < 1e-10
    assert statistics.screen([1.0] * 5, 0.02, 0.0) == "same"


@pytest.mark.parametrize("pairs", [6, 24, 96])
@pytest.mark.parametrize("deviation", [0.004, 0.02, 0.06])
def test_smallest_change_is_found_four_times_in_five(pairs, deviation):
    """What is said of the smallest visible change is true, wherever noise or `least` decide."""
    chance, suspects, draws = random.Random(5), 10, 3000
    true = statistics.Estimate(pairs, 0.0, deviation, pairs - 1)
    smallest, hits = true.smallest(0.02, statistics.alone(suspects)), 0
    for _ in range(draws):
        logs = [chance.gauss(smallest, deviation) for _ in range(pairs)]
        mean = math.fsum(logs) / pairs
        scatter = math.sqrt(math.fsum((x - mean) ** 2 for x in logs) / (pairs - 1))
        found = statistics.Estimate(pairs, mean, scatter, pairs - 1)
        hits += found.p_value() < statistics.alone(suspects) and mean >= found.matters(0.02)
    assert 0.72 * draws <= hits <= 0.9 * draws


@pytest.mark.parametrize("typical", [None, 0.003, 0.01])
@pytest.mark.parametrize(
    ("scatter", "most"),
    [
        (normal(0.01), 0.002),
        (normal(0.03), 0.012),
        (normal(0.05), 0.012),
        (lambda chance: chance.choice([-1, 1]) * math.log(1.03) + chance.gauss(0, 0.002), 0.06),
    ],
    ids=["1%", "3%", "5%", "two layouts"],
)
def test_what_is_three_percent_slower_is_hardly_ever_the_same(scatter, most, typical):
    """In the screen, where a typical scatter is borrowed; docs/gate.md has the rates."""
    chance, draws, same = random.Random(7), 1000, 0
    for _ in range(draws):
        ratios, verdict = [], "open"
        while verdict == "open":
            ratios.append(1.03 * math.exp(scatter(chance)))
            verdict = statistics.screen(ratios, 0.02, typical)
        same += verdict == "same"
    assert same <= most * draws


def tailed(count, median, mean, seed):
    """Decide a run of rows whose pairs have these true ratios, of the median and of the mean."""
    chance = random.Random(seed)
    found = [Row(SimpleNamespace(name="env"), Key(f"b{n}", None, ())) for n in range(count)]
    state = State(found, OPTIONS, {})
    for _ in range(60):
        verdicts = state.verdicts()
        for row in found:
            if verdicts[row.name] in ("open", "suspect"):
                stage = "confirm" if verdicts[row.name] == "suspect" else "screen"
                middle = median * math.exp(chance.gauss(0, 0.004))
                tails = [mean * math.exp(chance.gauss(0, 0.15)) for _ in range(2)]
                row.pairs[stage].append(Pair(row.key, 1.0, middle, middle, *tails))
    return list(state.verdicts().values())


def test_some_calls_slower_is_found_where_the_median_is_the_same():
    """As when every third call takes 20 ms instead of 4."""
    assert tailed(3, 1.0, 2.3, seed=1) == [TAIL] * 3


def test_the_tail_of_what_has_not_changed_is_no_finding():
    found = [verdict for seed in range(10) for verdict in tailed(30, 1.0, 1.0, seed)]
    assert TAIL not in found
    assert found.count("same") >= 0.95 * len(found)


def test_what_is_slower_as_a_whole_is_no_tail():
    assert set(tailed(3, 1.3, 1.3, seed=2)) == {"slower"}


@pytest.mark.parametrize("of", [5, 50])
def test_discoveries_are_those_of_benjamini_and_hochberg(of):
    p_values = {"a": 0.0001, "b": 0.008, "c": 0.02, "d": 0.5, "e": 0.9}
    adjusted = stats.false_discovery_control([*p_values.values(), *[1.0] * (of - 5)])
    wanted = {name for name, p in zip(p_values, adjusted, strict=False) if p <= 0.05}
    assert statistics.discoveries(p_values, 0.05, of) == wanted


def test_wider_where_the_benchmark_is_noisy():
    quiet = statistics.estimate([1.03, 1.031, 1.029])
    noisy = statistics.estimate([1.15, 0.95, 1.03])
    assert quiet.matters(0.02) == pytest.approx(math.log(1.02))
    assert noisy.matters(0.02) == noisy.scatter / 2 > 0.04


@pytest.mark.parametrize(
    ("base", "head", "answer"),
    [
        ([1.0, 1.0], [2.0, 2.0], None),
        ([1.0] * 3, [2.0] * 3, None),
        ([1.0] * 5, [2.0] * 5, True),
        ([1.0] * 3, [1.05] * 3, False),
        ([1.0, 1.0, 1.0], [2.0, 2.0, 1.0], False),
        ([0.0] * 5, [0.5] * 5, True),
        ([2.0] * 3, [1.0] * 3, False),
    ],
)
def test_growth_of_a_value(base, head, answer):
    assert statistics.grown(base, head, 0.1) is answer


def test_growth_among_many_values_is_no_chance():
    """Steps of 64 KiB in 60 rows: three values each would say so in most runs."""
    chance, runs, false = random.Random(3), 200, 0
    for _ in range(runs):
        for _ in range(60):
            base, head, grown = [], [], None
            while grown is None:
                base.append(65_536.0 * chance.randrange(8))
                head.append(65_536.0 * chance.randrange(8))
                grown = statistics.grown(base, head, 0.1, of=60)
            false += grown
    assert false <= 0.03 * runs
