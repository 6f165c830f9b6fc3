"""What a job costs with each tool: the parts, the winners, and what the talk of 2020 said."""

import json
import re
from pathlib import Path

import pytest

from lsebench.site import write
from lsebench.site.page import page
from lsebench.site.plugin import PAGES
from lsebench.site.rows import choose, talk
from lsebench.site.rows.choose import apart, break_even, compiling, errors, paying, startup, winners
from lsebench.site.rows.results import Run, Series, Value

SCRIPTS = Path(write.__file__).parent / "pages"


def value(seconds, spread=0.01):
    if seconds is None:
        return Value(None, float("nan"), float("nan"), "c")
    return Value(seconds, seconds * (1 - spread), seconds * (1 + spread), "c")


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
    (found,) = choose.site({run(**key): series(**full)})["runs"]
    return found


def test_all_parts_are_there_and_json_is_strict():
    found = choose.site({run(): series(**FULL)})
    text = json.dumps(found, allow_nan=False)
    (one,) = json.loads(text)["runs"]
    assert one["warm"]["logsumexp"]["pythran"]["float64"]["10000000"] is None
    assert one["imports"]["numba"][0] == 0.3
    assert one["compile"]["empty"]["numba"][0] == pytest.approx(2.0, rel=1e-3)
    assert one["compile"]["filled"]["numba"][0] == pytest.approx(0.5, rel=1e-3)
    assert found["backends"]["jax"]["moves"]
    assert not found["backends"]["numba"]["moves"]


def test_transfer_counts_where_the_data_is_in_numpy():
    own, numpy = (choose.times(of(), "logsumexp", "float64", p)["jax"] for p in ("own", "numpy"))
    assert (own["1000"][0], numpy["1000"][0]) == (1e-6, 4e-5)
    without = {k: v for k, v in FULL.items() if not k.startswith("transfer")}
    assert "jax" not in choose.times(of(without), "logsumexp", "float64", "numpy")
    assert of()["winners"]["logsumexp"]["float64"]["own"][0]["tools"] == ["jax"]
    assert of()["winners"]["logsumexp"]["float64"]["numpy"][0]["tools"] == ["numba"]


def test_state_of_the_heap():
    """Settled, but in a fresh process, where what was not measured there is left out."""

    def time_of(tool, size, **where):
        return (
            choose.times(of(), "logsumexp", "float64", **where).get(tool, {}).get(size, [None])[0]
        )

    assert (time_of("numpy", "10000000"), time_of("numpy", "10000000", fresh=True)) == (0.1, 0.15)
    assert time_of("numpy", "1000", fresh=True) == 2e-5, "too small to be given back"
    assert time_of("jax", "1000", fresh=True) == 1e-6, "it fills no temporaries"
    assert time_of("numpy: all memory kept", "10000000") == 0.08
    without = {k: v for k, v in FULL.items() if "Young" not in k}
    unknown = choose.times(of(without), "logsumexp", "float64", fresh=True)
    assert "10000000" not in unknown["numpy"], "the settled time is another"


def test_page_opens_with_one_thread_of_the_usual_environment():
    found = {run(threads="all"): series(**FULL), run(kind="source"): series(**FULL),
             run(): series(**FULL)}  # fmt: skip
    first = choose.site(found)["runs"][0]
    assert (first["kind"], first["threads"]) == ("pinned", "1")


def test_compilation_is_the_first_call_less_a_warm_one():
    warm = {"a": {"1000": [1.0, 0.9, 1.1]}, "b": {"1000": [3.0, 2.0, 4.0]}, "d": {"10": [1, 1, 1]}}
    first = {"a": [5.0, 4.0, 6.0], "b": [2.0, 1.0, 2.5], "c": [1, 1, 1], "d": [1, 1, 1]}
    found = compiling(first, warm)
    assert found == {"a": [4.0, 2.9, 5.1], "b": [0.0, 0.0, 0.5]}, "not below nothing"


def test_intervals_that_touch_do_not_tell_apart():
    assert not apart([1, 0.9, 1.2], [1.3, 1.2, 1.4])
    assert apart([1, 0.9, 1.1], [1.3, 1.2, 1.4])
    assert apart([1.3, 1.2, 1.4], [1, 0.9, 1.1])


def exact(*seconds):
    return {str(10**i): [s, s, s] for i, s in enumerate(seconds, 1) if s}


def test_winner_changes_only_where_no_tool_wins_any_more():
    measured = {"a": exact(1, 10, 100), "b": exact(2, 20, 50)}
    assert winners(measured, ["10", "100", "1000"]) == [
        {"sizes": ["10", "100"], "tools": ["a"]}, {"sizes": ["1000"], "tools": ["b"]},
    ]  # fmt: skip


