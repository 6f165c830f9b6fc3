"""What is found in results of every kind, and what README says of it; without a browser."""

import json
import re
from itertools import pairwise
from urllib.parse import urlencode

import pytest

from lsebench.site import pictures
from lsebench.site.charts import findings as charts
from lsebench.site.page import page
from lsebench.site.plugin import PAGES
from lsebench.site.rows import findings, home, words
from lsebench.site.rows.findings import (
    compiler,
    digits,
    finding,
    front,
    heap,
    scipy_versions,
    since_2020,
)
from lsebench.site.rows.results import Run, Series, Value

COMMIT = "c" * 40
HOSTILE = "<script>alert(1)</script>|"
THREADS = "1", "all"


def timed(seconds, noise=0.02, samples=9):
    """A time with an interval, or without where the samples are too few."""
    if samples < 5:
        return Value(seconds, None, None, COMMIT, samples)
    return Value(seconds, seconds * (1 - noise), seconds * (1 + noise), COMMIT, samples)


def runs(values, machine="m", threads="1", since=1_790_000_000.0):
    run = Run(machine, "pinned", threads, "3.11", (("numpy", "2.4.6"), ("scipy", "1.17.1")))
    series = Series(values, {COMMIT: 1_790_000_000.0}, measured=1_790_000_000.0, since=since)
    return {run: series}


def warm(**tools):
    """Times of one call on float64, by tool and size; a number is the time, or it is a value."""
    return {
        finding.WARM: {
            (tool, "float64", size): value if isinstance(value, Value) else timed(value)
            for tool, sizes in tools.items()
            for size, value in sizes.items()
        }
    }


def in_heaps(young, noise=0.02):
    return warm(numpy={"100000": timed(1e-4, noise)}) | {
        heap.BENCHMARKS["young"]: {("numpy", "100000"): timed(young, noise)}
    }


# -- the state of the heap -------------------------------------------------------------------------


def test_the_heap_tells_where_intervals_lie_apart():
    found = heap.found(runs(in_heaps(7e-4)))
    assert "7 times as long" in found.sentence
    assert "700 µs against 100 µs" in found.sentence
    assert [row["text"] for row in found.chart.rows] == ["700 µs  (7×)", "100 µs"]  # noqa: RUF001
    assert "bench-all counts" in " ".join(found.first.more), "page faults were not counted"
    (_, page, state), *_ = found.first.links
    assert page == "index.html"
    assert (state["heap"], state["machine"], state["n"]) == ("young", "m", "100000")


@pytest.mark.parametrize(("young", "noise"), [(1.05e-4, 0.05), (7e-4, 0.99)])
def test_the_heap_says_nothing_where_they_do_not(young, noise):
    found = heap.found(runs(in_heaps(young, noise)))
    assert found.chart is None
    assert "do not tell" in found.sentence
    assert len(found.first.rows) == 2, "the numbers are there all the same"


def test_page_faults_are_told_where_they_were_counted():
    counted = {heap.FAULTS: {("numpy", "10000000"): Value(39064, None, None, COMMIT)}}
    found = heap.found(runs(in_heaps(7e-4) | counted))
    assert "39,064 by NumPy" in " ".join(found.first.more)


@pytest.mark.parametrize("module", [heap, digits, compiler, front])
def test_without_its_data_a_finding_says_how_to_measure(module):
    for there in ({}, runs({}), runs(warm(numpy={}), threads="all")):
        found = module.found(there)
        assert (found.first, found.chart) == (None, None)
        assert "make bench" in found.sentence


def test_the_machine_with_most_is_first_and_one_without_a_chart_last():
    little, much = runs(in_heaps(7e-4), "a"), runs(in_heaps(7e-4), "b")
    (series,) = much.values()
    series.values[heap.BENCHMARKS["young"]]["scipy", "100000"] = timed(9e-4)
    series.values[finding.WARM]["scipy", "float64", "100000"] = timed(1e-4)
    vague = runs(in_heaps(7e-4, 0.99), "0")
    found = heap.found(vague | little | much)
    assert [one.place for one in found.machines] == ["b", "a", "0"]


