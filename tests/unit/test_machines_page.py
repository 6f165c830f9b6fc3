"""What the page of the machines says, and what it says where nothing is stored."""

import json
import re
from dataclasses import asdict
from itertools import pairwise

import pytest
from asv.graph import GraphSet

from lsebench.machine import frozen_calls, linux_checks, nightly, noise_floor
from lsebench.machine.machine import store
from lsebench.records.stored import Tuning
from lsebench.site.page import page
from lsebench.site.plugin import PAGES
from lsebench.site.rows import machines
from lsebench.site.rows.results import Run, Series, Value

EMPTY = "limits.EmptyCall.track_time"
READ = "limits.Read.track_time"
DAY = 86400.0
POOL = {"internal_api": "openblas", "version": "0.3", "num_threads": 1, "architecture": "Zen"}
CONTEXT = {
    "threads_setting": "1",
    "installed": {"numpy": "2.4.6", "Cython": "3.3.1"},
    "python": "3.11.7",
    "build": {"compiler": "gcc 12.2.0", "flags": "-O3"},
    "pools": [POOL, POOL],
    "cpu_features": {"baseline": ["X86_V2"], "found": ["X86_V3"], "not found": ["X86_V4"]},
    "governor": None,
    "allocator": "glibc 2.36",
}  # fmt: skip
GPU = {
    "name": "Some GPU",
    "driver_version": "580.1",
    "clocks.sm": "345 MHz",
    "clocks.max.sm": "1980 MHz",
}

SHARED = {
    "project": "p", "pages": PAGES, "current": "", "scripts": [], "root": "", "source": ""
}  # fmt: skip


def run(machine="m", threads="1", kind="pinned"):
    return Run(machine, kind, threads, "3.11", (("numpy", "2.4.6"),))


def series(measured=100 * DAY, context=None, commits="ab"):
    values = {
        EMPTY: {(): Value(2e-8, 1.9e-8, 2.1e-8, "a")},
        READ: {
            ("float64", size): Value(1.0, 1 - width, 1 + width, "a")
            for size, width in (("10", 0.01), ("100", 0.03), ("1000", 0.5))
        },
    }
    found = Series(values, {c * 40: DAY * n for n, c in enumerate(commits, 1)}, context or {})
    found.measured = measured
    return found


def describe(folder, machine="m", **more):
    (folder / machine).mkdir()
    text = json.dumps({"machine": machine, "version": 1, **more})
    (folder / machine / "machine.json").write_text(text)


def tables(runs, folder, graphs=None):
    return machines.tables(runs, graphs or GraphSet(), folder)


def shown(found):
    return page("machines.html", **SHARED, tables=found)


def test_description(tmp_path):
    describe(tmp_path, cpu="AMD EPYC", num_cpu="2", ram="25274793984", os="Linux", arch="")
    (found,) = tables({}, tmp_path)
    assert dict(found["described"]) == {
        "processor": "AMD EPYC",
        "cores": "2",
        "memory": "23.5 GiB",
        "architecture": "unknown",
        "system": "Linux",
    }
    assert "has a description, but no results" in shown([found])
    assert machines.marks([found]) == {}


def test_counts_and_last_report(tmp_path):
    runs = {
        run(): series(commits="ab"),
        run(threads="all"): series(measured=200 * DAY, commits="bc"),
        run(machine="n"): series(measured=0, commits="d"),
    }
    m, n = tables(runs, tmp_path)
    assert (m["results"], m["environments"], m["commits"]) == (4, 2, 3)
    assert m["day"] == "1970-07-20"
    assert machines.marks([m]) == {"m": {"reported": 200 * DAY, "bad": None}}
    assert n["day"] == "1970-01-02", "where no time is stored, the day of the commit"
    assert f'data-reported="{200 * DAY}"' in shown([m])


def test_tuning_is_of_the_newest_result(tmp_path):
    runs = {
        run(): series(context=CONTEXT),
        run(threads="all"): series(
            measured=200 * DAY,
            context=CONTEXT | {"threads_setting": "all", "governor": "performance", "gpus": [GPU]},
        ),
    }
    (found,) = tables(runs, tmp_path)
    assert dict(found["tuned"]) == {
        "vector instructions": "X86_V2 X86_V3",
        "not among them": "X86_V4",
        "frequency governor": "performance",
        "compiled by": "gcc 12.2.0 -O3",
        "malloc": "glibc 2.36",
        "Python": "3.11.7",
        "thread pools, one thread": "openblas 0.3 for Zen: 1 thread",
        "thread pools, all cores": "openblas 0.3 for Zen: 1 thread",
    }
    assert found["installed"] == [("Cython", "3.3.1"), ("numpy", "2.4.6")]
    (gpu,) = found["gpus"]
    assert gpu["name"] == "Some GPU"
    assert (
        "driver 580.1; memory unknown; clock of the processors when asked 345 MHz" in gpu["facts"]
    )
    assert "Some GPU" in shown([found])


