"""Both commits, built and installed side by side.

asv makes the environments and builds the commits; its wheels are cached. But an environment holds
one commit at a time, and some have gigabytes of libraries: so what asv has installed of the project
is copied into a folder for each commit, which comes first on the path of its processes.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

from asv import environment, util
from asv.benchmarks import Benchmarks
from asv.repo import get_repo
from packaging.utils import canonicalize_name

from lsebench import git
from lsebench.environments import config

from .side_by_side import SIDES, Key, Side

FILES = """
import importlib.metadata, json, sys
found = importlib.metadata.distribution(sys.argv[1])
root = found.locate_file("")
print(json.dumps([str(root), [str(file) for file in found.files or ()]]))
"""
UNNAMED = "harness", "tools", "apart"
"""What our configuration says of environments beside asv's ``matrix``, which names them."""


class NotBuilt(Exception):
    """A commit that cannot be built, and why."""

    def __init__(self, side: str, commit: str, reason: str) -> None:
        super().__init__(f"{side} {commit[:8]} cannot be built: {reason}")
        self.side, self.commit, self.reason = side, commit, reason


@dataclass
class Built:
    """Both commits in one environment, or in two that differ in their versions."""

    name: str
    """asv's name of the environment, of the head's where there are two."""
    env_vars: Mapping[str, str]
    sides: dict[str, Side]
    installed: dict[str, dict[str, str]]
    """Side -> what is installed: name -> version."""
    benchmarks: list[dict[str, Any]]
    """All there are, as asv lists them."""
    files: dict[str, dict[str, str]] = field(default_factory=lambda: {side: {} for side in SIDES})
    """Side -> what is installed of the project: file -> hash."""

    def has(self, env_vars: Mapping[str, str]) -> bool:
        """Return whether the environment has all these settings."""
        return all(self.env_vars.get(name) == value for name, value in env_vars.items())

    def changed(self) -> list[str]:
        """Return one sentence for each library whose version differs."""
        base, head = (self.installed[side] for side in SIDES)
        return [
            f"{name}: {base.get(name, 'not installed')} -> {head.get(name, 'not installed')}"
            for name in sorted({*base, *head})
            if base.get(name) != head.get(name)
        ]

    def select(self, conf: Any, regex: list[str]) -> list[Key]:
        """Return the benchmarks, with their parameters, that match; as ``asv run --bench``.

        A whole name, as the gate writes it, means itself, though its brackets are a group in a
        regular expression.
        """
        names = {
            str(Key(benchmark["name"], None, parameters))
            for benchmark in self.benchmarks
            for parameters in product(*benchmark["params"])
        }
        exact = [f"^{re.escape(text)}$" if text in names else text for text in regex]
        chosen = Benchmarks(conf, self.benchmarks, exact)
        found = []
        for name, benchmark in chosen.items():
            facts = {
                "unit": benchmark.get("unit", "unit"),
                "timeout": float(benchmark.get("timeout") or conf.default_benchmark_timeout),
                "fresh": bool(benchmark.get("fresh_process")),
            }
            combinations = list(product(*benchmark["params"]))
            indices = chosen.benchmark_selection[name]
            for index in [None] if indices is None else indices:
                parameters = () if index is None else combinations[index]
                found.append(Key(name, index, parameters, **facts))
        return found


def resolve(commit: str) -> str:
    """Return the full hash of what names a commit.

    Raises
    ------
    asv.util.UserError
        Git does not know it.
    """
    done = git.run("rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}")
    if done.returncode:
        raise util.UserError(f"git knows no commit {commit!r}")
    return done.stdout.strip()


def folder(commits: Mapping[str, str], own: bool) -> Path:
    """Return the folder of a comparison, in the working folder; arguments as for `prepare`."""
    names = [commits[side][:12] for side in SIDES]
    return Path(".asv/gate", "-".join(names + ["same"] * (not own)))


