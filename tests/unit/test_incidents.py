"""Steps in synthetic series, where they lie, and what changed there."""

import json

import pytest

from lsebench import git
from lsebench.history.series import Change, Series
from lsebench.history.steps import Step
from lsebench.site.page import page
from lsebench.site.plugin import PAGES
from lsebench.site.rows import causes, incidents

from ..steps import COMMITS, ERROR, NAME, PLACES, REVISIONS, Git, history, level, results, stepping


@pytest.fixture(autouse=True)
def no_git(monkeypatch):
    monkeypatch.setattr(git, "lines", Git().lines)


def changes(values, folder, benchmark=NAME):
    return history(results(values, benchmark), folder)[0].changes


def test_a_step_up_and_its_repair_are_found_where_they_were_put(tmp_path):
    up, down = changes(stepping((10, 20, 1.3)), tmp_path)
    assert [(c.series.parameters, c.before, c.after) for c in (up, down)] == [
        (("'simd'", "1000"), COMMITS[27], COMMITS[30]),
        (("'simd'", "1000"), COMMITS[57], COMMITS[60]),
    ]
    assert up.step.ratio == pytest.approx(1.3, rel=0.01)
    assert down.step.ratio == pytest.approx(1 / 1.3, rel=0.01)


def test_what_rises_with_every_commit_is_a_trend_and_no_step(tmp_path):
    def rising(i):
        return [None, 1e-3 * 1.01**i if i else None, 1e-3, None]

    found, _ = history(results(rising, places=[*range(60)]), tmp_path)
    assert not found.changes
    (drift,) = found.drifts
    assert (drift.before, drift.after, drift.held) == (COMMITS[1], COMMITS[59], 59)
    assert drift.trend.ratio == pytest.approx(1.01**58)


def test_noise_is_no_step(tmp_path):
    assert changes(stepping(), tmp_path) == []


def test_a_change_below_one_percent_is_not_kept(tmp_path):
    assert changes(lambda i: 4 * [1e-3 * (1.007 if i >= 20 else 1)], tmp_path) == []


def test_an_error_that_was_zero(tmp_path):
    (change,) = changes(lambda i: [0.0 if i < 20 else 2.0], tmp_path, ERROR)
    assert (change.step.old, change.step.new, change.before) == (0, 2, COMMITS[57])
    assert list(incidents.grouped([change], REVISIONS)) == [(57, 60)]
    assert causes.became(change.step, 2.0) == "there"


@pytest.mark.parametrize("new", [-10.05, -20.0])
def test_below_zero_a_change_of_one_percent_is_as_large_as_above(new, tmp_path):
    found = changes(lambda i: [-10.0 if i < 20 else new], tmp_path, ERROR)
    assert len(found) == (new == -20)


def step(before, after, name="a", new=2.0):
    series = Series("m", "e", NAME, (name,), "s", (COMMITS[before], COMMITS[after]), (1.0, new))
    return Change(series, Step(0, 1, 1.0, new, new, 1.0))


def test_what_is_measured_more_rarely_joins_the_incident_within_its_range():
    steps = [step(4, 5), step(4, 5, "b", 3.0), step(0, 8), step(7, 8), step(9, 12)]
    found = incidents.grouped(steps, REVISIONS)
    assert list(found) == [(9, 12), (7, 8), (4, 5)], "the newest first"
    assert found[4, 5] == [steps[1], steps[0], steps[2]], "the largest first"


def test_a_range_with_more_steps_does_not_join_a_lone_one_within_it():
    steps = [step(0, 8), step(0, 8, "b"), step(3, 4)]
    found = incidents.grouped(steps, REVISIONS)
    assert {key: len(members) for key, members in found.items()} == {(0, 8): 2, (3, 4): 1}


def test_only_series_that_were_measured_on_both_sides_count():
    spans = [(NAME, 0, 9), (NAME, 4, 5), (NAME, 5, 9), (NAME, 0, 4), (ERROR, 6, 9)]
    assert incidents.measured(spans, 4, 5) == {NAME: 2}


def test_a_series_is_measured_from_its_first_value_to_its_last(tmp_path):
    def some(i):
        return [None if i < 3 else level(i), None, None, level(i)]

    found, _ = history(results(some), tmp_path)
    assert incidents.spans(found.series, REVISIONS) == [(NAME, 9, 117), (NAME, 0, 117)]


