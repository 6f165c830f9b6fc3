"""Every series as asv has it: asv-tachyon, behind a link of the page of history."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from collections.abc import Iterable, Mapping
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from asv.graph import Graph

from lsebench import git

THREADS = "env-LSEKERNELS_THREADS"


def addresses(benchmarks: Any, graphs: Any) -> dict[str, Any]:
    """Return what a link to one series is made of.

    Returns
    -------
    dict
        ``parameters``: benchmark -> the values of each of its parameters; asv-tachyon counts the
        combinations. ``axes``: by what asv tells series apart, an entry for each environment of
        each machine; None where it has no value. First the one that is newest and has most.
    """
    names = graphs.get_params()
    newest: dict[str, list[int]] = {}
    for _, graph in graphs:
        if graph.params:
            axes = {name: graph.params.get(name) for name in names}
            found = newest.setdefault(json.dumps(axes, sort_keys=True), [])
            found.append(max(graph.data_points, default=0))
    order = sorted(newest, key=lambda text: (max(newest[text]), len(newest[text])), reverse=True)
    return {
        "parameters": {
            name: [[value.strip("'") for value in axis] for axis in benchmark["params"]]
            for name, benchmark in benchmarks.items()
        },
        "axes": [json.loads(text) for text in order],
    }


def write(
    site: Path,
    repo: Any,
    revisions: Mapping[str, int],
    found: dict[str, Any],
    pages: Mapping[str, str],
) -> None:
    """Put asv-tachyon beside our pages; it reads what asv has published, and no other site.

    `found` is what :func:`addresses` returns; `pages` are linked above it, file -> title.
    """
    import asv_tachyon

    source = Path(asv_tachyon.__file__).parent / "static"
    shutil.copytree(source / "assets", site / "assets")
    for sheet in (site / "assets").glob("*.css"):
        _unpack_fonts(sheet)
    page = (source / "index.html").read_text("utf-8")
    start = '<script src="static/raw.js"></script>'  # runs first: the others are modules
    links = " ".join(f'<a href="{file}">{title}</a>' for file, title in pages.items())
    style = "display: flex; flex-wrap: wrap; gap: .3rem 1.4rem; padding: .6rem 1.2rem"
    back = f'<nav aria-label="pages" style="{style}">{links}</nav>'
    late = '<div id="footer" style="padding: 0 1.2rem"></div>'  # what the foot of our pages says
    scripts = ("static/site.js", "data/machines.js", "static/footer.js")
    end = "".join(f'<script src="{script}"></script>' for script in scripts)
    page = page.replace("<head>", f"<head>{start}", 1).replace("<body>", f"<body>{back}{late}", 1)
    page = page.replace("</body>", f"{end}</body>", 1)
    (site / "raw.html").write_text(page, "utf-8")
    (site / "static").mkdir(exist_ok=True)
    (site / "static/raw.js").write_text(_start(found["axes"]), "utf-8")
    for icon in source.glob("favicon.*"):
        shutil.copy2(icon, site)
    # What it asks for, and says an error in the console where there is none.
    others = {"commits": subjects(repo, revisions), "profiles": {}, "regressions-ignore": []}
    for name, value in others.items():
        (site / f"{name}.json").write_text(json.dumps(value), "utf-8")
    for axes, benchmark in product(found["axes"], found["parameters"]):
        graph = Path(f"{Graph.get_file_path(axes, benchmark)}.json")
        # Beside each graph it asks for the samples of each point, which asv does not keep.
        samples = Path("samples") / graph.relative_to("graphs")
        for file, nothing in ((site / graph, "[]"), (site / samples, "{}")):
            if not file.exists():
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(nothing, "utf-8")


def _unpack_fonts(sheet: Path) -> None:
    """Make files of the fonts inside a style sheet: a strict policy allows no ``data:`` address."""

    def unpack(found: re.Match[str]) -> str:
        font = base64.b64decode(found["text"])
        file = sheet.with_name(f"{hashlib.sha256(font).hexdigest()[:16]}.{found['kind']}")
        file.write_bytes(font)
        return f"url({file.name})"

    packed = r"url\(data:font/(?P<kind>woff2?);base64,(?P<text>[\w+/=]+)\)"
    sheet.write_text(re.sub(packed, unpack, sheet.read_text("utf-8")), "utf-8")


def _start(axes: list[dict[str, Any]]) -> str:
    """Return a script that opens asv-tachyon at an environment that there is.

    By itself it takes some value of each axis, and together these may be no environment.
    """
    if not axes:
        return ""
    plain = ("machine", "branch", "python")
    asked = {name if name in plain else f"f-{name}": value for name, value in axes[0].items()}
    address = urlencode({k: "null" if v is None else v for k, v in asked.items()})
    return f'if (!location.hash) history.replaceState(null, "", {json.dumps("#" + address)});\n'


def subjects(repo: Any, commits: Iterable[str]) -> dict[str, str]:
    """Return commit -> the first line of its message, as far as git knows it."""
    asked = ("log", "--no-walk=unsorted", "--stdin", "--format=%H %s")
    said = git.lines(repo, *asked, told="\n".join(commits))
    return dict(line.split(" ", 1) for line in said if " " in line)
