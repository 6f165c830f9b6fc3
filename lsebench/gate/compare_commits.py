"""The verdict on two commits: what is slower, faster, the same, or undecided."""

from __future__ import annotations

import argparse
import errno
import hashlib
import json
import random
import re
import shutil
import sys
import time
from collections import defaultdict
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from threading import Event
from typing import Any

from asv import util

from lsebench import git
from lsebench.cli import FAILED, NOTHING, Parser, machine_name, regular_expression
from lsebench.environments import config
from lsebench.records.stored import MeasuredPair
from lsebench.run.jobs import best, processors
from lsebench.run.profiles import named

from . import builds, instructions, report, side_by_side, statistics
from .builds import Built, NotBuilt
from .rows import SECONDS, STAGES, Row, State
from .side_by_side import SIDES, Key, Pair
from .touched import Touched

KEPT = 10
"""Comparisons whose builds and pairs are kept, some megabytes each."""
SPENT = {"screen": 0.25, "confirm": 1.0}
"""Seconds of turns in each pair of a stage. For the few suspects time is better spent in turns than
in starting processes: with four times as many, pairs of a benchmark of 13 ms scattered half."""
SHARE = 3
"""So many times as many pairs as others have those of a backend whose own files changed: others
load these files, too."""
FULL = errno.ENOSPC, errno.EDQUOT
CALLS = 0.02
"""Seconds, without valgrind, of the calls whose instructions are counted."""


WHEN_INTERRUPTED = "What was measured is kept; the same command goes on from here."


