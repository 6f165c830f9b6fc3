"""asv plugin: the Python that runs now as an environment; nothing is downloaded or built.

For machines whose libraries came with them, such as GPU machines. lsekernels is imported from the
working tree, which must be at the measured commit. (asv's own ``existing`` type takes no commit,
and puts the path of the interpreter into the results.)
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from asv import util

from lsebench.git import git
from lsekernels.threads import VARIABLES

from .combinations import THREADS, Combinations, python_path, start_here
from .config import list_installed


class Here(Combinations):
    """The Python that runs now, with what is installed in it."""

    tool_name = "here"

    def __init__(self, conf: Any, python: str, requirements: Any, tagged_env_vars: Any) -> None:
        super().__init__(conf, python, requirements, tagged_env_vars)
        self._build_root = os.getcwd()
        # Before the suites can: asv_runner imports pympler where it is installed, and that NumPy.
        threads = self.env_vars.get(THREADS, "1")
        self._global_env_vars |= dict.fromkeys(VARIABLES, threads)

    def installed(self) -> dict[str, str]:
        """Return what is installed: canonical name -> version."""
        return list_installed(self)

    def find_executable(self, executable: str) -> str:
        """Return the Python that runs now."""
        return sys.executable

    def check_presence(self) -> bool:
        """Return whether this is the Python that is meant."""
        Path(self._path).mkdir(parents=True, exist_ok=True)  # for asv's notes
        return bool(self._python == "{}.{}".format(*sys.version_info))

    def install_project(self, conf: Any, repo: Any, commit_hash: str) -> None:
        """Check that the working tree is at `commit_hash`, without changes to the package.

        Raises
        ------
        asv.util.UserError
            It is not: what would be measured is not that commit.
        """
        head = git("rev-parse", "HEAD", cwd=self._build_root)
        if head != commit_hash:
            raise util.UserError(f"the working tree is at {head[:8]}: check out {commit_hash[:8]}")
        if changes := git("status", "--porcelain", "--", "lsekernels", cwd=self._build_root):
            raise util.UserError(f"lsekernels has changes that are in no commit:\n{changes}")
        self.rest()
        self._set_commit_hash(commit_hash)
        self._set_installed_commit_hash(commit_hash)

    def start(self, args: list[str], **kwargs: Any) -> Any:
        """Run Python in a process of its own."""
        return start_here(self, args, **kwargs)

    def environ(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return the environment variables of a process."""
        return {**super().environ(environ), **python_path(self._build_root)}
