"""git, asked of this repository only: a hook of another may have set ``GIT_DIR`` and its like."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from asv.util import UserError


def environ() -> dict[str, str]:
    """Return the environment variables without git's own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}


def git(*arguments: str, cwd: str | Path | None = None) -> str:
    """Return what a git command prints, without the end of its last line.

    Raises
    ------
    asv.util.UserError
        It failed; the message is git's.
    """
    done = subprocess.run(
        ["git", *arguments], capture_output=True, text=True, cwd=cwd, env=environ()
    )
    if done.returncode:
        raise UserError(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.rstrip("\n")
