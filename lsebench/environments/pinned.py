"""asv plugin: virtual environments in which exactly the pinned versions are installed.

asv's own virtualenv type calls pip once a package, installs whatever ``build-system.requires``
names at its newest version (even over a pin), leaves asv_runner unpinned, and does not look at
what it got. This one installs all pins of asv.conf.json in one call, compares what is installed
with what is named, and rebuilds an environment that no longer fits.

``matrix`` names the environment, and with it the series: Python and the libraries whose versions
are compared. What else must be there (``harness``) and what else is measured (``tools``, by tier)
is pinned, verified and recorded, but no axis: to add or upgrade a tool renames nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from asv import util
from asv.build_cache import BuildCache
from asv.console import log
from asv.plugins.virtualenv import Virtualenv
from packaging.utils import canonicalize_name

from lsebench.git import git

from .combinations import Combinations
from .config import list_installed

TIER = "LSEKERNELS_TIER"
"""The environment variable that says which tools are installed: ``core`` (none) or ``all``."""
DRIVER = Path("/proc/driver/nvidia/version")
"""Where there is an NVIDIA GPU that can be used."""
PACKAGE = ("lsekernels", "meson.build", "pyproject.toml")
"""What a wheel is made of: commits that share it share the wheel."""
BUILD = "meson"
"""Folder of an environment in which the package is compiled; the next commit goes on from there."""

for _name in ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT"):
    os.environ.pop(_name, None)  # a user's, for another place than our environments


class Builds(BuildCache):  # type: ignore[misc]  # asv has no annotations
    """asv's cache of wheels, by what they are made of instead of by commit."""

    def __init__(self, conf: Any, root: str) -> None:
        super().__init__(conf, root)
        self._command = json.dumps(conf.build_command)
        self._keys: dict[str, str] = {}

    def know(self, repo: Any, commit: str) -> None:
        """Find out what the wheel of a commit is made of."""
        place = getattr(repo, "path", None) or getattr(repo, "_path", ".")
        sources = git("ls-tree", commit, "--", *PACKAGE, cwd=place)
        # Of another project nothing is known, but its commit.
        made_of = (sources or commit) + self._command + toolchain()
        self._keys[commit] = f"tree-{hashlib.sha256(made_of.encode()).hexdigest()[:32]}"

    def _get_cache_dir(self, commit_hash: str) -> tuple[str, str]:
        path, stamp = super()._get_cache_dir(self._keys.get(commit_hash, commit_hash))
        return str(path), str(stamp)