def test_a_system_that_tells_no_governor():
    assert "tells none" in dict(machines.tuning(CONTEXT, []))["frequency governor"]


def test_what_is_not_stored_is_unknown(tmp_path):
    (found,) = tables({run(): series()}, tmp_path)
    assert {value for _, value in found["described"] + found["tuned"]} == {"unknown"}
    assert found["gpus"] is None
    text = shown([found])
    assert "Unknown: nothing is stored." in text
    assert "Unknown: it is not stored." in text


def test_noise_within_a_measurement_is_the_median_of_the_sizes(tmp_path):
    (found,) = tables({run(): series()}, tmp_path)
    rows = {row["what"]: row for row in found["noise"]}
    assert rows["reading an array once"]["interval"] == "± 3 %"
    assert rows["an empty call"]["interval"] == "± 5 %"
    assert rows["an empty call"]["spread"] == "unknown: it takes two commits"
    assert "exp of each number" not in rows, "it was not measured"


@pytest.mark.parametrize(
    "value", [Value(None, None, None, "a"), Value(1.0, None, None, "a"), Value(0.0, 0.0, 0.0, "a")]
)
def test_values_without_an_interval_say_nothing_of_noise(value):
    assert machines.half_widths([value]) == []


def test_an_interval_may_begin_at_nothing():
    assert machines.half_widths([Value(1.0, 0.0, 2.0, "a")]) == [1.0]


def test_times_of_too_few_samples_have_no_interval(tmp_path):
    found = series()
    found.values[EMPTY] = {(): Value(2e-8, None, None, "a")}
    found.values["limits.GpuCopy.track_time"] = {}
    (shown_of,) = tables({run(): found}, tmp_path)
    rows = {row["what"]: row["interval"] for row in shown_of["noise"]}
    assert rows == {"an empty call": "none: too few samples", "reading an array once": "± 3 %"}


@pytest.mark.parametrize(
    ("noise", "said"),
    [
        (
            None,
            "never measured: 5 % is assumed, and every interval of\nits times is at least ± 13 %",
        ),
        (
            0.02,
            "Processes differ by 2 %, says the check nearest to when it last measured: "
            "every interval of those times\nis at least ± 5.2 % wide",
        ),
    ],
)
def test_the_noise_between_processes_is_that_of_all_pages(tmp_path, noise, said):
    found = series()
    found.noise = noise
    assert said in shown(tables({run(): found}, tmp_path))


def test_caches_are_those_of_the_newest_result_that_has_them(tmp_path):
    known = [
        {"level": 1, "kind": "Data", "size": 48 * 1024, "shared_by": 1},
        {"level": 3, "kind": "Unified", "size": 32 * 2**20, "shared_by": 2},
    ]
    runs = {run(): series(context={"caches": known}), run(threads="all"): series(101 * DAY)}
    (found,) = tables(runs, tmp_path)
    assert found["caches"] == [
        {"level": "L1", "kind": "data", "size": "48 KiB", "shared": "one CPU"},
        {"level": "L3", "kind": "data and instructions", "size": "32 MiB", "shared": "2 CPUs"},
    ]
    assert '<td class="nowrap">32 MiB</td>' in shown([found])
    (found,) = tables({run(): series()}, tmp_path)
    assert found["caches"] == []
    assert "older than their recording" in shown([found])


