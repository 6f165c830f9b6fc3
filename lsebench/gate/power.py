"""How often is the gate wrong here? Changes of known effect, judged again and again.

In a scratch clone, a commit that changes nothing (a comment) and commits that make one backend
slower by a known amount: its source is changed so that each call then waits for a share of the time
it took, or takes some steps more in compiled code. How much slower that is, is measured beforehand,
in a few processes, with thousands of turns. Each run of the gate takes fresh processes and another
order. Judged is the gate of HEAD, not the changes beside it. Runs are kept with the results, each
as soon as it has ended, and count as long as what measures and judges stays as it is.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asv import util
from scipy import stats

from lsebench import git
from lsebench.cli import NOTHING, Parser, columns, machine_name, now
from lsebench.environments import config
from lsebench.records.stored import PowerRun

from . import builds
from .side_by_side import Side

CHANGE = """

# Slower on purpose, to see whether the gate finds it.
_load = {name}.load


def _load_slower(self):
    _load(self)
    plain = self.logsumexp

{slower}

    self.logsumexp = slower


{name}.load = _load_slower
"""
WAITING = """\
    from time import perf_counter

    def slower(x):
        start = perf_counter()
        found = plain(x)
        end = start + (1 + {amount:.5f}) * (perf_counter() - start)
        while perf_counter() < end:
            pass
        return found"""
"""A share of its own time, in whatever state the machine is: a share of the work done again takes
less where its data are still in the cache. For calls of microseconds."""
COMPILED_STEPS = """\
    import numba

    @numba.njit
    def slower(x):
        spent = 0.0
        for _ in range({amount:.0f}):  # each step waits for the one before
            spent = 0.5 * spent + len(x)
        if spent > 1e300:  # never; but no compiler knows
            return spent
        return plain(x)"""
"""Some nanoseconds within compiled code: any line of Python costs more than the change may."""
CALIBRATE = """
import json, statistics, sys, textwrap, time, timeit
from lsekernels import registry
name, size, slower, seconds = json.loads(sys.argv[1])
import numpy
x = numpy.random.RandomState(0).standard_normal(size)
backend = registry.load(name)
calls = [backend.prepare("logsumexp", x)]
found = {"plain": backend.logsumexp}
exec(textwrap.dedent(slower), found)
backend.logsumexp = found["slower"]
calls.append(backend.prepare("logsumexp", x))
# Processor time: what else runs on this machine makes no call slower.
timers = [timeit.Timer(call, timer=time.process_time) for call in calls]
number = max(1, int(1e-3 / min(timers[0].repeat(5, 10)) * 10))
end, ratios = timeit.default_timer() + seconds, []
while timeit.default_timer() < end:
    one, two, three = (timers[i].timeit(number) for i in (0, 1, 0))
    ratios.append(2 * two / (one + three))
print(statistics.median(ratios))
"""
SECONDS = 20.0
"""How long an amount is measured before it is believed."""
PROCESSES = 5
"""So many measure it: calls of less than a microsecond differ between processes by 1 to 2 %."""
STEPS = 200
"""So many show what one costs."""
TRIES = 6
"""Amounts that are measured at most, to find the right one."""
JUDGED = (
    *(f"lsebench/gate/{name}.py" for name in (
        "builds", "rows", "side_by_side", "statistics", "compare_commits", "timing_process",
        "touched",
    )),
    "benchmarks",
)  # fmt: skip
"""With asv's configuration, what decides how often the gate is wrong."""


@dataclass(frozen=True)
class Case:
    """One claim about the gate."""

    name: str
    what: str
    effect: float
    """By how much the head is slower; 0 is a change of nothing."""
    places: tuple[tuple[str, int], ...]
    """(backend, size) that is made slower; in turn."""
    least: float | None
    """Share of runs that must find it; None: that may have a false alarm, at most 1 in 20."""

    @property
    def target(self) -> str:
        """Return the target in words."""
        return "at most 1 in 20" if self.least is None else f"at least {self.least:.0%}"


