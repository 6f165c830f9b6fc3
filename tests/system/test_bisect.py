"""Steps of stored results, and suspects measured again by a simulation that knows the truth."""

import json
import math
import os
import subprocess
import sys

import numpy as np
import pytest
from asv.benchmarks import Benchmarks
from asv.config import Config
from asv.results import Results
from asv.runner import BenchmarkResult

from lsebench import cli
from lsebench.__main__ import main as command
from lsebench.history import bisect, history
from lsebench.history.series import Change, Series
from lsebench.records.stored import Incident

from .. import synthetic

NAN = math.nan


# The stored results of a scratch repository.

KERNEL = {"name": "warm.Kernel.track_time", "params": [["'a'", "'b'"], ["10", "1000"]],
          "param_names": ["backend", "size"], "unit": "seconds", "version": "1",
          "type": "time"}  # fmt: skip
ERROR = {"name": "accuracy.Kernel.track_error", "params": [["'a'"]], "param_names": ["backend"],
         "unit": "ulp", "version": "1", "type": "track"}  # fmt: skip
EMPTY = {"name": "limits.EmptyCall.track_time", "params": [], "param_names": [], "unit": "seconds",
         "version": "1", "type": "time"}  # fmt: skip
MACHINE, ENVIRONMENT = "m", "pinned-py3.11"
LEVELS = {"a10": 1e-6, "a1000": 1e-4, "b10": 2e-6, "b1000": NAN, "error": 0.5, "empty": 4e-8}
COUNT = 30


class Scratch:
    """A git repository with a commit a day, every `every`-th of which is measured."""

    def __init__(self, folder):
        self.folder = folder
        self.commits = synthetic.repository(folder, [f"Commit {n}" for n in range(COUNT)], ())
        self.results = folder / "results"
        self.results.mkdir()

    def store(self, factor, every=1, versions=lambda number: "1.0", version="1"):
        """Store results; `factor(name, number)` is what a level is multiplied with."""
        conf = Config.load(self.folder / "asv.conf.json")
        conf.results_dir = str(self.results)
        Benchmarks(conf, [KERNEL, ERROR, EMPTY]).save()
        for number in range(0, COUNT, every):
            random = np.random.default_rng(number)
            found = {
                name: level * factor(name, number) * (1 + 0.003 * random.standard_normal())
                for name, level in LEVELS.items()
            }
            kernel = [found["a10"], found["a1000"], found["b10"], found["b1000"]]
            file = Results(
                {"machine": MACHINE, "python": "3.11"}, {}, self.commits[number], 0, "3.11",
                ENVIRONMENT, {},
            )  # fmt: skip
            for suite, values in ((KERNEL, kernel), (ERROR, [found["error"]])):
                old = dict(suite, version=version)
                file.add_result(old, BenchmarkResult(values, [None] * 4, [None] * 4, 0, "", None))
            empty = BenchmarkResult([found["empty"]], [None], [None], 0, "", None)
            file.add_result(EMPTY, empty)
            file.save(str(self.results))
            context = {"installed": {"numpy": versions(number), "synthetic": str(number)}}
            path = (self.results / file._filename).with_suffix(".context.jsonl")
            path.write_text(json.dumps({"since": "", "context": context}) + "\n")

    def stored(self):
        return [one.to_json() for one in Incident.read(self.results / MACHINE)]


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    made = Scratch(tmp_path / "scratch")
    monkeypatch.chdir(made.folder)
    return made


def step_at(number, names, size=1.3):
    return lambda name, place: size if name in names and place >= number else 1.0