def test_difference_in_versions():
    old = {"python": "3.11.7", "installed": {"numpy": "2.4.5", "gone": "1", "same": "1"}}
    new = {
        "python": "3.11.8",
        "installed": {"numpy": "2.4.6", "same": "1", "added": "3", "lsekernels": "0.2"},
        "gpus": [{"name": "G", "driver_version": "5"}],
    }
    assert causes.difference(causes.facts(old), causes.facts(new)) == [
        ["added", None, "3"],
        ["driver of G", None, "5"],
        ["gone", "1", None],
        ["numpy", "2.4.5", "2.4.6"],
        ["Python", "3.11.7", "3.11.8"],
    ]
    assert causes.difference(causes.facts(old), causes.facts(old)) == []
    assert causes.difference({}, causes.facts(new)) is None, "not stored: unknown"


def shown(found, tmp_path):
    return incidents.site(*history(found, tmp_path))


@pytest.mark.parametrize("found", [[], results(stepping())])
def test_no_steps(found, tmp_path):
    site = shown(found, tmp_path)
    assert site["groups"] == []
    assert site["longest"] == (len(PLACES) if found else 0)


def test_rarely_measured_series_of_another_machine_say_their_own_range(tmp_path):
    found = results(stepping((10, 20, 1.3)))
    found += results(stepping((5, 10, 1.3)), places=PLACES[::2], machine="other")
    newer, older = shown(found, tmp_path)["groups"]
    assert (newer["after"], older["after"]) == (COMMITS[60], COMMITS[30])
    ranges = [{row["environment"]: row["range"] for row in g["steps"]} for g in (newer, older)]
    assert ranges == [
        {0: None, 1: [COMMITS[54], COMMITS[60]]},
        {0: None, 1: [COMMITS[24], COMMITS[30]]},
    ]


INCIDENT = {
    "benchmark": NAME, "parameters": ["'simd'", "1000"], "environment": "e", "before": "0" * 40,
    "after": "1" * 40, "ratio": 1.3, "low": 1.28999, "high": 1.31, "cause": "code",
    "confirmed": "2026-11-21T10:00:00+00:00", "verdict": {},
}  # fmt: skip


def stored(folder, machine, *incidents):
    (folder / machine).mkdir()
    lines = [json.dumps(INCIDENT | incident) + "\n" for incident in incidents]
    (folder / machine / "incidents.jsonl").write_text("".join(lines))


def test_what_was_confirmed_is_shown_with_its_cause(tmp_path):
    later = {"confirmed": "2026-11-22T10:00:00+00:00", "cause": "machine"}
    stored(tmp_path, "m", {}, {"benchmark": "warm.Gone.track_time"})
    stored(tmp_path, "other", later | {"ratio": None, "low": None, "high": None})
    found = shown(results(stepping()), tmp_path)
    assert json.loads(json.dumps(found, allow_nan=False))
    newer, older = found["confirmed"]
    assert (newer["machine"], newer["cause"], newer["ratio"]) == ("other", "machine", None)
    assert older == {
        "benchmark": NAME, "environment": "e", "before": "0" * 40, "after": "1" * 40,
        "cause": "code", "ratio": 1.3, "low": 1.29, "high": 1.31, "machine": "m",
        "values": ["simd", "1000"], "date": "2026-11-21",
    }  # fmt: skip


def test_page_with_confirmed_incidents():
    values = {"project": "p", "pages": PAGES, "current": "", "scripts": [], "empty": False}
    values |= {"root": "", "source": ""}
    assert 'id="confirmed"' in page("incidents.html", **values, confirmed=True)
    assert 'id="confirmed"' not in page("incidents.html", **values, confirmed=False)


@pytest.mark.parametrize("name", ["incidents.html", "history.html"])
@pytest.mark.parametrize("empty", [True, False])
def test_page(name, empty):
    values = {"project": "p", "pages": PAGES, "current": "", "scripts": [], "empty": empty}
    values |= {"root": "", "source": "", "confirmed": False}
    assert ("No results yet" in page(name, **values)) == empty
