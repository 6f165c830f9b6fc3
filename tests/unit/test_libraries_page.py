"""The page of library generations: which commit, which order, and what differs."""

import datetime
import json
import math
import re

import pytest
from asv.results import Results
from asv.runner import BenchmarkResult

from lsebench.site.page import page
from lsebench.site.plugin import PAGES
from lsebench.site.rows import libraries, results

NAME = "warm.Logsumexp.track_time"
BACKENDS = ["numpy", "scipy", "python"]
PARAMS = [[f"'{name}'" for name in BACKENDS], ["'float64'"], ["1000"]]
BENCHMARKS = {NAME: {"name": NAME, "params": PARAMS, "version": "1"}}
REVISIONS = {"a" * 40: 1, "b" * 40: 2, "c" * 40: 3}
NAN = math.nan


def result(values, numpy, commit="a", more=(), noise=0.02, machine="m", threads="1", samples=12):
    date = int(datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC).timestamp() * 1000)
    asked = {"numpy": numpy, "scipy": "1.17.1"} | dict(more)
    found = Results(
        {"machine": machine, "python": "3.11"},
        asked,
        commit * 40,
        date + ord(commit) * 1000,
        "3.11",
        f"pinned-numpy{numpy}-{len(more)}-threads{threads}",
        {"LSEKERNELS_THREADS": threads},
    )
    taken = [
        None
        if v is None or math.isnan(v)
        else ([v, v * (1 + noise), v * (1 - noise)] * 4)[:samples]
        for v in values
    ]
    numbers = [None if s is None else 1 for s in taken]
    found.add_result(BENCHMARKS[NAME], BenchmarkResult(values, taken, numbers, 0, "", None))
    return found


def site(tmp_path, *stored):
    def collect(chosen):
        return results.collect(chosen, BENCHMARKS, REVISIONS, tmp_path)

    def at(commit):
        return collect([r for r in stored if r.commit_hash == commit])

    return libraries.site(collect(stored), REVISIONS, at)


def table(group):
    return group["kernels"]["logsumexp"]["float64"]["1000"]["tools"]


def verdicts(cells):
    return [cell["verdict"] for cell in cells]


def test_ratios_to_the_newest_oldest_first(tmp_path):
    """2.10 is newer than 2.4: by version, not by text, and not in the order of the files."""
    found = site(
        tmp_path,
        result([1.0, 1.0, 1.0], "2.10.0"),
        result([3.0, 0.5, 1.0], "1.26.4"),
        result([1.01, NAN, 1.0], "2.4.6"),
    )
    (group,) = found["groups"]
    names = [environment["name"] for environment in group["environments"]]
    assert names == ["NumPy 1.26.4", "NumPy 2.4.6", "NumPy 2.10.0"]
    numpy, scipy = table(group)["numpy"], table(group)["scipy"]
    assert [cell["ratio"][0] for cell in numpy] == [3.0, 1.01, 1.0]
    assert [cell["text"] for cell in numpy] == ["3\u00d7", "1.01\u00d7", "1 s"]
    assert verdicts(numpy) == ["slower", "same", "newest"]
    assert scipy[0]["verdict"] == "faster"
    assert scipy[1] is None
    ratios = [cell["ratio"] for cell in numpy[:2]]
    assert all(low < value < high for value, low, high in ratios), "the interval of the ratio"
    assert all(cell["interval"] for cell in numpy[:2])
    assert json.dumps(found, allow_nan=False), "a script with NaN in it is none"


def test_what_plain_python_differs_by_is_no_difference(tmp_path):
    found = site(
        tmp_path,
        result([1.0, 1.0, 1.0], "2.4.6"),
        result([1.5, 2.4, 1.6], "2.0.2"),  # the machine was 1.6 times as slow
        result([1.5, 2.0, 1.0], "1.26.4"),
    )
    cells = table(found["groups"][0])
    assert verdicts(cells[name][1] for name in BACKENDS) == ["same", "slower", "same"]
    assert verdicts(cells[name][0] for name in BACKENDS) == ["slower", "slower", "same"]
    drift = found["groups"][0]["kernels"]["logsumexp"]["float64"]["1000"]["drift"]
    assert "differs by up to 1.6" in drift