def test_of_machines_with_as_much_the_one_that_reported_first_is_first():
    first, later = runs(in_heaps(7e-4), "z", since=1.0), runs(in_heaps(7e-4), "a", since=2.0)
    assert [one.place for one in heap.found(later | first).machines] == ["z", "a"]


# -- SciPy over its versions -----------------------------------------------------------------------


def group(times, controls=None, threads="1"):
    def cells(several):
        return [value and {"time": timed(value).row()} for value in several]

    table = {"scipy": cells(times)} | ({"python": cells(controls)} if controls else {})
    return {
        "machine": "m", "kind": "pinned", "threads": threads, "python": "3.11", "commit": COMMIT,
        "date": 1_790_000_000.0, "since": 1_790_000_000.0,
        "environments": [
            {"name": f"NumPy {n}", "versions": {"numpy": f"2.{n}", "scipy": f"1.{n}"},
             "installed": {}, "measured": 0.0}
            for n in range(len(times))
        ],
        "kernels": {"logsumexp": {"float64": {"10": {"tools": table}}}},
    }  # fmt: skip


def test_the_largest_step_of_scipy_is_told_the_slower_one_first():
    found = scipy_versions.found([group([28e-6, 129e-6, 37e-6], [1e-6] * 3)])
    assert found.sentence == (
        "SciPy's logsumexp of 10 numbers takes 129 µs in 1.1 and 28 µs in 1.0: 4.6 times as long."
    )
    assert "1.2 3.5 times as fast as 1.1" in " ".join(found.first.more)
    assert len(found.chart.rows) == 6, "the control is drawn beside it"
    assert found.sources, "what upstream says of it is linked"


def test_what_the_control_does_too_is_not_told_of_scipy():
    found = scipy_versions.found([group([28e-6, 56e-6], [1e-6, 2e-6])])
    assert found.chart is None
    assert "no two" in found.sentence


@pytest.mark.parametrize("groups", [[], [group([1e-6])], [group([1e-6, None])]])
def test_one_version_is_no_finding(groups):
    found = scipy_versions.found(groups)
    assert found.chart is None
    assert "make bench-libraries" in found.sentence


def test_a_faster_version_is_told_where_none_is_slower():
    assert "2 times as fast" in scipy_versions.found([group([4e-6, 2e-6])]).sentence


# -- digits ----------------------------------------------------------------------------------------


def errors(**tools):
    return runs(
        {
            digits.BENCHMARK: {
                (tool, "float64", digits.INPUT): Value(error, None, None, COMMIT)
                for tool, error in tools.items()
            }
        }
    )


def test_who_loses_every_digit():
    found = digits.found(errors(numpy=5.5e15, scipy=0.15, simd=0.85))
    assert found.sentence == (
        "NumPy gets no digit of log-sum-exp of [0, -40] right, which is 4.2e-18; "
        "SciPy and our own keep them."
    )
    assert len({row["colour"] for row in found.chart.rows}) == 2


def test_where_nobody_loses_them_nothing_is_drawn():
    found = digits.found(errors(scipy=0.15))
    assert found.chart is None
    assert found.sentence.startswith("No tool")


# -- compilers -------------------------------------------------------------------------------------


def compiled(numba, samples=9):
    once = {("numba",): Value(1.0, None, None, COMMIT, 2), ("numpy",): timed(1e-5)}
    return runs(
        warm(numpy={"1000": 1e-5}, numba={"1000": timed(numba, samples=samples)})
        | {
            "first_call.Logsumexp.track_cold": once,
            "imports.Imports.timeraw_import": {("numba",): timed(0.3), ("numpy",): timed(0.1)},
        }
    )


def test_when_numba_pays():
    found = compiler.found(compiled(2e-6))
    # 1 s to compile and 0.2 s more to import, for 8 µs a call.
    assert "Numba has paid" in found.sentence
    assert "about 150,000 calls on 1,000 numbers" in found.sentence


