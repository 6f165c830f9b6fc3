"""asv plugin: environments for interpreters without a compiler for our extension modules (PyPy).

Versions are pinned as in ``pinned``. lsekernels is imported from the source of the measured commit,
which asv checks out: nothing is built, and backends that need it say so.
"""

from __future__ import annotations

from typing import Any

from .environment import Pinned, run_with_path


class Source(Pinned):
    """A virtual environment in which the package's source is on the path."""

    tool_name = "source"

    def install_project(self, conf: Any, repo: Any, commit_hash: str) -> None:
        """Check the commit out."""
        self.checkout_project(repo, commit_hash)
        self._set_installed_commit_hash(commit_hash)

    def run(self, args: list[str], **kwargs: Any) -> Any:
        """Run Python in the environment; one dot of progress for each benchmark process."""
        return run_with_path(self, self._build_root, args, **kwargs)