def test_the_newest_commit_that_most_share_with_its_own_values(tmp_path):
    """The newest environment went on to other commits, with other times."""
    found = site(
        tmp_path,
        result([1.0, 1.0, 1.0], "2.4.6"),
        result([2.0, 1.0, 1.0], "2.0.2"),
        result([4.0, 1.0, 1.0], "2.4.6", "b"),
        result([6.0, 1.0, 1.0], "2.0.2", "b"),
        result([9.0, 1.0, 1.0], "2.4.6", "c"),
        result([9.0, 1.0, 1.0], "1.26.4", "c", more=[("numba", "0.59.1")], machine="other"),
    )
    (group,) = found["groups"]  # the other machine has one environment
    assert (group["commit"], group["left_out"]) == ("b" * 40, 0)
    assert [cell["time"][0] for cell in table(group)["numpy"]] == [6.0, 4.0]


def test_shared_commit():
    assert libraries.shared([["a", "b"], ["a", "b"], ["a"]], {"a": 1, "b": 2}) == "a"
    assert libraries.shared([["a", "b"], ["a", "b"]], {"a": 1, "b": 2}) == "b"
    assert libraries.shared([["a"], ["b"]], {"a": 1, "b": 2}) is None
    assert libraries.shared([], {}) is None


def test_environments_without_the_commit_are_counted(tmp_path):
    found = site(
        tmp_path,
        result([1.0] * 3, "2.4.6"),
        result([1.0] * 3, "2.0.2"),
        result([1.0] * 3, "1.26.4", "c"),
    )
    (group,) = found["groups"]
    assert (group["commit"][0], group["left_out"]) == ("a", 1)


def test_of_equal_generations_the_plain_one_is_the_newest(tmp_path):
    """As the older ones have no further libraries either."""
    found = site(
        tmp_path,
        result([1.0] * 3, "2.4.6"),
        result([1.0] * 3, "2.4.6", more=[("torch", "2.13.0")]),
        result([1.0] * 3, "2.0.2"),
    )
    environments = found["groups"][0]["environments"]
    assert [e["name"] for e in environments] == [
        "NumPy 2.0.2", "NumPy 2.4.6 (1)", "NumPy 2.4.6 (2)",
    ]  # fmt: skip
    assert "torch" in environments[1]["versions"]
    assert found["groups"][0]["libraries"] == ["numpy", "scipy"], "what all of them have"


def test_thread_settings_and_machines_are_kept_apart(tmp_path):
    found = site(
        tmp_path,
        result([1.0] * 3, "2.4.6"),
        result([1.0] * 3, "2.0.2", threads="all"),
        result([1.0] * 3, "1.26.4", machine="other"),
    )
    assert found["groups"] == []


def test_failures_and_single_samples(tmp_path):
    found = site(
        tmp_path,
        result([1.0, NAN, 1.0], "2.4.6"),
        result([None, 2.0, 3.0], "2.0.2", noise=0),
    )
    cells = table(found["groups"][0])
    assert cells["numpy"][0] == {"verdict": "failed"}
    assert (cells["scipy"][0]["ratio"], cells["scipy"][0]["verdict"]) == (None, "alone")
    assert set(verdicts(filter(None, cells["scipy"]))) <= set(libraries.VERDICTS)


def test_too_few_samples_tell_nothing(tmp_path):
    found = site(tmp_path, result([1.0] * 3, "2.4.6"), result([9.0] * 3, "2.0.2", samples=4))
    cell = table(found["groups"][0])["numpy"][0]
    assert (cell["ratio"], cell["interval"], cell["verdict"]) == ([9.0, None, None], "", "unsure")
    (step,) = found["groups"][0]["changes"]
    assert (step["slower"], step["faster"], step["compared"]) == ([], [], 0)