@pytest.mark.parametrize(("numba", "samples"), [(1e-5, 9), (2e-5, 9), (2e-6, 2)])
def test_a_compiler_that_is_not_told_to_be_faster_never_pays(numba, samples):
    found = compiler.found(compiled(numba, samples))
    assert found.chart is None
    assert "no compiled tool" in found.sentence


def started(*tools):
    once = {(tool,): Value(1.0, None, None, COMMIT, 2) for tool in tools}
    imports = {(tool,): timed(0.3) for tool in tools}
    return {
        "first_call.Logsumexp.track_cold": once | {("numpy",): timed(1e-5)},
        "imports.Imports.timeraw_import": imports | {("numpy",): timed(0.1)},
    }


SIZES = "10", "1000", "100000"


def lines(**tools):
    """The chart of what pays: times of tools at `SIZES`, against 10 µs of NumPy."""
    tools |= {"numpy": [1e-5] * 3}
    values = warm(**{tool: dict(zip(SIZES, times, strict=True)) for tool, times in tools.items()})
    values[finding.WARM] |= warm(**{tool: {"1000": times[1]} for tool, times in tools.items()})[
        finding.WARM
    ]
    young = {(tool, size): timed(times[2]) for tool, times in tools.items() for size in SIZES[2:]}
    values[heap.BENCHMARKS["young"]] = young
    return compiler.found(runs(values | started(*tools)))


def test_a_line_is_broken_where_there_is_no_number():
    found = lines(numba=[1e-6, 1e-5, 1e-6], numba_tuned=[1e-6, 1e-6, 1e-6])
    parts = {}
    for row in found.chart.rows:
        parts.setdefault((row["tool"], row["part"]), []).append(row["elements"])
    assert list(parts.values()) == [[10], [100_000], [10, 1000, 100_000]]
    beside = {(row["tool"], row["beside"]) for row in found.chart.rows}
    assert beside == {("numba", "Numba"), ("numba_tuned", "")}, "what stands alone has its name"
    assert "on 1,000 it is not told from NumPy" in found.sentence
    spec = pictures.specification(found, found.first)
    (drawn,) = [layer for layer in spec["layer"] if layer["mark"]["type"] == "line"]
    assert drawn["encoding"]["detail"]["field"] == "part"
    assert drawn["encoding"]["color"]["legend"]["values"] == ["Numba (tuned)"]


def test_who_is_not_drawn_is_named_with_a_reason():
    tools = ("numba", "numba_tuned", "numba_vectorize", "numba_vectorize_eager",
             "numba_guvectorize", "numba_object", "transonic", "numba_parallel")  # fmt: skip
    found = lines(**dict.fromkeys(tools, [1e-6] * 3))
    drawn = {row["tool"] for row in found.chart.rows}
    assert drawn == {*tools} - {"numba_parallel"}
    assert "one thread: Numba (parallel)" in " ".join(found.first.more)


def test_texts_beside_points_are_kept_apart():
    rows = [
        {"elements": 10, "value": value, "beside": "Numba", "title": "Numba"}
        for value in (100.0, 101.0, 102.0, 1e6)
    ]
    heights = sorted(row["height"] for row in charts._spread(rows))
    least = 1e4 ** (0.9 * charts.LINE)
    assert all(over / under > least for under, over in pairwise(heights))
    assert [row["value"] for row in rows] == [100.0, 101.0, 102.0, 1e6]


def test_all_pages_say_the_same_number_of_calls():
    there = compiled(2.1e-6)
    (row,) = home.of_run(*next(iter(there.items())))["pays"]["float64"]["empty"]
    calls = row["calls"]["1000"]
    assert calls == 150_000
    assert words.calls(calls, row["about"]) in compiler.found(there).sentence


# -- since 2020 ------------------------------------------------------------------------------------


def claimed(verdict, row):
    line = {"title": "NumPy", "tool": "numpy", "then": "1.08", "row": row,
            "reason": "more than said", "verdict": verdict}  # fmt: skip
    base = {"title": "SciPy", "seconds": "6.7 s"}
    return {"machine": "m", "date": "2026-09-01", "about": "Commit c.", "talk": [base, line],
            "since": 1_790_000_000.0}  # fmt: skip


