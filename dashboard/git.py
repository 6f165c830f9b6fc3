"""What git says of the history; nothing where it does not know a commit, or is not there."""

from __future__ import annotations

import subprocess
from typing import Any


def lines(repo: Any, *arguments: str, told: str = "") -> list[str]:
    """Return what a git command prints, run in the repository that asv uses."""
    place = getattr(repo, "path", None) or getattr(repo, "_path", ".")
    # Names of files as they are, not in quotes.
    command = ["git", "-c", "core.quotePath=false", *arguments]
    try:
        done = subprocess.run(
            command, cwd=place, input=told, capture_output=True, encoding="utf-8", errors="replace"
        )
    except OSError:
        return []
    if done.returncode:
        return []
    # Not splitlines(): a subject may have other characters at which that splits.
    return [line for line in done.stdout.split("\n") if line]
