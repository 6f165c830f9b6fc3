"""What the pages say of a series: its values, levels, ratios, causes, and what became of them."""

import json

import pytest

from lsebench import git
from lsebench.history.steps import Step
from lsebench.site.rows import causes, changes
from lsebench.site.rows import history as pages

from ..steps import CANARY, COMMITS, ERROR, NAME, Git, history, level, results, stepping

SIXTY = [*range(60)]
HOSTILE = "<script>alert(1)</script>/../ö"


@pytest.fixture(autouse=True)
def no_git(monkeypatch):
    monkeypatch.setattr(git, "lines", Git(20).lines)


class Site:
    """Takes what would be written."""

    def __init__(self):
        self.files = {}

    def script(self, name, value, target=""):
        self.files[name] = json.loads(json.dumps(value, allow_nan=False))


def written(found, folder):
    site = Site()
    pages.write(site, *history(found, folder), {"parameters": {}, "axes": []})
    return site.files


def rows(found, folder, name="m-logsumexp"):
    """Return (tool, size) -> what its file has of a series; the error's under its one parameter."""
    return {tuple(row["values"]): row for row in written(found, folder)[f"series/{name}"]["series"]}


def values(i):
    """Return NumPy half repaired and its gain lost, simd repaired and rising with each commit."""
    half = level(i, (20, 60, 1.5), (40, 60, 1 / 1.25))
    lost = level(i, (20, 60, 0.8), (40, 60, 1.25))
    return [half, lost, level(i, (20, 40, 1.5)), level(i) * 1.01**i]


@pytest.fixture(scope="module")
def sixty():
    return results(values, places=SIXTY)


def test_levels_and_ratios_of_a_step_and_its_repair(sixty, tmp_path):
    up, down = rows(sixty, tmp_path)["simd", "10"]["steps"]
    assert (up["before"], up["at"], down["before"], down["at"]) == (19, 20, 39, 40)
    assert up["ratio"] == pytest.approx(1.5, rel=0.01)
    assert (up["old"], up["new"]) == (
        pytest.approx(1e-3, rel=0.01),
        pytest.approx(1.5e-3, rel=0.01),
    )
    assert (up["held"], down["held"]) == (20, 20)
    assert (up["became"], down["became"]) == ("back", "there")


def test_what_became_of_a_step_that_is_half_repaired_and_of_a_lost_gain(sixty, tmp_path):
    found = rows(sixty, tmp_path)
    up, _ = found["numpy", "10"]["steps"]
    assert (up["ratio"], up["became"]) == (pytest.approx(1.5, rel=0.01), "partly")
    gain, _ = found["numpy", "1000"]["steps"]
    assert (gain["ratio"], gain["became"]) == (pytest.approx(0.8, rel=0.01), "back")


def test_a_trend_has_its_line_and_no_step(sixty, tmp_path):
    row = rows(sixty, tmp_path)["simd", "1000"]
    (trend,) = row["trends"]
    assert row["steps"] == []
    assert (trend["before"], trend["at"], trend["held"]) == (0, 59, 60)
    assert trend["ratio"] == pytest.approx(1.01**59, rel=0.01)


def test_every_point_has_the_interval_of_the_site(sixty, tmp_path):
    row = rows(sixty, tmp_path)["simd", "10"]
    assert row["of"] == len(row["value"]) == 60
    assert row["commits"] == SIXTY
    for value, low, high in zip(row["value"], row["low"], row["high"], strict=True):
        # What nobody has checked is taken for 5 % of scatter between processes.
        assert low == pytest.approx(value * (1 - 2.576 * 0.05), rel=0.01)
        assert high == pytest.approx(value * (1 + 2.576 * 0.05), rel=0.01)


def test_there_is_no_interval_of_fewer_than_five_samples_nor_of_an_error(tmp_path):
    few = results(values, places=SIXTY[:9], samples=4)
    found = results(lambda i: [2.0], ERROR, found=few)
    for row in rows(found, tmp_path).values():
        assert set(row["low"]) == set(row["high"]) == {None}


def test_failures_are_counted_and_n_a_is_nothing(tmp_path):
    def some(i):
        return [level(i), None if i in (3, 4) else level(i), float("nan"), None]

    found = rows(results(some, places=SIXTY[:6]), tmp_path)
    assert set(found) == {("numpy", "10"), ("numpy", "1000")}
    assert found["numpy", "1000"]["failed"] == [2, 4]
    assert found["numpy", "1000"]["commits"] == [0, 1, 2, 5]
    assert "failed" not in found["numpy", "10"]


