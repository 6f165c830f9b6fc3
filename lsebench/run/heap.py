"""``python -m lsebench heap``: what the state of the heap does to a call.

A table of calls x states: time, page faults a call, the system's share of the time, and the memory
that the process keeps; float64, one thread. Each is the median of three fresh processes, in which
the state was brought about before anything was made; the states of a call are measured in turn.
lsekernels/heap.py says what the states are. ``small pages`` is *settled* without the huge pages
that NumPy asks for from 4 MiB on. jemalloc and mimalloc are loaded before the C library's malloc,
where they are installed.
"""

from __future__ import annotations

import argparse
import ctypes.util
import json
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asv import util

from lsebench import cli
from lsebench.cli import FAILED, Parser
from lsekernels import registry

from .side_by_side import ask, build, unavailable

PROCESSES = 3
VECTORS = 10_000, 30_000, 100_000, 1_000_000, 3_000_000, 10_000_000


@dataclass(frozen=True)
class Row:
    """A call that is observed."""

    backend: str
    method: str
    size: int | str

    def __str__(self) -> str:
        size = self.size if isinstance(self.size, str) else f"{self.size:.0e}".replace("e+0", "e")
        return f"{self.method} {self.backend} {size}"


@dataclass(frozen=True)
class Column:
    """A state of the heap, and how its processes are started."""

    state: str
    environ: Mapping[str, str]
    lacks: str = ""
    """Why it can't be had here."""


ROWS = (
    *(Row(name, "logsumexp", n) for name in ("numpy", "scipy", "numba", "simd") for n in VECTORS),
    *(
        Row(name, method, size)
        for method, names in {
            "logsumexp_rows": ("numpy", "simd"),
            "softmax_rows": ("numpy", "scipy", "simd"),
        }.items()
        for name in names
        for size in ("1000x1000", "1x10000000")
    ),
    *(Row("numpy", "moving_average", n) for n in (10_000, 1_000_000, 10_000_000)),
    *(Row("numpy", "uniform_generator", n) for n in (100_000, 1_000_000, 10_000_000)),
    *(Row("scipy", "lu", n) for n in (256, 1024)),
    *(Row(name, "to_device", n) for name in ("jax", "torch") for n in (100_000, 10_000_000)),
)


def columns() -> dict[str, Column]:
    """Return the states and allocators, by the head of their column."""
    found = {state: Column(state, {}) for state in ("young", "settled", "tuned")}
    found["small pages"] = Column("settled", {"NUMPY_MADVISE_HUGEPAGE": "0"})
    for name, package in {"jemalloc": "libjemalloc2", "mimalloc": "libmimalloc2.0"}.items():
        file = ctypes.util.find_library(name)
        lacks = "" if file else f"not installed (on Debian: apt install {package})"
        found[name] = Column("as it is", {"LD_PRELOAD": file or ""}, lacks)
    return found


def main(arguments: Sequence[str]) -> int:
    """Observe, print the table; return the exit code."""
    parser = Parser(
        prog="python -m lsebench heap",
        description=(__doc__ or "").split("\n\n", 1)[1],
        epilog="example: python -m lsebench heap --only 'logsumexp numpy'. Exit codes: 0 "
        "all observed, 2 something failed, 4 error of use, 130 interrupted",
    )
    add = parser.add_argument
    add("--only", metavar="TEXT", default="", help="only rows that contain TEXT: 'numpy 1e5'")
    add("--all", action="store_true", help="logsumexp by every backend, not by four")
    add("--markdown", action="store_true", help="print the table in Markdown")
    add("--json", type=Path, metavar="FILE", help="write all numbers")
    parser.add_place()
    options = parser.parse_args(arguments)
    rows = [row for row in (*ROWS, *(_others() if options.all else ())) if options.only in str(row)]
    if not rows:
        parser.error(f"no row contains {options.only!r}; there are: {', '.join(map(str, ROWS))}")
    found: dict[str, dict[str, Any]] = {}
    try:
        observe(options, rows, found)
    finally:
        if found:
            print(table(found, options.markdown))
            if options.json:
                options.json.write_text(json.dumps(found, indent=1) + "\n")
    failed = [cell for cells in found.values() for cell in cells.values() if "failed" in cell]
    return FAILED if failed else 0


