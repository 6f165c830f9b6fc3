"""How often is the gate wrong here? Changes of known effect, judged as a user's would be.

In a scratch clone, commits that make one backend slower by a known share, in all its kernels, and
two kinds that change nothing: a comment, and functions that nobody calls before those of a compiled
file. The gate judges each under its default profile, within its default time. A slowed backend's
calls wait for a share of the time they took; in the base they wait for none of it, so that both
sides pay for the waiting itself. Runs are kept with the results, with all their pairs: --simulate
draws from these again, in minutes, whenever the statistics change. Real runs count as long as what
measures stays as it is.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import statistics
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asv import util
from scipy import stats

from lsebench import git
from lsebench.cli import BAD, NOTHING, Parser, columns, machine_name, now, progress
from lsebench.environments import config
from lsebench.records.stored import JudgedRow, MeasuredPair, PowerRun
from lsekernels import registry

from . import builds, resample
from .report import LAYOUT
from .report import name as full_name
from .rows import STAGES
from .side_by_side import SIDES

SLOWED = """

# To see whether the gate finds it: each call takes {times} times as long as it does.
def _slower(compute):
    from time import perf_counter

    def slower(*arrays):
        start = perf_counter()
        found = compute(*arrays)
        end = start + {times} * (perf_counter() - start)
        while perf_counter() < end:
            pass
        return found

    return slower


_load = {name}.load


def _load_slower(self):
    _load(self)
    if type(self) is {name}:
        for kernel in self.kernels():
            for method in self.methods(kernel):
                setattr(self, method, _slower(getattr(self, method)))


{name}.load = _load_slower
"""
UNUSED = """
def unused_{number}(double x, int n):
    cdef int i
    for i in range(n):
        x = 0.5 * x + i
    return x

"""
COMMENTED = "lsekernels/backends/numpy.py"
PADDED = "lsekernels/_compiled/lu_cython.pyx", "lsekernels/_compiled/logsumexp_cython.pyx"
PADDING = 1, 2, 3, 5, 8
"""So many functions that nobody calls, in turn: each moves the others to other places."""
LEAST = 10e-6
"""Seconds of a call from which on its slowdown is the one that is meant: a shorter one is made
slower by more, by the clock that it reads."""
SUITE = "warm."
"""What calls the backend's methods as they are."""
MOVED = "layout"
"""What is stored of a row that is perhaps slower or faster by layout."""
MEASURED = (
    *(f"lsebench/gate/{name}.py" for name in ("builds", "side_by_side", "timing_process")),
    "benchmarks",
    "meson.build",
)
"""With asv's configuration, what decides which pairs are measured, and how they scatter."""


@dataclass(frozen=True)
class Case:
    """One kind of change."""

    name: str
    what: str
    effect: float = 0.0
    """By how much the head is slower."""
    places: tuple[str, ...] = ("",)
    """Backends that are slowed down, in turn."""
    least: float | None = None
    """Share of runs that must find it; None: of a change of nothing, 1 in 40 may be wrong."""


PLACES = tuple(
    name
    for name in registry.names("logsumexp")
    for backend in (registry.declaration(name),)
    if backend.tier == "core" and backend.featured and not (backend.ours or backend.parallel)
)
"""One of each library."""
CASES = (
    Case("comment", "a comment in a backend that others load"),
    Case("layout", "functions that nobody calls in compiled files"),
    Case("three", "a backend 3 % slower", 0.03, PLACES, 0.80),
    Case("five", "a backend 5 % slower", 0.05, PLACES, 0.95),
    Case("ten", "a backend 10 % slower", 0.10, PLACES, 0.95),
)
EFFECTS = {case.name: case.effect for case in CASES}
VERDICTS = "slower", "undecided", "same", "faster"
FALSE = 1 / 40
"""Share of the runs of nothing, of both kinds, that may say slower."""
WHEN_INTERRUPTED = "The runs that have ended are kept; the same command goes on from here."