def prepare(path: str, commits: Mapping[str, str], folder: Path, own: bool) -> list[Built]:
    """Build both commits and copy what is installed of each into `folder`.

    Parameters
    ----------
    path : str
        The file of asv's configuration, in the working folder.
    commits : mapping
        Side -> full hash.
    own : bool
        Take the environments from the configuration that each commit brings; else both from that
        of the working tree.

    Raises
    ------
    NotBuilt
        One of the commits cannot be built.
    """
    confs = {side: _conf(path, commits[side] if own else None) for side in SIDES}
    # What the name of an environment does not tell: then they are not one folder.
    unnamed = [[getattr(conf, name, None) for name in UNNAMED] for conf in confs.values()]
    if unnamed[0] != unnamed[1]:
        confs["base"].env_dir += "-base"
    repo = get_repo(confs["head"])
    found = {side: _environments(conf) for side, conf in confs.items()}
    root = Path(confs["head"].benchmark_dir).resolve()
    done: dict[str, tuple[Any, ...]] = {}
    built = []
    for key, head in found["head"].items():
        if key not in found["base"]:
            continue
        # Environments that differ only in what a run sets are one.
        if head.dir_name not in done:
            sides, installed, files = {}, {}, {}
            # The head last: asv finds the benchmarks in what is installed.
            for side, env in (("base", found["base"][key]), ("head", head)):
                place = folder / head.dir_name / side
                note = place.with_suffix(".json")
                known = _known(note, place) if env.check_presence() else None
                if known is None:
                    again = " again: its copy, or its environment, is not whole" * note.exists()
                    print(f"building {side} {commits[side][:8]}{again} ...", flush=True)
                    _install(confs[side], repo, env, side, commits[side], place)
                    beside = config.list_installed(env)
                    beside.pop(canonicalize_name(confs[side].project), None)
                    known = {"installed": beside, "files": _hashes(place)}
                    new = note.with_suffix(".new")
                    new.write_text(json.dumps(known))
                    new.replace(note)
                installed[side], files[side] = known["installed"], known["files"]
                ours = {file.partition("/")[0].partition(".")[0] for file in files[side]}
                packages = tuple(sorted(name for name in ours if name.isidentifier()))
                sides[side] = Side(env.find_executable("python"), place, {}, root, packages)
            listed = Benchmarks.discover(confs["head"], repo, [head], [commits["head"]])
            done[head.dir_name] = sides, installed, list(listed.values()), files
        sides, installed, benchmarks, files = done[head.dir_name]
        env_vars = dict(head.env_vars)
        sides = {name: replace(side, environ=env_vars) for name, side in sides.items()}
        built.append(Built(head.name, env_vars, sides, installed, benchmarks, files))
    if not built:
        raise util.UserError("the commits have no environment in common")
    return built


def _known(note: Path, place: Path) -> dict[str, dict[str, str]] | None:
    """Return what was noted of a copy; None where that, or the copy, is not whole any more."""
    try:
        found = json.loads(note.read_text())
        installed, files = dict(found["installed"]), dict(found["files"])
        whole = all(_hash(place / file) == noted for file, noted in files.items())
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return {"installed": installed, "files": files} if whole else None


def _hashes(place: Path) -> dict[str, str]:
    """Return the hash of each file of a copy."""
    files = sorted(file for file in place.rglob("*") if file.is_file())
    return {file.relative_to(place).as_posix(): _hash(file) for file in files}


def _hash(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _conf(path: str, commit: str | None) -> Any:
    """Return the configuration as of `commit`, or of the working tree."""
    if commit is not None:
        said = git.run("show", f"{commit}:./{path}")
        if said.returncode == 0:
            # Beside the other: its paths are relative to its folder.
            with tempfile.NamedTemporaryFile("w", suffix=".json", dir=".") as file:
                file.write(said.stdout)
                file.flush()
                return config.load(file.name)
    return config.load(path)


def _environments(conf: Any) -> dict[Any, Any]:
    """Return the environments of this Python, by what two configurations can have in common."""
    python = "{}.{}".format(*sys.version_info)
    found = [
        env
        for env in environment.get_environments(conf, None, verbose=False)
        if env.python == python and env.can_install_project()
    ]
    if not found:
        raise util.UserError(f"no environment of Python {python} into which asv can install")
    settings = [tuple(sorted(env.env_vars.items())) for env in found]
    # The versions count only where the settings do not tell environments apart.
    alone = {setting for setting in settings if settings.count(setting) == 1}
    return {
        (setting, "" if setting in alone else env.name): env
        for setting, env in zip(settings, found, strict=True)
    }


def _install(conf: Any, repo: Any, env: Any, side: str, commit: str, place: Path) -> None:
    try:
        env.create()
        env.install_project(conf, repo, commit)
    except util.ProcessError as error:
        lines = [line for line in (error.stderr or error.stdout).splitlines() if line.strip()]
        raise NotBuilt(side, commit, "\n".join(lines[-15:])) from None
    except util.UserError as error:  # pins that cannot be installed together
        raise NotBuilt(side, commit, str(error)) from None
    try:
        # At home: what lies here is not what is installed.
        code, home = ["-c", FILES, conf.project], os.path.expanduser("~")
        root, files = json.loads(env.run_executable("python", code, cwd=home).splitlines()[-1])
    except util.ProcessError:
        reason = f"nothing is installed as {conf.project}, asv's `project`"
        raise NotBuilt(side, commit, reason) from None
    shutil.rmtree(place, ignore_errors=True)
    for file in files:
        if not file.startswith("..") and "__pycache__" not in file:
            target = place / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(Path(root, file), target)
