"""asv plugin: environments for interpreters without a compiler for our extension modules (PyPy).

Versions are pinned as in ``pinned``. lsekernels is imported from the source of the measured commit,
which asv checks out: nothing is built, and backends that need it say so.
"""

from __future__ import annotations

from typing import Any

from .environment import Pinned


class Source(Pinned):
    """A virtual environment in which the package's source is on the path."""

    tool_name = "source"

    def __init__(self, conf: Any, python: str, requirements: Any, tagged_env_vars: Any) -> None:
        super().__init__(conf, python, requirements, tagged_env_vars)
        self._global_env_vars["ASV_PYTHONPATH"] = self._build_root

    def install_project(self, conf: Any, repo: Any, commit_hash: str) -> None:
        """Check the commit out."""
        self.checkout_project(repo, commit_hash)
        self._set_installed_commit_hash(commit_hash)
