"""asv plugin: our pages beside asv's own, written by ``asv publish`` into ``html/``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from asv.benchmarks import Benchmarks
from asv.publishing import OutputPublisher
from asv.results import iter_results

from . import backends

IGNORE_ALL_BUT_THIS = "*\n!.gitignore\n"
LAST_LINK = '<li id="nav-li-graphdisplay">'


class BackendsPage(OutputPublisher):  # type: ignore[misc]  # asv has no annotations
    """The newest commit's times, backend by size."""

    name = "backends"
    button_label = "Backends by size"
    description = "Warm call of every backend for the newest commit"
    order = 10

    @classmethod
    def publish(
        cls, conf: Any, repo: Any, benchmarks: Benchmarks, graphs: Any, revisions: dict[str, int]
    ) -> None:
        """Write ``backends.html``, a link to it on asv's pages, and ``html/.gitignore``."""
        site = Path(conf.html_dir)
        found = [r for r in iter_results(conf.results_dir) if r.commit_hash in revisions]
        page = backends.render(
            backends.tables(found, benchmarks, revisions, Path(conf.results_dir))
        )
        (site / "backends.html").write_text(page, encoding="utf-8")
        # asv's list of pages is fixed in its JavaScript; its navigation bar is plain HTML.
        index = site / "index.html"
        link = '<li><a href="backends.html">Backends by size</a></li>'
        index.write_text(
            index.read_text("utf-8").replace(LAST_LINK, f"{link}\n{LAST_LINK}", 1), "utf-8"
        )
        # asv has erased the folder, and with it the file that keeps the site out of git.
        (site / ".gitignore").write_text(IGNORE_ALL_BUT_THIS)