def main(arguments: list[str]) -> int:
    """Run the gate on what is known, or draw from its runs again; return the exit code."""
    parser = Parser(
        prog="python -m lsebench power",
        description=(__doc__ or "") + "Interrupt it when you like: the same command goes on.",
        epilog="exit codes: 0 all targets met, 1 not all, 3 no runs yet, 4 error of use, "
        "130 interrupted. Example: python -m lsebench power --only five --runs 4",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--only", choices=[case.name for case in CASES], action="append", help="some of the cases")
    add("--runs", type=int, default=4, metavar="N", help="real runs of each case (4)")
    add("--minutes", type=float, default=10, metavar="N", help="at most a run, as of the gate (10)")
    add(
        "--simulate", type=int, default=0, metavar="N",
        help="no real runs, but N of each case drawn from the pairs of those there are",
    )  # fmt: skip
    parser.add_place()
    add("--fresh", action="store_true", help="forget the runs before, of these cases")
    options = parser.parse_args(arguments)
    options.config = config.enter(options.config)
    conf = config.load(options.config)
    own = Path(conf.results_dir, machine_name(options.machine))
    cases = [case for case in CASES if not options.only or case.name in options.only]
    if options.simulate:
        return simulate(PowerRun.read(own), cases, options.simulate)
    return run(options, conf, own, cases)


def run(options: argparse.Namespace, conf: Any, own: Path, cases: Sequence[Case]) -> int:
    """Make the commits, run the gate on them, and store what it said."""
    commit = builds.resolve("HEAD")
    ruler = _ruler(options.config)
    done = [
        run
        for run in PowerRun.read(own)
        if run.ruler == ruler and not (options.fresh and run.case in {case.name for case in cases})
    ]
    file = PowerRun.replace(own, done)
    clone = _clone(Path(".asv/gate/power", commit[:12]).resolve(), commit, conf)
    for number in range(options.runs):
        for case in cases:
            if sum(r.case == case.name and r.limit == options.minutes for r in done) > number:
                continue
            place = case.places[number % len(case.places)]
            base, head = _commits(clone, case, place, number)
            found, rows = _gate(clone, base, head, number, options)
            one = PowerRun(
                case=case.name,
                place=place,
                rows=rows,
                minutes=found["minutes"],
                limit=options.minutes,
                ruler=ruler,
                commit=commit,
                date=now(),
            )
            one.append(own)
            done.append(one)
            said = Counter(row["verdict"] for row in rows)
            words = ", ".join(f"{count} {verdict}" for verdict, count in said.items())
            print(f"{case.what} {place}: {words}; {one.minutes:.1f} min", flush=True)
    return report([r for r in done if r.limit == options.minutes], str(file))


def simulate(runs: Sequence[PowerRun], cases: Sequence[Case], number: int) -> int:
    """Draw runs from the pairs of real ones, judge them, and say how often that is wrong."""
    if not runs:
        print("there are no runs to draw from: measure some without --simulate", file=sys.stderr)
        return NOTHING
    drawn, pool = [], resample.pool(runs, times)
    for case in cases:
        for i in range(number):
            progress(f"{case.what}: {i} of {number}")
            if one := resample.drawn(runs, pool, case.name, times, seed=i):
                drawn.append(one)
    progress("")
    return report(drawn, f"drawn from {len(runs)} runs")


def times(run: PowerRun, row: JudgedRow) -> float | None:
    """Return how many times as long the head of a row takes in truth; None where nobody knows."""
    if run.place and re.search(rf"\('{run.place}[':]", row["name"]):
        known = row["name"].startswith(SUITE) and row["seconds"] >= LEAST
        return 1 + EFFECTS[run.case] if known else None
    return None if row["verdict"] == MOVED else 1.0


def report(runs: Sequence[PowerRun], source: str) -> int:
    """Print what the runs say of each kind of change; return the exit code."""
    lines = [line for case in CASES if (line := summary(case, runs))]
    nulls = [run for run in runs if not EFFECTS[run.case]]
    wrong = sum(_false(run) for run in nulls)
    met = all(line["met"] for line in lines) and wrong <= FALSE * len(nulls)
    print(f"\n{table(lines)}\n")
    print(f"Runs of nothing that say slower: {wrong} of {len(nulls)}{_reach(wrong, len(nulls))}.")
    print(source)
    return 0 if met else BAD


def summary(case: Case, runs: Iterable[PowerRun]) -> dict[str, Any] | None:
    """Return the line of one case: in how many runs it was found, and what its rows were called."""
    own = [run for run in runs if run.case == case.name]
    if not own:
        return None
    of_it = [[row["verdict"] for row in run.rows if _slowed(run, row)] for run in own]
    rows = Counter(verdict for verdicts in of_it for verdict in verdicts)
    found = sum("slower" in verdicts for verdicts in of_it)
    met = case.least is None or (found >= case.least * len(own))
    return {
        "what": case.what,
        "runs": len(own),
        "found": None if case.least is None else found,
        "reach": "" if case.least is None else _reach(found, len(own)),
        "false": sum(_false(run) for run in own),
        **{verdict: rows[verdict] for verdict in VERDICTS},
        "minutes": statistics.median(run.minutes for run in own),
        "met": met and not (case.effect >= 0.05 and rows["same"]),
    }


def _slowed(run: PowerRun, row: JudgedRow) -> bool:
    return (times(run, row) or 1) > 1


def _false(run: PowerRun) -> bool:
    """Return whether the gate called something slower that is not."""
    return any(row["verdict"] == "slower" and times(run, row) == 1 for row in run.rows)


def _reach(hits: int, of: int) -> str:
    if not of:
        return ""
    interval = stats.binomtest(hits, of).proportion_ci(0.95, "exact")
    return f" ({interval.low:.0%} to {interval.high:.0%})"


def table(lines: Iterable[dict[str, Any]]) -> str:
    """Return the lines as Markdown."""
    headers = ["", "runs", "found it", "slower elsewhere", "rows: slower", "undecided", "same",
               "faster", "minutes"]  # fmt: skip
    rows = [
        [r["what"], r["runs"], "" if r["found"] is None else f"{r['found']}{r['reach']}",
         r["false"], *(r[verdict] for verdict in VERDICTS),
         f"{r['minutes']:.1f}"]
        for r in lines
    ]  # fmt: skip
    return columns(rows, headers, "lrrrrrrrr", style="pipe")


# -- commits of known effect -----------------------------------------------------------------------


def _ruler(config: str) -> str:
    """Return a hash of what decides which pairs are measured, in HEAD, and of the changes."""
    listed = git.git("ls-tree", "-r", "HEAD", "--", *MEASURED, config)
    return hashlib.sha256(f"{listed}{SLOWED}{UNUSED}".encode()).hexdigest()[:12]


def _clone(folder: Path, commit: str, conf: Any) -> Path:
    """Make the scratch clone, which shares this repository's environments."""
    clone = folder / "repo"
    if not clone.exists():
        clone.mkdir(parents=True)
        _git(clone, "clone", "--quiet", "--shared", str(Path.cwd()), ".")
        (clone / ".asv").mkdir(exist_ok=True)
        (clone / ".asv/env").symlink_to(Path(conf.env_dir).resolve())
        _git(clone, "tag", "start", commit)
    return clone


def _git(folder: Path, *arguments: str) -> str:
    return git.git(*arguments, cwd=folder, **git.identity("gate"))


def _commits(clone: Path, case: Case, place: str, number: int) -> tuple[str, str]:
    """Return the base and the head of a run."""
    if case.effect:
        file = f"lsekernels/backends/{place}.py"
        plain = _git(clone, "show", f"start:{file}")
        times = (1.0, 1.0 + case.effect)
        base, head = (
            _commit(clone, f"{place}-{t:g}", {file: slowed_down(plain, t)}) for t in times
        )
        return base, head
    if case.name == "comment":
        plain = _git(clone, "show", f"start:{COMMENTED}")
        return "start", _commit(clone, "comment", {COMMENTED: f"{plain}\n# Nothing has changed.\n"})
    functions = PADDING[number % len(PADDING)]
    files = {file: padded(_git(clone, "show", f"start:{file}"), functions) for file in PADDED}
    return "start", _commit(clone, f"layout-{functions}", files)


def _commit(clone: Path, tag: str, files: dict[str, str]) -> str:
    """Return the tag of a commit on the start that has these `files`, as an earlier run made it."""
    if tag not in _git(clone, "tag").split():
        _git(clone, "checkout", "--quiet", "--detach", "start")
        for file, text in files.items():
            (clone / file).write_text(text)
        _git(clone, "commit", "--quiet", "--all", "-m", tag)
        _git(clone, "tag", tag)
        _git(clone, "checkout", "--quiet", "--detach", "start")
    return tag


def slowed_down(source: str, times: float) -> str:
    """Return the source of a backend whose methods take so many times as long."""
    name = re.findall(r"^class (\w+)\(", source, re.M)[-1]
    return source.rstrip("\n") + SLOWED.format(name=name, times=times)


def padded(source: str, functions: int) -> str:
    """Return the source of a Cython module with so many functions before all others."""
    first = re.search(r"^(?:@|def |cdef \w+ \w+\(|cpdef |ctypedef )", source, re.M)
    at = first.start() if first else len(source)
    return source[:at] + "".join(UNUSED.format(number=n) for n in range(functions)) + source[at:]


def _gate(
    clone: Path, base: str, head: str, number: int, options: argparse.Namespace
) -> tuple[dict[str, Any], list[JudgedRow]]:
    """Run the gate once, in processes of its own; return what it said, and its rows."""
    file = clone / ".asv/verdict.json"
    command = [sys.executable, "-m", "lsebench", "gate", base, head, "--fresh"]
    command += ["--same-environments", "--minutes", str(options.minutes), "--json", str(file)]
    command += ["--seed", str(number), "--config", options.config]
    file.unlink(missing_ok=True)
    done = subprocess.run(command, cwd=clone, stdout=subprocess.PIPE, text=True)
    if done.returncode not in (0, BAD, NOTHING) or not file.exists():
        raise util.UserError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}")
    found = json.loads(file.read_text())
    folder = clone / builds.folder({side: found[side] for side in SIDES}, own=False)
    return found, list(_rows(found, MeasuredPair.read(folder)))


def _rows(found: dict[str, Any], pairs: Iterable[MeasuredPair]) -> Iterator[JudgedRow]:
    """Yield the timed rows that were measured, with their pairs."""
    stages: defaultdict[str, dict[str, list[list[float]]]] = defaultdict(dict)
    for pair in pairs:
        if pair.ratio and pair.mean and pair.tail:
            values = [round(value, 5) for value in (pair.ratio, pair.mean, pair.tail)]
            stages[pair.row].setdefault(pair.stage, []).append(values)
    for row in found["rows"]:
        name = full_name(row)
        measured = stages.get(f"{name} {row['environment']}", {})
        if row["unit"] == "seconds" and measured:
            yield {
                "name": name,
                "seconds": float(row["base"]),
                "verdict": MOVED if row["outcome"].endswith(LAYOUT) else row["verdict"],
                **{stage: measured.get(stage, []) for stage in STAGES},  # type: ignore[typeddict-item]
            }
