"""What a job costs with each tool: times, their parts, what pays, and the page that says so."""

import json
import re
from pathlib import Path

import pytest

from lsebench.run.noise import ASSUMED
from lsebench.site import write
from lsebench.site.page import page
from lsebench.site.plugin import PAGES
from lsebench.site.rows import home, words
from lsebench.site.rows.home import break_even, compiling, errors, paying, startup, times_of
from lsebench.site.rows.results import Run, Series, Value, apart, interval

SCRIPTS = Path(write.__file__).parent / "pages"


def value(seconds, spread=0.01):
    if seconds is None:
        return Value(None, None, None, "c")
    return Value(seconds, seconds * (1 - spread), seconds * (1 + spread), "c", 20)


def run(machine="m", threads="1", kind="pinned"):
    return Run(machine, kind, threads, "3.11", (("numpy", "2.4.6"),))


def series(**tables):
    """Return a series of tables by ``module_Suite_method``."""
    found = Series(commits={"c": 1.0})
    for name, rows in tables.items():
        benchmark = name.replace("__", ".")
        found.values[benchmark] = {key: value(seconds) for key, seconds in rows.items()}
    return found


WARM = {
    ("numpy", "float64", "1000"): 2e-5, ("numpy", "float64", "10000000"): 0.1,
    ("numba", "float64", "1000"): 1e-5, ("numba", "float64", "10000000"): 0.2,
    ("scipy", "float64", "10000000"): 0.3, ("pythran", "float64", "10000000"): None,
    ("jax", "float64", "1000"): 1e-6,
}  # fmt: skip
FULL = {
    "warm__Logsumexp__track_time": WARM,
    "transfer__Logsumexp__track_time": {("jax", "float64", "1000"): 4e-5},
    "imports__Imports__timeraw_import": {("numpy",): 0.1, ("numba",): 0.3, ("jax",): 0.5},
    "first_call__Logsumexp__track_cold": {("numpy",): 2e-5, ("numba",): 2.0},
    "first_call__Logsumexp__track_cached": {("numba",): 0.5},
    "heap__YoungLogsumexp__track_time": {("numpy", "10000000"): 0.15, ("numba", "10000000"): 0.25,
                                         ("scipy", "10000000"): 0.5},
    "heap__TunedLogsumexp__track_time": {("numpy", "10000000"): 0.08},
}  # fmt: skip


def of(full=FULL, **key):
    (found,) = home.site({run(**key): series(**full)})["runs"]
    return found


def test_all_parts_are_there_and_json_is_strict():
    found = home.site({run(): series(**FULL)})
    text = json.dumps(found, allow_nan=False)
    (one,) = json.loads(text)["runs"]
    assert one["times"]["logsumexp"]["settled"]["pythran"]["float64"]["10000000"] is None
    assert one["imports"]["numba"][0] == 0.3
    assert one["compile"]["empty"]["numba"][0] == pytest.approx(2.0, rel=1e-3)
    assert one["compile"]["filled"]["numba"][0] == pytest.approx(0.5, rel=1e-3)
    assert found["backends"]["jax"]["moves"]
    assert not found["backends"]["numba"]["moves"]
    time = one["times"]["logsumexp"]["settled"]["numba"]["float64"]["1000"]
    assert (time[3], found["commits"][time[4]]) == (20, ["c", 1.0])


def test_transfer_counts_where_the_data_is_in_numpy():
    own, numpy = (times_of(of(), "float64", place)["jax"] for place in ("own", "numpy"))
    assert (own["1000"][0], numpy["1000"][0]) == (1e-6, 4e-5)
    without = {k: v for k, v in FULL.items() if not k.startswith("transfer")}
    assert "jax" not in times_of(of(without), "float64", "numpy")


def test_state_of_the_heap():
    """Settled, but in a fresh process, where what was not measured there is left out."""

    def time_of(tool, size, state):
        return times_of(of(), "float64", heap=state).get(tool, {}).get(size, [None])[0]

    assert (time_of("numpy", "10000000", "settled"), time_of("numpy", "10000000", "young")) == (
        0.1,
        0.15,
    )
    assert time_of("numpy", "1000", "young") == 2e-5, "too small to be given back"
    assert time_of("jax", "1000", "young") == 1e-6, "it fills no temporaries"
    assert time_of("numpy", "10000000", "tuned") == 0.08
    without = {k: v for k, v in FULL.items() if "Young" not in k}
    unknown = times_of(of(without), "float64", heap="young")
    assert "10000000" not in unknown["numpy"], "the settled time is another"


def test_page_opens_with_one_thread_of_the_usual_environment():
    found = {run(threads="all"): series(**FULL), run(kind="source"): series(**FULL),
             run(): series(**FULL)}  # fmt: skip
    first = home.site(found)["runs"][0]
    assert (first["kind"], first["threads"]) == ("pinned", "1")


def test_compilation_is_the_first_call_less_a_warm_one():
    warm = {"a": {"1000": [1.0, 0.9, 1.1]}, "b": {"1000": [3.0, 2.0, 4.0]}, "d": {"10": [1, 1, 1]},
            "e": {"1000": [1.0, None, None]}}  # fmt: skip
    first = {"a": [5.0, 4.0, 6.0], "b": [2.0, 1.0, 2.5], "c": [1, 1, 1], "d": [1, 1, 1],
             "e": [5.0, 4.0, 6.0]}  # fmt: skip
    found = compiling(first, warm)
    assert found == {"a": [4.0, 2.9, 5.1], "b": [0.0, 0.0, 0.5], "e": [4.0, None, None]}


