"""The findings' charts as files, and those in README: ``make pictures`` renews both.

Publishing draws each chart from the rows of its finding; nothing drawn is kept from before. README
shows the first three that there are.
"""

from __future__ import annotations

import html
import json
import re
import shutil
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asv.util import UserError

from lsebench.cli import Parser

from .charts import findings as charts

if TYPE_CHECKING:
    from .rows.findings.finding import Finding, Found

WIDTH, HEIGHT = 800, 420
SCALE = 1.5
"""Makes of it 1200 x 630 points, the size that is shown where a link is shared."""
CHARACTERS = 92
"""Of a line of a title."""
SHOWN = 3
"""So many are in README."""
LIST = "findings/findings.json"
BEGIN, END = "<!-- findings: `make pictures` writes them -->", "<!-- end of findings -->"
FRONT = "front"
"""Every page without a picture of its own is shared with this one."""


def draw(findings: Sequence[Finding], folder: Path) -> None:
    """Draw the findings that have a chart into `folder`, and list there what they say.

    What was found on a machine has a picture with a name of its own, whatever machines there are;
    the one that the page opens with also has that of the finding.
    """
    import vl_convert

    drawing: Any = vl_convert.vegalite_to_svg  # its annotations demand what is optional
    folder.mkdir(exist_ok=True)

    def put(name: str, svg: str, png: bytes) -> None:
        (folder / f"{name}.svg").write_text(svg, "utf-8")
        (folder / f"{name}.png").write_bytes(png)

    for one in findings:
        for found in one.machines:
            if found.chart:
                svg = drawing(specification(one, found))
                files = svg, vl_convert.svg_to_png(svg, scale=SCALE)
                put(one.picture(found), *files)
                if found is one.first:
                    put(one.id, *files)
        if one.id == FRONT and not one.chart:
            svg = drawing(specification(one, one.first))
            (folder / f"{FRONT}.png").write_bytes(vl_convert.svg_to_png(svg, scale=SCALE))
    listed = [
        {"id": one.id, "title": one.title, "sentence": one.sentence, "where": one.first.where}
        for one in findings
        if one.first and one.chart
    ]
    (folder / Path(LIST).name).write_text(json.dumps(listed, indent=1, ensure_ascii=False), "utf-8")


def specification(one: Finding, found: Found | None) -> dict[str, Any]:
    """Return the chart of a finding, complete in itself: with rows, sentence and origin."""
    subtitle = [one.title]
    if found and found.chart:
        subtitle = [found.where, *textwrap.wrap(", ".join(found.libraries), 130)[:1]]
        chart = getattr(charts, found.chart.name)
        spec = chart(found.chart.rows, found.chart.titles, **found.chart.options)
    else:
        spec = charts.card()
    title = textwrap.wrap(found.sentence if found else one.missing, CHARACTERS)
    return {
        **spec,
        "width": WIDTH,
        "height": HEIGHT,
        "title": {"text": title, "subtitle": subtitle, **charts.TITLE},
    }


def plain(text: str) -> str:
    """Return text as Markdown that shows it as it is, also in a table."""
    return html.escape(re.sub(r"\s+", " ", text), quote=False).replace("|", "\\|")


def block(listed: Sequence[dict[str, str]]) -> str:
    """Return what README says and shows of findings."""
    lines = [BEGIN]
    for number, one in enumerate(listed[:SHOWN], 1):
        said = textwrap.fill(
            f"{number}. **{plain(one['sentence'])}** ({plain(one['where'])})",
            100,
            subsequent_indent="   ",
            break_on_hyphens=False,
        )
        lines += [said, f"   ![{plain(one['title'])}](docs/pictures/{one['id']}.svg)"]
    return "\n".join([*lines, END])


def renew(readme: Path, pictures: Path, site: Path) -> list[Path]:
    """Put the pictures of a site into a folder and its findings into README; return the files."""
    listed = json.loads((site / LIST).read_text("utf-8"))[:SHOWN]
    before, begin, rest = readme.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise UserError(f"{readme} has no place for findings, between {BEGIN} and {END}")
    pictures.mkdir(exist_ok=True)
    for old in pictures.glob("*.*"):
        old.unlink()
    files = [pictures / f"{one['id']}.svg" for one in listed]
    for file in files:
        shutil.copy(site / "findings" / file.name, file)
    readme.write_text(before + block(listed) + after, "utf-8")
    return [*files, readme]


def main(arguments: Sequence[str]) -> int:
    """Put findings of ``html/`` into README, and their charts into ``docs/pictures/``."""
    parser = Parser(prog="python -m lsebench pictures", description=main.__doc__)
    parser.parse_args(arguments)
    site = Path("html")
    if not (site / LIST).exists() or not json.loads((site / LIST).read_text("utf-8")):
        raise UserError("there is nothing to draw yet: make bench")
    for file in renew(Path("README.md"), Path("docs/pictures"), site):
        print(file)
    return 0
