"""The page of accuracy: errors graded, and times beside them."""

import datetime
import json
import math

import pytest
from asv.results import Results
from asv.runner import BenchmarkResult

from lsebench.site import charts
from lsebench.site.page import page
from lsebench.site.plugin import PAGES
from lsebench.site.rows import accuracy, results
from lsekernels import kernels

ERRORS, TIMES = "accuracy.Logsumexp.track_error", "warm.Logsumexp.track_time"
POWERS, FACTORS = "accuracy.Power8.track_error", "accuracy.Lu.track_error"
PARAMS = {
    ERRORS: [["'numpy'", "'scipy'"], ["'float64'"], ["'large'", "'two_terms_far_apart'"]],
    TIMES: [["'numpy'", "'scipy'"], ["'float64'"], ["1000"]],
    POWERS: [["'numpy:power'", "'gone'"], ["'float32'"], ["10000"]],
    FACTORS: [["'scipy'", "'numpy:unpivoted'"], ["'float64'"], ["256"]],
}
BENCHMARKS = {name: {"name": name, "params": p, "version": "1"} for name, p in PARAMS.items()}
VALUES = {
    ERRORS: [0.5, 5.5e15, 0.25, None],
    TIMES: [1e-3, math.nan],
    POWERS: [3.0, math.nan],
    FACTORS: [0.1, 0.05],
}


def result(values=VALUES, machine="m", threads="1", commit="a"):
    date = int(datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC).timestamp() * 1000)
    found = Results(
        {"machine": machine, "python": "3.11"},
        {"numpy": "2.4.6"},
        commit * 40,
        date,
        "3.11",
        f"pinned-threads{threads}",
        {"LSEKERNELS_THREADS": threads},
    )
    for name, numbers in values.items():
        none = [None] * len(numbers)
        found.add_result(BENCHMARKS[name], BenchmarkResult(numbers, none, none, 0, "", None))
    return found


def site(tmp_path, *stored):
    revisions = {"a" * 40: 1, "b" * 40: 2}
    return accuracy.site(results.collect(stored, BENCHMARKS, revisions, tmp_path))


def test_errors_and_times_of_one_run(tmp_path):
    found = site(tmp_path, result())
    (run,) = found["runs"]
    table = run["kernels"]["logsumexp"]
    numpy, scipy = table["errors"]["float64"]["numpy"], table["errors"]["float64"]["scipy"]
    assert numpy["large"] == {"error": 0.5, "text": "0.5", "grade": 0, "commit": "a" * 40}
    assert (numpy["two_terms_far_apart"]["text"], numpy["two_terms_far_apart"]["grade"]) == (
        "5.5 \u00d7 10\u00b9\u2075", 4,
    )  # fmt: skip
    failed = scipy["two_terms_far_apart"]
    assert (failed["error"], failed["text"], failed["grade"]) == (None, "failed", None)
    times = table["times"]["float64"]["1000"]
    assert times == {
        "numpy": {"time": [1e-3, None, None], "text": "1 ms",
                  "interval": "too few samples for an interval"},
    }  # fmt: skip
    power = run["kernels"]["power8"]["errors"]["float32"]
    assert (power["numpy:power"]["10000"]["grade"], list(power)) == (1, ["numpy:power"])
    assert found["kernels"].keys() == {"logsumexp", "power8", "lu"}
    assert "gone" not in found["backends"], "asked for, never measured, and no longer known"
    assert json.dumps(found, allow_nan=False), "a script with NaN in it is none"


def test_the_worst_error_of_a_tool_is_of_well_conditioned_inputs(tmp_path):
    (run,) = site(tmp_path, result())["runs"]
    worst = run["kernels"]["logsumexp"]["worst"]["float64"]
    expected = {"error": 0.5, "input": "large", "text": "0.5 ulp", "commit": "a" * 40}
    assert worst["numpy"]["worst"] == worst["numpy"]["large"] == expected
    assert worst["numpy"]["two_terms_far_apart"]["error"] == 5.5e15
    assert worst["scipy"]["two_terms_far_apart"] == {"failed": ["two terms far apart"]}


