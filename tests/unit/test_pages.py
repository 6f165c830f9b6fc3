"""What the pages are made of, from results of every kind."""

import datetime
import json
import math
import re

import pytest
from asv.results import Results
from asv.runner import BenchmarkResult

from lsebench.records.stored import Tuning
from lsebench.run import noise
from lsebench.site.families import family, looks
from lsebench.site.page import page
from lsebench.site.plugin import PAGES
from lsebench.site.rows import home, results
from lsekernels import registry

NAME = "warm.Logsumexp.track_time"
PARAMS = [["'numpy'", "'scipy'", "'cupy'", "'gone'"], ["'float32'", "'float64'"], ["10", "1000000"]]
REVISIONS = {"a" * 40: 1, "b" * 40: 2, "c" * 40: 3}
SHELL = {"project": "p", "pages": PAGES, "scripts": [], "root": "", "source": ""}
BENCHMARKS = {NAME: {"name": NAME, "params": PARAMS, "version": "1"}}


def result(
    values, machine="m", threads="1", commit="a" * 40, numpy="2.4.6", kind="pinned", at=None
):
    """Return asv results for the float64 half of the parameters, in order."""
    full = []
    for i in range(4):
        full += [math.nan, math.nan, *values[2 * i : 2 * i + 2]]
    date = int(datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC).timestamp() * 1000)
    found = Results(
        {"machine": machine, "python": "3.11"},
        {"numpy": numpy},
        commit,
        date,
        "3.11",
        f"{kind}-threads{threads}",
        {"LSEKERNELS_THREADS": threads},
    )
    samples = [None if v is None or math.isnan(v) else [v, v * 1.01, v * 0.99] * 4 for v in full]
    numbers = [None if s is None else 1 for s in samples]
    measured = BenchmarkResult(full, samples, numbers, 0, "", None)
    started = at and datetime.datetime.fromtimestamp(at, datetime.UTC)
    found.add_result(BENCHMARKS[NAME], measured, started)
    return found


def checks(folder, noise, machine="m"):
    """Store a machine's checks: when -> its noise."""
    (folder / machine).mkdir()
    for at, between in noise.items():
        kernels = {"loop": {"within": 0.0, "between": between}}
        Tuning(checked=at, checks=[], noise={"kernels": kernels}).append(folder / machine)


VALUES = [1e-6, 1e-3, 4e-6, 8e-3, math.nan, math.nan, math.nan, None]


def site(found, tmp_path, benchmarks=BENCHMARKS):
    return home.site(results.collect(found, benchmarks, REVISIONS, tmp_path))


def times(run):
    return run["times"]["logsumexp"]["settled"]


def test_rows(tmp_path):
    (run,) = site([result(VALUES)], tmp_path)["runs"]
    assert (run["machine"], run["threads"], run["versions"]) == ("m", "1", {"numpy": "2.4.6"})
    found = times(run)
    assert {tool: {s: t and t[0] for s, t in found[tool]["float64"].items()} for tool in found} == {
        "numpy": {"10": 1e-6, "1000000": 1e-3}, "scipy": {"10": 4e-6, "1000000": 8e-3},
        "gone": {"1000000": None},
    }  # fmt: skip
    value, low, high, samples, _ = found["numpy"]["float64"]["10"]
    assert low < value < high
    assert samples == 12


def test_a_combination_that_is_not_among_the_parameters_has_not_failed(tmp_path):
    more = [[*PARAMS[0], "'new'"], *PARAMS[1:]]
    benchmarks = {NAME: {**BENCHMARKS[NAME], "params": more}}
    (run,) = site([result(VALUES)], tmp_path, benchmarks)["runs"]
    assert "new" not in times(run)


def test_the_newest_commit_that_has_a_value_gives_it(tmp_path):
    later = [math.nan, 2e-3, *[math.nan] * 6]
    found = site([result(later, commit="b" * 40), result(VALUES)], tmp_path)
    (run,) = found["runs"]
    small, large = (times(run)["numpy"]["float64"][size] for size in ("10", "1000000"))
    assert (small[0], found["commits"][small[4]][0]) == (1e-6, "a" * 40)
    assert (large[0], found["commits"][large[4]][0]) == (2e-3, "b" * 40)
    assert run["newest"] == "b" * 40


def test_reason_comes_from_the_context_beside_the_result(tmp_path):
    found = result(VALUES)
    folder = tmp_path / "m"
    folder.mkdir()
    line = '{"since": "x", "context": {"backends": [{"backend": "cupy", "unavailable": "%s"}]}}\n'
    file = folder / "aaaaaaaa-pinned-threads1.context.jsonl"
    file.write_text(line % "old" + line % "no CUDA device")
    (run,) = site([found], tmp_path)["runs"]
    assert run["reasons"] == {"cupy": "no CUDA device"}


def test_newest_libraries_of_each_machine_kind_and_thread_setting(tmp_path):
    """By place in the history, not by date, which is the same for all of these."""
    found = [
        result(VALUES, commit="b" * 40),
        result(VALUES, commit="a" * 40),
        result(VALUES, threads="all"),
        result(VALUES, machine="other"),
        result(VALUES, machine="other", commit="c" * 40, numpy="2.10.0"),
        result(VALUES, machine="other", numpy="1.26.4"),
        result(VALUES, machine="other", numpy="1.26.4", kind="source"),  # PyPy
    ]
    runs = site(found, tmp_path)["runs"]
    keys = ("machine", "kind", "threads", "newest")
    assert sorted(tuple(run[key][:6] for key in keys) for run in runs) == [
        ("m", "pinned", "1", "bbbbbb"), ("m", "pinned", "all", "aaaaaa"),
        ("other", "pinned", "1", "cccccc"), ("other", "source", "1", "aaaaaa"),
    ]  # fmt: skip
    assert runs[0]["kind"] == "pinned", "the page opens with the usual environment"
    assert runs[0]["threads"] == "1"