def test_steps_of_stored_results(scratch, capsys):
    scratch.store(
        lambda n, i: step_at(20, {"a10", "a1000"})(n, i) * step_at(10, {"b10"}, 0.8)(n, i)
    )
    assert command(["history", "--json", "found.json"]) == cli.BAD
    found = json.loads((scratch.folder / "found.json").read_text())
    ups, downs = found["groups"]
    assert (ups["before"], ups["after"]) == tuple(scratch.commits[19:21])
    assert {tuple(row["parameters"]) for row in ups["steps"]} == {
        ("'a'", "10"), ("'a'", "1000")
    }  # fmt: skip
    assert [row["ratio"] for row in ups["steps"]] == pytest.approx([1.3, 1.3], rel=0.01)
    (down,) = downs["steps"]
    assert (down["parameters"], down["held"]) == (["'b'", "10"], 20)
    out = capsys.readouterr().out
    before, after = (commit[:8] for commit in scratch.commits[19:21])
    assert f"between {before} and {after} on m: of 4 series 2 slower" in out
    assert out.index(after) < out.index(scratch.commits[10][:8]), "the newest first"
    assert "warm.Kernel.track_time('a', 10)" in out
    assert "2 steps up and 1 down in 5 series." in out


def test_only_what_is_asked_for(scratch, capsys):
    scratch.store(lambda n, i: step_at(20, {"a10"})(n, i) * step_at(10, {"b10"}, 0.8)(n, i))
    assert command(["history", "--bench", "'b'"]) == 0
    assert "0 steps up and 1 down in 1 series" in capsys.readouterr().out
    assert command(["history", "--since", f"{scratch.commits[20]}..HEAD"]) == 0
    assert "0 steps up and 0 down" in capsys.readouterr().out
    assert command(["history", "--since", f"{scratch.commits[19]}..HEAD"]) == cli.BAD
    assert command(["history", "--machine", "another"]) == cli.NOTHING


def test_nothing_to_look_at(scratch, capsys):
    assert command(["history"]) == cli.NOTHING
    assert "no stored result" in capsys.readouterr().out
    scratch.store(step_at(20, {"a10"}), every=7)
    assert command(["history"]) == cli.NOTHING
    assert "has 5 measured commit(s)" in capsys.readouterr().out


def test_results_of_another_version_are_not_compared(scratch):
    scratch.store(step_at(20, {"a10"}), version="0")
    scratch.store(step_at(0, {"a10"}), every=COUNT)
    assert command(["history", "--bench", "warm"]) == cli.NOTHING
    assert command(["history"]) == 0, "the canary has a series"


@pytest.mark.parametrize(
    "arguments",
    [["--config", "nowhere.json"], ["--bench", "("], ["--since", "no..where"]],
)
def test_errors_of_use(scratch, capsys, arguments):
    scratch.store(step_at(99, set()))
    assert command(["history", *arguments]) == cli.USAGE
    assert capsys.readouterr().err.startswith("error: ")


def test_a_file_that_is_no_result_is_left_out(scratch, capsys):
    scratch.store(step_at(20, {"a10"}))
    (scratch.results / MACHINE / "speed.json").write_text("{}")
    (scratch.results / MACHINE / "0123abcd-pinned.json").write_text('{"version": 2}')
    assert command(["history"]) == cli.BAD
    assert "0123abcd" in capsys.readouterr().err


def series(values, benchmark="warm.a", machine=MACHINE, unit="seconds", commits=None):
    commits = commits or tuple(f"{n:040x}" for n in range(len(values)))
    return Series(machine, ENVIRONMENT, benchmark, (), unit, commits, tuple(values))


# Confirming: the runner is a simulation that knows the truth.