def test_what_no_longer_holds_is_what_the_page_of_claims_says():
    found = since_2020.found([claimed("does not hold", [2.5, 2.4, 2.6])])
    assert "NumPy is 2.5 times as fast as SciPy, not 1.08" in found.sentence
    (row,) = found.chart.rows
    assert (row["value"], row["then"]) == (2.5, 1.08)
    assert "still hold" in since_2020.found([claimed("holds", [1.1, 1.05, 1.15])]).sentence


def test_without_a_verdict_nothing_is_drawn():
    found = since_2020.found([claimed("undecided", [2.5, 1.0, 4.0])])
    assert found.chart is None
    assert since_2020.found([claimed("", [None, None, None])]).first is None


# -- which tool ------------------------------------------------------------------------------------


def test_what_can_be_installed_and_what_is_ours():
    times = warm(
        numpy={"10": 4e-6, "1000000": 4e-3},
        numba={"10": 1e-6, "1000000": 4e-3},
        simd={"10": 1e-7, "1000000": 1e-3},
    )
    found = front.found(runs(times))
    assert found.sentence == (
        "Against NumPy's logsumexp: of 10 numbers Numba is 4 times as fast, our own C++ (SIMD) "
        "40 times; of 1,000,000 numbers nothing that can be installed is told to be faster, "
        "our own C++ (SIMD) 4 times."
    )
    lines = {(row["elements"], row["title"]): row["mark"] for row in found.chart.rows}
    installable, *_ = front.GROUPS["installable"]
    assert lines[10, installable] == "Numba"
    assert lines[1_000_000, installable] == "NumPy\nor 1 more"


def test_of_tools_that_are_not_told_apart_none_is_the_fastest():
    """The plainest is named, then how many more; a parallel form comes last on one thread."""
    times = warm(
        numpy={"10": 4e-6},
        simd_openmp={"10": 1e-6}, simd={"10": 1.01e-6}, numba_tuned={"10": 1.02e-6},
        numba_tuned_parallel={"10": 1.005e-6}, cython_tuned={"10": 2e-6},
    )  # fmt: skip
    found = front.found(runs(times))
    assert "our own C++ (SIMD) (or Numba (tuned) and 2 more) 4 times" in found.sentence
    (row,) = [row for row in found.first.rows if row[1] == front.GROUPS["ours"][0]]
    assert row[2] == "C++ (SIMD)"
    assert row[-1] == "Numba (tuned), C++ (SIMD, OpenMP) and Numba (tuned, parallel)"
    (mark,) = [row["mark"] for row in found.chart.rows if row["title"] == row_title("ours")]
    assert mark == "C++ (SIMD)\nor 3 more"
    assert "fastest" not in f"{found.about} {found.alt(found.first)}"


def row_title(group):
    return front.GROUPS[group][0]


def best(**rows):
    found = front._best({name: list(row) for name, row in rows.items()}, list(rows))
    return found.tool, list(found.ties)


def test_who_is_named_is_told_to_be_slower_than_nobody():
    # The plain one reaches down to the least, but what lies between is told to be faster than it.
    wide, narrow, plain = (1.0, 0.5, 2.0), (1.2, 1.19, 1.21), (1.5, 1.3, 1.7)
    numpy = (9.0, 8.0, 10.0)
    assert best(numba_tuned=wide, simd=plain, numpy=numpy) == ("simd", ["numba_tuned"])
    assert best(numba_tuned=wide, cython_tuned=narrow, simd=plain, numpy=numpy) == (
        "numba_tuned", ["cython_tuned"],
    )  # fmt: skip


def test_a_plainer_tool_does_not_hide_that_one_is_told_to_be_faster_than_numpy():
    fast, vague, numpy = (1.0, 0.9, 1.1), (1.5, 1.0, 2.5), (2.0, 1.8, 2.2)
    assert best(numba_tuned=fast, simd=vague, numpy=numpy) == ("numba_tuned", [])
    assert best(numba_tuned=vague, numpy=numpy) == ("numpy", ["numba_tuned"])