def test_tables_have_names_and_headings_an_order(tmp_path):
    describe(tmp_path)
    store(tmp_path / "m", found_by_make_machine())
    text = shown(tables({run(): series(context=CONTEXT)}, tmp_path))
    assert text.count("<table") == text.count('<table aria-label="') > 2
    levels = [int(level) for level in re.findall(r"<h(\d)", text)]
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_noise_over_commits_is_of_the_environment_with_most(tmp_path):
    graphs = GraphSet()
    for machine, threads, numpy, values in (
        ("m", "1", "1", [50.0]),
        ("m", "1", "2", [90.0, 100.0, None, 110.0]),
        ("m", "all", "2", [1.0, 9.0, 1.0, 9.0, 1.0]),
        ("n", "1", "2", [1.0, 9.0, 1.0, 9.0, 1.0]),
    ):
        params = {"machine": machine, "python": "3.11", "env-LSEKERNELS_THREADS": threads}
        graph = graphs.get_graph(EMPTY, params | {"numpy": numpy})
        for revision, value in enumerate(values):
            graph.add_data_point(revision, value)
    assert machines.levels(graphs, EMPTY, run()) == [90.0, 100.0, 110.0]
    (found,) = tables({run(): series()}, tmp_path, graphs)
    rows = {row["what"]: row["spread"] for row in found["noise"]}
    assert rows["an empty call"] == "± 9 % over 3 commits"


def test_names_are_shown_as_text(tmp_path):
    evil = "<script>alert(1)</script>"
    text = shown(tables({run(machine=evil): series(context=CONTEXT)}, tmp_path))
    assert evil not in text
    assert "&lt;script&gt;alert(1)" in text


def test_no_machines(tmp_path):
    assert "No results yet" in shown(tables({}, tmp_path))


def test_every_page_of_ours_tells_which_machines_are_late(tmp_path):
    for text in (
        shown([]),
        page("limits.html", **SHARED, empty=True),
    ):
        scripts = ["static/site.js", "data/machines.js", "static/footer.js"]
        places = [text.index(f'src="{script}"') for script in scripts]
        assert places == sorted(places)


def found_by_make_machine(state="bad"):
    """What the command really writes, and not what this page hopes for."""
    checks = [
        linux_checks.Check("swap", "none", linux_checks.GOOD),
        linux_checks.Check("temperature", "not to be seen", linux_checks.UNKNOWN, "no sensor"),
        linux_checks.Check("SMT", "<b>on</b>", state, "two threads", "echo off | sudo tee /sys/x"),
    ]
    run = {name: [1.0, 1.01, 0.99] for name in frozen_calls.NAMES}
    return Tuning(
        checked="2026-11-21T22:00:00+00:00",
        machine="m",
        checks=[asdict(check) for check in checks],
        noise={"kernels": noise_floor.summary([run, run])},
    )


def test_an_untuned_machine_is_marked_and_says_what_to_do(tmp_path):
    describe(tmp_path)
    for state in ("good", "bad"):
        store(tmp_path / "m", found_by_make_machine(state))
    (found,) = tables({run(): series()}, tmp_path)
    assert machines.marks([found])["m"]["bad"] == ["SMT"], "the newest check counts"
    assert [row["name"] for row in found["check"]["rows"]] == ["SMT", "temperature", "swap"]
    text = shown([found])
    assert "Checked 2026-11-21: not tuned:\nSMT." in text
    assert "<code>echo off | sudo tee /sys/x</code>" in text
    assert "<b>on</b>" not in text
    assert {row["within"] for row in found["check"]["noise"]} == {"± 1.5 %"}
    assert {row["between"] for row in found["check"]["noise"]} == {"± 0 %"}
    assert set(machines.FROZEN) == set(frozen_calls.NAMES)


def test_a_tuned_machine_is_not_marked(tmp_path):
    describe(tmp_path)
    store(tmp_path / "m", found_by_make_machine("good"))
    (found,) = tables({run(): series()}, tmp_path)
    assert machines.marks([found])["m"]["bad"] == []
    assert "yes, as far as it is to be seen" in shown([found])


def test_a_machine_that_was_never_checked(tmp_path):
    (found,) = tables({run(): series()}, tmp_path)
    assert machines.marks([found])["m"]["bad"] is None
    assert "It was never checked" in shown([found])


def test_how_the_last_night_went(tmp_path):
    describe(tmp_path)
    beat = nightly.Heartbeat(tmp_path / "m")
    beat.beat("measure 1 of 2")
    (found,) = tables({run(): series()}, tmp_path)
    assert "has not ended; at 20" in found["night"]
    assert "it was at: measure 1 of 2." in shown([found])
    beat.beat("end", outcome="failed in part", failed=["publish: exit code 1"], notes=["late"])
    (found,) = tables({run(): series()}, tmp_path)
    assert found["night"].endswith("failed in part (publish: exit code 1; late)")