class Truth:
    """Verdicts as they are if `factor` is what the code really does at each commit."""

    def __init__(self, scratch, factor, broken=(), environments=(), undecided=()):
        self.places = {commit: n for n, commit in enumerate(scratch.commits)}
        self.undecided = undecided
        self.factor, self.broken, self.environments = factor, broken, environments
        self.calls = []

    def __call__(self, base, head, regexes):
        old, new = self.places[base], self.places[head]
        self.calls.append((old, new, tuple(regexes)))
        names = {"a10": ("'a'", "10"), "a1000": ("'a'", "1000"), "b10": ("'b'", "10")}
        rows = []
        for name, parameters in names.items():
            text = f"{KERNEL['name']}({', '.join(parameters)})"
            if not any(bisect.re.search(regex, text) for regex in regexes):
                continue
            ratio = self.factor(name, new) / self.factor(name, old)
            verdict = "slower" if ratio > 1.02 else "faster" if ratio < 0.98 else "same"
            if new in self.undecided:
                verdict = "undecided"
            rows.append(
                {"benchmark": KERNEL["name"], "parameters": list(parameters),
                 "environment": ENVIRONMENT, "verdict": verdict, "ratio": ratio,
                 "low": ratio - 0.01, "high": ratio + 0.01, "smallest": 1.02, "base": 1.0,
                 "head": ratio, "pairs": 12, "unknown": "not kept"}
            )  # fmt: skip
        if {old, new} & set(self.broken):  # as the verdict says it of what has no value
            rows = [row | {"verdict": "undecided", "ratio": None} for row in rows]
        findings = [{"kind": "environment", "what": ENVIRONMENT, "reason": "numpy"}]
        return bisect.Verdict.read(
            {"rows": rows, "findings": findings if self.environments else []}
        )


@pytest.fixture
def confirmed(scratch, monkeypatch, capsys):
    """Run with --confirm and a truth; return the stored incidents."""

    def run(truth, *arguments, code=None, environments=frozenset({ENVIRONMENT})):
        monkeypatch.setattr(bisect, "gate", lambda config, machine, minutes: truth)
        monkeypatch.setattr(history, "_environments", lambda conf: environments)
        found = command(["history", "--confirm", "--machine", MACHINE, *arguments])
        assert found in (0, cli.BAD)
        assert code in (None, found)
        return scratch.stored()

    return run


def test_code_is_confirmed_once(scratch, confirmed):
    factor = step_at(24, {"a10"})
    scratch.store(factor)
    truth = Truth(scratch, factor)
    (incident,) = confirmed(truth, code=cli.BAD)
    about = ("benchmark", "parameters", "environment", "before", "after", "cause")
    assert [incident[key] for key in about] == [
        KERNEL["name"], ["'a'", "10"], ENVIRONMENT, *scratch.commits[23:25], "code"
    ]  # fmt: skip
    assert [incident[key] for key in ("ratio", "low", "high")] == [1.3, 1.29, 1.31]
    assert incident["verdict"]["pairs"] == 12
    assert "unknown" not in incident["verdict"]
    assert incident["confirmed"].startswith("20")
    assert truth.calls == [(23, 24, (r"^warm\.Kernel\.track_time\('a',\ 10\)$",))]
    assert confirmed(truth, code=0) == [incident]
    assert len(truth.calls) == 1, "not measured again"


def test_the_range_is_halved_down_to_each_commit(scratch, confirmed):
    def factor(name, place):
        return step_at(21, {"a10"})(name, place) * step_at(22, {"a1000"}, 1.5)(name, place)

    scratch.store(factor, every=2)  # measured: ..., 20, 22, ...; both steps lie between these
    incidents = confirmed(Truth(scratch, factor), "--last", "5")
    assert {(i["parameters"][1], scratch.commits.index(i["after"])) for i in incidents} == {
        ("10", 21), ("1000", 22)
    }  # fmt: skip
    for incident in incidents:
        place = scratch.commits.index(incident["after"])
        assert incident["before"] == scratch.commits[place - 1]


def walked(scratch, truth, low, high):
    change = Change(series([1.0], KERNEL["name"]), None)
    object.__setattr__(change.series, "parameters", ("'a'", "10"))
    base, head = scratch.commits[low], scratch.commits[high]
    verdict = truth(base, head, [""])
    ((_, pair, seen_by),) = bisect.walk([change], base, head, verdict, truth)
    assert seen_by.row(change)["verdict"] == "slower"
    return tuple(map(scratch.commits.index, pair))