def test_without_intervals_no_tool_is_the_fastest():
    few = timed(1e-7, samples=2)
    found = front.found(runs(warm(numpy={"10": 4e-6}, numba={"10": few}, simd={"10": few})))
    assert found.chart is None
    assert found.sentence.endswith("take NumPy.")


# -- addresses -------------------------------------------------------------------------------------


def test_a_link_asks_for_what_the_page_has():
    for one in [*all_of(), compiler.found(compiled(2e-6)), digits.found(errors(numpy=5.5e15))]:
        for found in one.machines:
            assert found.links
            for _, file, state in found.links:
                assert state["machine"] == found.place
                if file == "index.html":
                    assert state["process"] in ("warm", *home.CACHES)
                    assert state["heap"] in home.HEAPS
                    assert state["threads"] in THREADS
                    assert state["n"] in home.about_kernel(state["kernel"])["sizes"]
                    assert state["data"] in ("numpy", "own")


def test_the_address_of_a_finding_has_its_machine():
    """So it shows the same when another machine has more."""
    here = heap.found(runs(in_heaps(7e-4)))
    assert here.address(here.first) == "findings/heap.html#machine=m"
    hostile = heap.found(runs(in_heaps(7e-4), HOSTILE))
    assert hostile.address(hostile.first).endswith(
        "#machine=%3Cscript%3Ealert%281%29%3C%2Fscript%3E%7C"
    )


def two(tmp_path):
    there = findings.found(
        runs(in_heaps(7e-4) | digits_of(), "m", since=1.0) | runs(in_heaps(6e-4), "a/b", since=0.5),
        [],
        [],
    )
    pictures.draw(there, tmp_path)
    return there


def digits_of():
    (series,) = errors(numpy=5.5e15, scipy=0.15).values()
    return series.values


def test_every_machine_has_a_picture_with_a_name_of_its_own(tmp_path):
    there = {one.id: one for one in two(tmp_path)}
    first, second = there["heap"].machines
    assert (first.place, second.place) == ("a/b", "m")
    files = {file.name for file in tmp_path.glob("*heap*.svg")}
    assert files == {"heap.svg", "m-heap.svg", f"{there['heap'].picture(first)}.svg"}
    assert "/" not in there["heap"].picture(first)
    usual = (tmp_path / "heap.svg").read_text()
    assert usual == (tmp_path / f"{there['heap'].picture(first)}.svg").read_text()


def test_the_list_opens_with_the_machine_that_has_most_findings(tmp_path):
    assert findings.places(two(tmp_path)) == ["m", "a/b"]
    assert findings.places(findings.found({}, [], [])) == []


def test_pages_show_each_machine_by_itself(tmp_path):
    there = two(tmp_path)
    shared = {"project": "p", "pages": PAGES, "scripts": [], "source": "", "empty": False,
              "address": finding.address, "current": ""}  # fmt: skip
    listed = page("findings.html", findings=there, places=findings.places(there), root="", **shared)
    assert re.findall('<option value="(.*?)"', listed) == ["m", "a/b"]
    assert listed.count('data-machine="m"') == 3
    assert "findings/heap.html#machine=a%2Fb" in listed
    (one,) = [one for one in there if one.id == "heap"]
    text = page(
        "finding.html", finding=one, places=[f.place for f in one.machines], root="../", **shared
    )
    assert re.findall('<section data-machine="(.*?)"', text) == ["a/b", "m"]
    for found in one.machines:
        assert f'data-link="../findings/heap.html#{urlencode({"machine": found.place})}"' in text
        assert f"../findings/{one.picture(found)}.svg" in text


# -- pictures and texts ----------------------------------------------------------------------------


