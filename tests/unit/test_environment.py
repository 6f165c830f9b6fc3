"""Environments hold what their name says, and everything is pinned once."""

import json
import re
import shutil
import sys
import tomllib

import pytest
from asv import util
from asv.config import Config
from packaging.utils import canonicalize_name

from lsebench.environments.pinned import Pinned
from lsekernels import derived

PINS = {"numpy": "2.4.6", "Cython": "3.3.1"}


@pytest.fixture
def conf(root, tmp_path):
    found = Config.load(str(root / "asv.conf.json"))
    found.env_dir = str(tmp_path)
    return found


@pytest.fixture
def env(conf):
    python = "{}.{}".format(*sys.version_info)
    return Pinned(conf, python, dict(PINS), {("nobuild", "LSEKERNELS_THREADS"): "1"})


def having(env, monkeypatch, **versions):
    monkeypatch.setattr(
        env, "installed", lambda: {canonicalize_name(k): v for k, v in versions.items()}
    )
    return env


def complete(env):
    return {name.replace("-", "_"): version for name, version in env._pins.items()}


def test_all_pins_hold(env, monkeypatch):
    assert having(env, monkeypatch, **complete(env)).mismatches() == []
    assert env._pins["asv_runner"] == "0.3.2", "the timer is pinned, too"


def test_another_version_is_seen(env, monkeypatch):
    """What asv's own type missed: numpy 1.26.4 in the name, 2.4.6 installed."""
    wrong = {**complete(env), "numpy": "1.26.4"}
    having(env, monkeypatch, **wrong)
    assert env.mismatches() == ["numpy 2.4.6 is pinned, 1.26.4 is installed"]
    wrong.pop("Cython")
    having(env, monkeypatch, **wrong)
    assert "Cython 3.3.1 is pinned, None is installed" in env.mismatches()


def test_environment_that_no_longer_fits_is_made_again(env, monkeypatch):
    from lsebench.environments.pinned import Virtualenv

    monkeypatch.setattr(Virtualenv, "check_presence", lambda self: True)
    assert having(env, monkeypatch, **complete(env)).check_presence()
    assert not having(
        env, monkeypatch, **{**complete(env), "numba": "0", "numpy": "1"}
    ).check_presence()


def test_what_stands_apart_comes_in_a_second_call_without_dependencies(conf, env, monkeypatch):
    calls = []
    pinned = Pinned(conf, env.python, {"numpy": "2.4.6", "torch": "2.13.0"}, {})
    monkeypatch.setattr(pinned, "_run_pip", lambda args, **_: calls.append(args))
    local = {**complete(pinned), "torch": "2.13.0+cpu"}
    monkeypatch.setattr(pinned, "run_executable", lambda *_, **__: json.dumps(local))
    pinned._install_requirements()
    assert "torch==2.13.0" not in calls[0]
    assert calls[1] == ["install", "--prefer-binary", "--no-deps", "torch==2.13.0"]


def test_install_is_one_call_and_is_checked(env, monkeypatch):
    calls = []
    monkeypatch.setattr(env, "_run_pip", lambda args, **_: calls.append(args))
    having(env, monkeypatch, **{**complete(env), "numpy": "2.0.0"})
    with pytest.raises(util.UserError, match="numpy 2.4.6 is pinned, 2.0.0 is installed"):
        env._install_requirements()
    assert len(calls) == 1
    assert all("==" in argument for argument in calls[0][2:]), "nothing beside the pins"
    assert {"numpy==2.4.6", "Cython==3.3.1", "asv_runner==0.3.2"} <= set(calls[0])


def test_empty_pin_is_an_error(conf, env):
    with pytest.raises(util.UserError, match="exact version of numpy"):
        Pinned(conf, env.python, {"numpy": ""}, {})


def test_name_and_results_carry_the_libraries_but_not_the_harness(env):
    assert "numpy2.4.6" in env.name
    assert env.name.endswith("LSEKERNELS_THREADS1")
    assert "asv_runner" not in env.name
    assert env.requirements == PINS