@pytest.mark.parametrize("culprit", [1, 2, 10, 13, 19, 20])
def test_a_long_range_takes_few_verdicts(scratch, culprit):
    truth = Truth(scratch, step_at(culprit, {"a10"}))
    assert walked(scratch, truth, 0, 20) == (culprit - 1, culprit)
    assert len(truth.calls) <= 1 + math.ceil(math.log2(20))


def test_commits_that_cannot_be_measured_are_walked_round(scratch):
    truth = Truth(scratch, step_at(13, {"a10"}), broken=(10, 9, 11))
    assert walked(scratch, truth, 0, 20) == (12, 13)
    truth = Truth(scratch, step_at(10, {"a10"}), broken=(9, 10, 11))
    assert walked(scratch, truth, 0, 20) == (8, 12), "no nearer than what can be measured"
    assert len({call[1] for call in truth.calls}) == len(truth.calls), "none is tried twice"


def test_undecided_says_nothing_of_where_or_why(scratch, confirmed):
    truth = Truth(scratch, step_at(13, {"a10"}), undecided=(15,))
    assert walked(scratch, truth, 0, 20) == (10, 20)
    scratch.store(step_at(24, {"a10", "empty"}), versions=lambda n: str(n))
    assert confirmed(Truth(scratch, step_at(99, set()), undecided=(24,)), code=0) == []


def test_another_library(scratch, confirmed):
    scratch.store(step_at(24, {"a10"}), versions=lambda n: "2.0" if n >= 24 else "1.0")
    (incident,) = confirmed(Truth(scratch, step_at(99, set())))
    assert incident["cause"] == "library"
    assert incident["ratio"] == pytest.approx(1.3, rel=0.01), "of the history"
    assert incident["verdict"]["verdict"] == "same"
    assert incident["low"] is None


def test_another_library_in_the_verdict_itself(scratch, confirmed):
    factor = step_at(24, {"a10"})
    scratch.store(factor)
    (incident,) = confirmed(Truth(scratch, factor, environments=(ENVIRONMENT,)))
    assert (incident["cause"], incident["low"]) == ("library", 1.29)


def test_code_stays_code_where_versions_differ_too(scratch, confirmed):
    factor = step_at(24, {"a10"})
    scratch.store(factor, versions=lambda n: "2.0" if n >= 24 else "1.0")
    assert [i["cause"] for i in confirmed(Truth(scratch, factor))] == ["code"]


def test_another_machine(scratch, confirmed):
    scratch.store(step_at(24, {"a10", "b10", "empty"}))
    incidents = confirmed(Truth(scratch, step_at(99, set())), "--bench", "warm")
    assert [i["cause"] for i in incidents] == ["machine", "machine"], "the canary is no suspect"


@pytest.mark.parametrize("canary", [step_at(12, {"empty"}), step_at(24, {"empty"}, 0.7)])
def test_a_canary_that_moved_elsewhere_or_otherwise_says_nothing(scratch, confirmed, canary):
    scratch.store(lambda n, i: step_at(24, {"a10"})(n, i) * canary(n, i))
    assert confirmed(Truth(scratch, step_at(99, set())), code=0) == []


def test_noise_is_not_stored(scratch, confirmed, capsys):
    scratch.store(step_at(24, {"a10"}))
    assert confirmed(Truth(scratch, step_at(99, set())), code=0) == []
    assert "not confirmed: warm.Kernel.track_time('a', 10), same" in capsys.readouterr().out
    assert scratch.stored() == []


def test_what_cannot_be_measured_is_not_confirmed(scratch, confirmed, capsys):
    factor = step_at(24, {"a10"})
    scratch.store(factor)
    assert confirmed(Truth(scratch, factor, broken=(24,)), code=0) == []
    assert "no value on one of the commits" in capsys.readouterr().out


def test_what_was_measured_in_another_environment_is_left_out(scratch, confirmed, capsys):
    scratch.store(step_at(24, {"a10"}))
    truth = Truth(scratch, step_at(24, {"a10"}))
    assert confirmed(truth, code=0, environments=frozenset({"pinned-py3.12"})) == []
    assert f"left out: 1 in {ENVIRONMENT}" in capsys.readouterr().out
    assert truth.calls == []


