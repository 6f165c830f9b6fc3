"""A night on a scratch repository: what is run in which order, and what is left when it ends early.

The commands that measure, confirm and publish are replaced by one that writes down how it was
called, and does what the test has told it to.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lsebench.__main__ import main as command
from lsebench.environments import disk
from lsebench.machine import nightly, store

RECORD = """
import json, pathlib, sys, time
name, *args = sys.argv[1:]
log = pathlib.Path("calls.jsonl")
rules = json.loads(pathlib.Path("rules.json").read_text())
try:  # whoever has read of the call may interrupt it
    with log.open("a") as stream:
        stream.write(json.dumps([name, *args]) + "\\n")
    time.sleep(rules.get("sleep", 0) if name == "measure" else 0)
except KeyboardInterrupt:
    pathlib.Path("interrupted").touch()
    sys.exit(130)
if name == "measure":
    profile, _, commit = args[:3]
    commit = commit.removesuffix("^!")
    if commit in rules.get("broken", []):
        sys.exit(2)
    folder = pathlib.Path("results/m")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{commit[:8]}-env.json").write_text(json.dumps([profile]))
if name == "confirm" and "confirm_sleep" in rules:
    time.sleep(rules["confirm_sleep"])
sys.exit(rules.get(name, 0))
"""
ROOT = Path(nightly.__file__).parents[2]
DRIVER = """
import sys
sys.path.insert(0, sys.argv.pop(1))
from lsebench.machine import nightly, store
from lsebench.signals import heeded
own = [sys.executable, "record.py"]
names = "install", "check", "measure", "confirm", "publish", "store"
with heeded():  # as `python -m lsebench` does for every command
    sys.exit(nightly.main(sys.argv[1:], nightly.Commands(*([*own, name] for name in names))))
