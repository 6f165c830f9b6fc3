"""The front page's charts as files: ``make pictures`` draws the site's newest numbers.

From the specifications of the page. The rows are those that compare.js makes for what the page
shows at first; a test in the browser compares the two.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from asv.util import UserError

from lsebench.cli import Parser

from .charts import INK, bars, height, lines

FIRST = {"kernel": "logsumexp", "dtype": "float64", "clock": "warm"}
LARGEST = 1_000_000
"""The bars' size: the largest up to this one."""
WIDTHS = {"compare": 700, "speedups": 560}
DARK = "#333333"

Found = Mapping[str, Any]
Chart = dict[str, Any]


def load(site: Path) -> Found:
    """Return what the front page of a site is made of."""
    script = (site / "data/compare.js").read_text("utf-8")
    found: Found = json.loads(script.partition(" = ")[2].rstrip(";\n"))
    return found


def table(found: Found) -> list[list[Any]]:
    """Return the rows of the first run, as the page opens with it."""
    rows = found["runs"][0]["clocks"][FIRST["clock"]][FIRST["kernel"]]
    return [row for row in rows if row[1] == FIRST["dtype"]]


def shown(found: Found) -> list[str]:
    """Return the tools that are ticked at first."""
    names = list(dict.fromkeys(row[0] for row in table(found)))
    featured = [name for name in names if name in found["featured"]]
    return featured if len(featured) > 3 and found["runs"][0]["threads"] == "1" else names


def line_rows(found: Found) -> list[Chart]:
    """Return the rows of the chart of time against size."""
    names, elements = shown(found), found["kernels"][FIRST["kernel"]]["elements"]
    rows = [
        {"name": name, **_look(found, name), "elements": elements[size], "seconds": value,
         "low": low, "high": high, "kind": "tool", "end": False}
        for name, _, size, value, low, high, _ in table(found)
        if value is not None and name in names
    ]  # fmt: skip
    rows.sort(key=lambda row: row["elements"])
    rows += _limits(found, rows[0]["elements"], rows[-1]["elements"])
    ends = list({row["name"]: row for row in rows}.values())
    for end in ends:
        end["end"] = True
    seconds = [row["seconds"] for row in rows]
    spread(ends, max(1.02, (max(seconds) / min(seconds)) ** (1 / 26)))
    return rows


def _limits(found: Found, least: int, most: int) -> Iterator[Chart]:
    for name, points in found["runs"][0]["limits"].items():
        line = []
        for dtype, size, seconds, *_ in points:
            if name == "copying" or seconds is None or dtype not in ("", FIRST["dtype"]):
                continue
            for elements in [int(size)] if size else [least, most]:
                if least <= elements <= most:
                    line.append(
                        {"name": f"limit {name}", "title": f"limit: {name}", "elements": elements,
                         "seconds": seconds, "label": seconds, "kind": "limit", "colour": INK,
                         "dash": [2, 3], "end": False}
                    )  # fmt: skip
        if len(line) > 1:
            line.sort(key=lambda row: row["elements"])
            yield from line


def bar_rows(found: Found) -> list[Chart]:
    """Return the rows of the chart of speed-ups, the fastest first."""
    kernel, rows = found["kernels"][FIRST["kernel"]], [r for r in table(found) if r[3] is not None]
    timed = {row[0] for row in rows}
    baseline = next(n for n in (found["baseline"], "numpy", *sorted(timed)) if n in timed)
    sizes = [size for size in kernel["sizes"] if any(row[2] == size for row in table(found))]
    size = [s for s in sizes if kernel["elements"][s] <= LARGEST][-1]
    at_size = {row[0]: row[3:6] for row in rows if row[2] == size}
    if baseline not in at_size:
        return []
    time, low, high = at_size[baseline]
    made = []
    for name in shown(found):
        if name in at_size:
            value, least, most = at_size[name]
            same = name == baseline
            made.append(
                {"name": name, **_look(found, name), "speedup": time / value,
                 "least": 1 if same else low / most, "most": 1 if same else high / least,
                 "shown": _times(time / value)}
            )  # fmt: skip
    return sorted(made, key=lambda row: -row["speedup"])


def spread(ends: list[Chart], gap: float) -> None:
    """Give the lines' ends a ``label`` each: a time as near as may be, no two nearer than `gap`."""
    ends.sort(key=lambda end: end["seconds"])
    for end in ends:
        end["label"] = end["seconds"]
    for _ in range(60):
        for below, above in pairwise(ends):
            near = gap * below["label"] / above["label"]
            if near > 1.0001:
                below["label"] /= math.sqrt(near)
                above["label"] *= math.sqrt(near)


def _look(found: Found, name: str) -> Chart:
    backend, _, form = name.partition(":")
    known = found["backends"][backend]
    title = known["title"] + (f": {form}" if form else "")
    return {"title": title, "colour": known["colour"], "dash": known["dash"]}


def _times(ratio: float) -> str:
    number = f"{ratio:.0f}" if ratio >= 99.95 else f"{float(f'{ratio:.3g}'):g}"
    return number + "\N{MULTIPLICATION SIGN}"


def drawing(spec: Chart, rows: list[Chart], width: int) -> Chart:
    """Return a chart of the pages with its rows, dark on white, complete in itself."""
    whole = {**spec, "width": width, "height": height(spec, rows), "background": "white"}
    whole["datasets"] = {**spec.get("datasets", {}), "rows": rows}
    dark: Chart = json.loads(json.dumps(whole).replace(INK, DARK))
    return dark


def write(site: Path, folder: Path) -> list[Path]:
    """Draw the charts of a site into `folder`; return the files."""
    import vl_convert

    found = load(site)
    folder.mkdir(exist_ok=True)
    written = []
    for name, spec, rows in (
        ("compare", lines(), line_rows(found)),
        ("speedups", bars(), bar_rows(found)),
    ):
        whole = drawing(spec, rows, WIDTHS[name])
        written += [folder / f"{name}.svg", folder / f"{name}.png"]
        written[-2].write_text(vl_convert.vegalite_to_svg(whole), "utf-8")
        written[-1].write_bytes(vl_convert.vegalite_to_png(whole, scale=1.5))
    return written


def main(arguments: Sequence[str]) -> int:
    """Draw what ``html/`` shows into ``docs/pictures/``."""
    parser = Parser(prog="python -m lsebench pictures", description=main.__doc__)
    parser.parse_args(arguments)
    site = Path("html")
    if not (site / "data/compare.js").exists() or not load(site)["runs"]:
        raise UserError("there is nothing to draw yet: make bench")
    for file in write(site, Path("docs/pictures")):
        print(file)
    return 0
