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

from . import accuracy, choose, claims, compare, data, history, libraries, talk
from .templates import page

IGNORE_ALL_BUT_THIS = "*\n!.gitignore\n"
PAGES = {
    "index.html": "Compare",
    "choose.html": "Choose",
    "accuracy.html": "Accuracy",
    "libraries.html": "Libraries",
    "claims.html": "Claims of the sources",
    "history.html": "History",
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
        site, results = Path(conf.html_dir), Path(conf.results_dir)
        stored = list(iter_results(conf.results_dir))
        runs = data.collect(stored, benchmarks, revisions, results)
        for stock in site.iterdir():
            if stock.name not in KEPT:
                shutil.rmtree(stock) if stock.is_dir() else stock.unlink()
        shutil.copytree(STATIC, site / "static")
        (site / VEGA).write_text(_vega(), "utf-8")
        _write_script(site, "compare", compare.site(runs) | history.addresses(benchmarks, graphs))
        errors = accuracy.site(runs)
        _write_script(site, "accuracy", errors | _addresses("accuracy.", benchmarks, graphs))

        def at(commit: str) -> dict[data.Run, data.Series]:
            of_one = [result for result in stored if result.commit_hash == commit]
            return data.collect(of_one, benchmarks, revisions, results)

        generations = libraries.site(runs, revisions, at)
        _write_script(site, "libraries", generations | _addresses("warm.", benchmarks, graphs))
        _write_charts(site)
        _write(site, conf, "index.html", scripts("compare"), empty=not runs)
        _write(site, conf, "accuracy.html", scripts("accuracy"), empty=not errors["runs"])
        none = not generations["groups"]
        _write(site, conf, "libraries.html", scripts("libraries"), empty=none)
        choice = choose.site(runs)
        _write_script(site, "choose", choice)
        plain = ["static/site.js", "data/choose.js", "static/choose.js"]  # no chart
        told = talk.tables(runs)
        _write(site, conf, "choose.html", plain, empty=not choice["runs"], talk=told)
        _write(site, conf, "claims.html", [], tables=claims.tables(results))
        history.write(site, repo, revisions)
        # asv has erased the folder, and with it the file that keeps the site out of git.
        (site / ".gitignore").write_text(IGNORE_ALL_BUT_THIS)


def scripts(name: str) -> list[str]:
    """Return the scripts of a page with charts, in the order they are run."""
    shared = [VEGA, "static/site.js", "data/charts.js"]
    return [*shared, f"data/{name}.js", f"static/{name}.js"]


def _addresses(module: str, benchmarks: Benchmarks, graphs: Any) -> dict[str, Any]:
    """Return what links to the history of one module's benchmarks are made of."""
    chosen = {name: found for name, found in benchmarks.items() if name.startswith(module)}
    return history.addresses(chosen, graphs)


def _write(site: Path, conf: Any, file: str, scripts: list[str], **values: Any) -> None:
    text = page(file, project=conf.project, pages=PAGES, current=file, scripts=scripts, **values)
    (site / file).write_text(text, "utf-8")


def _write_script(site: Path, name: str, value: Any, place: str = "data") -> None:
    """Write JSON as a script: a page opened from the disk may load no other kind of file."""
    file = site / "data" / f"{name}.js"
    file.parent.mkdir(exist_ok=True)
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    target = "Site.charts" if place == "charts" else f"Site.data.{name}"
    file.write_text(f"{target} = {text};\n", "utf-8")


def _write_charts(site: Path) -> None:
    from .charts import all_charts  # imports Altair, which takes a second

    _write_script(site, "charts", all_charts(), place="charts")


def _vega() -> str:
    import vl_convert

    bundle: str = vl_convert.javascript_bundle()
    return bundle