@pytest.mark.parametrize("benchmarks", [BENCHMARKS, {}])
def test_nothing_measured(tmp_path, benchmarks):
    found = site([], tmp_path, benchmarks)
    assert found["runs"] == []
    assert "No results yet" in show("index.html", empty=True)


QUIET, LOUD = 0.001, 0.1
NOON, EVENING = "2026-01-01T12:00:00+00:00", "2026-01-01T18:00:00"
OCLOCK = {
    hour: datetime.datetime(2026, 1, 1, hour, tzinfo=datetime.UTC).timestamp()
    for hour in (11, 14, 17, 20)
}


@pytest.mark.parametrize(
    ("at", "taken"),
    [
        (OCLOCK[11], LOUD),
        (OCLOCK[14], LOUD),
        (OCLOCK[17], QUIET),
        (OCLOCK[20], QUIET),
        (None, QUIET),
    ],
)
def test_the_noise_of_a_time_is_that_of_the_check_nearest_to_it(tmp_path, at, taken):
    """A quiet minute later does not make an interval narrow; without a time it is the newest."""
    checks(tmp_path, {NOON: LOUD, EVENING: QUIET})
    (series,) = results.collect([result(VALUES, at=at)], BENCHMARKS, REVISIONS, tmp_path).values()
    value = series.values[NAME]["numpy", "float64", "10"]
    least = 2.576 * taken * value.value
    assert series.noise == taken
    assert least <= value.high - value.value < least + 0.02 * value.value


def test_each_value_has_the_noise_of_its_own_time(tmp_path):
    checks(tmp_path, {NOON: LOUD, EVENING: QUIET})
    loud = result(VALUES, at=OCLOCK[11])
    quiet = result([*[math.nan] * 2, *VALUES[2:]], commit="b" * 40, at=OCLOCK[20])
    (series,) = results.collect([loud, quiet], BENCHMARKS, REVISIONS, tmp_path).values()
    one, other = (series.values[NAME][tool, "float64", "10"] for tool in ("numpy", "scipy"))
    assert one.high / one.value > 1.25 > 1.05 > other.high / other.value
    assert series.noise == QUIET, "of the times that were measured last"


def test_noise_that_was_never_measured_is_assumed(tmp_path):
    (series,) = results.collect([result(VALUES)], BENCHMARKS, REVISIONS, tmp_path).values()
    assert series.noise is None
    value = series.values[NAME]["numpy", "float64", "10"]
    assert value.high / value.value > 1 + 2.576 * noise.ASSUMED


def test_of_checks_as_near_it_is_the_later_and_without_a_date_the_newest():
    several = [noise.Check(10.0, 0.1), noise.Check(20.0, 0.2), noise.Check(20.0, 0.3)]
    assert [noise.near(several, when) for when in (1.0, 15.0, 16.0, None, 0.0)] == [
        0.1, 0.3, 0.3, 0.3, 0.3
    ]  # fmt: skip
    assert noise.near([], 1.0) is None
    assert noise.seconds("soon") == 0.0
    assert noise.seconds(EVENING) == noise.seconds(f"{EVENING}+00:00") == OCLOCK[17] + 3600


def test_of_machines_with_as_much_that_opens_a_page_which_reported_first(tmp_path):
    """A further machine with as much changes nothing, whatever it is called; one with more does."""
    old = result(VALUES, machine="m", at=OCLOCK[11])
    again = result(VALUES, machine="m", at=OCLOCK[20], commit="b" * 40, numpy="2.5.0")
    new = result(VALUES, machine="a", at=OCLOCK[14])
    runs = site([old, new, again], tmp_path)["runs"]
    assert [(run["machine"], run["since"]) for run in runs] == [
        ("m", OCLOCK[11]),
        ("a", OCLOCK[14]),
    ]
    more = result([*VALUES[:4], 1e-6, *VALUES[5:]], machine="a", at=OCLOCK[14])
    assert site([old, more], tmp_path)["runs"][0]["machine"] == "a"


def test_every_backend_has_a_look_of_its_own():
    found = looks()
    assert found.keys() == set(registry.names())
    assert len({(colour, tuple(dash)) for colour, dash in found.values()}) == len(found)
    for name, (colour, _) in found.items():
        assert colour == found[family(name)][0] if family(name) in found else colour


def test_json_is_strict(tmp_path):
    """A script with NaN in it is none."""
    found = site([result([math.nan] * 7 + [None])], tmp_path)
    assert json.loads(json.dumps(found, allow_nan=False)) == json.loads(json.dumps(found))


def show(file, **values):
    return page(file, **SHELL, current=file, **values)


def test_text_is_shown_as_text():
    evil = "<script>alert(1)</script>"
    found = page("index.html", **{**SHELL, "project": evil}, current="", empty=False)
    assert evil not in found
    assert "&lt;script&gt;alert(1)" in found


def test_pages_ask_for_nothing_from_elsewhere(tmp_path):
    text = show("index.html", empty=False)
    assert not re.search(r"https?:|//[a-z]|<script>|@import|url\(", text)
