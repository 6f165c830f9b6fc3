"""Steps in synthetic series, where they lie, and what changed there."""

import json
from types import SimpleNamespace

import pytest
from asv.graph import GraphSet

from lsebench.site.page import page
from lsebench.site.plugin import PAGES
from lsebench.site.rows import incidents

from ..steps import AXES, BENCHMARKS, ERROR, NAME, PLACES, REVISIONS, graphs


def test_a_step_up_and_its_repair_are_found_where_they_were_put():
    steps, _, spans = incidents.collect(graphs((10, 20, 1.3)), BENCHMARKS)
    assert [(s.values, s.before, s.after, s.held) for s in steps] == [
        (("simd", "1000"), 27, 30, 10),
        (("simd", "1000"), 57, 60, 20),
    ]
    up, down = steps
    assert up.new / up.old == pytest.approx(1.3, rel=0.01)
    assert down.new / down.old == pytest.approx(1 / 1.3, rel=0.01)
    assert up.latest == pytest.approx(up.old, rel=0.01), "it has been repaired"
    assert {(s.first, s.last) for s in spans} == {(0, 117)}
    assert len(spans) == 4


def test_what_rises_with_every_commit_is_a_trend_and_no_step():
    rising = GraphSet()
    for i, place in enumerate(3 * i for i in range(60)):
        value = 1e-3 * 1.01**i
        rising.get_graph(NAME, AXES).add_data_point(place, [None, value if i else None, 1e-3, None])
    steps, (trend,), _ = incidents.collect(rising, BENCHMARKS)
    assert not steps
    assert (trend.values, trend.first, trend.last, trend.held) == (("numpy", "1000"), 3, 177, 59)
    assert trend.new / trend.old == pytest.approx(1.01**58)


def test_noise_is_no_step():
    assert incidents.collect(graphs(), BENCHMARKS)[0] == []


def test_a_change_below_one_percent_is_not_kept():
    exact = GraphSet()
    for i, place in enumerate(PLACES):
        value = 1e-3 * (1.007 if i >= 20 else 1)
        exact.get_graph(NAME, AXES).add_data_point(place, [value, value, value, 2 * value])
    assert incidents.collect(exact, BENCHMARKS)[0] == []


def test_an_error_that_was_zero():
    found = GraphSet()
    for i, place in enumerate(PLACES):
        found.get_graph(ERROR, AXES).add_data_point(place, [0.0 if i < 20 else 2.0])
    (step,) = incidents.collect(found, BENCHMARKS)[0]
    assert (step.old, step.new, step.before, step.after) == (0, 2, 57, 60)
    assert list(incidents.grouped([step])) == [(57, 60)]


@pytest.mark.parametrize("new", [-10.05, -20.0])
def test_below_zero_a_change_of_one_percent_is_as_large_as_above(new):
    found = GraphSet()
    for i, place in enumerate(PLACES):
        found.get_graph(ERROR, AXES).add_data_point(place, [-10.0 if i < 20 else new])
    assert len(incidents.collect(found, BENCHMARKS)[0]) == (new == -20)


def step(before, after, name="a", new=2.0):
    return incidents.Step(NAME, (name,), frozenset(), before, after, 1.0, new, 5, new)


def test_what_is_measured_more_rarely_joins_the_incident_within_its_range():
    steps = [step(4, 5), step(4, 5, "b", 3.0), step(0, 8), step(7, 8), step(9, 12)]
    found = incidents.grouped(steps)
    assert list(found) == [(9, 12), (7, 8), (4, 5)], "the newest first"
    assert found[4, 5] == [steps[1], steps[0], steps[2]], "the largest first"


def test_a_range_with_more_steps_does_not_join_a_lone_one_within_it():
    steps = [step(0, 8), step(0, 8, "b"), step(3, 4)]
    assert {key: len(found) for key, found in incidents.grouped(steps).items()} == {
        (0, 8): 2,
        (3, 4): 1,
    }


def test_only_series_that_were_measured_on_both_sides_count():
    spans = [
        incidents.Span(NAME, 0, 9),
        incidents.Span(NAME, 4, 5),
        incidents.Span(NAME, 5, 9),
        incidents.Span(NAME, 0, 4),
        incidents.Span(ERROR, 6, 9),
    ]
    assert incidents.measured(spans, BENCHMARKS, 4, 5) == {NAME: 2}


def test_difference_in_versions():
    old = {"python": "3.11.7", "installed": {"numpy": "2.4.5", "gone": "1", "same": "1"}}
    new = {
        "python": "3.11.8",
        "installed": {"numpy": "2.4.6", "same": "1", "added": "3"},
        "gpus": [{"name": "G", "driver_version": "5"}],
    }
    assert incidents.difference(incidents.facts(old), incidents.facts(new)) == [
        ["added", None, "3"],
        ["driver of G", None, "5"],
        ["gone", "1", None],
        ["numpy", "2.4.5", "2.4.6"],
        ["Python", "3.11.7", "3.11.8"],
    ]
    assert incidents.difference(incidents.facts(old), incidents.facts(old)) == []
    assert incidents.difference({}, incidents.facts(new)) is None, "not stored: unknown"


def shown(found, tmp_path, results=()):
    repo = SimpleNamespace(_path=str(tmp_path))
    return incidents.site(results, tmp_path, repo, BENCHMARKS, found, REVISIONS)


@pytest.mark.parametrize("found", [GraphSet(), graphs()])
def test_no_steps(found, tmp_path):
    site = shown(found, tmp_path)
    assert site["groups"] == []
    assert site["commits"] == (len(PLACES) if len(found) else 0)


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
    found = shown(graphs(), tmp_path)
    assert json.loads(json.dumps(found, allow_nan=False))
    newer, older = found["confirmed"]
    assert (newer["machine"], newer["cause"], newer["ratio"]) == ("other", "machine", None)
    assert older == {
        "benchmark": NAME, "environment": "e", "before": "0" * 40, "after": "1" * 40,
        "cause": "code", "ratio": 1.3, "low": 1.29, "high": 1.31, "machine": "m",
        "values": ["simd", "1000"], "date": "2026-11-21",
    }  # fmt: skip
    assert found["benchmarks"][NAME]["names"] == ["backend", "size"]


def test_an_incident_of_a_benchmark_without_a_series_can_be_named(tmp_path):
    stored(tmp_path, "m", {"benchmark": ERROR, "parameters": ["'numpy'"]})
    assert ERROR in shown(graphs(), tmp_path)["benchmarks"]


def test_page_with_confirmed_incidents():
    values = {"project": "p", "pages": PAGES, "current": "", "scripts": [], "empty": False}
    assert 'id="confirmed"' in page("incidents.html", **values, confirmed=True)
    assert 'id="confirmed"' not in page("incidents.html", **values, confirmed=False)


@pytest.mark.parametrize("empty", [True, False])
def test_page(empty):
    values = {"project": "p", "pages": PAGES, "current": "", "scripts": [], "empty": empty}
    values["confirmed"] = False
    assert ("No results yet" in page("incidents.html", **values)) == empty
