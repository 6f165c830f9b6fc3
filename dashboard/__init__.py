"""asv plugin: our pages beside asv's own, written by ``asv publish`` into ``html/``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from asv.benchmarks import Benchmarks
from asv.publishing import OutputPublisher
from asv.results import iter_results

from . import backends, claims
from .templates import page

IGNORE_ALL_BUT_THIS = "*\n!.gitignore\n"
LAST_LINK = '<li id="nav-li-graphdisplay">'


LINKS = {"backends.html": "Backends by size", "claims.html": "The sources' claims"}


class Pages(OutputPublisher):  # type: ignore[misc]  # asv has no annotations
    """The newest commit's times, backend by size, and the claims of the sources."""

    name = "backends"
    button_label = "Backends by size"
    description = "Warm call of every backend for the newest commit"
    order = 10

    @classmethod
    def publish(
        cls, conf: Any, repo: Any, benchmarks: Benchmarks, graphs: Any, revisions: dict[str, int]
    ) -> None:
        """Write our pages, links to them on asv's pages, and ``html/.gitignore``."""
        site, results = Path(conf.html_dir), Path(conf.results_dir)
        found = [r for r in iter_results(conf.results_dir) if r.commit_hash in revisions]
        times = backends.render(backends.tables(found, benchmarks, revisions, results))
        (site / "backends.html").write_text(times, encoding="utf-8")
        table = page("claims.html", tables=claims.tables(results))
        (site / "claims.html").write_text(table, encoding="utf-8")
        # asv's list of pages is fixed in its JavaScript; its navigation bar is plain HTML.
        index = site / "index.html"
        links = "\n".join(f'<li><a href="{file}">{title}</a></li>' for file, title in LINKS.items())
        index.write_text(
            index.read_text("utf-8").replace(LAST_LINK, f"{links}\n{LAST_LINK}", 1), "utf-8"
        )
        # asv has erased the folder, and with it the file that keeps the site out of git.
        (site / ".gitignore").write_text(IGNORE_ALL_BUT_THIS)