# -- causes ----------------------------------------------------------------------------------------


def cause(found, folder):
    """Return cause and whether it is confirmed, of the step up of simd at 10."""
    step = rows(found, folder)["simd", "10"]["steps"][0]
    return step["cause"], step["confirmed"]


def installed(found, folder, numba, places=SIXTY):
    """Store what was installed: `numba` says which version at which place."""
    for place, one in zip(places, found, strict=True):
        file = (folder / one._filename).with_suffix(".context.jsonl")
        file.parent.mkdir(exist_ok=True)
        context = {"installed": {"numba": numba(place), "lsekernels": f"0.1+{place}"}}
        file.write_text(json.dumps({"context": context}))


def test_without_another_change_it_is_the_code(sixty, tmp_path):
    assert cause(sixty, tmp_path) == ("code", False), "whether or not it is known what was there"
    installed(sixty, tmp_path, lambda place: "0.68")
    assert cause(sixty, tmp_path) == ("code", False)


def test_another_version_is_the_library_s_and_is_named(sixty, tmp_path):
    installed(sixty, tmp_path, lambda place: "0.67" if place < 20 else "0.68")
    assert cause(sixty, tmp_path) == ("library", False)
    step = rows(sixty, tmp_path)["simd", "10"]["steps"][0]
    assert step["versions"] == [["numba", "0.67", "0.68"]]


def test_where_the_package_is_the_same_it_is_the_machine(sixty, tmp_path, monkeypatch):
    monkeypatch.setattr(git, "lines", Git().lines)
    assert cause(sixty, tmp_path) == ("machine or library", False)
    installed(sixty, tmp_path, lambda place: "0.68")
    assert cause(sixty, tmp_path) == ("machine", False)


def test_where_a_canary_moved_as_well_it_is_the_machine(tmp_path):
    found = results(values, places=SIXTY)
    results(lambda i: [1e-8 * (1.5 if i >= 20 else 1) * (1 + 1e-3 * (i % 3))], CANARY, found=found)
    assert cause(found, tmp_path) == ("machine", False)


def test_of_commits_that_git_does_not_know_nothing_is_said(sixty, tmp_path, monkeypatch):
    monkeypatch.setattr(git, "lines", lambda *arguments, told="": [])
    assert cause(sixty, tmp_path) == ("unknown", False)


def test_what_was_measured_again_is_confirmed(sixty, tmp_path):
    incident = {
        "benchmark": NAME, "parameters": ["'simd'", "10"], "environment": sixty[0].env_name,
        "before": COMMITS[19], "after": COMMITS[20], "ratio": 1.5, "low": 1.4, "high": 1.6,
        "cause": "library", "confirmed": "2026-11-21T10:00:00+00:00",
    }  # fmt: skip
    (tmp_path / "m").mkdir()
    (tmp_path / "m/incidents.jsonl").write_text(json.dumps(incident) + "\n")
    found = rows(sixty, tmp_path)
    steps = found["simd", "10"]["steps"]
    assert (steps[0]["cause"], [s["confirmed"] for s in steps]) == ("library", [True, False])
    assert not found["numpy", "10"]["steps"][0]["confirmed"], "another series"


def test_a_step_that_is_measured_rarely_says_among_how_many_commits(tmp_path):
    found = rows(results(stepping((10, 20, 1.3))), tmp_path)["simd", "1000"]["steps"]
    assert [step["commits"] for step in found] == [3, 3]


@pytest.mark.parametrize(
    ("latest", "what"),
    [(2.0, "there"), (2.4, "there"), (1.4, "partly"), (1.1, "back"), (0.5, "back")],
)
def test_what_became_of_a_step(latest, what):
    assert causes.became(Step(3, 4, 1.0, 2.0, 2.0, 1.0), latest) == what
    down = Step(3, 4, 1.0, 0.5, 0.5, 1.0)
    assert causes.became(down, 1 / latest) == what


# -- index and files -------------------------------------------------------------------------------


