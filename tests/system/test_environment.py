"""The environment that is already there, in a repository of one file; and what is recorded."""

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest
from asv import util
from asv.config import Config

from lsebench.environments.combinations import Combinations
from lsebench.environments.here import Here
from lsebench.git import git


@pytest.fixture
def here(root, tmp_path, monkeypatch):
    """The environment type of GPU machines, in a repository of one file."""
    conf = Config.load(str(root / "asv.gpu.json"))
    conf.env_dir = str(tmp_path / "env")
    (tmp_path / "lsekernels").mkdir()
    (tmp_path / "lsekernels/module.py").write_text("one = 1\n")
    (tmp_path / "only_here.py").write_text("")
    monkeypatch.chdir(tmp_path)
    for key in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.setenv(key, "test@localhost")
    for command in ("init -q", "add lsekernels", "commit -q -m One"):
        subprocess.run(["git", *command.split()], check=True)
    python = "{}.{}".format(*sys.version_info)
    return Here(conf, python, {}, {("nobuild", "LSEKERNELS_THREADS"): "1"})


def test_here_is_this_python_and_names_no_path(here):
    assert here.check_presence()
    assert here.name == "here-py{}.{}-LSEKERNELS_THREADS1".format(*sys.version_info)
    assert here.installed()["asv"]
    said = here.run(["-c", "import only_here, os; print(os.environ['OMP_NUM_THREADS'])"])
    assert said.strip() == "1", "threads are set before any library loads"


def test_here_measures_only_the_commit_that_is_checked_out(here):
    head = git("rev-parse", "HEAD")
    here.install_project(None, None, head)
    assert here.installed_commit_hash == head
    with pytest.raises(util.UserError, match=f"the working tree is at {head[:8]}: check out 0000"):
        here.install_project(None, None, "0" * 40)
    with open("lsekernels/module.py", "a") as file:
        file.write("two = 2\n")
    with pytest.raises(util.UserError, match="changes that are in no commit"):
        here.install_project(None, None, head)


def test_gpus_are_none_without_a_driver_and_described_with_one(tmp_path, monkeypatch):
    from lsebench.records import context

    monkeypatch.setenv("PATH", str(tmp_path))
    assert context.ask_gpus() == []
    fake = tmp_path / "nvidia-smi"
    values = [f"value {i}" for i in range(len(context.GPU_FACTS))]
    fake.write_text(f"#!/bin/sh\necho '{', '.join(values)}'\n")
    fake.chmod(0o755)
    assert context.ask_gpus() == [dict(zip(context.GPU_FACTS, values, strict=True))]


def test_context_asks_outside_the_working_tree(root, tmp_path, monkeypatch):
    """The context is that of the environment, appended only when it changes."""
    from lsebench.records import context

    def start(args, cwd, env, timeout, **_):
        command = [sys.executable, *args]
        done = subprocess.run(
            command, cwd=cwd, env=env, timeout=timeout, capture_output=True, text=True
        )
        return done.stdout, done.stderr, done.returncode

    env = SimpleNamespace(
        name="pinned-x",
        env_vars={"LSEKERNELS_THREADS": "1"},
        _path=str(tmp_path),
        installed_commit_hash="0" * 40,
        _global_env_vars={},
        _asked={},
        start=start,
    )
    env.facts = lambda: Combinations.facts(env)
    conf = SimpleNamespace(results_dir=str(tmp_path / "results"))
    for name in ("one", "one", "two"):
        env.installed = lambda name=name: {"numpy": name}
        found = context.record(conf, env, "m", "0" * 40)
    assert found["threads"] == 1
    assert all(pool["num_threads"] == 1 for pool in found["pools"])
    assert {b["backend"] for b in found["backends"]} >= {"numpy", "cupy"}
    lines = (tmp_path / "results/m/00000000-pinned-x.context.jsonl").read_text().splitlines()
    assert [json.loads(line)["context"]["installed"]["numpy"] for line in lines] == ["one", "two"]
