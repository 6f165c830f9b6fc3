"""The verdict really runs: on a scratch repository, with commits of known effect."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from lsebench.__main__ import main as command
from lsebench.gate import compare_commits, rows, side_by_side
from lsebench.gate.side_by_side import Key

from ..scratch import git

CONF = """
{
    "version": 1,
    "project": "lsekernels",
    "repo": ".",
    "branches": ["HEAD"],
    "plugins": [".lsebench.environments.pinned"],
    "environment_type": "pinned",
    "matrix": {},
    "harness": {"asv_runner": "0.3.2", "setuptools": "83.0.0", "numpy": "2.4.6", \
"threadpoolctl": "3.8.0"},
    // A commit may change the configuration, too.
    "build_command": ["python -m pip wheel --no-deps --no-build-isolation --no-index \
-w {build_cache_dir} {build_dir}"],
    "install_command": ["in-dir={env_dir} python -m pip install --no-deps --no-index \
--force-reinstall {wheel_file}"],
    "build_cache_size": 20,
    "benchmark_dir": "benchmarks",
    "env_dir": ".asv/env"
}
"""
PROJECT = """
[build-system]
build-backend = "setuptools.build_meta"
requires = ["setuptools"]

[project]
name = "lsekernels"
version = "1"

[tool.setuptools]
packages = ["lsekernels"]
"""
THING = """
LOOPS = 1


def work(n):
    for _ in range(LOOPS):
        total = sum(range(n))
    return total


def quick():
    return None


def gone():
    return None


ERROR = 1.0
"""
SUITE = """
import lsekernels as thing


class Work:
    params = ([1000, 30000],)
    param_names = ("n",)
    timeout = 30

    def time_work(self, n):
        thing.work(n)


def time_quick():
    thing.quick()


if hasattr(thing, "clock"):
    time_quick.timer = thing.clock


def setup_gone():
    if not hasattr(thing, "gone"):
        raise NotImplementedError("this commit has no gone")


def time_gone():
    thing.gone()


time_gone.setup = setup_gone


def time_maybe():
    if hasattr(thing, "hang"):
        import time

        time.sleep(600)


time_maybe.timeout = 3


def track_error():
    return thing.ERROR


track_error.unit = "ulp"
"""


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A project whose tags name what their commit has done to it.

    It is called as ours is: what a wheel is made of is known by that name.
    """
    folder = tmp_path_factory.mktemp("gate") / "repo"
    for name, text in {
        "asv.conf.json": CONF, "pyproject.toml": PROJECT, "lsekernels/__init__.py": THING,
        "benchmarks/__init__.py": "", "benchmarks/suite.py": SUITE, ".gitignore": ".asv\n",
    }.items():  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "init", "-q", "-b", "main")

    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "Start")
    git(folder, "tag", "base")
    thing, project, conf = "lsekernels/__init__.py", "pyproject.toml", "asv.conf.json"
    gone = "def gone():\n    return None\n"
    for tag, name, old, new in [
        ("unchanged", thing, "return total", "return total  # of all"),
        ("slow", thing, "LOOPS = 1", "LOOPS = 3"),
        ("broken", project, 'name = "lsekernels"', "name = 7"),
        ("vanished", thing, gone, ""),
        ("failing", thing, gone, gone.replace("None", "1 / 0")),
        ("hanging", thing, "ERROR = 1.0", "ERROR = 1.0\nhang = True"),
        ("elsewhere", conf, "// A commit", "// Another commit"),
        ("wrong", thing, "ERROR = 1.0", "ERROR = 3.0"),
        ("pinned", conf, '"83.0.0"', '"82.0.1"'),
    ]:
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new))
        git(folder, "commit", "-q", "-a", "-m", f"Make it {tag}")
        git(folder, "tag", tag)
        git(folder, "reset", "-q", "--hard", "base")
    return folder


def start(repository, root, *args):
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "lsebench", "gate", *args],
        cwd=repository,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root), "HOME": str(repository.parent)},
        start_new_session=True,
    )


@pytest.fixture(scope="module")
def gate(repository, root):
    """Run the gate on two tags; return its exit code, its numbers, and all that it said."""

    def run(base, head, *args, minutes="0.2"):
        file = repository.parent / "verdict.json"
        file.unlink(missing_ok=True)
        more = [
            "--jobs",
            2,
            "--minutes",
            minutes,
            "--min-effect",
            50,  # whoever else uses this machine makes no test fail
            "--json",
            file,
            "--markdown",
            file.with_suffix(".md"),
        ]
        with start(repository, root, base, head, *map(str, more), *args) as process:
            said, _ = process.communicate(timeout=600)
        assert f'File "{root}/gate' not in said, said  # a traceback of ours
        found = json.loads(file.read_text()) if file.exists() else {}
        return process.returncode, found, said

    return run