def test_the_worst_is_unknown_where_one_failed():
    cells = {"large": {"error": None}, "spread": {"error": 1.0, "text": "1", "commit": "c"}}
    assert accuracy.worst("logsumexp", cells)["worst"] == {"failed": ["large"]}


def test_a_form_that_is_unsafe_has_no_grade_however_small_its_error(tmp_path):
    found = site(tmp_path, result())
    factors = found["runs"][0]["kernels"]["lu"]["errors"]["float64"]
    assert factors["scipy"]["256"]["grade"] == 0
    assert factors["numpy:unpivoted"]["256"]["error"] == 0.05
    assert factors["numpy:unpivoted"]["256"]["grade"] is None
    assert list(found["kernels"]["lu"]["unsafe"]) == ["numpy:unpivoted"]
    assert "loses all digits" in found["kernels"]["lu"]["unsafe"]["numpy:unpivoted"]


def test_a_call_that_failed_has_no_time(tmp_path):
    (run,) = site(tmp_path, result({**VALUES, TIMES: [1e-3, None]}))["runs"]
    times = run["kernels"]["logsumexp"]["times"]["float64"]["1000"]
    assert times["scipy"] == {"time": None, "text": "failed", "interval": ""}


def test_inputs_are_explained(tmp_path):
    found = site(tmp_path, result())["kernels"]
    inputs = found["logsumexp"]["inputs"]
    assert list(inputs) == ["large", "two_terms_far_apart"], "in the order of the kernel"
    assert [i["well"] for i in inputs.values()] == [True, False]
    assert inputs["large"]["help"].startswith(kernels.load("logsumexp").INPUT_CLASSES["large"])
    assert found["power8"]["inputs"]["10000"]["title"] == "size 10,000"
    assert found["lu"]["about"] != found["power8"]["about"], "another unit"


@pytest.mark.parametrize(
    ("error", "place"), [(0, 0), (1, 0), (1.01, 1), (4, 1), (64, 2), (65, 3), (999, 3), (1000, 4)]
)
def test_grades(error, place):
    assert accuracy.grade(error, 1000.0) == place


def test_a_denormal_result_of_few_digits_loses_them_all_by_few_ulp():
    """exp(-740) is 85 of the smallest numbers: 0 in its place has no digit right."""
    lost = accuracy.lost("logsumexp", "float64", "denormal_terms")
    assert lost == pytest.approx(8.478, rel=1e-3)
    assert accuracy.grade(84.8, lost) == accuracy.NOTHING_RIGHT
    # Of float32 even the first grades are beyond it; what is well rounded stays so.
    assert accuracy.grade(0.9, accuracy.lost("logsumexp", "float32", "denormal_terms")) == 0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_no_digit_is_right_where_zero_is_answered(dtype):
    truth = kernels.load("logsumexp")
    for name in truth.INPUT_CLASSES:
        (x,) = truth.CASES[name].arguments(dtype)
        error = truth.error(0.0, truth.reference(x), dtype)
        assert accuracy.grade(error, accuracy.lost("logsumexp", dtype, name)) == 4


def test_every_grade_has_words():
    for about, words in accuracy.ABOUT.values():
        assert about
        assert len(set(words)) == accuracy.NOTHING_RIGHT + 1


def test_runs_without_errors_are_left_out(tmp_path):
    only_times = {TIMES: [1e-3, 1e-3]}
    found = site(tmp_path, result(), result(only_times, threads="all"))
    assert [run["threads"] for run in found["runs"]] == ["1"]


def test_nothing_measured(tmp_path):
    assert site(tmp_path)["runs"] == []
    more = {"project": "p", "pages": PAGES, "current": "", "scripts": [], "root": "", "source": ""}
    text = page("accuracy.html", **more, empty=True)
    assert "No results yet" in text


def test_chart_asks_for_nothing_from_elsewhere():
    spec = charts.all_charts()["accuracy"]
    assert not [
        v for v in json.dumps(spec).split('"') if v.startswith("http") and "schema" not in v
    ]