def test_old_steps_and_repairs_are_no_suspects(scratch, confirmed):
    scratch.store(lambda n, i: step_at(5, {"a10"})(n, i) * step_at(24, {"a1000"}, 0.5)(n, i))
    truth = Truth(scratch, step_at(5, {"a10"}))
    assert confirmed(truth, code=0) == []
    assert truth.calls == []
    assert len(confirmed(truth, "--last", str(COUNT))) == 1


def test_what_was_confirmed_before_an_interruption_is_stored(scratch, monkeypatch):
    factor = step_at(20, {"a10"})

    def both(name, place):
        return factor(name, place) * step_at(25, {"a1000"})(name, place)

    scratch.store(both)
    truth = Truth(scratch, both)

    def interrupted(*arguments):
        if truth.calls:
            raise KeyboardInterrupt
        return truth(*arguments)

    monkeypatch.setattr(bisect, "gate", lambda *_: interrupted)
    monkeypatch.setattr(history, "_environments", lambda conf: frozenset({ENVIRONMENT}))
    assert command(["history", "--confirm", "--machine", MACHINE]) == cli.INTERRUPTED
    assert len(scratch.stored()) == 1


GATE = """
import json, pathlib, sys
_, *arguments = sys.argv[1:]
pathlib.Path("said.json").write_text(json.dumps(arguments))
code = int(pathlib.Path("code").read_text())
if code < 3:
    file = pathlib.Path(arguments[arguments.index("--json") + 1])
    file.write_text(json.dumps({"rows": [], "findings": [
        {"kind": "environment", "what": "e", "reason": "r"},
        {"kind": "failed", "what": "f", "reason": "r"}]}))
sys.exit(code)
"""


@pytest.fixture
def process(tmp_path, monkeypatch):
    """A verdict that writes down how it is called, in place of the real one."""
    folder = tmp_path / "lsebench"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "__main__.py").write_text(GATE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("code", [0, 1, 2, 3])
def test_the_verdict_is_a_process(process, code):
    (process / "code").write_text(str(code))
    verdict = bisect.gate("c.json", "m", 3)("b" * 40, "h" * 40, ["^one$", "^two$"])
    assert verdict.environments == ({"e"} if code < 3 else frozenset())
    said = json.loads((process / "said.json").read_text())
    assert said[:2] == ["b" * 40, "h" * 40]
    said.remove("--same-environments")
    assert {"--min-effect=1", "--min-growth=1"} <= set(said), "as small as a step can be"
    said = [text for text in said if not text.startswith("--min-")]
    options = list(zip(said[2::2], said[3::2], strict=True))
    for option in [("--config", "c.json"), ("--machine", "m"), ("--minutes", "3")]:
        assert option in options
    assert [value for name, value in options if name == "--bench"] == ["^one$", "^two$"]


def test_a_verdict_that_crashes_is_no_answer(process):
    (process / "code").write_text("2")
    text = (process / "lsebench/__main__.py").read_text()
    (process / "lsebench/__main__.py").write_text(text.replace("code < 3", "False"))
    with pytest.raises(bisect.util.UserError, match="exit code 2"):
        bisect.gate("c.json", "m", 3)("b" * 40, "h" * 40, [])


@pytest.mark.parametrize(("code", "error"), [(4, bisect.util.UserError), (130, KeyboardInterrupt)])
def test_a_verdict_that_ends_otherwise_ends_this(process, code, error):
    (process / "code").write_text(str(code))
    with pytest.raises(error):
        bisect.gate("c.json", "m", 3)("b" * 40, "h" * 40, [])


def test_the_command(root, scratch):
    scratch.store(step_at(24, {"a10"}))
    done = subprocess.run(
        [sys.executable, "-m", "lsebench", "history"],
        cwd=scratch.folder,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == cli.BAD, done.stderr
    assert "1 steps up and 0 down" in done.stdout
