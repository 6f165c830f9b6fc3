"""The page of claims: what was said, what is measured, and one verdict on each."""

import json
import re

import pytest

from lsebench.run import table
from lsebench.site.page import page
from lsebench.site.plugin import PAGES
from lsebench.site.rows import claims
from lsebench.site.rows.results import Run, Series, Value

FACTS = {
    "commit": "a" * 40, "date": "2026-01-01T00:00:00+00:00", "python": "3.11.7",
    "installed": {"numpy": "2.4.6", "numba": "0.68.1"},
    "gpus": [{"name": "Some GPU", "driver_version": "1.2"}],
}  # fmt: skip
NUMPY, NUMBA = "numpy against SciPy, 1e+07", "Numba (nopython) against SciPy, 1e+07"
CUPY = "cupy against SciPy, 1e+07"
FIRST = "CPU: Numba first, then Pythran: our tuned form of each, one thread, 1e+07"
PLAIN = "CPU: Numba first, then Pythran: the plain form of each, one thread, 1e+07"
FSTRING, LENGTH = (
    "Python: an f-string against +",
    "Python: a cached len(x) in a loop against len(x) each time",
)
COMPILE = "compiling: Numba's first call against a warm one, 1000 elements"
LATE = "numba_parallel beats numba from so many elements on"
ULP = "x**8: error of power"


def line(what, measured=None, spread=0.01, processes=5, **more):
    found = {"what": what, "target": ">= 1", "source": "s", "note": "", "verdict": "as it was"}
    if measured is not None:
        found["measured"] = measured
    if measured is not None and processes >= table.PROCESSES:
        found |= {"low": measured * (1 - spread), "high": measured * (1 + spread)}
    return found | more


def site(tmp_path, *lines, runs=None, noise=None):
    (tmp_path / "m").mkdir(exist_ok=True)
    if lines:
        text = "".join(json.dumps(one) + "\n" for one in (FACTS, *lines))
        (tmp_path / "m/claims.jsonl").write_text(text)
    if noise:
        check(tmp_path, "2026", noise)
    return claims.site(runs or {}, tmp_path)


def check(tmp_path, at, noise):
    """Store a check of the machine: its noise at a time."""
    (tmp_path / "m").mkdir(exist_ok=True)
    kernels = {"loop": {"within": 0.0, "between": noise}}
    tuning = {"checked": at, "checks": [], "noise": {"kernels": kernels}}
    with (tmp_path / "m/tuning.jsonl").open("a") as file:
        file.write(json.dumps(tuning) + "\n")


def of(found, what):
    (one,) = [line for line in found["lines"] if line["what"] == what]
    return one


def talk(found, title):
    (one,) = [line for line in found["talk"] if line["title"] == title]
    return one


@pytest.mark.parametrize(
    ("measured", "verdict"),
    [(1.002, "undecided"), (1.017, "undecided"), (1.053, "undecided"), (0.953, "undecided"),
     (1.2, "holds"), (0.8, "does not hold")],
)  # fmt: skip
def test_a_ratio_within_the_noise_is_not_told_from_equal(tmp_path, measured, verdict):
    (found,) = site(tmp_path, line(FSTRING, measured, 0.002), noise=0.04)
    one = of(found, FSTRING)
    assert one["verdict"] == verdict
    assert (one["reason"] == "not told from equal") == (verdict == "undecided")
    assert one["kind"] == {"holds": "good", "does not hold": "bad"}.get(verdict, "")
    assert "4 %" in found["noise"]
    low, high = map(float, one["interval"].split(" to "))
    assert low < measured * 0.998 < measured * 1.002 < high, "the interval that is judged is shown"


def test_the_noise_is_that_of_the_check_nearest_to_the_claims(tmp_path):
    check(tmp_path, "2025-12-31T23:00:00+00:00", 0.04)
    check(tmp_path, "2026-01-09T00:00:00+00:00", 0.001)
    (found,) = site(tmp_path, line(FSTRING, 1.053, 0.002))
    assert of(found, FSTRING)["verdict"] == "undecided", "a quiet minute later says nothing of it"
    assert "4 %" in found["noise"]


