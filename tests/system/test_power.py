"""The study's changes slow a backend down and leave its results alone; its sums are right."""

import importlib.util
import json
import random
from dataclasses import replace
from time import perf_counter

import pytest

from lsebench.__main__ import main as command
from lsebench.gate import power, resample
from lsebench.gate.report import LAYOUT
from lsebench.records.stored import MeasuredPair, PowerRun
from lsekernels.kernels import logsumexp

from ..scratch import git


@pytest.mark.parametrize("name", power.PLACES)
def test_slowed_down_backend_is_still_right(root, tmp_path, load, name):
    plain = load(name)
    file = tmp_path / "slowed_down.py"
    source = (root / f"lsekernels/backends/{name}.py").read_text()
    file.write_text(power.slowed_down(source, 3.0))
    spec = importlib.util.spec_from_file_location("lsekernels.backends.slowed_down", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    backend = getattr(module, type(plain).__name__)()
    backend.load()
    methods = {method for kernel in backend.kernels() for method in backend.methods(kernel)}
    assert {getattr(backend, method).__name__ for method in methods} == {"slower"}
    (x,) = logsumexp.make_data(1000, "float64")
    error = logsumexp.error(backend.logsumexp(x), logsumexp.reference(x), "float64")
    assert error <= logsumexp.MAX_ERROR
    assert type(plain).load is not module.__dict__["_load_slower"]


def test_a_slowed_call_takes_its_time_so_many_times():
    """Not less, however busy the machine is: the wait is a share of what the call took."""
    made = {}
    exec(power.SLOWED.format(name="Backend", times=4.0).partition("_load =")[0], made)
    took = []

    def compute():
        start = perf_counter()
        while perf_counter() - start < 1e-3:
            pass
        took.append(perf_counter() - start)

    start = perf_counter()
    made["_slower"](compute)()
    assert perf_counter() - start >= 4 * took[0]


@pytest.mark.parametrize("file", power.PADDED)
def test_functions_that_nobody_calls_come_before_all_others(root, file):
    source = (root / file).read_text()
    found = power.padded(source, 3)
    head, _, rest = found.partition("\ndef unused_0(")
    assert source.startswith(head.rstrip("\n"))
    assert rest.count("def unused_") == 2
    assert "import" in head
    assert "def " not in head
    assert source.replace(head, "").strip() in found


def row(name, verdict="same", pairs=(), seconds=1e-3):
    return {
        "name": name, "seconds": seconds, "verdict": verdict,
        "screen": [[ratio] * 3 for ratio in pairs], "confirm": [],
    }  # fmt: skip


def run(case, *rows, place=""):
    return PowerRun(
        case=case, place=place, rows=list(rows), minutes=1.0, limit=10, ruler="", commit="", date=""
    )


WARM = "warm.Sums.track_time('{}', 'float64', 1000)"


@pytest.mark.parametrize(
    ("case", "place", "found", "times"),
    [
        ("five", "numpy", row(WARM.format("numpy")), 1.05),
        ("five", "numpy", row(WARM.format("numpy:form")), 1.05),
        ("five", "numpy", row(WARM.format("numpy_blocked")), 1.0),
        ("five", "numpy", row(WARM.format("numpy"), seconds=1e-6), None),
        ("five", "numpy", row("imports.Imports.timeraw_import('numpy')"), None),
        ("comment", "", row(WARM.format("numpy")), 1.0),
        ("layout", "", row(WARM.format("cython"), power.MOVED), None),
    ],
)
def test_how_much_slower_a_row_is_in_truth(case, place, found, times):
    assert power.times(run(case, place=place), found) == times


def test_summary_of_what_was_found_and_what_was_not():
    found = run(
        "five", row(WARM.format("scipy"), "slower"), row(WARM.format("numpy")), place="scipy"
    )
    same = run("five", row(WARM.format("scipy"), "same"), place="scipy")
    false = run("five", row(WARM.format("numpy"), "slower"), place="scipy")
    case = next(case for case in power.CASES if case.name == "five")
    line = power.summary(case, [found] * 19 + [run("ten", place="scipy")])
    assert (line["runs"], line["found"], line["false"], line["slower"], line["met"]) == (
        19, 19, 0, 19, True,
    )  # fmt: skip
    line = power.summary(case, [found] * 19 + [false])
    assert (line["found"], line["false"], line["met"]) == (19, 1, True)
    assert not power.summary(case, [found] * 18 + [false] * 2)["met"], "90 %"
    assert not power.summary(case, [found] * 39 + [same])["met"], "5 % slower is never the same"
    assert power.summary(case, []) is None
    assert "| 19 (82% to 100%) |" in power.table([power.summary(case, [found] * 19)])


def test_one_of_forty_runs_of_nothing_may_be_wrong(capsys):
    right = run("comment", row(WARM.format("numpy")))
    wrong = run("layout", row(WARM.format("numpy"), "slower"))
    assert power.report([right] * 39 + [wrong], "") == 0
    assert power.report([right] * 38 + [wrong], "") == 1
    assert "say slower: 1 of 39 (0% to 13%)" in capsys.readouterr().out


@pytest.fixture
def real():
    """Runs of two backends of 30 benchmarks each, whose pairs scatter 1 %."""
    chance = random.Random(1)

    def pairs(times=1.0):
        return [times * chance.lognormvariate(0, 0.01) for _ in range(12)]

    names = [f"warm.S{i}.track_time('{{}}', 10)" for i in range(30)]
    slow = [row(name.format("numpy"), "slower", pairs(1.05)) for name in names]
    other = [row(name.format("scipy"), "same", pairs()) for name in names]
    return [run("comment", *other), run("five", *slow, *other, place="numpy")]


def test_runs_are_drawn_from_the_pairs_of_real_ones(real):
    pool = resample.pool(real, power.times)
    drawn = [resample.drawn(real, pool, "five", power.times, seed) for seed in range(5)]
    verdicts = [{r["name"]: r["verdict"] for r in one.rows} for one in drawn]
    assert all(list(said.values()).count("slower") > 20 for said in verdicts)
    assert not any("slower" in said[name] for said in verdicts for name in said if "scipy" in name)
    assert drawn[0] == resample.drawn(real, pool, "five", power.times, 0)
    assert resample.drawn(real, pool, "ten", power.times, 0) is None, "no real run is like it"
    # The slowdown of real runs is divided out: a smaller one is then not found so often.
    three = [replace(one, case="three") if one.place else one for one in real]
    assert power.times(three[1], three[1].rows[0]) == pytest.approx(1.03)


def test_no_more_pairs_than_a_real_run_had(real):
    few = [replace(one, rows=[{**r, "screen": r["screen"][:5]} for r in one.rows]) for one in real]
    drawn = resample.drawn(few, resample.pool(few, power.times), "comment", power.times, 0)
    assert {r["verdict"] for r in drawn.rows} <= {"same", "undecided"}
    fewer = [replace(one, rows=[{**r, "screen": r["screen"][:2]} for r in one.rows]) for one in few]
    drawn = resample.drawn(fewer, resample.pool(fewer, power.times), "comment", power.times, 0)
    assert drawn.rows == [], "too few to draw from"


def test_rows_are_those_with_pairs():
    facts = {"benchmark": "warm.Lu.track_time", "environment": "env", "base": 1e-4}
    cython = {**facts, "parameters": ["'cython'", "10"], "unit": "seconds", "verdict": "undecided"}
    found = {
        "rows": [
            cython | {"outcome": f"slower, {LAYOUT}"},
            cython | {"parameters": ["'numpy'"], "outcome": "same"},
            cython | {"unit": "ulp", "outcome": "same"},
        ]
    }
    name = "warm.Lu.track_time('cython', 10)"
    pair = MeasuredPair(
        row=f"{name} env", stage="screen", ruler="", base=1.0, head=1.1, ratio=1.1, mean=1.2,
        tail=1.3000001, states={},
    )  # fmt: skip
    lost = replace(pair, ratio=None, states={"head": "failed"})
    (one,) = power._rows(found, [pair, lost])
    assert one == {
        "name": name, "seconds": 1e-4, "verdict": power.MOVED, "screen": [[1.1, 1.2, 1.3]],
        "confirm": [],
    }  # fmt: skip


@pytest.fixture
def prove(tmp_path, monkeypatch):
    """Run the study's command where the gate itself takes no time and finds all."""
    for name in ("lsebench/gate/side_by_side.py", "asv.conf.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text('{"version": 1, "project": "p", "repo": "."}\n')
    git(tmp_path, "init", "-q")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(power, "_clone", lambda *_: tmp_path)
    monkeypatch.setattr(power, "_commits", lambda _, case, place, number: (case.name, place))

    def gate(clone, case, place, number, options):
        pairs = [1.05 + i / 1e4 for i in range(12)]
        return {"minutes": 0.1}, [row(WARM.format(place), "slower", pairs)]

    monkeypatch.setattr(power, "_gate", gate)

    def run(*arguments):
        git(tmp_path, "add", "-A")
        git(tmp_path, "commit", "-q", "--allow-empty", "-m", "Change something")
        code = command(["power", *arguments, "--machine", "here"])
        lines = (tmp_path / "results/here/gate-power.jsonl").read_text().splitlines()
        return code, [json.loads(line)["case"] for line in lines]

    return run


def test_runs_are_kept_while_what_measures_is_the_same(prove, tmp_path, capsys):
    five, comment = ["--only", "five", "--runs", "2"], ["--only", "comment", "--runs", "1"]
    assert prove(*five) == (0, ["five"] * 2)
    assert prove(*comment) == (1, ["five"] * 2 + ["comment"]), "a false alarm"
    assert prove(*five) == (1, ["five"] * 2 + ["comment"]), "there were enough"
    with (tmp_path / "results/here/gate-power.jsonl").open("a") as stream:
        stream.write('{"case": "fi')  # cut off
    assert prove(*five[:3], "3") == (1, ["five"] * 2 + ["comment", "five"])
    assert prove(*five[:3], "1", "--fresh") == (1, ["comment", "five"])
    assert prove(*five, "--minutes", "1") == (0, ["comment"] + ["five"] * 3), "of another time"
    capsys.readouterr()
    assert prove(*five[:2], "--simulate", "3") == (0, ["comment"] + ["five"] * 3), "it stores none"
    said = capsys.readouterr().out
    assert "drawn from 4 runs" in said
    with (tmp_path / "lsebench/gate/side_by_side.py").open("a") as stream:
        stream.write("# measured otherwise\n")
    assert prove(*five) == (0, ["five"] * 2)


def test_nothing_to_draw_from(prove, capsys):
    assert command(["power", "--simulate", "3", "--machine", "nowhere"]) == 3
    assert "measure some" in capsys.readouterr().err
