"""A tool that is added or upgraded breaks no series; the same sources are built once."""

import json
import pickle
import sys
from types import SimpleNamespace

import pytest
from asv import environment, util
from asv.config import Config

from lsebench.environments import pinned
from lsebench.environments.pinned import Builds, Pinned


@pytest.fixture
def conf(root, tmp_path):
    found = Config.load(str(root / "asv.conf.json"))
    found.env_dir = str(tmp_path)
    return found


def names(conf):
    return {
        (env.name, env.dir_name, json.dumps(env.requirements, sort_keys=True))
        for env in environment.get_environments(conf, None, verbose=False)
    }


@pytest.mark.parametrize("tier", ["core", "all"])
def test_tools_are_no_axis(conf, monkeypatch, tier):
    """To add, upgrade or install one renames no environment: neither its series nor its folder."""
    before = names(conf)
    assert all("torch" not in name and len(name) < 128 for name, _, _ in before)
    monkeypatch.setenv("LSEKERNELS_TIER", tier)
    conf.tools["all"]["ray"] = "99.0.0"
    conf.tools["all"]["brand-new"] = "1.0"
    conf.harness["ninja"] = "99.0"
    assert names(conf) == before
    conf.matrix["req"]["numpy"] = ["9.9.9"]
    assert not names(conf) & before, "an axis does"


class Installing(Pinned):
    """An environment that is only a list of what is installed."""

    tool_name = "installing"

    def __init__(self, conf, **there):
        super().__init__(conf, "{}.{}".format(*sys.version_info), {"numpy": "2.4.6"}, {})
        self.there = {name.lower().replace("_", "-"): pin for name, pin in self._pins.items()}
        self.there |= there
        self.calls = []

    def installed(self):
        return self.there

    def check_presence(self):
        return True

    def save_info_file(self, path):
        pass

    def _run_pip(self, args, **_):
        self.calls.append(args)
        self.there |= dict(a.split("==") for a in args if "==" in a)


@pytest.fixture
def tools(conf, monkeypatch, tmp_path):
    monkeypatch.setattr(pinned, "DRIVER", tmp_path / "no-driver")
    conf.tools = {"all": {"torch": "2.0", "jax": "0.1"}, "gpu": {"cupy": "14.0"}}
    return conf


def test_core_installs_no_tool(tools, monkeypatch):
    monkeypatch.delenv("LSEKERNELS_TIER", raising=False)
    env = Installing(tools)
    env.create()
    assert env.calls == []


def test_all_installs_what_is_missing_beside_the_axes(tools, monkeypatch):
    monkeypatch.setenv("LSEKERNELS_TIER", "all")
    env = Installing(tools)
    env.create()
    together, alone = env.calls
    assert "jax==0.1" in together
    assert "numpy==2.4.6" in together, "or pip would be free to take another"
    assert alone[-1] == "torch==2.0"
    assert not any("cupy" in call for call in map(str, env.calls)), "no GPU here"


def test_a_tool_of_another_version_is_upgraded_in_every_tier(tools, monkeypatch):
    """It would be measured, as it is there, under the series of the version pinned."""
    monkeypatch.setenv("LSEKERNELS_TIER", "core")
    env = Installing(tools, jax="0.0.9")
    env.create()
    assert env.there["jax"] == "0.1"
    assert "torch" not in env.there


def test_the_gpu_tier_comes_with_a_driver(tools, monkeypatch, tmp_path):
    (tmp_path / "driver").write_text("")
    monkeypatch.setattr(pinned, "DRIVER", tmp_path / "driver")
    env = Installing(tools)
    env.create()
    assert env.there["cupy"] == "14.0"


def test_unknown_tier_is_an_error(conf, monkeypatch):
    monkeypatch.setenv("LSEKERNELS_TIER", "some")
    with pytest.raises(util.UserError, match="LSEKERNELS_TIER must be core or all, not 'some'"):
        names(conf)


@pytest.fixture
def trees(monkeypatch):
    """What git says that each commit is made of."""
    found = {"a" * 40: "tree 1", "b" * 40: "tree 1", "c" * 40: "tree 2"}

    monkeypatch.setattr(pinned, "git", lambda *command, **_: found[command[1]])
    monkeypatch.setattr(pinned, "toolchain", lambda: "g++")
    return found


def test_commits_of_the_same_sources_share_a_wheel(conf, tmp_path, trees):
    builds = Builds(conf, str(tmp_path))
    for commit in trees:
        builds.know(SimpleNamespace(path="."), commit)
    a, b, c = trees
    (tmp_path / "x.whl").write_text("")
    folder = builds.create_cache_dir(a)
    (tmp_path / "x.whl").rename(f"{folder}/x.whl")
    builds.finalize_cache_dir(a)
    assert builds.get_cache_dir(b) == folder
    assert builds.get_cache_dir(c) is None
    conf.build_command = ["another one"]
    other = Builds(conf, str(tmp_path))
    other.know(SimpleNamespace(path="."), a)
    assert other.get_cache_dir(a) is None, "built otherwise"


def test_another_compiler_or_cpu_builds_anew(conf, tmp_path, trees, monkeypatch):
    keys = set()
    for toolchain in "g++ 12, avx2", "g++ 13, avx2", "g++ 13, avx512f":
        monkeypatch.setattr(pinned, "toolchain", lambda toolchain=toolchain: toolchain)
        builds = Builds(conf, str(tmp_path))
        builds.know(SimpleNamespace(path="."), "a" * 40)
        keys.add(builds.create_cache_dir("a" * 40))
    assert len(keys) == 3


def test_commits_of_an_unknown_project_share_nothing(conf, tmp_path, trees):
    trees |= dict.fromkeys(trees, "")
    builds = Builds(conf, str(tmp_path))
    for commit in trees:
        builds.know(SimpleNamespace(path="."), commit)
    assert len({builds.create_cache_dir(commit) for commit in trees}) == len(trees)


def test_environments_can_be_handed_to_other_processes(conf):
    """As ``asv run --parallel`` does."""
    for env in environment.get_environments(conf, None, verbose=False):
        assert pickle.loads(pickle.dumps(env)).name == env.name


def test_what_a_commit_has_is_asked_of_that_commit(tools, monkeypatch):
    """Of two environments in one folder asv installs into the first; the other must see it."""
    env = Installing(tools)
    asked = []
    installed = ["a" * 40]
    monkeypatch.setattr(Installing, "installed_commit_hash", property(lambda self: installed[0]))

    def start(args, **_):
        asked.append(args)
        return json.dumps({"backends": [{"backend": installed[0]}]}), "", 0

    monkeypatch.setattr(env, "start", start)
    for commit in "a" * 40, "a" * 40, "b" * 40:
        installed[0] = commit
        assert env.facts()["backends"] == [{"backend": commit}]
    assert len(asked) == 2


def test_a_library_that_kills_the_process_is_no_reason_for_n_a(tools, monkeypatch):
    env = Installing(tools)
    monkeypatch.setattr(Installing, "installed_commit_hash", "a" * 40)
    monkeypatch.setattr(env, "start", lambda *_, **__: ("", "", -4))
    with pytest.raises(util.UserError, match="does not say what it has: exit code -4"):
        env.facts()
    assert env.cannot({"param_names": ["backend"]}, ("'numpy'",)) is None