CASES = (
    Case("nothing", "no change, whole quick profile: runs with a false slower", 0, (), None),
    Case(
        "five", "5 % slower in a kernel of 10 µs or more: found", 0.05,
        (("numpy", 100_000), ("cython", 10_000), ("numba", 100_000)), 0.95,
    ),
    Case(
        "three", "3 % slower in a kernel of 1 ms or more: found", 0.03,
        (("python", 100_000), ("scipy", 1_000_000), ("cython", 1_000_000)), 0.80,
    ),
    Case(
        "ten", "10 % slower in a kernel of less than 1 µs: found", 0.10,
        (("numba", 10), ("numba_tuned", 10)), 0.95,
    ),
)  # fmt: skip


WHEN_INTERRUPTED = "The same command goes on from here."


def main(arguments: list[str]) -> int:
    """Run the proof; return the exit code."""
    parser = Parser(
        prog="python -m lsebench power",
        description=(__doc__ or "") + "Interrupt it when you like: the same command goes on.",
        epilog="exit codes: 0 all targets met, 1 not all, 4 error of use, 130 interrupted",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--only", choices=[case.name for case in CASES], action="append", help="some of the cases")
    add("--runs", type=int, default=20, help="runs of each case (20)")
    add("--minutes", type=float, default=10, help="time of a run, as of the gate (10)")
    parser.add_place()
    add("--fresh", action="store_true", help="forget the runs before, of these cases")
    options = parser.parse_args(arguments)
    return run(options)


def run(options: argparse.Namespace) -> int:
    """Make the commits, run the gate on them, and store what it said."""
    conf = config.load(options.config)
    commit = builds.resolve("HEAD")
    cases = [case for case in CASES if not options.only or case.name in options.only]
    own = Path(conf.results_dir, machine_name(options.machine))
    judged = _judged(options.config)
    stored = [run for run in PowerRun.read(own) if run.gate == judged.get(run.case)]
    if options.fresh:
        stored = [run for run in stored if run.case not in {case.name for case in cases}]
    file = PowerRun.replace(own, stored)
    done = [run for run in stored if run.limit == options.minutes]
    folder = Path(".asv/gate/proof", commit[:12]).resolve()
    clone = _clone(folder, commit, conf)
    for case in cases:
        for number in range(sum(r.case == case.name for r in done), options.runs):
            place = case.places[number % len(case.places)] if case.places else None
            head, ratio = _head(clone, folder, case, place, options.config)
            found = _gate(clone, head, case, place, number, options)
            run = PowerRun(
                case=case.name,
                place=list(place) if place else None,
                true_ratio=ratio,
                gate=judged[case.name],
                limit=options.minutes,
                commit=commit,
                date=now(),
                **found,
            )
            run.append(own)
            done.append(run)
            hits = sum(r.hit for r in done if r.case == case.name)
            print(f"{case.what}: {hits} of {number + 1}; {found['minutes']:.1f} min", flush=True)
    lines = [line for case in CASES if (line := summary(case, done))]
    print(f"\n{table(lines)}\n\nstored in {file}")
    return 0 if all(line["met"] for line in lines) else 1


def _judged(config: str) -> dict[str, str]:
    """Return, of each case, a hash of what decides how often the gate of HEAD is wrong."""
    listed = _git(Path.cwd(), "ls-tree", "-r", "HEAD", "--", *JUDGED, config)
    found = {}
    for case in CASES:
        slower = [change(size) for _, size in case.places]
        text = "".join([listed, CHANGE, CALIBRATE, *slower] if slower else [listed])
        found[case.name] = hashlib.sha256(text.encode()).hexdigest()[:12]
    return found


def summary(case: Case, done: list[PowerRun]) -> dict[str, Any] | None:
    """Return the line of one case: how many runs, in how many the gate said slower, an interval."""
    runs = [r for r in done if r.case == case.name]
    if not runs:
        return None
    hits = sum(r.hit for r in runs)
    interval = stats.binomtest(hits, len(runs)).proportion_ci(0.95, "exact")
    share = hits / len(runs)
    return {
        "case": case.name,
        "what": case.what,
        "target": case.target,
        "runs": len(runs),
        "hits": hits,
        "low": round(float(interval.low), 3),
        "high": round(float(interval.high), 3),
        "met": share <= 0.05 if case.least is None else share >= case.least,
        "true ratios": sorted({round(r.true_ratio, 3) for r in runs}),
        "minutes": round(sorted(r.minutes for r in runs)[len(runs) // 2], 1),
        "benchmarks": runs[-1].benchmarks,
        "undecided": sum(r.undecided for r in runs),
    }


def table(lines: list[dict[str, Any]]) -> str:
    """Return the lines as Markdown."""
    headers = ["", "target", "runs", "said slower", "95 % interval", "minutes a run"]
    rows = [
        [r["what"], r["target"], r["runs"], r["hits"], f"{r['low']:.0%} to {r['high']:.0%}",
         f"{r['minutes']:g}"]
        for r in lines
    ]  # fmt: skip
    return columns(rows, headers, "llrrlr", style="pipe")


def _clone(folder: Path, commit: str, conf: Any) -> Path:
    """Make the scratch clone, which shares this repository's environments."""
    clone = folder / "repo"
    if not clone.exists():
        clone.mkdir(parents=True)
        _git(clone, "clone", "--quiet", "--shared", str(Path.cwd()), ".")
        _git(clone, "checkout", "--quiet", "-B", "proof", commit)
        (clone / ".asv").mkdir(exist_ok=True)
        (clone / ".asv/env").symlink_to(Path(conf.env_dir).resolve())
        change = clone / "lsekernels/backends/numpy.py"
        change.write_text(change.read_text() + "# Nothing has changed.\n")
        _git(clone, "commit", "--quiet", "--all", "-m", "Change nothing")
        _git(clone, "tag", "nothing")
        _git(clone, "tag", "start", commit)
    return clone


def _git(folder: Path, *arguments: str) -> str:
    return git.git(*arguments, cwd=folder, **git.identity("gate"))


def _head(
    clone: Path, folder: Path, case: Case, place: tuple[str, int] | None, config: str
) -> tuple[str, float]:
    """Return the commit of a case, and how much slower it is in truth."""
    if place is None:
        return "nothing", 1.0
    tag = f"{case.name}-{place[0]}-{place[1]}"
    known = folder / f"{tag}.json"
    if not known.exists():
        slower, ratio = _calibrate(clone, folder, case.effect, place, config)
        _git(clone, "checkout", "--quiet", "--detach", "start")
        file = clone / f"lsekernels/backends/{place[0]}.py"
        file.write_text(slowed_down(file.read_text(), slower))
        _git(clone, "commit", "--quiet", "--all", "-m", f"Slow {place[0]} down: {ratio:.3f}")
        _git(clone, "tag", "--force", tag)
        known.write_text(json.dumps(ratio))
    return tag, float(json.loads(known.read_text()))


def change(size: int) -> str:
    """Return the function that slows calls of this size down, with its `amount` still open."""
    return WAITING if size >= 1000 else COMPILED_STEPS


def slowed_down(source: str, slower: str) -> str:
    """Return the source of a backend whose logsumexp is the function `slower`."""
    name = re.findall(r"^class (\w+)\(", source, re.M)[-1]
    return source + CHANGE.format(name=name, slower=slower)


def _calibrate(
    clone: Path, folder: Path, effect: float, place: tuple[str, int], config: str
) -> tuple[str, float]:
    """Return a function slower by `effect`, as text, and by how much it really is."""
    there = Path.cwd()
    os.chdir(clone)
    try:
        commits = {side: builds.resolve("start") for side in ("base", "head")}
        side = builds.prepare(config, commits, folder / "start", own=False)[0].sides["base"]
    finally:
        os.chdir(there)
    name, size = place

    slower = change(size)
    unit = 1.0  # how much slower one more of `amount` makes it
    if slower == COMPILED_STEPS:
        few, many = (
            _measured(side, name, size, slower.format(amount=steps), SECONDS / 4)
            for steps in (0, STEPS)
        )
        unit = (many - few) / STEPS
    amount = find_amount(
        lambda amount: _measured(side, name, size, slower.format(amount=amount), SECONDS / 4),
        effect,
        2 * effect / unit,
    )
    text = slower.format(amount=amount)
    ratio = _measured(side, name, size, text, SECONDS)
    if abs(ratio - 1 - effect) > effect / 4:
        raise util.UserError(
            f"{name} of {size} cannot be made slower by {effect:.0%}, but by {ratio - 1:.1%}"
        )
    print(f"{name} of {size}: slower by a factor of {ratio:.4f}", flush=True)
    return text, ratio


def find_amount(ratio: Callable[[float], float], effect: float, high: float) -> float:
    """Return the amount from 0 to `high` whose ratio is nearest 1 + `effect`, of those tried.

    By halving: the ratio need only grow with the amount. Steps beside which a processor still works
    on something else cost less than more of them do.
    """
    low, found = 0.0, {}
    for _ in range(TRIES):
        amount = (low + high) / 2
        found[amount] = ratio(amount) - 1
        if abs(found[amount] - effect) < effect / 20:
            break
        low, high = (amount, high) if found[amount] < effect else (low, amount)
    return min(found, key=lambda amount: abs(found[amount] - effect))


def _measured(side: Side, name: str, size: int, slower: str, seconds: float) -> float:
    """Return how many times as long a call takes that is made `slower`."""
    asked = json.dumps([name, size, slower, seconds / PROCESSES])
    found = []
    for _ in range(PROCESSES):
        done = subprocess.run(
            [side.python, "-c", CALIBRATE, asked],
            env={**os.environ, **side.environ, "PYTHONPATH": str(side.path)},
            capture_output=True,
            text=True,
            cwd=side.path,
        )
        if done.returncode:
            raise util.UserError(f"{name} cannot be timed: {done.stderr.strip()[-500:]}")
        found.append(float(done.stdout.splitlines()[-1]))
    return statistics.median(found)


def _gate(
    clone: Path,
    head: str,
    case: Case,
    place: tuple[str, int] | None,
    number: int,
    options: argparse.Namespace,
) -> dict[str, Any]:
    """Run the gate once, in processes of its own; return what it said of the changed backend."""
    file = clone / ".asv/verdict.json"
    command = [sys.executable, "-m", "lsebench", "gate", "start", head]
    command += ["--fresh", "--same-environments"]
    command += ["--minutes", str(options.minutes), "--json", str(file), "--seed", str(number)]
    command += ["--config", options.config]
    if place:
        command += ["--bench", rf"^warm\.Logsumexp\..*'{place[0]}', 'float64', {place[1]}\)$"]
    file.unlink(missing_ok=True)
    done = subprocess.run(command, cwd=clone, stdout=subprocess.PIPE, text=True)
    if done.returncode not in (0, 1, NOTHING) or not file.exists():
        raise util.UserError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}")
    found = json.loads(file.read_text())
    verdicts = [row["verdict"] for row in found["rows"]]
    slower = [row for row in found["rows"] if row["verdict"] == "slower"]
    return {
        "hit": bool(slower),
        "rows": [
            {k: row[k] for k in ("benchmark", "parameters", "ratio", "low", "high", "verdict")}
            for row in (found["rows"] if place else slower)
        ],
        "benchmarks": len(verdicts),
        "undecided": verdicts.count("undecided"),
        "minutes": found["minutes"],
    }