def _others() -> list[Row]:
    """Return logsumexp by every other backend that computes in this process on the CPU."""
    known = {row.backend for row in ROWS if row.method == "logsumexp"}
    names = [name for name in registry.names("logsumexp") if name not in known]
    here = [n for n in names if (d := registry.declaration(n)).device == "cpu" and d.in_process]
    # A loop in plain Python takes seconds for what others do in milliseconds.
    return [Row(name, "logsumexp", size) for name in here if name != "python" for size in VECTORS]


def observe(options: argparse.Namespace, rows: list[Row], found: dict[str, dict[str, Any]]) -> None:
    """Fill `found`: row -> column -> what was observed, or why nothing."""
    *_, env = build(options)
    absent = unavailable(env.facts())
    states = columns()
    start = time.monotonic()
    for number, row in enumerate(rows):
        left = (time.monotonic() - start) / number * (len(rows) - number) if number else 0
        about = f", about {left / 60:.0f} min left" if number else ""
        print(f"{row}: {number} of {len(rows)} done{about}", file=sys.stderr, flush=True)
        if reason := absent.get(row.backend):
            found[str(row)] = {name: {"absent": reason} for name in states}
            continue
        found[str(row)] = {name: {"absent": c.lacks} for name, c in states.items() if c.lacks}
        taken: dict[str, list[dict[str, Any]]] = {n: [] for n, c in states.items() if not c.lacks}
        for _ in range(PROCESSES):
            for name, several in taken.items():
                asked = {"it": ["heap", states[name].state, row.backend, row.method, row.size]}
                try:
                    several.append(ask(env, asked, states[name].environ)["it"])
                except util.ProcessError as error:
                    last = (error.stderr or error.stdout).strip().splitlines()[-1]
                    found[str(row)][name] = {"failed": last}
        for name, several in taken.items():
            if name not in found[str(row)]:
                found[str(row)][name] = _summary(several)


def _summary(several: list[dict[str, Any]]) -> dict[str, Any]:
    seconds = sorted(one["seconds"] for one in several)
    medians = {key: statistics.median(one[key] for one in several) for key in several[0]}
    return {**medians, "low": seconds[0], "high": seconds[-1]}


def table(found: Mapping[str, Mapping[str, Any]], markdown: bool = False) -> str:
    """Return a line for each call, in text or in Markdown; notes below it."""
    names = list(next(iter(found.values())))
    names.sort(key=list(columns()).index)
    heads = ["time, page faults, system's share, kept", *names]
    lines = [[call, *(_cell(cells.get(n, {})) for n in names)] for call, cells in found.items()]
    style = "pipe" if markdown else "simple"
    text = cli.columns(lines, heads, "l" + "r" * len(names), style)
    if markdown:
        return text
    notes = {
        f"{name}: {cell.get('absent') or cell.get('failed')}"
        for cells in found.values()
        for name, cell in cells.items()
        if "seconds" not in cell
    }
    return "\n".join([text, *sorted(notes)])


def _cell(cell: Mapping[str, Any]) -> str:
    if "seconds" not in cell:
        return "failed" if "failed" in cell else "-"
    shown = _time(cell["seconds"])
    if cell["high"] > 1.2 * cell["low"]:
        shown = f"{_time(cell['low'])} to {_time(cell['high'])}"
    return (
        f"{shown}, {cell['faults']:,.0f}, {cell['system']:.0%}, {max(0, cell['kept']) / 1e6:.0f} MB"
    )


def _time(seconds: float) -> str:
    microseconds = seconds * 1e6
    return f"{microseconds:,.0f} µs" if microseconds >= 10 else f"{microseconds:.2g} µs"