def test_noise_that_nobody_measured_is_assumed_and_said(tmp_path):
    (found,) = site(tmp_path, line(FSTRING, 1.12, 0.002))
    assert of(found, FSTRING)["verdict"] == "undecided"
    assert "5 % is assumed" in found["noise"]


def test_fewer_than_five_processes_have_no_verdict(tmp_path):
    (found,) = site(tmp_path, line(FSTRING, 3.0, processes=4, verdict="holds"))
    one = of(found, FSTRING)
    assert (one["verdict"], one["reason"], one["kind"]) == (
        "no verdict", "fewer than 5 processes", "",
    )  # fmt: skip
    assert "<code>make claims</code> measures five" in show(found)


def test_each_line_says_what_its_number_counts(tmp_path):
    stored = [
        line(COMPILE, 259_000.0), line(LENGTH, 1.4), line(ULP, 0.5, 0.0, target="none"),
        line(LATE, 1e9, 0.0),
    ]  # fmt: skip
    (found,) = site(tmp_path, *stored)
    assert of(found, COMPILE)["measured"] == "259,000 times as long"
    assert of(found, COMPILE)["said"] == "at least 1,000 times as long"
    assert of(found, LENGTH)["measured"] == "1.4 times as fast"
    assert of(found, LENGTH)["said"] == "faster"
    assert of(found, ULP)["measured"] == "0.5 ulp"
    assert (of(found, ULP)["verdict"], of(found, ULP)["interval"]) == ("", "")
    assert (of(found, LATE)["measured"], of(found, LATE)["verdict"]) == (
        "at no size", "does not hold",
    )  # fmt: skip


def test_every_line_of_todays_table_has_words():
    for group in claims._groups():
        for check in group.checks:
            assert check.quantity
            assert claims._said(check) or check.target == "none"


def test_a_tool_is_not_judged_by_code_of_ours_unsaid():
    """Nor is a form for several threads compared with another one on one thread."""
    for group in claims._groups():
        names = {name: call[1] for name, call in group.calls.items() if call[0] == "backend"}
        for check in group.checks:
            below = check.value.below
            two = [check.value.above, *([below] if isinstance(below, str) else below)]
            tools = [names[name] for name in two if name in names]
            if any("tuned" in tool for tool in tools):
                assert "of our own" in check.note, check.what
            parallel = {tool.endswith(("_openmp", "_parallel")) for tool in tools}
            assert group.threads != "1" or len(parallel) <= 1, check.what


def test_numba_and_pythran_are_compared_as_they_are_and_as_we_tuned_them(tmp_path):
    runs = series(numba=0.3, pythran=0.2, numba_tuned=0.02, pythran_tuned=0.05)
    (found,) = site(tmp_path, runs=runs)
    assert of(found, PLAIN)["verdict"] == "does not hold"
    assert of(found, FIRST)["verdict"] == "holds"
    assert "of our own" in of(found, FIRST)["note"]


def test_one_fact_is_judged_once(tmp_path):
    (found,) = site(tmp_path, line(NUMPY, 2.2), line(FIRST, 2.9))
    assert [one["title"] for one in found["talk"]][:2] == ["SciPy", "NumPy"]
    assert NUMPY not in {one["what"] for one in found["lines"]}
    assert of(found, FIRST)["verdict"] == "holds"
    numpy = talk(found, "NumPy")
    assert (numpy["then"], numpy["verdict"], numpy["reason"]) == (
        "1.08", "does not hold", "more than said",
    )  # fmt: skip
    whats = [one["what"] for one in found["lines"]]
    assert len(set(whats)) == len(whats)


def test_what_was_not_measured_says_why(tmp_path):
    stored = [
        line(CUPY, verdict="not measured here: cupy: no CUDA device"),
        line(FIRST, verdict="failed: MemoryError"), line(FSTRING, 1.0),
    ]  # fmt: skip
    (found,) = site(tmp_path, *stored)
    cupy = talk(found, "CuPy")
    assert (cupy["verdict"], cupy["reason"]) == ("not measured", "cupy: no CUDA device")
    assert (of(found, FIRST)["verdict"], of(found, FIRST)["reason"]) == ("failed", "MemoryError")
    assert (of(found, LENGTH)["verdict"], of(found, LENGTH)["reason"]) == (
        "not measured", "run make claims",
    )  # fmt: skip


