"""git, asked of this repository only: a hook of another may have set ``GIT_DIR`` and its like.

Importing this module takes these variables out of the environment, for asv's git commands, too: in
a hook of a linked worktree they would check out commits in the user's own files.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

from asv.util import UserError

WHERE = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NAMESPACE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
)
"""Variables that say which repository is meant (``git rev-parse --local-env-vars``)."""

for _name in WHERE:
    os.environ.pop(_name, None)


def run(
    *arguments: str, cwd: str | Path | None = None, told: str | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a git command that is told `told`, with environment variables beside those of here."""
    here = {name: value for name, value in os.environ.items() if name not in WHERE}
    return subprocess.run(
        ["git", "-c", "core.quotePath=false", *arguments],  # names of files as they are
        cwd=cwd,
        input=told,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        env={**here, **variables},
    )


def git(*arguments: str, cwd: str | Path | None = None, **variables: str) -> str:
    """Return what a git command prints, without the end of its last line.

    Raises
    ------
    asv.util.UserError
        It failed; the message is git's.
    """
    done = run(*arguments, cwd=cwd, **variables)
    if done.returncode:
        raise UserError(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.rstrip("\n")


def identity(name: str) -> dict[str, str]:
    """Return git's variables for commits by a machine or a program of this name."""
    both = {"NAME": name, "EMAIL": f"{name}@localhost"}
    return {f"GIT_{who}_{what}": v for who in ("AUTHOR", "COMMITTER") for what, v in both.items()}


def list_commits(spec: str) -> list[str]:
    """Return the commits of a git range, oldest first.

    Raises
    ------
    asv.util.UserError
        Git does not know it, or it has none.
    """
    try:
        found = git("rev-list", "--reverse", "--first-parent", *shlex.split(spec), "--").split()
    except UserError as error:
        raise UserError(f"git knows no range {spec!r}: {error}") from None
    if not found:
        raise UserError(f"no commit is in the range {spec!r}")
    return found


def lines(repo: Any, *arguments: str, told: str = "") -> list[str]:
    """Return the lines that git prints of the repository that asv uses, told `told`.

    None where git does not know a commit, or is not there: a page is made all the same.
    """
    place = getattr(repo, "path", None) or getattr(repo, "_path", ".")
    try:
        done = run(*arguments, cwd=place, told=told)
    except OSError:
        return []
    if done.returncode:
        return []
    # Not splitlines(): a subject may have other characters at which that splits.
    return [line for line in done.stdout.split("\n") if line]