def test_installed_versions_and_reasons(tmp_path):
    found = [result([1.0] * 3, "2.4.6"), result([1.0, NAN, 1.0], "2.0.2")]
    (tmp_path / "m").mkdir()
    context = {
        "installed": {"numpy": "2.0.3", "SciPy": "1.17.1"},
        "backends": [{"backend": "scipy", "unavailable": "does not build"}],
    }
    file = tmp_path / "m/aaaaaaaa-pinned-numpy2.0.2-0-threads1.context.jsonl"
    file.write_text(json.dumps({"since": "x", "context": context}) + "\n")
    old, new = site(tmp_path, *found)["groups"][0]["environments"]
    assert old["installed"] == {"numpy": "2.0.3", "scipy": "1.17.1"}
    assert old["differs"] == ["numpy"]
    assert old["reasons"] == {"scipy": "does not build"}
    assert new["installed"] == {"numpy": None, "scipy": None}
    assert new["differs"] == [], "nothing is recorded, so nothing is known to differ"


@pytest.mark.parametrize(
    ("least", "most", "told"),
    [(1.1, 2, "same"), (1.3, 2, "slower"), (0.5, 0.9, "faster"), (0.9, 1.1, "same")],
)
def test_verdict(least, most, told):
    assert libraries.verdict(least, most, (1.0, 1.2)) == told


def test_changes_from_generation_to_generation_and_over_all(tmp_path):
    found = site(
        tmp_path,
        result([1.0, 4.6, 1.0], "2.4.6"),
        result([1.0, 4.6, 1.0], "2.2.6"),
        result([4.0, 1.0, 1.0], "2.0.2"),
    )
    over, last, first = found["groups"][0]["changes"]
    assert (over["from"], over["to"]) == ("NumPy 2.0.2, SciPy 1.17.1", "NumPy 2.4.6, SciPy 1.17.1")
    assert (last["slower"], last["faster"], last["compared"]) == ([], [], 2)
    for step in over, first:
        (slower,), (faster,) = step["slower"], step["faster"]
        assert (slower["tool"], slower["kernel"], slower["n"]) == ("scipy", "logsumexp", "1000")
        assert slower["ratio"][0] == 4.6
        assert re.match(
            "SciPy: log-sum-exp of a vector, 1,000 elements, float64, takes 4.6 times as long "
            r"\([\d.]+ to [\d.]+\)$", slower["text"],
        )  # fmt: skip
        assert "is 4 times as fast (" in faster["text"]
        low, high = map(float, re.search(r"\((.*) to (.*)\)", faster["text"]).groups())
        assert low < 4 < high


def test_changes_that_the_control_shares_are_none(tmp_path):
    found = site(tmp_path, result([2.2, 1.0, 2.0], "2.4.6"), result([1.0, 1.0, 1.0], "2.0.2"))
    (step,) = found["groups"][0]["changes"]
    assert [one["tool"] for one in step["slower"]] == []
    found = site(tmp_path, result([5.0, 1.0, 2.0], "2.4.6"), result([1.0, 1.0, 1.0], "2.0.2"))
    (step,) = found["groups"][0]["changes"]
    assert [one["tool"] for one in step["slower"]] == ["numpy"]


def test_without_a_control_that_is_said(tmp_path):
    values = [1.0, 1.0, NAN]
    found = site(tmp_path, result(values, "2.4.6"), result(values, "2.0.2"))
    kernels = found["groups"][0]["kernels"]
    assert "was not timed here" in kernels["logsumexp"]["float64"]["1000"]["drift"]


def test_drift():
    def value(seconds):
        return results.Value(seconds, seconds, seconds, "a")

    assert libraries.drift([], []) == (1.0, 1.0)
    assert libraries.drift([value(2.0), value(0.5)], [value(1.0), value(1.0)]) == (0.5, 2.0)
    assert libraries.drift([None, value(None)], [value(1.0), value(1.0)]) == (1.0, 1.0)


def test_nothing_measured(tmp_path):
    assert site(tmp_path)["groups"] == []
    more = {"project": "p", "pages": PAGES, "current": "", "scripts": [], "root": "", "source": ""}
    text = page("libraries.html", **more, empty=True)
    assert "make bench-libraries" in text