def verdicts(found):
    return {row["benchmark"] + "".join(row["parameters"]): row["verdict"] for row in found["rows"]}


def findings(found):
    return {(f["kind"], f["what"]): f["reason"] for f in found["findings"]}


def test_unchanged(gate, repository):
    code, found, said = gate("base", "unchanged")
    assert code == 0, said
    assert not {"slower", "grown"} & set(verdicts(found).values()), said
    assert len(found["rows"]) == 6
    assert not found["findings"]
    assert found["base"] == git(repository, "rev-parse", "base")
    assert not (repository / "results").exists(), "its results are none of the site's"


def test_slow(gate, repository):
    code, found, said = gate("base", "slow", minutes="0.8")
    assert code == 1, said
    seen = verdicts(found)
    assert seen["suite.Work.time_work1000"] == seen["suite.Work.time_work30000"] == "slower", said
    assert "slower" not in (seen["suite.time_quick"], seen["suite.time_gone"])
    row = next(r for r in found["rows"] if r["parameters"] == ["30000"])
    assert 1.5 < row["low"] <= row["ratio"] <= row["high"] < 6
    comment = (repository.parent / "verdict.md").read_text()
    assert "2 slower" in comment.splitlines()[0]
    assert "Smallest change that could be seen: " in comment
    assert "make gate BASE=" in comment
    # What was measured is not measured again.
    pairs = pairs_of(repository, "base", "slow")
    before = count(pairs)
    again, found, said = gate("base", "slow", minutes="0.8")
    assert "pairs are known from before" in said
    assert (again, count(pairs)) == (1, before)


def test_head_hangs(gate):
    """Silence is not green, not even where there is no time for more."""
    code, found, said = gate("base", "hanging", "--bench", "time_maybe|time_quick", minutes="0.15")
    assert code == found["exit code"] == 1, said
    assert findings(found)["failed", "suite.time_maybe"] == "no answer within 3 s"
    (row,) = found["others"]
    assert row["outcome"] == "timed out on head: no answer within 3 s"
    assert "1 without a value on the head only" in said


def test_identical_packages_are_not_measured(gate):
    code, found, said = gate("base", "elsewhere")
    assert code == 0, said
    assert {row["outcome"] for row in found["rows"]} == {"the same (identical code)"}
    assert len(found["rows"]) == 6
    assert "All that these benchmarks load is the same, byte for byte." in said
    assert found["minutes"] < 0.1


def test_the_same_commit_and_a_dirty_tree_are_said(gate, repository):
    code, _, said = gate("base", "base")
    assert code == 3
    assert "BASE and HEAD are the same commit: there is nothing to compare." in said
    assert "not committed" not in said
    file = repository / "lsekernels/__init__.py"
    before = file.read_text()
    file.write_text(before + "# more")
    try:
        code, _, said = gate("base", "HEAD")
    finally:
        file.write_text(before)
    assert code == 3
    assert "Changes that are not committed are not measured: commit them first." in said


@pytest.mark.parametrize("damage", ["note", "copy", "environment"])
def test_what_is_not_whole_is_built_again(gate, repository, damage):
    asked = "base", "wrong", "--bench", "track_error", "--fresh"
    gate(*asked)
    (note,) = pairs_of(repository, "base", "wrong").parent.glob("*/head.json")
    if damage == "note":
        note.write_text(note.read_text()[:20])
    elif damage == "copy":
        (note.with_suffix("") / "lsekernels/__init__.py").unlink()
    else:
        shutil.rmtree(repository / ".asv/env" / note.parent.name)
    code, found, said = gate(*asked)
    assert "again: its copy, or its environment, is not whole" in said
    assert findings(found)["error", "suite.track_error"] == "1 -> 3 ulp", said
    assert code == 1


def test_sigterm_leaves_no_process_that_hangs(repository, root):
    """Nor does it wait for one."""
    with start(repository, root, "base", "hanging", "--bench", "time_maybe", "--fresh") as process:
        while not (found := workers(repository)):
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=60)[0]
    assert process.returncode == 130, said
    assert "the same command goes on from here" in said
    assert not workers(repository), found


