"""Steps in series of known truth, and suspects measured again by a simulation that knows it."""

import json
import math

import numpy as np
import pytest

from lsebench import cli
from lsebench.__main__ import main as command
from lsebench.history import history, simulation, steps
from lsebench.history.series import Series, find_all, grouped, measured_on_both_sides
from lsebench.history.steps import find

NAN = math.nan


def noisy(count=120, noise=0.01, seed=3):
    return 1 + noise * np.random.default_rng(seed).standard_normal(count)


def places(values, **options):
    return [step.position for step in find(values, **options).steps]


@pytest.mark.parametrize("noise", simulation.NOISES)
def test_one_alarm_at_most_in_50_series_without_a_step(noise):
    alarms = 0
    for seed in range(50):
        found = find(simulation.series(np.random.default_rng(seed), noise=noise))
        alarms += bool(found.steps or found.trends)
    assert alarms <= 1  # at most 0.5 % is promised: the simulation shows it on more of them


@pytest.mark.parametrize(
    ("size", "before", "least"), [(0.05, 115, 0.95), (0.03, 115, 0.80), (0.03, 60, 0.80)]
)
def test_steps_are_found_after_five_further_commits(size, before, least):
    found = 0
    for seed in range(100):
        random = np.random.default_rng([9, seed])
        values = simulation.series(random, size=size, further=5, count=before + 5)
        found += any(abs(position - before) <= 3 for position in places(values))
    assert found >= 100 * least


@pytest.mark.parametrize("rate", [-0.02, -0.003, 0.001, 0.003, 0.02])
def test_what_changes_a_little_with_every_commit_is_a_trend(rate):
    for seed in range(20):
        found = find(simulation.creep(np.random.default_rng([2, seed]), rate))
        assert not found.steps
        (trend,) = found.trends
        assert trend.first == 0
        assert trend.last in (117, 118, 119), "the last may be a new level"
        assert trend.ratio == pytest.approx((1 + rate) ** trend.last, rel=0.03)
        assert trend.new / trend.old == pytest.approx(trend.ratio)
        assert 1 - steps.TREND_LEVEL <= trend.confidence < 1


def test_a_trend_behind_a_step_begins_there():
    values = noisy(140)
    values[70:] *= 1.3 * 1.004 ** np.arange(70)
    found = find(values)
    assert [step.position for step in found.steps] == [70]
    assert [(trend.first, trend.last) for trend in found.trends] == [(70, 139)]


def test_spikes_in_a_trend_hide_it_not_and_a_step_is_no_trend():
    values = simulation.creep(np.random.default_rng(5), 0.003)
    values[::10] *= 1.5
    assert find(values).trends
    stepped = noisy()
    stepped[50:] *= 1.2
    assert not find(stepped).trends


@pytest.mark.parametrize(
    ("old", "new", "up"),
    [(-10.0, -20.0, False), (-20.0, -10.0, True), (-1000.0, -1200.0, False), (-1.0, 1.0, True),
     (1.0, -1.0, False), (0.0, -1.0, False), (0.0, 2.0, True), (2.0, 0.0, False)],
)  # fmt: skip
def test_of_levels_of_zero_or_below_no_ratio_is_told(old, new, up):
    (change,), _ = find_all([series([old] * 20 + [new] * 20)])
    step = change.step
    assert (step.position, step.old, step.new) == (20, pytest.approx(old), pytest.approx(new))
    assert step.ratio is None
    assert change.slower == up


def test_a_small_change_below_zero_is_as_small_as_above():
    assert places([-1000.0] * 20 + [-1000.5] * 20) == []
    assert places([1000.0] * 20 + [1000.5] * 20) == []


@pytest.mark.parametrize("high", [1e300, 1e308, 1.7e308])
@pytest.mark.parametrize("low", [1e-308, 1.0, -1.0, 0.0, 1e300])
def test_the_largest_floats_are_values_as_any(high, low):
    (step,) = find([low] * 10 + [high] * 10).steps if low != high else [None]
    assert step is None or (step.position, step.new) == (10, pytest.approx(high))
    assert find([high, low, high] * 20).steps == ()