def value(seconds, spread=0.01):
    return Value(seconds, seconds * (1 - spread), seconds * (1 + spread), "c" * 40)


def series(young=True, **times):
    """Return the suites' times of logsumexp of 10,000,000 numbers."""
    found = Series(commits={"c" * 40: 1.0})
    found.context = {"backends": [{"backend": "cupy", "unavailable": "no CUDA device"}]}
    size = str(claims.SIZE)
    found.values["warm.Logsumexp.track_time"] = {
        (name, "float64", size): value(seconds) for name, seconds in times.items()
    }
    if young:
        found.values["heap.YoungLogsumexp.track_time"] = {
            ("numpy", size): value(0.3), ("scipy", size): value(0.302),
        }  # fmt: skip
    return {Run("m", "pinned", "1", "3.11", (("numpy", "2.4.6"),)): found}


def test_without_make_claims_the_suites_are_judged(tmp_path):
    runs = series(scipy=0.3, numpy=0.1, numba=0.2, numba_tuned=0.02, pythran_tuned=0.05)
    (found,) = site(tmp_path, runs=runs)
    numpy = talk(found, "NumPy")
    assert (numpy["measured"], numpy["verdict"]) == ("3 times as fast", "does not hold")
    assert numpy["how"] == claims.SUITES
    assert (numpy["young"], numpy["young_verdict"]) == ("1.01", "undecided: not told from equal")
    numba = talk(found, "Numba")
    assert numba["verdict"] == "holds", "1.5 is about 1.12"
    assert (numba["young"], numba["young_verdict"]) == ("", ""), "another heap is another time"
    assert talk(found, "CuPy")["reason"] == "CuPy: no CUDA device"
    assert (of(found, FIRST)["measured"], of(found, FIRST)["verdict"]) == (
        "2.5 times as fast", "holds",
    )  # fmt: skip
    assert "Of the suites at commit cccccccc" in found["about"]


def test_side_by_side_is_preferred_to_the_suites(tmp_path):
    (found,) = site(
        tmp_path, line(NUMPY, 1.1, 0.001), runs=series(scipy=0.3, numpy=0.1), noise=0.001
    )
    numpy = talk(found, "NumPy")
    assert (numpy["measured"], numpy["how"]) == ("1.1 times as fast", claims.PROCESSES)
    assert numpy["verdict"] == "holds"


def test_times_without_an_interval_have_no_verdict(tmp_path):
    size = str(claims.SIZE)
    runs = series(scipy=0.3)
    (suites,) = runs.values()
    few = Value(0.1, None, None, "c" * 40)
    suites.values["warm.Logsumexp.track_time"]["numpy", "float64", size] = few
    (found,) = site(tmp_path, runs=runs)
    numpy = talk(found, "NumPy")
    assert (numpy["verdict"], numpy["reason"]) == ("no verdict", "too few samples for an interval")


def test_lines_of_an_older_table_stay_with_what_they_said(tmp_path):
    old = [line("gone", 1.5, target=">= 1.05"), line("odd", 1.5, target="? <b>")]
    (found,) = site(tmp_path, *old)
    assert (of(found, "gone")["measured"], of(found, "gone")["verdict"]) == ("1.5 times", "holds")
    assert of(found, "odd")["verdict"] == ""


def show(*found, **values):
    more = {"project": "p", "pages": PAGES, "current": "", "scripts": [], "root": "", "source": ""}
    return page("claims.html", **more, tables=found, empty=not found, **values)


def test_page(tmp_path):
    evil = "<script>alert(1)</script>"
    note = line("evil", 1.0, note=evil)
    (found,) = site(tmp_path, note, line(NUMPY, 1.1), line(FSTRING, 3.0))
    text = show(found)
    assert "numpy 2.4.6, numba 0.68.1" in text
    assert "Some GPU, driver 1.2" in text
    assert evil not in text
    assert "&lt;script&gt;" in text
    assert not re.search(r"https?:|//[a-z]|<script>|@import|url\(", text), "asks for another site"
    assert json.dumps(found, allow_nan=False)


def test_no_claims_yet(tmp_path):
    assert claims.site({}, tmp_path) == []
    assert "Run <code>make claims</code>" in show()
