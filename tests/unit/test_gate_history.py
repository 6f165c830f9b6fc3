"""Steps in series of known truth, and suspects measured again by a simulation that knows it."""

import json
import math

import numpy as np
import pytest

from gate import history, simulation, steps
from gate.history import find_steps
from gate.series import Series, find_changes, grouped, measured_on_both_sides

NAN = math.nan


def noisy(count=120, noise=0.01, seed=3):
    return 1 + noise * np.random.default_rng(seed).standard_normal(count)


def places(values, **options):
    return [step.position for step in find_steps(values, **options)]


@pytest.mark.parametrize("correlation", simulation.CORRELATIONS.values())
def test_no_alarm_in_200_series_without_a_step(correlation):
    alarms = 0
    for seed in range(200):
        alarms += bool(places(simulation.series(np.random.default_rng(seed), correlation)))
    assert alarms == 0


@pytest.mark.parametrize(("size", "least"), [(0.05, 0.95), (0.03, 0.80)])
def test_steps_are_found_after_five_further_commits(size, least):
    found = 0
    for seed in range(100):
        values = simulation.series(np.random.default_rng([9, seed]), size=size, further=5)
        found += any(abs(position - 115) <= 3 for position in places(values))
    assert found >= 100 * least


def test_a_step_says_where_how_large_and_how_sure():
    values = noisy()
    values[70:] *= 1.2
    (step,) = find_steps(values)
    assert (step.before, step.position) == (69, 70)
    assert step.ratio == pytest.approx(1.2, rel=0.01)
    assert step.new / step.old == pytest.approx(step.ratio)
    assert step.old == pytest.approx(1, rel=0.01)
    assert 1 - steps.LEVEL < step.confidence <= 1
    assert step.found_by == ("asv", "otava")


def test_several_steps_up_and_down():
    values = noisy()
    values[30:] *= 1.1
    values[60:] *= 1.1
    values[100:] *= 0.9
    found = find_steps(values)
    assert [step.position for step in found] == [30, 60, 100]
    assert [step.ratio for step in found] == pytest.approx([1.1, 1.1, 0.9], rel=0.02)


def test_a_step_and_its_repair():
    values = noisy()
    values[50:70] *= 1.05
    assert [step.ratio > 1 for step in find_steps(values)] == [True, False]


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
    (step,) = find_steps([None if math.isnan(value) else value for value in values])
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
    (step,) = find_steps([old] * before + [new] * after)
    assert (step.position, step.ratio) == (before, pytest.approx(new / old))
    assert step.confidence > 1 - 1e-6


def test_from_zero_and_to_zero():
    (up,) = find_steps([0.0] * 20 + [2.0] * 5)
    assert (up.position, up.ratio, up.old, up.new) == (20, math.inf, 0, 2)
    (down,) = find_steps([2.0] * 20 + [0.0] * 5)
    assert (down.position, down.ratio) == (20, 0)


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


@pytest.mark.parametrize("correlation", [0.0, 0.7])
def test_simulated_noise_is_what_it_says(correlation):
    values = simulation.noise(np.random.default_rng(1), correlation, 20_000)
    assert np.std(values) == pytest.approx(1, abs=0.05)
    assert np.corrcoef(values[1:], values[:-1])[0, 1] == pytest.approx(correlation, abs=0.03)


def test_the_simulation_counts_what_each_detector_finds(monkeypatch, tmp_path, capsys):
    truth = {"always": lambda values: [60], "never": lambda values: []}
    monkeypatch.setattr(simulation, "DETECTORS", truth)
    file = tmp_path / "found.json"
    assert history.main(["--simulate", "--series", "4", "--json", str(file)]) == 0
    found = json.loads(file.read_text())["detectors"]
    assert found["always"]["false"] == {"independent": 4, "AR(0.7)": 4}
    assert found["always"]["found"]["+3%"] == {
        "1": 0, "3": 0, "5": 0, "10": 0, "21": 0, "60": 4
    }  # fmt: skip
    assert found["never"]["false"] == {"independent": 0, "AR(0.7)": 0}
    assert "0/0/0/0/0/100" in capsys.readouterr().out


def test_asv_and_otava_find_a_large_step_at_their_defaults():
    values = simulation.series(np.random.default_rng(1), size=0.1, further=30)
    assert all(90 in find(values) for find in simulation.DETECTORS.values())


MACHINE, ENVIRONMENT = "m", "pinned-py3.11"


def test_unknown_options_are_errors_of_use(capsys):
    with pytest.raises(SystemExit) as caught:
        history.main(["--nonsense"])
    assert caught.value.code == history.USAGE


def series(values, benchmark="warm.a", machine=MACHINE, unit="seconds", commits=None):
    commits = commits or tuple(f"{n:040x}" for n in range(len(values)))
    return Series(machine, ENVIRONMENT, benchmark, (), unit, commits, tuple(values))


def test_only_series_measured_on_both_sides_count():
    stepped = series([1.0] * 6 + [2.0] * 6)
    (change,) = find_changes([stepped])
    late = series([NAN] * 6 + [1.0] * 6, "warm.late")
    other = [series(stepped.values, machine="other"), series(stepped.values, unit="bytes")]
    assert measured_on_both_sides([stepped, series([1.0] * 12), late, *other], change) == 2


def test_the_newest_range_is_first_and_the_largest_step_in_it():
    commits = tuple(f"{n:040x}" for n in range(12))
    found = find_changes(
        [series([1.0] * 3 + [2.0] * 9), series([1.0] * 6 + [2.0] * 6),
         series([1.0] * 6 + [3.0] * 6)]
    )  # fmt: skip
    groups = grouped(found, commits)
    assert [[change.step.ratio for change in group] for group in groups] == [
        [pytest.approx(3), pytest.approx(2)], [pytest.approx(2)]
    ]  # fmt: skip
