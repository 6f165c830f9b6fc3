"""What can have moved a series between two commits, and what became of its step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from lsebench import git
from lsebench.history.steps import Step

MOST = 40
"""Commits and files listed of a range; how many there are besides is said."""
BACK = 0.2
"""Of a step's size: nearer to the old level it counts as undone; so near to the new, as lasting."""
PACKAGE = "lsekernels"
"""Whose version says only what the commit says."""


def likely(
    before: Mapping[str, str],
    after: Mapping[str, str],
    changed: Mapping[str, Any],
    canary: bool,
) -> str:
    """Return what has probably moved a series, where nobody has measured it again.

    Parameters
    ----------
    before, after : mapping
        What `facts` says of both results; empty where it is not stored.
    changed : mapping
        What `code` says of the range.
    canary : bool
        Whether a benchmark whose code never changes has such a step in the same range.

    Returns
    -------
    str
        ``code``, ``library``, ``machine``, ``machine or library``, or ``unknown``.
    """
    versions = difference(before, after)
    if versions:
        return "library"
    if canary:
        return "machine"
    if changed["files"]:
        return "code"
    if not changed["commits"]:
        return "unknown"
    return "machine or library" if versions is None else "machine"


def became(step: Step, latest: float) -> str:
    """Return whether the level of today is that of the step, or the old one.

    Returns
    -------
    str
        ``there``, ``partly`` or ``back``; on a logarithmic scale where all levels are positive.
    """
    old, new = step.old, step.new
    if min(old, new, latest) > 0:
        old, new, latest = math.log(old), math.log(new), math.log(latest)
    share = (latest - old) / (new - old)
    if share <= BACK:
        return "back"
    return "partly" if share < 1 - BACK else "there"


def code(repo: Any, before: str, after: str) -> dict[str, Any]:
    """Return the commits after `before` up to `after`, and the changed files of the package."""
    log = git.lines(repo, "log", "--format=%H %s", f"{before}..{after}", "--")
    changed = git.lines(repo, "diff", "--numstat", before, after, "--", f"{PACKAGE}/")
    return {
        "commits": [line.split(" ", 1) for line in log[:MOST]],
        "more_commits": max(0, len(log) - MOST),
        "files": [_file(line) for line in changed[:MOST]],
        "more_files": max(0, len(changed) - MOST),
    }


def _file(line: str) -> list[str]:
    added, deleted, name = line.split("\t", 2)
    # git counts no lines of a binary file.
    return [name, "binary" if added == "-" else f"+{added} \u2212{deleted}"]


def facts(context: Mapping[str, Any]) -> dict[str, str]:
    """Return what a stored context says of versions: distributions, Python, compiler, driver."""
    found: dict[str, str] = dict(context.get("installed", {}))
    found.pop(PACKAGE, None)
    build = context.get("build") or {}
    found |= {f"built: {name}": str(value) for name, value in build.items()}
    if "python" in context:
        found["Python"] = context["python"]
    for gpu in context.get("gpus", []):
        found[f"driver of {gpu['name']}"] = gpu.get("driver_version", "")
    return found


def difference(old: Mapping[str, str], new: Mapping[str, str]) -> list[list[str | None]] | None:
    """Return [what, version before, version after] of all that changed; None where not stored."""
    if not old or not new:
        return None
    names = sorted({*old, *new}, key=str.lower)
    return [[n, old.get(n), new.get(n)] for n in names if old.get(n) != new.get(n)]
