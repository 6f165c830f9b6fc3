"""asv plugin: virtual environments in which exactly the pinned versions are installed.

asv's own virtualenv type calls pip once a package, installs whatever ``build-system.requires``
names at its newest version (even over a pin), leaves asv_runner unpinned, and does not look at
what it got. This one installs all pins of asv.conf.json (``matrix`` and ``harness``) in one call,
compares what is installed with what is named, and rebuilds an environment that no longer fits.
Only what is listed as ``apart`` comes in a second call, without its dependencies.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from asv import util
from asv.console import log
from asv.plugins.virtualenv import Virtualenv
from packaging.utils import canonicalize_name

DOTS_TO = "MEASURE_DOTS_TO"
"""The environment variable that names a terminal, which gets a dot for each process."""

LIST_INSTALLED = (
    "import importlib.metadata as m, json; "
    "print(json.dumps({d.metadata['Name']: d.version for d in m.distributions()}))"
)


class Pinned(Virtualenv):  # type: ignore[misc]  # asv has no annotations
    """A virtual environment whose versions are verified."""

    tool_name = "pinned"

    def __init__(self, conf: Any, python: str, requirements: Any, tagged_env_vars: Any) -> None:
        self._conf = conf
        self._pins = {**getattr(conf, "harness", {}), **requirements}  # a row of its own wins
        loose = [name for name, version in self._pins.items() if not version]
        if loose:
            raise util.UserError(f"asv.conf.json must name an exact version of {', '.join(loose)}")
        super().__init__(conf, python, requirements, tagged_env_vars)
        if python == "{}.{}".format(*sys.version_info):
            self._executable = sys.executable  # no search: PATH may hold a shim that fails

    def installed(self) -> dict[str, str]:
        """Return what is installed: canonical name -> version."""
        return list_installed(self)

    def mismatches(self) -> list[str]:
        """Return one sentence for each pin that does not hold."""
        installed = self.installed()
        return [
            f"{name} {wanted} is pinned, {installed.get(canonicalize_name(name))} is installed"
            for name, wanted in self._pins.items()
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

    def _setup(self) -> None:
        # asv is silent here, for about half a minute; its last line has no end yet.
        pins = ", ".join(f"{name} {version}" for name, version in self._pins.items())
        print(f"\n  making the environment (only once): Python {self._python}, {pins}", flush=True)
        super()._setup()

    def _install_requirements(self) -> None:
        apart = getattr(self._conf, "apart", [])
        pins = {name: f"{name}=={version}" for name, version in self._pins.items()}
        together = [pin for name, pin in pins.items() if name not in apart]
        alone = [pin for name, pin in pins.items() if name in apart]
        try:
            self._run_pip(["install", "--prefer-binary", *together])
            if alone:
                self._run_pip(["install", "--prefer-binary", "--no-deps", *alone])
        except util.ProcessError as error:
            reasons = [line for line in error.stderr.splitlines() if line.startswith("ERROR")]
            raise util.UserError("\n".join(["pip cannot install these pins", *reasons])) from None
        wrong = self.mismatches()
        if wrong:
            raise util.UserError("; ".join(wrong))

    def run(self, args: list[str], **kwargs: Any) -> Any:
        """Run Python in the environment; one dot of progress for each benchmark process."""
        show_dot(args)
        return super().run(args, **kwargs)


def list_installed(env: Any) -> dict[str, str]:
    """Return what is installed in `env`: canonical name -> version."""
    found = json.loads(env.run_executable("python", ["-c", LIST_INSTALLED]))
    # 2.13.0+cpu is a build of 2.13.0, and fulfils that pin.
    return {canonicalize_name(name): v.partition("+")[0] for name, v in found.items()}


def show_dot(args: list[str]) -> None:
    """Write a dot to the terminal, if there is one, where `args` run a benchmark."""
    terminal = os.environ.get(DOTS_TO)
    if terminal and args[1:2] == ["run"]:
        with open(terminal, "w") as stream:
            stream.write(".")


def run_with_path(env: Any, path: str, args: list[str], /, **kwargs: Any) -> Any:
    """Run the Python of `env` with `path` on its path: the package is not installed there.

    asv offers ASV_PYTHONPATH for this, makes it PYTHONPATH, and its script for benchmarks then
    removes those folders again, unless both are set.
    """
    show_dot(args)
    paths = os.pathsep.join(filter(None, [path, os.environ.get("PYTHONPATH", "")]))
    environ = {**kwargs.pop("env", os.environ), **env._global_env_vars}
    environ |= {"PYTHONPATH": paths, "ASV_PYTHONPATH": paths}
    return util.check_output([env.find_executable("python"), *args], env=environ, **kwargs)