def test_a_step_says_where_how_large_and_how_sure():
    values = noisy()
    values[70:] *= 1.2
    (step,) = find(values).steps
    assert (step.before, step.position) == (69, 70)
    assert step.ratio == pytest.approx(1.2, rel=0.01)
    assert step.new / step.old == pytest.approx(step.ratio)
    assert step.old == pytest.approx(1, rel=0.01)
    assert 1 - steps.LEVEL < step.confidence <= 1


def test_several_steps_up_and_down():
    values = noisy()
    values[30:] *= 1.1
    values[60:] *= 1.1
    values[100:] *= 0.9
    found = find(values).steps
    assert [step.position for step in found] == [30, 60, 100]
    assert [step.ratio for step in found] == pytest.approx([1.1, 1.1, 0.9], rel=0.02)


def test_a_step_and_its_repair():
    values = noisy()
    values[50:70] *= 1.05
    assert [step.ratio > 1 for step in find(values).steps] == [True, False]


def test_outliers_are_no_steps_and_hide_none():
    values = noisy()
    values[[10, 50, 90]] *= 3
    assert places(values) == []
    values[70:] *= 1.05
    assert places(values) == [70]


def test_what_is_missing_is_left_out():
    values = noisy()
    values[70:] *= 1.1
    values[np.random.default_rng(1).random(120) < 0.3] = NAN
    values[60:80] = NAN
    (step,) = find([None if math.isnan(value) else value for value in values]).steps
    assert step.before == np.nonzero(np.isfinite(values[:60]))[0][-1]
    assert step.position == 80 + np.nonzero(np.isfinite(values[80:]))[0][0]


@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_the_unit_does_not_matter(scale):
    values = noisy()
    values[90:] *= 1.05
    assert places(scale * values) == places(values) == [90]


@pytest.mark.parametrize(
    "values",
    [[], [1.0], [1.0, 2.0], [1.0] * 3 + [2.0] * 2, [NAN] * 20, [5.0] * 30, [0.0] * 30,
     [1.0] * 20 + [1 + 1e-15] * 20, [8000.0, 8192.0] * 40, [1.0] * 20 + [1.004] * 20],
)  # fmt: skip
def test_nothing_to_find(values):
    assert places(values) == []


@pytest.mark.parametrize(("old", "new"), [(100.0, 104.0), (8192.0, 4096.0), (0.5, 0.52)])
@pytest.mark.parametrize(("before", "after"), [(3, 3), (20, 3), (3, 20), (60, 60)])
def test_steps_of_exact_values(old, new, before, after):
    (step,) = find([old] * before + [new] * after).steps
    assert (step.position, step.ratio) == (before, pytest.approx(new / old))
    assert step.confidence >= 1 - steps.LEVEL


def test_from_zero_and_to_zero():
    (up,) = find([0.0] * 20 + [2.0] * 5).steps
    assert (up.position, up.ratio, up.old, up.new) == (20, None, 0, 2)
    (down,) = find([2.0] * 20 + [0.0] * 5).steps
    assert (down.position, down.ratio) == (20, None)


def test_a_large_step_in_a_short_series():
    values = noisy(16, noise=0.005, seed=1)
    values[10:] *= 2
    assert places(values) == [10]


def test_waves_after_a_new_step_do_not_hide_it():
    for seed in range(50):
        values = noisy(9, noise=0.002, seed=seed)
        values[5:] *= 3
        assert places(values) == [5], values


def test_options_are_heeded():
    values = noisy(noise=0.001)
    values[80:] *= 1.02
    assert places(values) == [80]
    assert places(values, smallest=0.03) == []
    values[118:] *= 1.2
    assert places(values) == [80]
    assert places(values, fewest=2) == [80, 118]
    weak = simulation.series(np.random.default_rng(1), size=0.03, further=5)
    assert places(weak) == [115]
    assert places(weak, level=1e-12) == []