@pytest.mark.parametrize("tier", ["core", "all"])
def test_a_tool_that_is_added_or_upgraded_renames_nothing(conf, env, monkeypatch, tier):
    """Series are told apart by the environment's name and by the requirements of its results."""
    monkeypatch.setenv("LSEKERNELS_TIER", tier)
    conf.tools["all"] |= {"torch": "99.0.0", "new_tool": "1.0.0"}
    changed = Pinned(conf, env.python, dict(PINS), {("nobuild", "LSEKERNELS_THREADS"): "1"})
    assert (changed.name, changed.requirements) == (env.name, env.requirements)
    assert changed.env_vars == env.env_vars
    assert not {"torch", "new_tool"} & set(changed.requirements)


def exact(version):
    return re.fullmatch(r"\d+(\.\d+)+(\.post\d+)?", version)


@pytest.mark.parametrize("file", ["asv.conf.json", "asv.libraries.json"])
def test_every_pin_is_exact(root, file):
    conf = Config.load(str(root / file))
    rows = [e["req"] for e in conf.include] or [{k: v for k, [v] in conf.matrix["req"].items()}]
    rows += [conf.harness, *getattr(conf, "tools", {}).values()]
    assert all(exact(v) for row in rows for v in row.values())


def test_dependency_groups_pin_the_same_versions(root):
    project = tomllib.loads((root / "pyproject.toml").read_text())
    groups = project["dependency-groups"]
    pins = {}
    for entry in (e for group in groups.values() for e in group if isinstance(e, str)):
        name, _, version = entry.partition("==")
        assert exact(version), f"{entry} is not pinned"
        pins[canonicalize_name(name)] = version
    conf = Config.load(str(root / "asv.conf.json"))
    named = {k: v for k, [v] in conf.matrix["req"].items()} | conf.harness
    for tools in conf.tools.values():
        named |= tools
    for name, version in named.items():
        assert pins[canonicalize_name(name)] == version, name


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_libraries_config_has_four_generations_and_the_newest_is_ours(root, python):
    conf = Config.load(str(root / "asv.libraries.json"))
    rows = [row for row in conf.include if row["python"] == python]
    assert len({row["req"]["numpy"] for row in rows}) >= 4
    newest = Config.load(str(root / "asv.conf.json")).matrix["req"]
    # Only the libraries whose generations are compared: the others would change the resolution.
    assert rows[-1]["req"].items() <= {k: v for k, [v] in newest.items()}.items()
    assert {row["env_nobuild"]["LSEKERNELS_THREADS"] for row in rows} == {"1"}


def test_what_the_configurations_share_is_written_once(root, tmp_path):
    for name in derived._FILES:
        shutil.copy(root / name, tmp_path)
    shared = tmp_path / "asv.conf.json"
    shared.write_text(shared.read_text().replace('"results_dir": "results"', '"results_dir": "r"'))
    others = ["asv.libraries.json", "asv.gpu.json", "asv.pypy.json"]
    assert derived.write(tmp_path) == others
    before, after = ([Config.load(str(f / o)) for o in others] for f in (root, tmp_path))
    for one, other in zip(before, after, strict=True):
        assert (one.results_dir, other.results_dir) == ("results", "r")
        assert vars(other) == {**vars(one), "results_dir": "r"}, "its own settings stay"
        assert not hasattr(other, "tools"), "those of the newest libraries are no others'"


def test_only_plugins_with_a_leading_dot_are_imported(root):
    """Asv ignores any other name without a word."""
    conf = Config.load(str(root / "asv.conf.json"))
    assert {".lsebench.environments.pinned", ".lsebench.site.plugin"} <= set(conf.plugins)
    assert all(name.startswith(".") for name in conf.plugins)


def test_a_project_that_pip_has_put_elsewhere_is_installed_again(env, conf, monkeypatch):
    from lsebench.environments.combinations import Combinations

    where, tried = iter([{}, {"lsekernels": "0.1.0"}]), []
    monkeypatch.setattr(Combinations, "install_project", lambda self, *args: tried.append(args[2]))
    monkeypatch.setattr(env._cache, "know", lambda *args: None)
    monkeypatch.setattr(env, "_set_installed_commit_hash", tried.append)
    monkeypatch.setattr(env, "installed", lambda: next(where))
    env.install_project(conf, None, "c" * 40)
    assert tried == ["c" * 40, None, "c" * 40]
    monkeypatch.setattr(env, "installed", dict)
    with pytest.raises(util.UserError, match="somewhere else than in"):
        env.install_project(conf, None, "c" * 40)


def test_a_users_places_for_pip_are_not_taken():
    import os

    assert not {"PIP_TARGET", "PIP_PREFIX", "PIP_ROOT"} & set(os.environ)
