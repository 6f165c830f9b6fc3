"""A site wholly or not at all: what is missing is said first, and the old site stays till the end.

asv erases the site before it loads the results, so every error would leave half of one. What it
and our pages load is a copy of the results, from which is left out what is not fit.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from asv.util import UserError

from lsebench.records import checked

PROJECT = Path(__file__).resolve().parent.parent.parent / "pyproject.toml"


def whole(publish: Callable[..., Any]) -> Callable[..., Any]:
    """Return asv's `publish`, by which a new site takes the place of the old when it is made."""

    def run(conf: Any, *args: Any, **kwargs: Any) -> Any:
        if pins := missing():
            raise UserError(f"To make the site: pip install {' '.join(pins)}")
        asked = conf.html_dir, conf.results_dir
        site = Path(conf.html_dir).resolve()
        site.parent.mkdir(parents=True, exist_ok=True)
        # On the disk of the old one, so that a rename is all it takes; .gitignore knows the name.
        with TemporaryDirectory(prefix=f".{site.name}-", dir=site.parent) as beside:
            new, old = Path(beside, "new"), Path(beside, "old")
            fit = Path(beside, "results")
            conf.left_out = checked.copy(Path(conf.results_dir), fit)
            checked.warn(conf.left_out)
            conf.html_dir, conf.results_dir = str(new), str(fit)
            try:
                done = publish(conf, *args, **kwargs)
            finally:
                conf.html_dir, conf.results_dir = asked
            replace(site, new, old)
        return done

    return run


def missing() -> list[str]:
    """Return the pins of what the site is made with, as far as no version of it is installed."""
    pins = tomllib.loads(PROJECT.read_text("utf-8"))["dependency-groups"]["site"]
    return [pin for pin in pins if not _is_installed(re.split("[^A-Za-z0-9._-]", pin)[0])]


def _is_installed(distribution: str) -> bool:
    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True


def replace(site: Path, new: Path, old: Path) -> None:
    """Rename `site` to `old` and `new` to `site`: both, or neither."""
    try:
        if site.exists():
            site.rename(old)
        new.rename(site)
    except BaseException:
        if old.exists() and not site.exists():
            old.rename(site)
        raise