@pytest.mark.parametrize("r", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("m", [1, 2, 7, 50])
def test_variance_of_a_mean_is_that_of_the_definition(m, r):
    covariance = r ** np.abs(np.subtract.outer(range(m), range(m)))
    assert steps._variance_of_mean(m, r) == pytest.approx(covariance.mean())


def test_simulated_waves_are_what_they_say():
    values = simulation.waves(np.random.default_rng(1), 20_000, 0.7)
    assert np.std(values) == pytest.approx(1, abs=0.05)
    assert np.corrcoef(values[1:], values[:-1])[0, 1] == pytest.approx(0.7, abs=0.03)


def test_the_simulation_counts_what_each_detector_finds(monkeypatch, tmp_path, capsys):
    truth = {"always": lambda values: ([60], [60]), "never": lambda values: ([], [])}
    monkeypatch.setattr(simulation, "DETECTORS", truth)
    file = tmp_path / "found.json"
    assert command(["history", "--simulate", "--series", "4", "--json", str(file)]) == 0
    found = json.loads(file.read_text())["detectors"]
    assert found["always"]["false"] == dict.fromkeys(simulation.NOISES, 4)
    assert found["never"]["false"] == dict.fromkeys(simulation.NOISES, 0)
    assert [k for k, hits in found["always"]["found"].items() if hits] == [
        "+3% 60", "+5% 60", "+10% 60", "+3% 5 after 60"
    ]  # fmt: skip
    assert found["always"]["trend"] == {"+0.3% a commit": 4, "+2.0% a commit": 4}
    assert not any(found["never"]["trend"].values())
    assert "100" in capsys.readouterr().out


def test_asv_and_otava_find_a_large_step_at_their_defaults():
    values = simulation.series(np.random.default_rng(1), size=0.1, further=30)
    assert all(90 in detect(values)[0] for detect in simulation.DETECTORS.values())


MACHINE, ENVIRONMENT = "m", "pinned-py3.11"


def test_unknown_options_are_errors_of_use(capsys):
    with pytest.raises(SystemExit) as caught:
        command(["history", "--nonsense"])
    assert caught.value.code == cli.USAGE


def series(values, benchmark="warm.a", machine=MACHINE, unit="seconds", commits=None):
    commits = commits or tuple(f"{n:040x}" for n in range(len(values)))
    return Series(machine, ENVIRONMENT, benchmark, (), unit, commits, tuple(values))


def test_only_series_measured_on_both_sides_count():
    stepped = series([1.0] * 6 + [2.0] * 6)
    (change,), _ = find_all([stepped])
    late = series([NAN] * 6 + [1.0] * 6, "warm.late")
    other = [series(stepped.values, machine="other"), series(stepped.values, unit="bytes")]
    assert measured_on_both_sides([stepped, series([1.0] * 12), late, *other], change) == 2


def test_the_newest_range_is_first_and_the_largest_step_in_it():
    commits = tuple(f"{n:040x}" for n in range(12))
    found, _ = find_all(
        [series([1.0] * 3 + [2.0] * 9), series([1.0] * 6 + [2.0] * 6),
         series([1.0] * 6 + [3.0] * 6)]
    )  # fmt: skip
    groups = grouped(found, commits)
    assert [[change.step.ratio for change in group] for group in groups] == [
        [pytest.approx(3), pytest.approx(2)], [pytest.approx(2)]
    ]  # fmt: skip


def test_a_trend_is_told_with_its_ends():
    rising = series(1e-6 * simulation.creep(np.random.default_rng(1), 0.003))
    falling = series([8000.0 - 2 * n for n in range(120)], "warm.b", unit="bytes")
    changes, drifts = find_all([rising, falling])
    assert not changes
    assert [(drift.slower, drift.held) for drift in drifts] == [(True, 120), (False, 120)]
    assert (drifts[0].before, drifts[0].after) == (rising.commits[0], rising.commits[-1])
    text = history._table(changes, drifts, [rising, falling], list(rising.commits))
    assert "  x1.427  999ns -> 1.43μs  120 commits  warm.a\n" in text
    assert "0 steps up and 0 down in 2 series.\n1 trends up and 1 down in 2 series." in text
    first, second = history._json(changes, drifts, [rising, falling], [])["trends"]
    assert (first["benchmark"], first["after"]) == ("warm.a", rising.commits[-1])
    assert first["ratio"] == pytest.approx(1.003**119, rel=0.02)
    assert second["ratio"] == pytest.approx(7762 / 8000, rel=1e-4)
    json.dumps([first, second], allow_nan=False)