def test_noise_is_no_change_of_winner():
    measured = {"a": exact(1, 10), "b": exact(2, 9)}
    measured["a"]["100"] = [10, 8, 12]
    assert winners(measured, ["10", "100"]) == [{"sizes": ["10", "100"], "tools": ["a"]}]
    measured["b"]["10"] = [2, 0.5, 3]
    (only,) = winners(measured, ["10", "100"])
    assert only["tools"] == ["a", "b"]


def test_winners_of_sizes_nobody_has_and_of_shapes():
    assert winners({"a": exact(0, 1)}, ["10", "100"]) == [{"sizes": ["100"], "tools": ["a"]}]
    shapes = {"a": {"10x10": [1, 1, 1], "1x100": [1, 1, 1]}}
    assert [w["sizes"] for w in winners(shapes, ["10x10", "1x100"])] == [["10x10"], ["1x100"]]


def test_a_size_that_few_tools_have_has_no_winner():
    measured = {"a": exact(1, 5), "b": exact(2, 6), "c": exact(3, 0, 9)}
    assert winners(measured, ["10", "100", "1000"]) == [{"sizes": ["10", "100"], "tools": ["a"]}]


@pytest.mark.parametrize(
    ("extra", "tool", "calls"),
    [
        (10.0, [1, 1, 1], 10),
        (10.1, [1, 1, 1], 11),
        (-5.0, [1, 1, 1], 1),
        (10.0, [3, 3, 3], "never"),
        (10.0, [1, 0.5, 2], "unclear"),
    ],
)
def test_break_even(extra, tool, calls):
    assert break_even(extra, [2, 2, 2], tool) == calls


def test_what_pays_against_numpy():
    (numba,) = (row for row in paying(of(), "float64", "empty") if row["tool"] == "numba")
    # 0.2 s more to import and 2 s to compile, for 10 µs a call; slower at the larger size.
    assert numba["calls"] == {"1000": pytest.approx(220_000, rel=1e-3), "10000000": "never"}
    (cached,) = (row for row in paying(of(), "float64", "filled") if row["tool"] == "numba")
    assert cached["calls"]["1000"] == pytest.approx(70_000, rel=1e-3)
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
    assert startup(found, "cython", "filled") == (0.1, [])


def test_worst_error_of_all_classes():
    rows = {("a", "float64", "x"): value(1.0), ("a", "float64", "y"): value(3.0),
            ("a", "float64", "z"): value(2.0), ("b", "float64", "x"): value(None),
            ("b", "float64", "y"): value(9.0)}  # fmt: skip
    assert errors(rows) == {"float64": {"a": [3.0, "y"], "b": [None, "x"]}}


@pytest.mark.parametrize(
    ("then", "now", "words"),
    [
        (1.1, [1.2, 1.1, 1.3], "still holds"),
        (1.1, [3.0, 2.5, 3.5], "holds in kind: faster, but by more"),
        (4.0, [2.0, 1.5, 2.5], "holds in kind: faster, but by less"),
        (0.97, [2.0, 1.5, 2.5], "no longer: today it is faster"),
        (1.1, [0.5, 0.4, 0.6], "no longer: today it is slower"),
        (0.97, [0.5, 0.4, 0.6], "holds in kind: slower, but by more"),
        (1.1, [1.2, 0.9, 1.3], "open"),
    ],
)
def test_verdicts_on_the_talk(then, now, words):
    assert talk.judge(then, now)[0].startswith(words)


def test_talk_beside_todays_numbers():
    (table,) = talk.tables({run(): series(**FULL), run(threads="all"): series(**FULL)})
    lines = {line["title"]: line for line in table["lines"]}
    assert (lines["NumPy"]["then"], lines["NumPy"]["now"]) == ("1.08", "3.00")
    assert (lines["NumPy"]["young"], lines["SciPy"]["young"]) == ("3.33", "1")
    assert lines["CuPy"]["verdict"].startswith("not measured here: CuPy")
    cupy, numba, pythran = table["tree"]
    assert cupy["verdict"].startswith("not measured here")
    assert numba["verdict"] == "no longer: NumPy is 2.00 times as fast"
    assert pythran["verdict"].startswith("not measured here: Pythran")


def show(**values):
    return page("choose.html", project="p", pages=PAGES, current="", scripts=[], **values)


def test_page_with_and_without_results():
    assert "No results yet" in show(empty=True, talk=talk.tables({}))
    assert choose.site({})["runs"] == []
    tables = talk.tables({run(machine="<b>m"): series(**FULL)})
    text = show(empty=False, talk=tables)
    assert "&lt;b&gt;m" in text
    assert "NumPy is 2.00 times as fast" in text
    assert not re.search(r"https?:|//[a-z]|<script>|@import|url\(", text), "asks for another site"


def test_the_script_fills_only_what_the_page_has():
    text = show(empty=False, talk=[])
    script = (SCRIPTS / "choose.js").read_text()
    names = re.findall(r'(?:getElementById|Site\.(?:fill|choose|table))\("([a-z-]+)"', script)
    assert names
    assert not [name for name in names if f'id="{name}"' not in text]