class Pinned(Combinations, Virtualenv):  # type: ignore[misc]  # asv has no annotations
    """A virtual environment whose versions are verified."""

    tool_name = "pinned"

    def __init__(self, conf: Any, python: str, requirements: Any, tagged_env_vars: Any) -> None:
        self._conf = conf
        # A row of the matrix wins over what all environments share.
        self._pins = {**getattr(conf, "harness", {}), **requirements}
        tools = getattr(conf, "tools", {})
        self._tools = {name: pin for pins in tools.values() for name, pin in pins.items()}
        self._wanted_tools = {
            name: pin for tier in tiers() for name, pin in tools.get(tier, {}).items()
        }
        loose = [name for name, pin in {**self._pins, **self._tools}.items() if not pin]
        if loose:
            raise util.UserError(f"asv.conf.json must name an exact version of {', '.join(loose)}")
        super().__init__(conf, python, requirements, tagged_env_vars)
        self._cache = Builds(conf, self._path)
        if python == "{}.{}".format(*sys.version_info):
            self._executable = sys.executable  # no search: PATH may hold a shim that fails

    # -- what is installed ---------------------------------------------------------------------

    def installed(self) -> dict[str, str]:
        """Return what is installed: canonical name -> version."""
        return list_installed(self)

    def mismatches(self, pins: Mapping[str, str] | None = None) -> list[str]:
        """Return one sentence for each pin that does not hold."""
        installed = self.installed()
        return [
            f"{name} {wanted} is pinned, {installed.get(canonicalize_name(name))} is installed"
            for name, wanted in (self._pins if pins is None else pins).items()
            if installed.get(canonicalize_name(name)) != wanted
        ]

    def check_presence(self) -> bool:
        """Return whether the environment exists and still fits its name."""
        if not super().check_presence():
            return False
        for sentence in self.mismatches():
            log.warning(f"{sentence}: making the environment again")
            return False
        return True

    def create(self) -> None:
        """Make the environment, and bring the tools of the tier into it, where they are missing."""
        if self._is_setup:
            return
        super().create()
        installed = self.installed()
        # What is there from another tier would be measured as well: it must be the version pinned.
        found = {
            name: pin for name, pin in self._tools.items() if canonicalize_name(name) in installed
        }
        tools = {**found, **self._wanted_tools}
        missing = {
            name: pin
            for name, pin in tools.items()
            if installed.get(canonicalize_name(name)) != pin
        }
        if missing:
            print(f"\n  installing (only once, some minutes): {_named(missing)}", flush=True)
            self._install({**self._pins, **tools})
            if wrong := self.mismatches({**self._pins, **tools}):
                raise util.UserError("; ".join(wrong))

    def _setup(self) -> None:
        # asv is silent here, for about half a minute; its last line has no end yet.
        print(
            "\n  making the environment (only once, about half a minute): "
            f"Python {self._python}, {_named(self._pins)}",
            flush=True,
        )
        super()._setup()

    def _install_requirements(self) -> None:
        self._install(self._pins)
        if wrong := self.mismatches():
            raise util.UserError("; ".join(wrong))

    def _install(self, pins: Mapping[str, str]) -> None:
        """Install all `pins` in one call; in a second one what comes without its dependencies."""
        apart = getattr(self._conf, "apart", [])
        together = [f"{name}=={pin}" for name, pin in pins.items() if name not in apart]
        alone = [f"{name}=={pin}" for name, pin in pins.items() if name in apart]
        try:
            self._run_pip(["install", "--prefer-binary", *together])
            if alone:
                self._run_pip(["install", "--prefer-binary", "--no-deps", *alone])
        except util.ProcessError as error:
            reasons = [line for line in error.stderr.splitlines() if line.startswith("ERROR")]
            raise util.UserError("\n".join(["pip cannot install these pins", *reasons])) from None

    # -- the package ---------------------------------------------------------------------------

    def install_project(self, conf: Any, repo: Any, commit_hash: str) -> None:
        """Build and install a commit; nothing is built where its wheel is there already.

        asv notes what it has installed; pip may have put it elsewhere.

        Raises
        ------
        asv.util.UserError
            The project is not in the environment all the same.
        """
        self._cache.know(repo, commit_hash)
        for _ in range(2):
            super().install_project(conf, repo, commit_hash)
            if canonicalize_name(conf.project) in self.installed():
                return
            self._set_installed_commit_hash(None)
        raise util.UserError(
            f"pip installs {conf.project} somewhere else than in {self._path}: `pip config list`?"
        )

    def _build_project(self, repo: Any, commit_hash: str, build_dir: str) -> None:
        left, built_by = Path(self._path, BUILD), Path(self._path, f"{BUILD}.txt")
        if left.exists() and not (built_by.exists() and built_by.read_text() == toolchain()):
            shutil.rmtree(left)  # ninja does not see that the compiler is another one
        built_by.write_text(toolchain())
        try:
            super()._build_project(repo, commit_hash, build_dir)
        except util.ProcessError:
            # What an earlier commit, or an interruption, has left there may be the reason.
            if not left.exists():
                raise
            shutil.rmtree(left)
            super()._build_project(repo, commit_hash, build_dir)


@cache
def toolchain() -> str:
    """Return what a build for this machine's own instructions depends on beside its sources."""
    try:
        compiler = subprocess.run(["c++", "--version"], capture_output=True, text=True).stdout
    except OSError:
        compiler = ""
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.exists() else [platform.processor()]
    flags = next((line for line in lines if line.startswith(("flags", "Features"))), lines[0])
    return f"{compiler.partition(chr(10))[0]}\n{flags}\n"


def tiers() -> list[str]:
    """Return the tiers whose tools are installed and measured.

    Raises
    ------
    asv.util.UserError
        The environment variable names none.
    """
    tier = os.environ.get(TIER, "core")
    if tier not in ("core", "all"):
        raise util.UserError(f"{TIER} must be core or all, not {tier!r}")
    return ["core", *(["all"] if tier == "all" else []), *(["gpu"] if DRIVER.exists() else [])]


def _named(pins: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in pins.items())