def main(arguments: list[str]) -> int:
    """Compare the two commits named in `arguments`; return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return run(options)
    except NotBuilt as error:
        print(f"failed: {error}", file=sys.stderr)
        report.not_built(error, options)
        return FAILED
    except OSError as error:
        if error.errno not in FULL:
            raise
        where = f" ({error.filename})" if error.filename else ""
        print(f"failed: the disk is full{where}: make room. {WHEN_INTERRUPTED}", file=sys.stderr)
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m lsebench gate",
        description="Did HEAD become slower than BASE? Builds both, measures them side by side in "
        "fresh processes, and says of each benchmark: slower, faster, same or undecided. Interrupt "
        "it when you like: the same command goes on.",
        epilog="exit codes: 0 no slowdown, 1 slower, an error or memory grew, or HEAD fails where "
        "BASE does not, 2 a commit cannot be built, 3 no answer: nothing to compare, or all that "
        "was measured is undecided, 4 error of use, 130 interrupted. Other commands: "
        "python -m lsebench history | machine | power --help",
    )
    add = parser.add_argument
    add("base", metavar="BASE", help="the commit to compare with, for instance main")
    add("head", metavar="HEAD", nargs="?", default="HEAD", help="the changed commit (HEAD)")
    add("--profile", metavar="NAME", default="quick", help="selection of asv.conf.json (quick)")
    add(
        "--bench", metavar="REGEX", action="append", type=_expression,
        help="benchmarks instead of a profile's; also a name as the report has it",
    )  # fmt: skip
    add("--minutes", type=float, default=10, metavar="N", help="of measuring, after building (10)")
    add("--min-effect", type=float, default=2, metavar="%", help="smallest change that counts (2)")
    add(
        "--min-growth", type=float, default=10, metavar="%",
        help="smallest growth of an error or of memory that counts (10)",
    )  # fmt: skip
    add(
        "--jobs", type=_count, metavar="N",
        help="pairs of processes at a time, each on its own core (as `machine` found best, else 1)",
    )  # fmt: skip
    parser.add_place()
    add("--markdown", type=Path, metavar="FILE", help="write a comment for a pull request")
    add("--json", type=Path, metavar="FILE", help="write all numbers")
    add(
        "--instructions", type=int, default=0, metavar="N",
        help="count with valgrind the instructions of at most N benchmarks that are slower, faster "
        "or undecided; some minutes each (0)",
    )  # fmt: skip
    add(
        "--same-environments", action="store_true",
        help="the working tree's libraries for both; else each commit's own",
    )  # fmt: skip
    add("--fresh", action="store_true", help="forget what was measured before")
    add("--seed", type=int, help=argparse.SUPPRESS)
    return parser


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def _expression(text: str) -> str:
    try:
        return regular_expression(text).pattern
    except util.UserError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def run(options: argparse.Namespace) -> int:
    """Build, measure, report; return the exit code."""
    for name in ("markdown", "json"):
        if path := getattr(options, name):
            setattr(options, name, path.resolve())
    options.config = config.enter(options.config)
    options.machine = machine_name(options.machine)
    commits = {side: builds.resolve(getattr(options, side)) for side in SIDES}
    notes = _notes(commits)
    print(*notes, sep="\n", end="\n" * bool(notes), flush=True)
    if commits["base"] == commits["head"]:
        return NOTHING
    folder = builds.folder(commits, own=not options.same_environments).resolve()
    if options.fresh:
        MeasuredPair.path(folder).unlink(missing_ok=True)
    _forget(folder.parent, folder)
    start = time.monotonic()
    built = builds.prepare(options.config, commits, folder, own=not options.same_environments)
    building = time.monotonic() - start
    conf = config.load(options.config)
    rows = [Row(b, key, part) for b in built for key, part in _select(conf, b, options).items()]
    if not rows:
        print("no benchmark is selected", file=sys.stderr)
        return NOTHING
    shared = _settings(conf).get("all_processors", {})
    machine = Path(conf.results_dir, options.machine)
    state = State(rows, options, shared, _touch(rows), machine)
    if all(row.identical for row in rows):
        notes.append("All that these benchmarks load is the same, byte for byte.")
    ruler = _ruler(rows)
    known = _restore(state, folder, ruler)
    same = sum(row.identical for row in rows)
    print(
        f"{len(rows)} benchmarks, "
        + (f"{same} of them of identical code; " if same else "")
        + f"{options.minutes:g} minutes at most"
        + (f"; {known} pairs are known from before (--fresh forgets them)" if known else ""),
        flush=True,
    )
    start = time.monotonic()
    try:
        _measure(state, folder, ruler)
    finally:
        measuring = time.monotonic() - start
    found = report.collect(state, commits, options, building, measuring) | {"notes": notes}
    if options.instructions:
        _count_instructions(state, found, options.instructions)
    print(report.table(found))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    if options.markdown:
        options.markdown.write_text(report.markdown(found))
    return report.exit_code(found)


def _notes(commits: dict[str, str]) -> list[str]:
    """Return sentences on what the question may not have meant."""
    notes = []
    if commits["head"] == builds.resolve("HEAD") and git.git("status", "--porcelain", "-uno"):
        notes.append("Changes that are not committed are not measured: commit them first.")
    if commits["base"] == commits["head"]:
        notes.append("BASE and HEAD are the same commit: there is nothing to compare.")
    return notes


def _touch(rows: list[Row]) -> set[str]:
    """Note what each row loads that differs; return the names of all files that differ."""
    # Environments that differ only in what a run sets have the same copies of both commits.
    copies = {row.built.sides["head"].path: row.built for row in rows}
    touched = {path: Touched(built) for path, built in copies.items()}
    for row in rows:
        row.touched = touched[row.built.sides["head"].path].of(row.key)
    files = {file for each in touched.values() for file in each.files}
    return {Path(file).name.partition(".")[0] for file in files}


def _forget(folder: Path, kept: Path) -> None:
    """Delete the builds and pairs of all but the newest comparisons; `kept` is of today."""
    others = [place for place in folder.glob("*-*") if place.is_dir() and place != kept]
    for place in sorted(others, key=lambda place: place.stat().st_mtime)[: -KEPT + 1]:
        shutil.rmtree(place)


def _count_instructions(state: State, found: report.Found, most: int) -> None:
    """Add the instructions of a call to the rows that are not the same: a second witness."""
    if reason := instructions.available():
        print(f"no instructions are counted: {reason}", file=sys.stderr)
        return
    rows = {row.name: row for row in state.rows}
    wanted = [
        r for r in found["rows"] if r["unit"] == SECONDS and r["base"] and r["verdict"] != "same"
    ]
    for line in wanted[:most]:
        row = rows[f"{report.name(line)} {line['environment']}"]
        calls = max(1, round(CALLS / line["base"]))
        counted = {}
        print(f"counting instructions of {row.key} ...", file=sys.stderr, flush=True)
        for name, side in row.built.sides.items():
            index = "" if row.key.index is None else str(row.key.index)
            command = [side.python, str(side_by_side.WORKER), str(side.root), row.key.name, index]
            environ = {**side.environ, "PYTHONPATH": str(side.path)}
            try:
                counted[name] = instructions.count(command, calls, 2, environ).instructions
            except instructions.Unavailable as error:
                line["instructions"] = {"reason": str(error)}
                break
        else:
            line["instructions"] = {**counted, "ratio": counted["head"] / counted["base"]}


def _select(conf: Any, built: Built, options: argparse.Namespace) -> dict[Key, int]:
    """Return the benchmarks that are asked for, in one environment, and the part that they are of.

    Parts of a profile begin one after the other.
    """
    profiles = _settings(conf).get("profiles", {})
    if options.bench:
        return dict.fromkeys(built.select(conf, options.bench), 0)
    if not profiles:
        return dict.fromkeys(built.select(conf, []), 0)
    if options.profile not in profiles:
        raise util.UserError(
            f"{options.config} has no profile {options.profile!r} for the gate, but "
            + ", ".join(profiles)
        )
    found: dict[Key, int] = {}
    for number, part in enumerate(profiles[options.profile]):
        if built.has(part.get("env", {})):
            left_out = re.compile(named(part.get("not", "$^")))
            for key in built.select(conf, [named(bench) for bench in part["bench"]]):
                if not left_out.search(str(key)):
                    found.setdefault(key, number)
    return found


def _settings(conf: Any) -> dict[str, Any]:
    """Return what asv.conf.json says under ``gate``, a name that asv leaves to us."""
    return getattr(conf, "gate", {})


def _ruler(rows: list[Row]) -> str:
    """Return what tells pairs apart that were measured otherwise: a hash of all that measures."""
    roots = sorted({row.built.sides["head"].root for row in rows})
    files = [file for root in roots for file in sorted(root.rglob("*.py"))]
    files += [Path(__file__), Path(side_by_side.__file__), side_by_side.WORKER]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


def _restore(state: State, folder: Path, ruler: str) -> int:
    """Take what an earlier run has measured in the same way; return the number of pairs.

    What failed is left out: it is tried again.
    """
    rows = {row.name: row for row in state.rows}
    count = 0
    for one in MeasuredPair.read(folder):
        if one.stage not in STAGES:
            continue
        failed = any(state.startswith("failed") for state in one.states.values())
        if one.ruler != ruler or failed:
            continue
        if row := rows.get(one.row):
            pair = Pair(row.key, one.base, one.head, one.ratio, one.mean, one.tail, one.states)
            row.pairs[one.stage].append(pair)
            count += 1
    return count


def _measure(state: State, folder: Path, ruler: str) -> None:
    """Send pairs of processes until all is decided or the time is over."""
    options = state.options
    deadline = time.monotonic() + 60 * options.minutes
    chance = random.Random(options.seed)
    free = processors(options.jobs or best(state.machine))
    jobs = len(free)
    stop = Event()
    running: dict[Future[None], tuple[str, list[int]]] = {}
    progress = report.Progress(options.minutes)

    def visit(rows: list[Row], stages: dict[str, str], cpu: int | None, seed: int) -> None:
        """Measure `rows`, all of one group, in one pair of fresh processes."""
        by_key = {row.key: row for row in rows}
        seconds = {row.key: SPENT[stages[row.name]] for row in rows}
        for pair in side_by_side.measure(rows[0].built.sides, seconds, cpu, random.Random(seed)):
            if stop.is_set():
                break  # it may have been killed
            row = by_key[pair.key]
            stage = stages[row.name]
            row.pairs[stage].append(pair)
            MeasuredPair(
                row=row.name,
                stage=stage,
                ruler=ruler,
                base=pair.base,
                head=pair.head,
                ratio=pair.ratio,
                mean=pair.mean,
                tail=pair.tail,
                states=pair.states,
            ).append(folder)
            failed = any(state.startswith("failed") for state in pair.states.values())
            if time.monotonic() > deadline + 60 and not (failed and len(row.states()) < 2):
                break

    with ThreadPoolExecutor(jobs) as pool:
        try:
            while True:
                verdicts = state.verdicts()
                progress.show(verdicts, deadline)
                busy = {group for group, _ in running.values()}
                waiting = _waiting(state, verdicts, busy)
                while free and waiting and time.monotonic() < deadline:
                    everything = _uses_all(waiting[0][1][0], state.shared)
                    if everything and len(free) < jobs:
                        break  # until the others have ended
                    group, rows = waiting.pop(0)
                    taken = [free.pop() for _ in range(jobs if everything else 1)]
                    stages = {
                        r.name: "confirm" if verdicts[r.name] == "suspect" else "screen"
                        for r in rows
                    }
                    cpu = None if everything else taken[0]
                    job = pool.submit(visit, rows, stages, cpu, chance.randrange(2**32))
                    running[job] = group, taken
                if not running:
                    break
                done, _ = wait(running, timeout=5, return_when=FIRST_COMPLETED)
                for job in done:
                    free += running.pop(job)[1]
                    job.result()
        except BaseException:
            stop.set()
            while wait(running, timeout=0.2).not_done:  # those that hang, too
                for process in list(side_by_side.Process.alive):
                    process.kill()
            raise
        finally:
            progress.end()


def _waiting(state: State, verdicts: dict[str, str], busy: set[str]) -> list[tuple[str, list[Row]]]:
    """Return the groups that have something to measure, the most urgent first.

    That is what looks most different, then what is least known; a backend whose own files have
    changed should be known better. Each visit measures all that is waiting in a group, because
    starting its processes takes longer than a pair does. A busy group comes last: where few are
    left, several pairs measure it at a time.
    """
    typical = state.typical()
    groups: defaultdict[str, list[Row]] = defaultdict(list)
    for row in state.rows:
        if verdicts[row.name] in ("open", "suspect"):
            groups[_group(row)].append(row)

    def strong(row: Row) -> bool:
        ratios = row.ratios("screen"), row.ratios("confirm")
        return verdicts[row.name] == "suspect" and statistics.strong(*ratios, typical)

    def urgency(item: tuple[str, list[Row]]) -> tuple[bool, bool, float]:
        group, rows = item
        least = min(sum(map(len, row.pairs.values())) for row in rows)
        least += statistics.SCREEN[1] * rows[0].part  # as if it had been screened
        name = _backend(rows[0])
        touched = any(f"_{changed}".endswith(f"_{name}") for changed in state.changed)
        return group in busy, not any(map(strong, rows)), least / (SHARE if touched else 1)

    return sorted(groups.items(), key=urgency)


def _uses_all(row: Row, shared: dict[str, str]) -> bool:
    """Return whether the runs of `row` need all processors for themselves."""
    return bool(shared) and row.built.has(shared)


def _group(row: Row) -> str:
    """Return what shares processes: a part of one backend, which then loads its library once."""
    return f"{_backend(row)} {row.built.name} {row.part}"


def _backend(row: Row) -> str:
    first = row.key.parameters[0] if row.key.parameters else row.key.name
    return first.strip("'").partition(":")[0]
