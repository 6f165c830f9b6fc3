"""What the environments take on the disk, and what of it is needed no more."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from asv import environment

from . import config

CACHE = "asv-build-cache"
MARK = "asv-env-info.json"
"""What asv leaves in each of its environments: nothing else is ever removed."""


def needed(configs: Iterable[Path]) -> dict[Path, set[str]]:
    """Return folder of environments -> the names in it that a configuration asks for.

    One whose Python is gone is not among them: it could not run.
    """
    found: dict[Path, set[str]] = {}
    for path in configs:
        conf = config.load(str(path))
        here = path.parent / conf.env_dir
        names = found.setdefault(here, set())
        names |= {env.dir_name for env in environment.get_environments(conf, None, False)}
    return found


def unneeded(folder: Path, names: set[str]) -> list[Path]:
    """Return the environments in `folder` that no configuration names."""
    return sorted(mark.parent for mark in folder.glob(f"*/{MARK}") if mark.parent.name not in names)


def oldest_builds(folder: Path, most: float) -> list[Path]:
    """Return the oldest builds kept below `folder`, as many as take more than `most` bytes."""
    builds = [path for path in folder.glob(f"*/{CACHE}/*") if path.is_dir()]
    stamps = {path: _stamp(path).stat().st_mtime for path in builds if _stamp(path).exists()}
    total, found = 0, []
    for path in sorted(builds, key=lambda path: stamps.get(path, 0.0), reverse=True):
        total += size(path)
        if total > most:
            found.append(path)
    return found


def remove_build(path: Path) -> None:
    """Remove a build, and asv's note that it is whole, the note first."""
    _stamp(path).unlink(missing_ok=True)
    shutil.rmtree(path)


def _stamp(build: Path) -> Path:
    return build.with_name(f"{build.name}.timestamp")


def size(folder: Path) -> int:
    """Return how many bytes the files below `folder` take."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())


def clean(configs: Iterable[Path], most: float) -> Iterable[str]:
    """Remove what is needed no more, and yield a sentence for each thing removed.

    Parameters
    ----------
    configs : iterable of Path
        asv's configurations, all that there are.
    most : float
        Bytes that the builds may take in each folder of environments.
    """
    for folder, names in needed(configs).items():
        for path in unneeded(folder, names):
            gone = size(path)
            shutil.rmtree(path)
            yield f"removed environment {path.name[:8]}, {gone / 1e9:.1f} GB: no matrix names it"
        for path in oldest_builds(folder, most):
            remove_build(path)
            where = path.parent.parent.name
            yield f"removed the build of {path.name[:8]} in environment {where[:8]}"