def test_of_very_many_points_the_extremes_and_the_steps_are_drawn():
    many = [1.0 + (i % 7) / 100 for i in range(1000)]
    many[501], many[777] = 9.0, 0.1
    ends = [i in (400, 401) for i in range(1000)]
    kept = pages.thinned(many, ends)
    assert {0, 999, 501, 777, 400, 401} <= set(kept)
    assert kept == sorted(kept)
    assert len(kept) <= pages.MOST + 4
    assert pages.thinned(many[:300], ends[:300]) == [*range(300)]


def test_a_file_has_a_name_that_every_disk_takes():
    for place in HOSTILE, "a/here", "A b", "x" * 300, "..":
        name = pages.file_name(place, "logsumexp")
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_")
        assert len(name) < 80
        assert not name.startswith("-")
    assert pages.file_name("vm-2core", "lu") == "vm-2core-lu"
    assert len({pages.file_name(place, "lu") for place in ("A", "a", "ä", "a/here", "a-here")}) == 5


def test_the_index_says_which_file_has_which_kernel_of_which_machine(tmp_path):
    found = results(values, places=[0, 1]) + results(values, places=[1], machine=HOSTILE)
    results(lambda i: [1e-8], CANARY, found=found[:2])
    found += results(values, places=[1], kind="here")
    files = written(found, tmp_path)
    index = files["series"]
    assert set(index["files"]) == {"m", "m/here", HOSTILE}
    assert set(index["files"]["m"]) == {"logsumexp", "limits"}
    for groups in index["files"].values():
        assert set(groups.values()) <= set(files)
    assert index["commits"] == [
        [COMMITS[0], 1_700_000_000, "Subject 0"],
        [COMMITS[1], 1_700_086_400, "Subject 1"],
    ]
    assert index["benchmarks"][NAME]["clock"] == "warm"
    assert index["kernels"] == {"logsumexp": "log-sum-exp of a vector"}
    assert index["backends"]["numpy"]["featured"]


def test_the_newest_environment_of_a_place_comes_first_and_generations_are_in_order(tmp_path):
    found = results(values, places=[0, 1, 2], numpy="1.26.4") + results(values, places=[0, 1])
    found += results(values, places=[0, 1], numpy="2.10.0")
    index = written(found, tmp_path)["series"]
    titles = [one["title"] for one in index["environments"]]
    assert titles == ["NumPy 2.10.0", "NumPy 2.4.6", "NumPy 1.26.4"]
    assert index["environments"][0]["name"] == "py3.11-numpy2.10.0"
    assert index["generations"] == [{"commit": 1, "environments": [2, 1, 0]}]


def test_of_one_environment_there_are_no_generations(sixty, tmp_path):
    assert written(sixty, tmp_path)["series"]["generations"] == []


def test_no_results_at_all(tmp_path):
    files = written([], tmp_path)
    assert set(files) == {"series"}
    assert (files["series"]["commits"], files["series"]["files"]) == ([], {})


def test_every_benchmark_has_a_kernel_and_a_clock_of_its_own(root):
    stored = json.loads((root / "results/benchmarks.json").read_text())
    names = [name for name, one in stored.items() if isinstance(one, dict)]
    found = {name: pages.address(name) for name in names}
    assert len(set(found.values())) == len(names)
    expected = {
        "warm.LogSoftmaxRows.track_time": ("log_softmax_rows", "warm"),
        "heap.YoungLogsumexp.track_time": ("logsumexp", "young"),
        "heap.TunedSoftmaxRows.track_time": ("softmax_rows", "tuned"),
        "first_call.Logsumexp.track_cold": ("logsumexp", "first_call"),
        "first_call.Log10.track_start_cached": ("log10", "cached"),
        "accuracy.Lu.track_error": ("lu", "error"),
        "memory.Logsumexp.track_added": ("logsumexp", "memory"),
        "transfer.Logsumexp.track_time": ("logsumexp", "transfer"),
        "imports.Imports.timeraw_import": ("imports", "import"),
        "limits.Read.track_time": ("limits", "read"),
        "limits.EmptyCall.track_time": ("limits", "empty_call"),
    }
    assert {name: found[name] for name in expected} == expected


def test_a_series_is_looked_at_once(sixty, tmp_path, monkeypatch):
    asked = []
    one = changes.find_all
    monkeypatch.setattr(changes, "find_all", lambda series: asked.extend(series) or one(series))
    written(sixty, tmp_path)
    assert len(asked) == len({*map(id, asked)}) == 4
