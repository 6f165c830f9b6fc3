"""What the site is made of, and the writing of it; imported when a site is made."""

from __future__ import annotations

import json
import os
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

from asv.benchmarks import Benchmarks
from asv.results import iter_results

from lsebench.records import checked

from .charts import all_charts
from .page import page
from .plugin import PAGES
from .rows import (
    accuracy,
    choose,
    claims,
    compare,
    history,
    incidents,
    libraries,
    machines,
    results,
    talk,
)

README = """\
# The site

`asv publish` and `make publish` write the site into this folder: open `index.html`. They erase
what was here before and put this file back, the only one that git knows.
"""
STATIC = Path(__file__).parent / "static"
SCRIPTS = Path(__file__).parent / "pages"
VEGA = "static/vega.js"
KEPT = ("graphs", "info.json", "index.json", "regressions.json", "regressions.xml")
"""What asv writes as data; the rest of its files are its own pages."""


def write(
    conf: Any, repo: Any, benchmarks: Benchmarks, graphs: Any, revisions: dict[str, int]
) -> None:
    """Write the site in place of asv's own pages, and its ``README.md``."""
    folder = Path(conf.results_dir)
    stored = list(iter_results(conf.results_dir))
    runs = results.collect(stored, benchmarks, revisions, folder)
    links = history.addresses(benchmarks, graphs)

    def at(commit: str) -> dict[results.Run, results.Series]:
        of_one = [result for result in stored if result.commit_hash == commit]
        return results.collect(of_one, benchmarks, revisions, folder)

    steps = incidents.site(stored, folder, repo, benchmarks, graphs, revisions)
    unknown = checked.strangers(stored, repo)
    checked.warn(unknown)
    known = machines.tables(runs, graphs, folder, [*conf.left_out, *unknown])

    site = Site(Path(conf.html_dir), conf.project)
    site.script("machines", machines.marks(known))  # for the foot of every page
    site.page("index.html", compare.site(runs) | links, "compare")
    choice = choose.site(runs) | _of("warm.", links)
    site.page("choose.html", choice, charts=False, talk=talk.tables(runs))
    site.page("accuracy.html", accuracy.site(runs) | _of("accuracy.", links))
    site.page("libraries.html", libraries.site(runs, revisions, at) | _of("warm.", links))
    again = bool(steps["confirmed"])
    site.page("incidents.html", steps | links, charts=False, empty=not runs, confirmed=again)
    site.page("claims.html", tables=claims.tables(folder))
    site.page("machines.html", tables=known)
    history.write(site.folder, repo, revisions, links, PAGES)
    (site.folder / "README.md").write_text(README)


class Site:
    """The folder that the pages are written to; asv's own pages are taken out of it."""

    def __init__(self, folder: Path, project: str) -> None:
        self.folder, self.project = folder, project
        for stock in folder.iterdir():
            if stock.name not in KEPT:
                shutil.rmtree(stock) if stock.is_dir() else stock.unlink()
        shutil.copytree(STATIC, folder / "static")
        for script in SCRIPTS.glob("*.js"):
            shutil.copy(script, folder / "static")
        (folder / VEGA).write_text(_vega(), "utf-8")
        self.script("charts", all_charts(), "Site.charts")

    def page(
        self,
        file: str,
        found: dict[str, Any] | None = None,
        name: str = "",
        charts: bool = True,
        **values: Any,
    ) -> None:
        """Write a page, and what its script is to find as ``Site.data.<name>``: its stem's name."""
        scripts: list[str] = []
        if found is not None:
            name = name or file.removesuffix(".html")
            self.script(name, found)
            scripts = [VEGA, "data/charts.js"] * charts + [f"data/{name}.js", f"static/{name}.js"]
            values.setdefault("empty", not (found.get("runs") or found.get("groups")))
        shared = {"project": self.project, "pages": PAGES, "current": file, "scripts": scripts}
        (self.folder / file).write_text(page(file, **shared, **values), "utf-8")

    def script(self, name: str, value: Any, target: str = "") -> None:
        """Write JSON as a script: a page opened from the disk may load no other kind of file."""
        file = self.folder / "data" / f"{name}.js"
        file.parent.mkdir(exist_ok=True)
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        file.write_text(f"{target or f'Site.data.{name}'} = {text};\n", "utf-8")


def _of(module: str, links: dict[str, Any]) -> dict[str, Any]:
    """Return what links to the history of one module's benchmarks are made of."""
    chosen = {k: v for k, v in links["parameters"].items() if k.startswith(module)}
    return links | {"parameters": chosen}


def _vega() -> str:
    """Return Vega's scripts as vl-convert bundles them, which takes a second: once a version."""
    kept = Path(".asv", f"vega-{version('vl-convert-python')}.js")
    if not kept.exists():
        import vl_convert

        bundle: Any = vl_convert.javascript_bundle  # its annotations demand what is optional
        kept.parent.mkdir(exist_ok=True)
        new = kept.with_suffix(f".{os.getpid()}")
        new.write_text(bundle(), "utf-8")
        new.replace(kept)
    return kept.read_text("utf-8")
