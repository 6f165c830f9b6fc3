"""What the pages are made of, from results of every kind."""

import datetime
import json
import math
import re

import pytest
from asv.results import Results
from asv.runner import BenchmarkResult

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


def result(values, machine="m", threads="1", commit="a" * 40, numpy="2.4.6", kind="pinned"):
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
    found.add_result(BENCHMARKS[NAME], BenchmarkResult(full, samples, numbers, 0, "", None))
    return found


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