"""
NAMES = "install", "check", "measure", "confirm", "publish", "store"
COMMANDS = nightly.Commands(*([sys.executable, "record.py", name] for name in NAMES))
CONFIG = {
    "version": 1,
    "project": "p",
    "repo": ".",
    "branches": ["HEAD"],
    "environment_type": "virtualenv",
    "matrix": {"req": {"six": ["1.0"]}},
    "env_dir": ".asv/env",
    "results_dir": "results",
}


def git(folder, *args):
    done = subprocess.run(["git", *args], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def commit(folder, text, file="lsekernels/a.py"):
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text(text)
    git(folder, "add", file)
    git(folder, "commit", "-q", "-m", text)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def repo(tmp_path, monkeypatch):
    """A repository with one commit, as the working folder."""
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "test")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "test@localhost")
    monkeypatch.setenv("HOME", str(tmp_path))  # git's settings, asv's file of machines
    folder = tmp_path / "repo"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "asv.conf.json").write_text(json.dumps(CONFIG))
    (folder / "record.py").write_text(RECORD)
    git(folder, "add", "asv.conf.json", "record.py")
    commit(folder, "one")
    monkeypatch.chdir(folder)
    return folder


def night(repo, *args, runs=("quick:asv.conf.json",), **rules):
    """Run a night; return its exit code, the calls, and its line of the heartbeat."""
    (repo / "rules.json").write_text(json.dumps(rules))
    (repo / "calls.jsonl").unlink(missing_ok=True)
    code = nightly.main([*runs, "--machine", "m", "--free-gb", "0", *args], COMMANDS)
    return code, calls(repo), heartbeats(repo)[-1]


def calls(repo):
    file = repo / "calls.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def heartbeats(repo):
    file = repo / "results/m/heartbeat.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()]


def measured(calls):
    """Return (profile, commit) of each run."""
    return [(call[1], call[3].removesuffix("^!")) for call in calls if call[0] == "measure"]


def test_a_night_does_all_in_turn(repo):
    first = git(repo, "rev-parse", "HEAD")
    code, seen, beat = night(repo, runs=["quick:asv.conf.json", "libraries:other.json"])
    assert code == 0
    assert [call[0] for call in seen] == ["check", "measure", "measure", "confirm", "publish"]
    assert measured(seen) == [("quick", first), ("libraries", first)]
    assert [call[call.index("--config") + 1] for call in seen[1:3]] == [
        "asv.conf.json",
        "other.json",
    ]
    assert all(call[-2:] == ["--machine", "m"] for call in seen[:4])
    assert 5.9 < float(seen[1][seen[1].index("--hours") + 1]) <= 6, "a quarter is left to confirm"
    assert (beat["stage"], beat["outcome"], beat["failed"]) == ("end", "done", [])


def test_new_commits_are_measured_oldest_first_and_what_the_last_one_lacks(repo):
    first = git(repo, "rev-parse", "HEAD")
    assert measured(night(repo)[1]) == [("quick", first)]
    second = commit(repo, "two")
    commit(repo, "words", "README.md")  # as fast as the one before
    third = commit(repo, "three")
    seen = measured(night(repo, runs=["quick", "libraries"])[1])
    assert seen == [("quick", first), ("quick", second), ("quick", third), ("libraries", third)]
    assert measured(night(repo)[1]) == [("quick", third)], "missing combinations, if there are any"


def test_only_the_first_parents_are_measured(repo):
    night(repo)
    git(repo, "switch", "-q", "-c", "side")
    side = commit(repo, "aside", "lsekernels/b.py")
    git(repo, "switch", "-q", "main")
    git(repo, "merge", "-q", "--no-ff", "-m", "Merge", "side")
    seen = [commit for _, commit in measured(night(repo)[1])]
    assert git(repo, "rev-parse", "HEAD") in seen
    assert side not in seen


def test_at_most_so_many_new_commits_and_the_newest_ones(repo):
    night(repo)
    last = git(repo, "rev-parse", "HEAD")
    new = [commit(repo, text) for text in "abcd"]
    _, seen, beat = night(repo, "--commits", "2")
    assert [commit for _, commit in measured(seen)] == [last, *new[-2:]]
    assert "2 older new commit(s) left out" in beat["notes"]


def test_what_fails_stops_nothing_else(repo, capfd):
    night(repo)
    broken, good = commit(repo, "broken"), commit(repo, "good")
    code, seen, beat = night(repo, broken=[broken], publish=1, check=1)
    assert code == 2
    assert measured(seen)[-2:] == [("quick", broken), ("quick", good)]
    assert [call[0] for call in seen[-2:]] == ["confirm", "publish"]
    assert beat["outcome"] == "failed in part"
    assert beat["failed"] == [f"quick of {broken[:8]}: exit code 2", "publish: exit code 1"]
    assert "the machine is not tuned" in beat["notes"]
    assert f"failed: quick of {broken[:8]}" in capfd.readouterr().err
    # It has no result, and a newer one has: it is not tried every night.
    assert broken not in [commit for _, commit in measured(night(repo)[1])]


@pytest.mark.parametrize(
    ("code", "failed", "note"),
    [(0, 0, ""), (1, 0, "slower than before"), (3, 0, ""), (2, 1, "")],
)
def test_steps_that_are_confirmed_are_no_failure(repo, code, failed, note):
    done, _, beat = night(repo, confirm=code)
    assert done == (2 if failed else 0)
    assert len(beat["failed"]) == failed
    assert note in " ".join(beat["notes"])


def test_when_the_time_is_up_the_site_is_still_made(repo):
    code, seen, beat = night(repo, "--hours", "0")
    assert code == 0
    assert [call[0] for call in seen] == ["check", "publish"]
    assert "the time was up, 1 run(s) left" in beat["notes"]
    code, seen, beat = night(repo, runs=["quick", "full"], measure=3)
    assert len(measured(seen)) == 1, "the run itself has said that the time is up"
    assert code == 0


def test_confirming_ends_with_the_time(repo, monkeypatch):
    monkeypatch.setattr(nightly.Night, "_hours", lambda night: 8 - 0.3 / 3600)
    code, seen, beat = night(repo, confirm_sleep=600)
    assert code == 0
    assert seen[-1][0] == "publish"
    assert "the time was up, not all steps were confirmed" in beat["notes"]


def test_nothing_is_measured_on_a_full_disk(repo):
    code, seen, beat = night(repo, "--free-gb", "1e9")
    assert code == 2
    assert [call[0] for call in seen] == ["check", "confirm", "publish"]
    assert "GB are free on the disk, 1e+09 GB must be" in beat["failed"][0]


def test_results_are_stored_with_the_outcome(repo):
    code, seen, beat = night(repo, "--push", "origin")
    assert code == 0
    assert seen[-1] == ["store", "--push", "origin", "--machine", "m"]
    code, seen, beat = night(repo, "--store", store=1)
    assert code == 2
    assert seen[-1] == ["store", "--machine", "m"]
    assert beat["failed"] == ["store: exit code 1"]


def start(repo, *args, **rules):
    (repo / "rules.json").write_text(json.dumps(rules))
    command = [sys.executable, "-c", DRIVER, str(ROOT)]
    return subprocess.Popen(
        [*command, "quick", "--machine", "m", "--free-gb", "0", *args],
        cwd=repo,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it has not come so far"
        time.sleep(0.05)


def measuring(repo):
    return lambda: measured(calls(repo))


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_ended_from_outside_it_leaves_a_whole_heartbeat_and_no_process(repo, how):
    with start(repo, sleep=60) as process:
        wait_for(measuring(repo))
        process.send_signal(how)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "Traceback" not in said.replace("KeyboardInterrupt", ""), said
    assert (repo / "interrupted").exists(), "what was running was asked to end, not killed"
    assert heartbeats(repo)[-1]["outcome"] == "interrupted"
    code, _, _ = night(repo)
    assert code == 0, "the lock is free again"
    assert [beat["outcome"] for beat in heartbeats(repo)] == ["interrupted", "done"]


def test_killed_it_leaves_no_lock_and_a_heartbeat_without_an_outcome(repo):
    with start(repo, sleep=1) as process:
        wait_for(measuring(repo))
        process.kill()
        process.wait()
    assert heartbeats(repo)[-1]["outcome"] is None
    assert heartbeats(repo)[-1]["stage"].startswith("measure 1 of 1: quick of")
    wait_for(lambda: night(repo)[0] == 0)  # when its child has ended, too


def test_one_run_at_a_time(repo, capsys):
    with start(repo, sleep=60) as process:
        wait_for(measuring(repo))
        before = heartbeats(repo)
        assert nightly.main(["quick", "--machine", "m"], COMMANDS) == 3
        said = capsys.readouterr().err
        assert f"another run is going on: process {process.pid} since 20" in said
        assert heartbeats(repo) == before, "and it touches nothing"
        other = ["quick", "--machine", "n", "--lock", "other.lock", "--free-gb", "1e9"]
        assert nightly.main(other, COMMANDS) == 2, "another lock"
        process.terminate()
        process.communicate(timeout=60)


def test_fetch_goes_to_the_newest_commit_past_what_asv_writes_anew(repo, tmp_path):
    (repo / "results").mkdir()
    commit(repo, "listed", "results/benchmarks.json")
    git(tmp_path, "clone", "-q", "repo", "machine")
    machine = tmp_path / "machine"
    newest = commit(repo, "two")
    commit(repo, "listed anew", "results/benchmarks.json")
    (machine / "results/benchmarks.json").write_text("written by asv")
    os.chdir(machine)
    code, seen, beat = night(machine, "--fetch")
    assert (code, beat["failed"]) == (0, [])
    assert [call[0] for call in seen[:2]] == ["install", "check"]
    assert measured(seen)[-1] == ("quick", newest)
    # Changes that cannot be brought together are said, and the night goes on.
    commit(repo, "here", "lsekernels/c.py")
    commit(machine, "there", "lsekernels/c.py")
    code, seen, beat = night(machine, "--fetch")
    assert code == 2
    assert "git merge" in beat["failed"][0]
    assert measured(seen)


def test_fetch_keeps_this_machine_s_results_past_those_that_are_committed(repo, tmp_path):
    commit(repo, "tuned", "results/m/tuning.jsonl")
    git(tmp_path, "clone", "-q", "repo", "machine")
    machine = tmp_path / "machine"
    commit(repo, "tuned again", "results/m/tuning.jsonl")
    commit(repo, "an incident", "results/m/incidents.jsonl")
    commit(repo, "of the other", "results/other/incidents.jsonl")
    newest = git(repo, "rev-parse", "HEAD")
    own = {"tuning.jsonl": "newest", "incidents.jsonl": "an incident and one more"}
    for name, text in own.items():
        (machine / "results/m" / name).write_text(text)
    # What a night left aside that was killed.
    (machine / ".asv/aside/m").mkdir(parents=True)
    (machine / ".asv/aside/m/1234abcd-env.json").write_text("measured")
    os.chdir(machine)
    code, _, beat = night(machine, "--fetch")
    assert (code, beat["failed"]) == (0, [])
    assert git(machine, "rev-parse", "HEAD") == newest
    kept = {file.name: file.read_text() for file in (machine / "results/m").iterdir()}
    assert own.items() <= kept.items()
    assert kept["1234abcd-env.json"] == "measured"
    assert (machine / "results/other/incidents.jsonl").exists()
    assert not (machine / ".asv/aside/m").exists()


def test_heartbeat_is_bounded(tmp_path):
    for number in range(60):
        beat = nightly.Heartbeat(tmp_path)
        beat.beat("a")
        beat.beat("end", outcome=str(number))
    lines = (tmp_path / "heartbeat.jsonl").read_text().splitlines()
    assert [json.loads(line)["outcome"] for line in lines] == [str(n) for n in range(10, 60)]


def test_errors_of_use(repo, capsys):
    assert command(["nightly", "--config", "nowhere/asv.conf.json"]) == 4
    assert "error" in capsys.readouterr().err
    with pytest.raises(SystemExit) as end:
        nightly.main(["--hours", "some"], COMMANDS)
    assert end.value.code == 4


# -- disk ------------------------------------------------------------------------------------------


def environment(folder, name, builds=()):
    """Make what asv leaves of an environment; builds are (commit, bytes, age)."""
    made = folder / name
    (made / "lib").mkdir(parents=True)
    (made / disk.MARK).write_text("{}")
    for commit, size, age in builds:
        (made / disk.CACHE / commit).mkdir(parents=True)
        (made / disk.CACHE / commit / "a.whl").write_bytes(b"x" * size)
        stamp = made / disk.CACHE / f"{commit}.timestamp"
        stamp.touch()
        os.utime(stamp, (1e9 - age, 1e9 - age))
    return made


def test_environments_that_no_configuration_names_go(repo):
    (named,) = disk.needed([repo / "asv.conf.json"])[repo / ".asv/env"]
    kept = environment(repo / ".asv/env", named)
    environment(repo / ".asv/env", "0" * 32)
    own = repo / ".asv/env/own"
    own.mkdir()  # not asv's
    (repo / "asv.other.json").write_text(json.dumps(CONFIG | {"matrix": {"req": {"six": ["2.0"]}}}))
    (other,) = disk.needed([repo / "asv.other.json"])[repo / ".asv/env"]
    assert other != named
    also = environment(repo / ".asv/env", other)
    assert night(repo)[0] == 0
    assert sorted((repo / ".asv/env").iterdir()) == sorted([kept, also, own])


def test_the_oldest_builds_go_first(tmp_path):
    one = environment(tmp_path, "one", [("a", 400, 30), ("b", 400, 10)])
    two = environment(tmp_path, "two", [("c", 400, 20), ("d", 10, 40)])
    assert disk.oldest_builds(tmp_path, 2000) == []
    assert disk.oldest_builds(tmp_path, 1000) == [one / disk.CACHE / "a", two / disk.CACHE / "d"]
    half = one / disk.CACHE / "half"
    half.mkdir()  # interrupted: asv takes it for none, and so it is the oldest
    (half / "b.whl").write_bytes(b"x" * 1000)
    assert disk.oldest_builds(tmp_path, 1500) == [half]
    disk.remove_build(one / disk.CACHE / "a")
    assert [p.name for p in sorted((one / disk.CACHE).iterdir())] == ["b", "b.timestamp", "half"]


# -- the branch of results -------------------------------------------------------------------------


def keep(repo, *args, machine="m"):
    return command(["store", "--machine", machine, *args])


def result(repo, name, text="{}", machine="m"):
    (repo / "results" / machine).mkdir(parents=True, exist_ok=True)
    (repo / "results" / machine / name).write_text(text)


BRANCH = "refs/heads/results"


def files(repo):
    return git(repo, "ls-tree", "-r", "--name-only", BRANCH).split()


def test_results_go_onto_a_branch_of_their_own(repo, capsys):
    (repo / ".gitignore").write_text("results/\n")  # whatever the code's branch thinks of them
    commit(repo, "changed", "lsekernels/a.py")
    (repo / "lsekernels/a.py").write_text("not committed")
    (repo / "staged.py").write_text("")
    git(repo, "add", "staged.py")
    before = git(repo, "status", "--porcelain"), git(repo, "rev-parse", "HEAD")
    result(repo, "a-env.json")
    (repo / "results/benchmarks.json").write_text("{}")
    assert keep(repo) == 0
    assert "on branch results" in capsys.readouterr().out
    assert files(repo) == ["results/benchmarks.json", "results/m/a-env.json"]
    assert (git(repo, "status", "--porcelain"), git(repo, "rev-parse", "HEAD")) == before
    assert git(repo, "rev-list", "--count", BRANCH) == "1", "no history of the code"
    assert keep(repo) == 0
    assert "has it all already" in capsys.readouterr().out
    result(repo, "b-env.json")
    (repo / "results/m/a-env.json").unlink()
    result(repo, "c-env.json", machine="other")
    assert keep(repo) == 0
    assert files(repo) == ["results/benchmarks.json", "results/m/b-env.json"]
    assert git(repo, "rev-list", "--count", BRANCH) == "2"


def test_machines_push_to_one_branch(repo, tmp_path):
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "shared.git")
    clones = {}
    git(repo, "remote", "add", "origin", str(tmp_path / "shared.git"))
    git(repo, "push", "-q", "origin", "main")
    for machine in "mn":
        git(tmp_path, "clone", "-q", "shared.git", machine)
        clones[machine] = tmp_path / machine
        result(clones[machine], "a-env.json", machine=machine)
        (clones[machine] / "results/benchmarks.json").write_text(f'"{machine}"')
    for turn, machine in enumerate("mnmn"):
        os.chdir(clones[machine])
        result(clones[machine], f"{turn}-env.json", machine=machine)
        assert keep(clones[machine], machine=machine) == 0  # a commit of its own, before it pushes
        assert keep(clones[machine], "--push", "origin", machine=machine) == 0
    assert files(tmp_path / "shared.git") == [
        "results/benchmarks.json",
        *(f"results/m/{name}-env.json" for name in "02a"),
        *(f"results/n/{name}-env.json" for name in "13a"),
    ]
    assert git(tmp_path / "shared.git", "show", "results:results/benchmarks.json") == '"n"'
    # And back: as it is described for people.
    os.chdir(repo)
    git(repo, "fetch", "-q", "origin", "results")
    result(repo, "a-env.json", machine="own")
    git(repo, "add", "results/own")
    git(repo, "checkout", "-q", "FETCH_HEAD", "--", "results")
    assert (repo / "results/n/3-env.json").exists()
    assert (repo / "results/own/a-env.json").exists()


def test_what_cannot_be_stored_says_why(repo, capsys):
    assert keep(repo) == 1
    assert "nothing was measured on this machine" in capsys.readouterr().err
    result(repo, "a-env.json")
    assert keep(repo, "--push", "nowhere") == 1
    assert "nowhere" in capsys.readouterr().err
    assert files(repo), "it is stored here all the same"
    git(repo, "stash", "-q", "-u")
    git(repo, "switch", "-q", "results")
    (repo / "asv.conf.json").write_text(json.dumps(CONFIG))  # the branch has no code
    assert keep(repo) == 1
    assert "results is checked out" in capsys.readouterr().err


def test_a_machine_without_a_name_in_git_can_store(repo, monkeypatch):
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.delenv(f"GIT_{name}_NAME")
        monkeypatch.delenv(f"GIT_{name}_EMAIL")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    git(repo, "config", "user.useConfigOnly", "true")
    result(repo, "a-env.json")
    assert keep(repo) == 0
    assert git(repo, "log", "-1", "--format=%an %ae", BRANCH) == "m m@localhost"


# -- systemd ---------------------------------------------------------------------------------------


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd here")
def test_units_are_right(root, tmp_path):
    """As installed, but elsewhere: systemd looks whether the program is there."""
    units = [
        file for end in ("path", "service", "timer") for file in (root / "deploy").glob(f"*.{end}")
    ]
    assert {unit.stem for unit in units} == {
        f"lsekernels-{name}" for name in ("nightly", "poller", "push", "runner")
    }
    for unit in units:
        text = re.sub(r"/[\w/-]*/\.venv/bin/python", sys.executable, unit.read_text())
        text = text.replace("/usr/local/lib/lsekernels", str(root / "deploy"))
        (tmp_path / unit.name).write_text(text.replace("/srv/lsekernels", str(root)))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(tmp_path / unit.name for unit in units)],
        capture_output=True,
        text=True,
    )
    said = [line for line in done.stderr.splitlines() if "lsekernels" in line]
    assert (done.returncode, said) == (0, [])


def test_the_services_call_the_commands_as_they_are(root, tmp_path, monkeypatch):
    for name, parse in (("nightly", nightly._parser().parse_args), ("push", store.main)):
        text = (root / f"deploy/lsekernels-{name}.service").read_text().replace("\\\n", " ")
        (line,) = [line for line in text.splitlines() if line.startswith("ExecStart=")]
        program, *words = line.partition("=")[2].split()
        assert program.endswith("/.venv/bin/python")
        assert words[:2] == ["-m", "lsebench"]
        monkeypatch.chdir(tmp_path)
        (tmp_path / "asv.conf.json").write_text(json.dumps(CONFIG))
        git(tmp_path, "init", "-q")
        monkeypatch.setattr(store.Branch, "store", lambda *_: "stored")
        monkeypatch.setattr(store, "take", lambda *_: [])
        parse([word.replace("${MACHINE}", "m") for word in words[3:]])


# -- results of somebody else ----------------------------------------------------------------------


def test_results_of_another_user_are_data(repo, tmp_path, capsys):
    """Only plain files of our names are taken, and none is removed; nothing is run."""
    result(repo, "0123abcd-env.json", machine="m")
    (repo / "results/benchmarks.json").write_text('{"version": 2}')
    assert keep(repo) == 0
    theirs = tmp_path / "theirs"
    (theirs / "m").mkdir(parents=True)
    (theirs / "n").mkdir()
    (theirs / "n/machine.json").write_text('{"machine": "n", "version": 1}')
    (theirs / "benchmarks.json").write_text('{"version": 2}')
    (theirs / "m/machine.json").write_text('{"machine": "m", "version": 1}')
    (theirs / "m/speed.jsonl").symlink_to("/etc/passwd")
    (theirs / "m/heartbeat.jsonl").mkdir()
    (theirs / "m/.gitattributes").write_text("* filter=evil")
    assert keep(repo, "--from", str(theirs)) == 0
    wanted = ["benchmarks.json", "m/0123abcd-env.json", "m/machine.json"]
    assert files(repo) == [f"results/{name}" for name in wanted]
    said = capsys.readouterr().err
    assert {line.split("'")[1].split(":")[0] for line in said.splitlines()} == {
        ".gitattributes",
        "heartbeat.jsonl",
        "speed.jsonl",
    }


def test_a_folder_of_somebody_else_may_be_no_link_and_not_too_large(repo, tmp_path, capsys):
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "benchmarks.json").write_text('{"version": 2}')
    (theirs / "m").symlink_to(repo / "results")
    assert keep(repo, "--from", str(theirs)) == 1
    (theirs / "m").unlink()
    (theirs / "m").mkdir()
    (theirs / "m/machine.json").write_bytes(b" " * (store.LARGEST + 1))
    assert keep(repo, "--from", str(theirs)) == 0
    assert "machine.json: too much" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        command(["store", "--from", str(theirs)])