def all_of(machine="m"):
    values = in_heaps(7e-4)
    values[finding.WARM] |= warm(numba={"100000": 1e-5})[finding.WARM]
    return findings.found(
        runs(values, machine),
        [group([28e-6, 129e-6], [1e-6] * 2)],
        [claimed("does not hold", [2.5, 2.4, 2.6])],
    )


def test_a_picture_is_of_the_size_that_links_are_shown_with(tmp_path):
    there = all_of(HOSTILE)
    pictures.draw(there, tmp_path)
    drawn = {one.id for one in there if one.chart}
    assert drawn == {"front", "heap", "scipy-versions", "since-2020"}
    own = {one.picture(one.first) for one in there if one.chart}
    assert {file.stem for file in tmp_path.glob("*.svg")} == drawn | own
    for one in drawn:
        png = (tmp_path / f"{one}.png").read_bytes()
        assert (int.from_bytes(png[16:20]), int.from_bytes(png[20:24])) == (1200, 630)
        svg = (tmp_path / f"{one}.svg").read_text()
        assert "<script" not in svg
        assert 'fill="white"' in svg, "it is readable in the dark, too"
        assert "currentColor" not in svg
    listed = json.loads((tmp_path / "findings.json").read_text())
    assert {one["id"] for one in listed} == drawn


def test_without_results_there_is_a_picture_for_the_front_page_alone(tmp_path):
    pictures.draw(findings.found({}, [], []), tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["findings.json", "front.png"]


def test_a_chart_says_all_of_its_marks():
    for one in all_of():
        if one.chart:
            assert len(one.chart.said) == len(one.chart.rows)
            assert all(said in one.alt(one.first) for said in one.chart.said)


def test_findings_have_names_of_their_own_that_stay():
    assert [one.id for one in findings.found({}, [], [])] == [
        "front", "heap", "scipy-versions", "digits", "compiler", "since-2020"
    ]  # fmt: skip


def test_a_table_is_markdown_whatever_the_names_are():
    (found,) = heap.found(runs(in_heaps(7e-4), HOSTILE)).machines
    text = findings.markdown(found)
    assert "<script" not in text
    first, _, head, line, *rows = text.splitlines()
    assert "&lt;script&gt;" in first
    assert len(rows) == 2
    assert {row.count(" | ") for row in (head, line, *rows)} == {len(found.columns) - 1}


# -- README ----------------------------------------------------------------------------------------


def test_readme_shows_findings_as_they_are_written(root):
    text = (root / "README.md").read_text()
    block = text[text.index(pictures.BEGIN) : text.index(pictures.END)]
    shown = re.findall(
        r"^(\d)\. \*\*(.+?)\*\*\s+\((.+?),\s+\d{4}-\d\d-\d\d\)\n"
        r"   !\[(.+?)\]\(docs/pictures/(.+?)\.svg\)$",
        block, re.M | re.S,
    )  # fmt: skip
    assert [number for number, *_ in shown] == [str(n + 1) for n in range(pictures.SHOWN)]
    titles = {one.title: one.id for one in findings.found({}, [], [])}
    assert all(titles[title] == file for *_, title, file in shown)
    there = {file.name for file in (root / "docs/pictures").iterdir()}
    assert there == {f"{file}.svg" for *_, file in shown}


def test_readme_is_renewed_between_its_two_marks(tmp_path):
    site, folder, readme = tmp_path / "html", tmp_path / "pictures", tmp_path / "README.md"
    site.mkdir()
    folder.mkdir()
    (folder / "old.svg").touch()
    pictures.draw(all_of(), site / "findings")
    readme.write_text(f"before\n{pictures.BEGIN}\nold\n{pictures.END}\nafter\n")
    once = pictures.renew(readme, folder, site)
    text = readme.read_text()
    assert text.startswith(f"before\n{pictures.BEGIN}\n1. **")
    assert text.endswith(f"{pictures.END}\nafter\n")
    assert "old" not in text
    assert {file.name for file in folder.iterdir()} == {file.name for file in once[:-1]}
    pictures.renew(readme, folder, site)
    assert readme.read_text() == text
    assert all(len(line) <= 100 for line in text.splitlines())