def test_intervals_that_touch_do_not_tell_apart():
    assert not apart([1, 0.9, 1.2], [1.3, 1.2, 1.4])
    assert apart([1, 0.9, 1.1], [1.3, 1.2, 1.4])
    assert apart([1.3, 1.2, 1.4], [1, 0.9, 1.1])
    assert not apart([1, None, None], [9, 8, 10]), "nothing is told without an interval"


@pytest.mark.parametrize("noise", [None, 0.0, 0.02])
def test_interval_is_that_of_the_samples_and_of_other_processes(noise):
    stat = {"ci_99_a": 0.97, "ci_99_b": 1.04, "repeat": 5}
    between = 2.576 * (ASSUMED if noise is None else noise)
    low, high = interval(1.0, stat, noise)
    assert low == pytest.approx(1 - (0.03**2 + between**2) ** 0.5)
    assert high == pytest.approx(1 + (0.04**2 + between**2) ** 0.5)


@pytest.mark.parametrize(
    "stat",
    [None, {}, {"ci_99_a": 1.0, "ci_99_b": 2.0, "repeat": 4}, {"ci_99_a": 1.0, "repeat": 9},
     {"ci_99_a": float("-inf"), "ci_99_b": float("inf"), "repeat": 9},
     {"ci_99_a": 1.0, "ci_99_b": 2.0}],
)  # fmt: skip
def test_no_interval_of_fewer_than_five_samples(stat):
    assert interval(1.5, stat, 0.01) == (None, None)


@pytest.mark.parametrize(
    ("extra", "tool", "calls"),
    [
        (10.0, [1, 1, 1], 10),
        (10.1, [1, 1, 1], 11),
        (-5.0, [1, 1, 1], 1),
        (10.0, [3, 3, 3], "never"),
        (10.0, [1, 0.5, 2], "unclear"),
        (10.0, [1, None, None], "unclear"),
    ],
)
def test_break_even(extra, tool, calls):
    assert break_even(extra, [2, 2, 2], tool) == calls


@pytest.mark.parametrize(("vague", "calls"), [(True, 220_000), (False, 218_000)])
def test_calls_have_the_digits_that_their_start_can_carry(vague, calls):
    assert break_even(2.17778, [2e-5] * 3, [1e-5] * 3, vague) == calls
    assert words.calls(calls, vague) == f"{'about ' if vague else ''}{calls:,} calls"
    assert (words.calls(1, False), words.calls(1, True)) == ("1 call", "about 1 call")


def test_what_pays_against_numpy():
    (numba,) = (row for row in paying(of(), "float64", "empty") if row["tool"] == "numba")
    # 0.2 s more to import and 2 s to compile, for 10 µs a call; slower at the larger size.
    assert numba["calls"] == {"1000": 220_000, "10000000": "never"}
    (cached,) = (row for row in paying(of(), "float64", "filled") if row["tool"] == "numba")
    assert cached["calls"]["1000"] == 70_000
    assert "scipy" not in {row["tool"] for row in paying(of(), "float64", "empty")}


@pytest.mark.parametrize("name", ["import", "compile"])
@pytest.mark.parametrize("tool", ["numba", "numpy"])
def test_what_was_not_measured_is_named_and_not_nothing(name, tool):
    key = {
        "import": "imports__Imports__timeraw_import",
        "compile": "first_call__Logsumexp__track_cold",
    }[name]
    rows = {k: v for k, v in FULL[key].items() if k != (tool,)}
    found = of({**FULL, key: rows})
    (row,) = (r for r in paying(found, "float64", "empty") if r["tool"] == "numba")
    assert row["calls"] == {}
    assert row["missing"]
    assert row["missing"][0].startswith(name)


def test_import_of_numpy_counts_for_every_tool():
    found = {"imports": {"numpy": [0.1, 0.1, 0.1], "cython": [0.001, 0.001, 0.001]},
             "compile": {"empty": {"cython": [0.0, 0.0, 0.0]}, "filled": {}}}  # fmt: skip
    assert startup(found, "cython", "filled") == (0.1, [], False)
    found["compile"]["empty"]["cython"] = [0.0, None, None]
    assert startup(found, "cython", "filled") == (0.1, [], True), "too few samples"


def test_worst_error_of_all_classes():
    rows = {
        ("a", "float64", "large"): value(1.0),
        ("a", "float64", "spread"): value(3.0),
        ("a", "float64", "wide_normal"): value(2.0),
        ("b", "float64", "large"): value(None),
        ("b", "float64", "spread"): value(9.0),
        ("c", "float64", "large"): value(5e15),
    }
    found = errors(rows)["float64"]
    assert found["a"] == [3.0, "spread", 1]
    assert found["b"][:2] == [None, "large"]
    assert found["b"][2] == found["c"][2] == home.NOTHING_RIGHT


def show(**values):
    more = {"project": "p", "pages": PAGES, "current": "", "scripts": [], "root": "", "source": ""}
    return page("index.html", **more, **values)


def test_page_with_and_without_results():
    assert "No results yet" in show(empty=True)
    assert home.site({})["runs"] == []
    text = show(empty=False)
    assert not re.search(r"https?:|//[a-z]|<script>|@import|url\(", text), "asks for another site"


def test_the_script_fills_only_what_the_page_has():
    text = show(empty=False)
    script = (SCRIPTS / "home.js").read_text()
    names = re.findall(
        r'(?:getElementById|element|Site\.(?:fill|choose|table))\("([a-z-]+)"', script
    )
    assert names
    assert not [name for name in names if f'id="{name}"' not in text]
