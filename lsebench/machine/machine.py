"""``python -m lsebench machine``: is this machine fit to measure on, and how much noise has it?

Nothing is changed: what is bad is named, with the command that mends it. The answer is stored in
the machine's folder, and the site marks results of an untuned machine by it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from asv.config import Config
from asv.util import UserError

from lsebench.cli import Parser, columns, in_words, machine_name, now, progress
from lsebench.records.stored import Tuning

from . import frozen_calls, linux_checks, noise_floor
from .linux_checks import BAD, UNKNOWN, Check

ROOT = Path("/")
KEPT = 50
"""Lines kept of what was found before."""
WATCHED = 10
"""Seconds of doing nothing, to see what else is done."""


def main(arguments: Sequence[str]) -> int:
    """Check this machine, print and store what was found, and return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return run(options)
    except (OSError, RuntimeError) as error:
        raise UserError(str(error)) from None


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m lsebench machine",
        description="Check how this machine is tuned, and measure its noise. Nothing is changed.",
        epilog="exit codes: 0 tuned, 1 not tuned (something is bad), 4 error of use, "
        "130 interrupted",
    )
    parser.add_place()
    parser.add_argument("--json", metavar="FILE", type=Path, help="write what was found to FILE")
    parser.add_argument(
        "--processes",
        type=int,
        default=noise_floor.PROCESSES,
        metavar="N",
        help="that measure the noise, and as many pairs, some 6 s both (default: %(default)s)",
    )
    parser.add_argument("--no-store", action="store_true", help="leave the results folder alone")
    return parser


def run(options: argparse.Namespace) -> int:
    """Check, print, store; return 0 where nothing is bad, else 1."""
    if options.processes < 2:
        raise UserError("--processes: it takes two to tell how they differ")
    if not (ROOT / "proc/stat").exists():
        raise UserError(f"only Linux tells how it is tuned, and this is {platform.system()}")
    results = Path(options.config).resolve().parent / Config.load(options.config).results_dir
    name = machine_name(options.machine)
    seen = [linux_checks.activity(ROOT, but=os.getpid())]
    for second in range(WATCHED):
        progress(f"watching what else runs: {second} of {WATCHED} s")
        time.sleep(1)
        seen.append(linux_checks.activity(ROOT, but=os.getpid()))
    progress("")
    checks = linux_checks.checks(ROOT, seen, ask_pyperf())
    print(f"How machine {name} is tuned\n\n{table(checks)}\n", flush=True)
    before, spent = linux_checks.activity(ROOT), sum(os.times()[:4])
    floor = noise_floor.floor(ROOT, options.processes, say=lambda text: progress(text, lines=True))
    progress("")
    own = (sum(os.times()[:4]) - spent) * os.sysconf("SC_CLK_TCK")
    judged = [
        linux_checks.meanwhile(ROOT, before, linux_checks.activity(ROOT), own),
        noise_floor.check(floor),
    ]
    checks += judged
    print(f"Its noise, of code that never changes\n\n{noise_table(floor)}\n\n{table(judged)}\n")
    found: dict[str, Any] = {
        "checked": now(),
        "machine": name,
        "kernel": platform.release(),
        "checks": [asdict(check) for check in checks],
        "noise": floor,
    }
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
        print(f"written: {options.json}")
    if not options.no_store:
        for check in found["checks"]:
            del check["private"]
        file = store(results / name, Tuning(**found))
        print(f"stored: {os.path.relpath(file)}")
    print(verdict(checks))
    return int(any(check.state == BAD for check in checks))


def ask_pyperf() -> str | None:
    """Return what ``pyperf system show`` says, which changes nothing; None where it fails."""
    command = [sys.executable, "-m", "pyperf", "system", "show"]
    done = subprocess.run(command, capture_output=True, text=True)
    # Its exit code tells what it thinks of the machine; without the state there was no answer.
    return done.stdout if "System state" in done.stdout else None


def store(folder: Path, found: Tuning) -> Path:
    """Add what was found, and drop the oldest beyond the last 50; return the file."""
    return Tuning.replace(folder, [*Tuning.read(folder), found][-KEPT:])


def table(checks: Iterable[Check]) -> str:
    """Return one row a check, and below it why it matters and what to do."""
    checks = list(checks)
    beside = len("  unknown  ") + max(len(check.name) for check in checks) + 2
    width = max(shutil.get_terminal_size((110, 24)).columns, 60) - beside
    rows = []
    for check in checks:
        lines = []
        for text in (check.found, check.private, check.why):
            lines += textwrap.wrap(text, width, break_on_hyphens=False)
        if check.fix:
            lines.append(f"-> {check.fix}")  # whole, so that it can be copied
        rows.append([check.state, check.name, "\n".join(lines)])
    return textwrap.indent(columns(rows, align="lll", style="plain"), "  ")


def noise_table(floor: Mapping[str, Any]) -> str:
    """Return one row a frozen kernel."""
    rows = []
    for name, found in floor["kernels"].items():
        title = frozen_calls.NAMES[name]
        if name == "read":
            title += f" ({floor['bytes'] // 2**20} MiB)"
        shares = (found[which] for which in ("within", "between", "paired", "visible"))
        row = [title, in_words(found["seconds"], "seconds")]
        rows.append([*row, *(f"{100 * share:.2g} %" for share in shares)])
    headers = ["", "a call", "within a process", "between them", "in pairs", "seen by the gate"]
    return textwrap.indent(columns(rows, headers, "lrrrrr"), "  ")


def verdict(checks: Iterable[Check]) -> str:
    """Return the answer in a line."""
    checks = list(checks)
    bad = [check.name for check in checks if check.state == BAD]
    unknown = [check.name for check in checks if check.state == UNKNOWN]
    unseen = f" (not to be seen: {', '.join(unknown)})" if unknown else ""
    if bad:
        return f"Not tuned: {', '.join(bad)}{unseen}."
    return f"Tuned{unseen}."
