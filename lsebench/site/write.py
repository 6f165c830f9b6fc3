"""What the site is made of, and the writing of it; imported when a site is made."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
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
    changes,
    claims,
    findings,
    history,
    home,
    incidents,
    libraries,
    limits,
    machines,
    raw,
    results,
    tools,
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

    def at(commit: str) -> dict[results.Run, results.Series]:
        of_one = [result for result in stored if result.commit_hash == commit]
        return results.collect(of_one, benchmarks, revisions, folder)

    over_commits = changes.History(stored, folder, repo, benchmarks, revisions)
    environments = history.Environments(over_commits.runs, runs, revisions)
    steps = incidents.site(over_commits, environments)
    unknown = checked.strangers(stored, repo)
    checked.warn(unknown)
    known = machines.tables(runs, graphs, folder, [*conf.left_out, *unknown])

    site = Site(Path(conf.html_dir), conf)
    site.script("machines", machines.marks(known))  # for the foot of every page
    series = ("data/series.js", "static/series.js")
    addresses = raw.addresses(benchmarks, graphs)
    history.write(site, over_commits, environments, addresses)
    raw.write(site.folder, repo, revisions, addresses, PAGES)
    site.page("index.html", home.site(runs), "home", scripts=(*series, "static/choice.js"))
    site.page("history.html", {}, scripts=series, empty=not runs)
    again = bool(steps["confirmed"])
    site.page("incidents.html", steps, scripts=series, empty=not runs, confirmed=again)
    tools.write(site, runs, series)
    site.page("limits.html", limits.site(runs, folder), scripts=series)
    site.page("accuracy.html", accuracy.site(runs), scripts=series)
    generations = libraries.site(runs, revisions, at)
    site.page("libraries.html", generations, scripts=series)
    said = claims.site(runs, folder)
    findings.write(site, runs, generations["groups"], said)
    site.page("claims.html", {"runs": [{"machine": one["machine"]} for one in said]}, tables=said)
    site.page("machines.html", scripts=("static/machines.js",), tables=known)
    (site.folder / "README.md").write_text(README)


class Site:
    """The folder that the pages are written to; asv's own pages are taken out of it."""

    def __init__(self, folder: Path, conf: Any) -> None:
        self.folder, self.project = folder, conf.project
        self.source = conf.project_url.strip("#")
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
        scripts: Sequence[str] = (),
        template: str = "",
        data: str = "",
        **values: Any,
    ) -> None:
        """Write a page.

        Parameters
        ----------
        file : str
            Its name, with its folder where it has one.
        found : dict, optional
            What the page's script is to find as ``Site.data.<name>``; without it there is none.
        name : str
            Of the script and of its data; the file's stem where it is not given.
        scripts : sequence of str
            Further ones, before its own where it has data of its own.
        template : str
            In ``pages/``; `file` itself where it is not given.
        data : str
            The file in ``data/`` that `found` is written to, without its ending: `name`.
        **values
            For the template.
        """
        own = list(scripts)
        if found is not None:
            name = name or Path(file).stem
            self.script(data or name, found, f"Site.data.{name}")
            own += [f"data/{data or name}.js", f"static/{name}.js"]
            values.setdefault("empty", not (found.get("runs") or found.get("groups")))
        root = "../" * file.count("/")
        shared = {"project": self.project, "pages": PAGES, "current": file, "scripts": own}
        text = page(template or file, **shared, root=root, source=self.source, **values)
        (self.folder / file).parent.mkdir(exist_ok=True)
        (self.folder / file).write_text(text, "utf-8")

    def script(self, name: str, value: Any, target: str = "") -> None:
        """Write JSON as a script: a page opened from the disk may load no other kind of file."""
        file = self.folder / "data" / f"{name}.js"
        file.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        file.write_text(f"{target or f'Site.data.{name}'} = {text};\n", "utf-8")


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
