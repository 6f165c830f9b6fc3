"""asv plugin: our pages over asv's data, written by ``asv publish`` into ``html/``.

asv's own pages load four kinds of assets from other sites and show an error without them; ours and
asv-tachyon's take their place, and nothing leaves the site.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from asv.benchmarks import Benchmarks
from asv.publishing import OutputPublisher
from asv.results import iter_results

from . import accuracy, choose, claims, compare, data, history, incidents, libraries, machines, talk
from .templates import page

IGNORE_ALL_BUT_THIS = "*\n!.gitignore\n"
PAGES = {
    "index.html": "Compare",
    "choose.html": "Choose",
    "accuracy.html": "Accuracy",
    "libraries.html": "Libraries",
    "claims.html": "Claims of the sources",
    "history.html": "History",
    "incidents.html": "Incidents",
    "machines.html": "Machines",
}
STATIC = Path(__file__).parent / "static"
VEGA = "static/vega.js"
KEPT = ("graphs", "info.json", "index.json", "regressions.json", "regressions.xml")
"""What asv writes as data; the rest of its files are its own pages."""


class Pages(OutputPublisher):  # type: ignore[misc]  # asv has no annotations
    """The whole site, over the data that asv has written."""

    name = "pages"
    button_label = "Pages"
    description = "Our pages, and asv-tachyon for the history"
    order = 100  # behind all publishers of asv, whose pages are taken away

    @classmethod
    def publish(
        cls, conf: Any, repo: Any, benchmarks: Benchmarks, graphs: Any, revisions: dict[str, int]
    ) -> None:
        """Write the site in place of asv's own pages, and ``html/.gitignore``."""
        results = Path(conf.results_dir)
        stored = list(iter_results(conf.results_dir))
        runs = data.collect(stored, benchmarks, revisions, results)
        links = history.addresses(benchmarks, graphs)

        def at(commit: str) -> dict[data.Run, data.Series]:
            of_one = [result for result in stored if result.commit_hash == commit]
            return data.collect(of_one, benchmarks, revisions, results)

        steps = incidents.site(stored, results, repo, benchmarks, graphs, revisions)
        known = machines.tables(runs, graphs, results)

        site = Site(Path(conf.html_dir), conf.project)
        site.script("machines", machines.marks(known))  # for the foot of every page
        site.page("index.html", compare.site(runs) | links, "compare")
        choice = choose.site(runs) | _of("warm.", links)
        site.page("choose.html", choice, charts=False, talk=talk.tables(runs))
        site.page("accuracy.html", accuracy.site(runs) | _of("accuracy.", links))
        site.page("libraries.html", libraries.site(runs, revisions, at) | _of("warm.", links))
        again = bool(steps["confirmed"])
        site.page("incidents.html", steps | links, charts=False, empty=not runs, confirmed=again)
        site.page("claims.html", tables=claims.tables(results))
        site.page("machines.html", tables=known)
        history.write(site.folder, repo, revisions, links, PAGES)
        # asv has erased the folder, and with it the file that keeps the site out of git.
        (site.folder / ".gitignore").write_text(IGNORE_ALL_BUT_THIS)


class Site:
    """The folder that the pages are written to; asv's own pages are taken out of it."""

    def __init__(self, folder: Path, project: str) -> None:
        self.folder, self.project = folder, project
        for stock in folder.iterdir():
            if stock.name not in KEPT:
                shutil.rmtree(stock) if stock.is_dir() else stock.unlink()
        shutil.copytree(STATIC, folder / "static")
        (folder / VEGA).write_text(_vega(), "utf-8")
        from .charts import all_charts  # imports Altair, which takes a second

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
    import vl_convert

    bundle: Any = vl_convert.javascript_bundle  # its annotations demand what is optional
    return str(bundle())