def workers(repository):
    """Return the measuring processes of this repository."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            command = (place / "cmdline").read_text()
        except OSError:
            continue
        if "timing_process.py" in command and str(repository) in command:
            found.append(place.name)
    return found


@pytest.mark.parametrize("number", compare_commits.FULL)
def test_a_full_disk_is_said_in_a_sentence(monkeypatch, capsys, number):
    def full(options):
        raise OSError(number, os.strerror(number), "pairs.jsonl")

    monkeypatch.setattr(compare_commits, "run", full)
    assert compare_commits.main(["base"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("failed: the disk is full (pairs.jsonl): make room. What was measured")


def test_a_full_disk_ends_the_measuring(monkeypatch, tmp_path):
    def full(pair, place):
        raise OSError(compare_commits.FULL[0], "no space")

    built = SimpleNamespace(name="env", sides={}, has=lambda settings: False)
    row = rows.Row(built, Key("b", None, ()))
    pair = side_by_side.Pair(row.key, 1.0, 1.0, 1.0)
    monkeypatch.setattr(side_by_side, "measure", lambda *asked: iter([pair]))
    monkeypatch.setattr(compare_commits.MeasuredPair, "append", full)
    state = rows.State([row], compare_commits._parser().parse_args(["base"]), {})
    with pytest.raises(OSError, match="no space"):
        compare_commits._measure(state, tmp_path, "ruler")


def test_faster_the_other_way_round(gate):
    code, found, said = gate("slow", "base", "--bench", "time_work", minutes="0.6")
    assert (code, set(verdicts(found).values())) == (0, {"faster"}), said


def test_broken_head(gate, repository):
    code, found, said = gate("base", "broken")
    assert code == 2
    assert "cannot be built" in said
    ((kind, what),) = findings(found)
    assert (kind, what) == ("failed", "build of head")
    assert "head cannot be built" in (repository.parent / "verdict.md").read_text()


@pytest.mark.parametrize(
    ("tag", "kind", "reason"),
    [("vanished", "n/a", "this commit has no gone"), ("failing", "failed", "ZeroDivisionError")],
)
def test_no_value_any_more(gate, tag, kind, reason):
    code, found, said = gate("base", tag, "--bench", "time_gone|time_quick")
    assert code == 1, said
    assert reason in findings(found)[kind, "suite.time_gone"]
    assert set(verdicts(found)) == {"suite.time_quick"}
    code, found, said = gate(tag, "base", "--bench", "time_gone")
    assert code == 3, "what is new is measured on one side only"
    assert ("new", "suite.time_gone") in findings(found)


def test_larger_error(gate):
    for _ in range(2):
        code, found, said = gate("base", "wrong", "--bench", "track_error", "--fresh")
        assert code == 1, said
        assert findings(found)["error", "suite.track_error"] == "1 -> 3 ulp"
        assert "from before" not in said


def test_changed_environment(gate):
    code, found, said = gate("base", "pinned", "--bench", "track_error")
    assert code == 0, said
    ((kind, _),) = findings(found)
    assert kind == "environment"
    assert "setuptools: 83.0.0 -> 82.0.1" in said
    code, found, said = gate("base", "pinned", "--bench", "track_error", "--same-environments")
    assert not found["findings"], said


@pytest.mark.parametrize(("how", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_goes_on_where_it_was_stopped(repository, root, gate, how, code):
    options = "base", "unchanged"
    pairs = pairs_of(repository, *options)
    pairs.unlink(missing_ok=True)
    with start(repository, root, *options) as process:
        while process.poll() is None and count(pairs) < 4:
            time.sleep(0.05)
        process.send_signal(how)
        said = process.communicate(timeout=60)[0]
    assert process.returncode == code, said
    kept = count(pairs)
    assert kept >= 4
    if how == signal.SIGINT:
        assert "the same command goes on from here" in said
    finished, found, said = gate(*options)
    assert finished == 0, said
    assert f"; {kept} pairs are known" in said
    assert len(found["rows"]) == 6, said


def pairs_of(repository, *tags):
    folder = "-".join(git(repository, "rev-parse", tag)[:12] for tag in tags)
    return repository / ".asv/gate" / folder / "pairs.jsonl"


def count(file):
    return len(file.read_text().splitlines()) if file.exists() else 0


@pytest.fixture(scope="module")
def story(repository, root):
    """Commits 0 to 10, measured by asv but for 5 and 6: 5 has a larger error, 6 is slow."""
    folder = repository.parent / "story"
    git(repository, "clone", "-q", str(repository), str(folder))
    thing = folder / "lsekernels/__init__.py"
    # By a clock of its own, which a call sets forward: no other work on this machine changes it.
    quick = "def quick():\n    NOW[0] += {} * random.uniform(1, 1.001)\n"
    clock = "import random\n\nNOW = [0.0]\n\n\ndef clock():\n    return NOW[0]\n\n\n"
    text = thing.read_text().replace("def quick():\n    return None\n", quick.format("0.04"))
    text = clock + text
    commits = []
    for number in range(11):
        if number == 5:
            text = text.replace("ERROR = 1.0", "ERROR = 3.0")
        if number == 6:
            text = text.replace(quick.format("0.04"), quick.format("0.12"))
        thing.write_text(f"{text}# {number}\n")
        git(folder, "commit", "-q", "-a", "-m", f"Commit {number}")
        commits.append(git(folder, "rev-parse", "HEAD"))
    (folder / "measured").write_text("\n".join(commits[:5] + commits[7:]))
    environ = {**os.environ, "PYTHONPATH": str(root), "HOME": str(folder)}

    def run(*command):
        command = [sys.executable, "-m", *command, "--machine", "here"]
        done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    few = [f"--attribute={each}" for each in ("rounds=1", "repeat=9", "warmup_time=0")]
    for asked in (
        ["asv", "machine", "--yes"],
        ["asv", "run", "HASHFILE:measured", "--bench", "time_quick|track_error", *few],
    ):
        code, said = run(*asked)
        assert code == 0, said
    return folder, commits, run


def test_steps_are_confirmed_and_their_commits_found(story):
    """Asv has measured, steps are seen; verdicts repeat them and walk to the one commit."""
    folder, commits, run = story
    code, said = run("lsebench", "history", "--confirm", "--minutes", "0.8")
    assert code == 1, said
    lines = (folder / "results/here/incidents.jsonl").read_text().splitlines()
    found = {incident["benchmark"]: incident for incident in map(json.loads, lines)}
    assert len(lines) == len(found) == 2, said
    for name, after in (("suite.track_error", 5), ("suite.time_quick", 6)):
        incident = found[name]
        assert (incident["before"], incident["after"]) == (commits[after - 1], commits[after]), said
        assert incident["ratio"] == pytest.approx(3, rel=0.3)
        assert incident["cause"] == "code"
    # What is confirmed is no suspect any more.
    code, said = run("lsebench", "history", "--confirm")
    assert (code, "0 incident(s) confirmed" in said) == (0, True), said


def test_says_what_is_wrong_with_the_question(gate):
    code, _, said = gate("base", "nowhere")
    assert (code, said) == (4, "error: git knows no commit 'nowhere'\n")
    code, _, said = gate("base", "unchanged", "--bench", "no_such_benchmark")
    assert code == 3
    assert "no benchmark is selected" in said


def test_a_whole_name_selects_itself(gate):
    code, found, said = gate("base", "unchanged", "--bench", "suite.Work.time_work(1000)")
    assert set(verdicts(found)) == {"suite.Work.time_work1000"}, said
    assert "Of 1 benchmark: " in said
    assert "GATE_OPTIONS=" in found["command"]
    assert "--bench=suite.Work.time_work(1000)" in found["command"]
    assert code == 0, said


def test_a_crash_is_no_slowdown(monkeypatch, capsys):
    monkeypatch.setattr(compare_commits, "main", lambda arguments: 1 / 0)
    assert command(["gate", "base"]) == 2
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_pairs_of_another_ruler_and_failures_are_not_restored(tmp_path):
    built = SimpleNamespace(name="env")
    row = rows.Row(built, Key("b", None, ()))
    line = {"row": row.name, "stage": "screen", "base": 1.0, "head": 1.0, "ratio": 1.0}
    file = tmp_path / "pairs.jsonl"
    lines = [
        {**line, "states": {}, "ruler": "this"},
        {**line, "states": {}, "ruler": "another"},
        {**line, "states": {"head": "failed: no memory"}, "ruler": "this"},
        {**line, "states": {"head": "absent: not for 2"}, "ruler": "this"},
    ]
    lines += [{**line, "states": {}, "ruler": "this", "stage": "neither"}, {"row": row.name}]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"cut')
    assert compare_commits._restore(rows.State([row], None, {}), tmp_path, "this") == 2
    assert [pair.states for pair in row.pairs["screen"]] == [{}, {"head": "absent: not for 2"}]


def test_old_comparisons_are_forgotten(tmp_path):
    for age in range(14):
        (tmp_path / f"base-{age}").mkdir()
        os.utime(tmp_path / f"base-{age}", (age, age))
    (tmp_path / "proof").mkdir()
    compare_commits._forget(tmp_path, tmp_path / "base-2")
    kept = {place.name for place in tmp_path.iterdir()}
    assert kept == {"proof", "base-2", *(f"base-{age}" for age in range(5, 14))}
    assert len(kept) == compare_commits.KEPT + 1


@pytest.mark.parametrize(
    "arguments",
    [
        [], ["a", "b", "c"], ["a", "--minutes", "many"], ["a", "--jobs", "0"],
        ["a", "--bench", "("],
    ],
)  # fmt: skip
def test_error_of_use_has_its_own_exit_code(root, arguments):
    asked = [sys.executable, "-m", "lsebench", "gate", *arguments]
    done = subprocess.run(asked, cwd=root, capture_output=True, text=True)
    assert done.returncode == 4, "2 would mean that something failed"
    assert "usage: python -m lsebench gate" in done.stderr
