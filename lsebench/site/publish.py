"""Make the site and say where it is: ``python -m lsebench publish``."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from asv.machine import Machine, MachineCollection
from asv.util import UserError

from lsebench.cli import INTERRUPTED, Parser

from .rows.results import MAIN


def main(arguments: Sequence[str]) -> int:
    """Make the site, say how that went, and return asv's exit code."""
    parser = Parser(prog="python -m lsebench publish", description=__doc__)
    parser.add_argument(
        "--config", type=Path, default="asv.conf.json", help="asv's configuration (%(default)s)"
    )
    parser.add_argument("--out", type=Path, default="html", help="the site's folder (%(default)s)")
    asked = parser.parse_args(arguments)
    site = asked.out.resolve()
    code = publish(asked.config, site)
    if code:
        print(f"No new site was made; what was in {asked.out} is still there.", file=sys.stderr)
    else:
        print(f"\nOpen {asked.out}/index.html; with the history over commits: make preview")
        if machine := measured_here(site):
            page = (site / "index.html").as_uri()
            print(f"With the numbers of this machine: {page}#machine={quote(machine)}")
    return code


def measured_here(site: Path) -> str:
    """Return this machine's name on the pages; "" where they show no results of `make bench`."""
    name = str(Machine.get_unique_machine_name())
    with suppress(UserError):  # not registered: it has measured nothing yet
        name = str(MachineCollection.load(name)["machine"])
    script = (site / "data/home.js").read_text("utf-8")
    runs = json.loads(script.partition(" = ")[2].rstrip(";\n"))["runs"]
    shown = {run["machine"] for run in runs if run["kind"] == MAIN}
    return name if name in shown else ""


def publish(config: Path, site: Path) -> int:
    """Put what ``asv publish`` makes in the place of folder `site`; return asv's exit code."""
    command = [sys.executable, "-m", "asv", "publish"]
    try:
        return subprocess.run([*command, "--config", config, "--html-dir", site]).returncode
    except KeyboardInterrupt:
        return INTERRUPTED
