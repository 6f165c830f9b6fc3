"""asv plugin: environments for interpreters without a compiler for our extension modules (PyPy).

Versions are pinned as in ``pinned``. lsekernels is imported from the source of the measured commit,
which asv checks out: nothing is built, and backends that need it say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .combinations import python_path, start_here
from .pinned import Pinned


class Source(Pinned):
    """A virtual environment in which the package's source is on the path."""

    tool_name = "source"

    def install_project(self, conf: Any, repo: Any, commit_hash: str) -> None:
        """Check the commit out."""
        self.checkout_project(repo, commit_hash)
        self._set_installed_commit_hash(commit_hash)

    def start(self, args: list[str], **kwargs: Any) -> Any:
        """Run Python in a process of its own."""
        return start_here(self, args, **kwargs)

    def environ(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return the environment variables of a process."""
        return {**super().environ(environ), **python_path(self._build_root)}
