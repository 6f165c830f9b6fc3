"""The proof's changes slow a backend down and leave its results alone; its sums are right."""

import importlib.util
import json
import re

import pytest

from lsebench.__main__ import main as command
from lsebench.gate import power
from lsebench.records.stored import PowerRun
from lsekernels.kernels import logsumexp

from ..scratch import git

PLACES = sorted({place for case in power.CASES for place in case.places})


@pytest.mark.parametrize(("name", "size"), PLACES)
def test_slowed_down_backend_is_still_right(root, tmp_path, load, name, size):
    plain = load(name)
    file = tmp_path / "slowed_down.py"
    source = (root / f"lsekernels/backends/{name}.py").read_text()
    file.write_text(power.slowed_down(source, power.change(size).format(amount=1.0)))
    spec = importlib.util.spec_from_file_location("lsekernels.backends.slowed_down", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    backend = getattr(module, type(plain).__name__)()
    backend.load()
    assert backend.logsumexp.__name__ == "slower"
    (x,) = logsumexp.make_data(size, "float64")
    error = logsumexp.error(backend.logsumexp(x), logsumexp.reference(x), "float64")
    assert error <= logsumexp.MAX_ERROR


def test_short_calls_are_slowed_down_in_compiled_code():
    assert power.change(10) == power.COMPILED_STEPS
    assert {power.change(size) for _, size in PLACES if size >= 1000} == {power.WAITING}


@pytest.mark.parametrize("bend", [0, 8, 20, 60])
def test_amount_is_found_where_more_steps_cost_more_each(bend):
    asked = []

    def ratio(steps):
        asked.append(steps)
        return 1 + 0.002 * min(steps, bend) + 0.006 * max(0, steps - bend)

    amount = power.find_amount(ratio, 0.10, 80)
    assert ratio(amount) == pytest.approx(1.10, abs=0.005)
    assert len(asked) <= power.TRIES + 1


def test_amount_is_the_nearest_of_those_tried():
    tries = iter([1.30, 1.07, 1.30, 1.30, 1.30, 1.30])
    assert power.find_amount(lambda _: next(tries), 0.10, 80) == 20, "the second, a quarter of 80"
    assert power.find_amount(lambda _: 1.101, 0.10, 80) == 40, "near enough: none is tried after it"


@pytest.mark.parametrize(
    ("case", "hits", "met"),
    [("nothing", 1, True), ("nothing", 2, False), ("five", 19, True), ("five", 18, False)],
)
def test_summary(case, hits, met):
    case = next(c for c in power.CASES if c.name == case)
    runs = [
        PowerRun(
            case=name, place=None, true_ratio=1.05, hit=i < hits, rows=[], benchmarks=7,
            undecided=2, minutes=i, limit=10, commit="", date="",
        )
        for name, number in ((case.name, 20), ("another", 1))
        for i in range(number)
    ]  # fmt: skip
    line = power.summary(case, runs)
    assert (line["runs"], line["hits"], line["met"], line["undecided"]) == (20, hits, met, 40)
    assert line["low"] < hits / 20 < line["high"]
    assert re.search(rf"\| +20 \| +{hits} \|", power.table([line]))


@pytest.fixture
def prove(tmp_path, monkeypatch):
    """Run the proof's command where the gate itself takes no time and always says slower."""
    for name in ("lsebench/gate/statistics.py", "asv.conf.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text('{"version": 1, "project": "p", "repo": "."}\n')
    git(tmp_path, "init", "-q")
    monkeypatch.chdir(tmp_path)
    said = {"hit": True, "rows": [], "benchmarks": 1, "undecided": 0, "minutes": 0.1}
    monkeypatch.setattr(power, "_clone", lambda *_: tmp_path)
    monkeypatch.setattr(power, "_head", lambda *_: ("head", 1.05))
    monkeypatch.setattr(power, "_gate", lambda *_: said)

    def run(*arguments):
        git(tmp_path, "add", "-A")
        git(tmp_path, "commit", "-q", "--allow-empty", "-m", "Change something")
        code = command(["power", *arguments, "--machine", "here"])
        lines = (tmp_path / "results/here/gate-proof.jsonl").read_text().splitlines()
        return code, [json.loads(line)["case"] for line in lines]

    return run


def test_runs_are_kept_while_the_gate_is_the_same(prove, tmp_path, monkeypatch):
    five, nothing = ["--only", "five", "--runs", "2"], ["--only", "nothing", "--runs", "1"]
    assert prove(*five) == (0, ["five"] * 2)
    assert prove(*nothing) == (1, ["five"] * 2 + ["nothing"]), "a false alarm"
    assert prove(*five) == (1, ["five"] * 2 + ["nothing"]), "there were enough"
    with (tmp_path / "results/here/gate-proof.jsonl").open("a") as stream:
        stream.write('{"case": "fi')  # cut off
    assert prove(*five[:3], "3") == (1, ["five"] * 2 + ["nothing", "five"])
    assert prove(*five[:3], "1", "--fresh") == (1, ["nothing", "five"])
    assert prove(*five, "--minutes", "1") == (0, ["nothing"] + ["five"] * 3), "runs of another time"
    monkeypatch.setattr(power, "WAITING", power.WAITING.replace("found", "value"))
    assert prove(*five) == (1, ["nothing"] + ["five"] * 2), "made slower in another way"
    with (tmp_path / "lsebench/gate/statistics.py").open("a") as stream:
        stream.write("# judged otherwise\n")
    assert prove(*five) == (0, ["five"] * 2)


def test_no_runs_are_no_line():
    assert power.summary(power.CASES[0], []) is None
