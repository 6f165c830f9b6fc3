"""Calls compared side by side: what ``speed`` and ``claims`` have in common.

Each group of calls is measured in fresh processes, in the environment that asv has built for the
newest commit, with the suites' own data and checks. The calls of a group are timed in turn, round
after round, so that a machine that slows down slows all of them; what is compared is the fastest
round of each, because other programs can only make a call slower. Of several processes the median
counts.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asv import util

from lsebench import git
from lsebench.cli import Parser, register_machine
from lsebench.environments import config
from lsebench.records import stored
from lsebench.records.context import record

from .run import ASV

WORKER = Path(__file__).resolve().parents[2] / "benchmarks" / "_process.py"
Times = dict[str, float]
"""What was measured, by the name of the call; seconds, ulp or bytes."""


@dataclass(frozen=True)
class Check:
    """One line of the table: a value, and the target it is compared with."""

    what: str
    target: str
    """``<= 1.2`` or ``>= 30``, with a unit where it is not a ratio; ``none``: only measured."""
    value: Callable[[Times], float]
    held_by: tuple[str, Callable[[Times], float]] | None = None
    """Another limit that may be what stands in the way: its name, and the distance to it."""

    def judge(self, times: Times) -> tuple[float, str]:
        """Return the value and the verdict."""
        value = self.value(times)
        if self.target == "none":
            return value, ""
        relation, bound = self.target.split()[:2]
        if (value <= float(bound)) if relation == "<=" else (value >= float(bound)):
            return value, "met"
        if self.held_by:
            name, distance = self.held_by
            return value, f"not met: {distance(times):.2f} x {name}"
        return value, "not met"


@dataclass(frozen=True)
class Claim(Check):
    """A claim of the sources. Its target is what they said, or what must be so for it to hold."""

    source: str = "the talk"
    note: str = ""
    """What a reader must know to read the numbers."""

    def judge(self, times: Times) -> tuple[float, str]:
        """Return the value and the verdict; ``about N`` holds within a factor of 1.5 either way."""
        relation, _, bound = self.target.partition(" ")
        if relation != "about":
            value, verdict = super().judge(times)
            return value, {"met": "holds", "not met": "does not hold"}.get(verdict, verdict)
        value, said = self.value(times), float(bound.split()[0])
        if said / 1.5 <= value <= said * 1.5:
            return value, "holds"
        if (said > 1) != (value > 1):
            return value, "the other way round"
        return value, "more than said" if value > said else "less than said"


@dataclass(frozen=True)
class Group:
    """Calls that are timed in turn in one process, and what is said of them."""

    calls: dict[str, list[Any]]
    """Name -> how the process makes the call; see benchmarks/_process.py."""
    checks: tuple[Check, ...]
    threads: str = "1"
    processes: int = 3


def ratio(above: str, below: str) -> Callable[[Times], float]:
    """Return what gives the ratio of two times."""
    return lambda times: times[above] / times[below]


def call(backend: str, size: Any, dtype: str = "float64", method: str = "logsumexp") -> list[Any]:
    """Return how the measuring process makes a warm call."""
    return ["backend", backend, method, dtype, size]


def main(name: str, title: str, groups: list[Group], arguments: Sequence[str]) -> int:
    """Measure `groups`, print the table and store it; return the exit code."""
    parser = Parser(
        prog=f"python -m lsebench {name}",
        description=f"Measure {title} on the newest commit. " + (__doc__ or "").split("\n\n", 1)[1],
        epilog="exit codes: 0 all measured (also where a verdict is bad), 2 something "
        "failed, 4 error of use, 130 interrupted: nothing is stored",
    )
    parser.add_argument("--only", metavar="TEXT", default="", help="only lines that contain TEXT")
    parser.add_place()
    options = parser.parse_args(arguments)
    return run(name, title, groups, options)


def run(name: str, title: str, groups: Iterable[Group], options: argparse.Namespace) -> int:
    """Return 0, or 2 where something could not be measured; a bad verdict is a result."""
    conf, machine, commit, env = build(options)
    context = record(conf, env, machine, commit)
    absent = unavailable(context)
    lines: list[dict[str, Any]] = []
    print(f"\n{'':66}{'target':>12}{'measured':>10}  verdict")
    for group in groups:
        checks = [check for check in group.checks if options.only in check.what]
        for line in _lines(env, group, checks, absent) if checks else ():
            lines.append(line)
            value = line.get("measured")
            shown = "" if value is None else f"{value:.0f}" if value >= 100 else f"{value:.3g}"
            print(
                f"{line['what']:66}{line['target']:>12}{shown:>10}  {line['verdict']}", flush=True
            )
    verdicts = [
        line["verdict"] for line in lines if line["target"] != "none" and "measured" in line
    ]
    good = sum(verdict in ("met", "holds") for verdict in verdicts)
    print(f"\n{title}: {good} of {len(verdicts)} met on {machine}, commit {commit[:8]}")
    if not options.only:
        kind = stored.Claim if name == "claims" else stored.Target
        _store(kind, Path(conf.results_dir, machine), commit, context, lines)
    return 2 if any(line["verdict"].startswith("failed") for line in lines) else 0


def build(options: argparse.Namespace) -> tuple[Any, str, str, Any]:
    """Build the newest commit; return configuration, machine, commit and environment.

    Raises
    ------
    asv.util.UserError
        It can't be built.
    """
    conf = config.load(options.config)
    machine = register_machine(options.machine)
    (commit,) = git.list_commits("HEAD^!")
    env = next(e for e in config.list_environments(conf) if e.env_vars["LSEKERNELS_THREADS"] == "1")
    print(f"building {commit[:8]} ...", file=sys.stderr, flush=True)
    command = [*ASV, "run", "--config", options.config, "-E", env.name, "--machine", machine]
    command += ["--bench", "just-discover", f"{commit}^!"]
    if subprocess.run(command, stdout=subprocess.DEVNULL).returncode:
        raise util.UserError(f"commit {commit[:8]} could not be built: {' '.join(command)}")
    return conf, machine, commit, env


def unavailable(facts: Mapping[str, Any]) -> dict[str, str]:
    """Return backend -> why it can't be measured here, of what `env.facts` has said."""
    return {b["backend"]: b["unavailable"] for b in facts["backends"] if b["unavailable"]}


def ask(env: Any, asked: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """Return what a measuring process in `env` says: see benchmarks/_process.py."""
    said = env.run(
        [str(WORKER), json.dumps(asked)],
        cwd=env._path,
        env={**os.environ, **env.env_vars, **environ},
        timeout=3600,
        display_error=False,
    )
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


def _lines(
    env: Any, group: Group, checks: list[Check], absent: dict[str, str]
) -> list[dict[str, Any]]:
    """Return a line of the table for each of `checks`."""
    facts = [
        {"what": check.what, "target": check.target}
        | ({"source": check.source, "note": check.note} if isinstance(check, Claim) else {})
        for check in checks
    ]
    missing = {
        backend: absent[backend]
        for _, *arguments in group.calls.values()
        for backend in map(str, arguments)
        if backend in absent
    }
    if missing:
        why = "; ".join(f"{backend}: {reason}" for backend, reason in missing.items())
        return [fact | {"verdict": f"not measured here: {why}"} for fact in facts]
    try:
        times = _measure(env, group)
    except util.ProcessError as error:
        last = (error.stderr or error.stdout).strip().splitlines()[-1]
        return [fact | {"verdict": f"failed: {last}"} for fact in facts]
    found = []
    for fact, check in zip(facts, checks, strict=True):
        value, verdict = check.judge(times)
        found.append(
            fact
            | {
                "measured": float(f"{value:.4g}"),
                "verdict": verdict,
                "times": {name: float(f"{time:.4g}") for name, time in times.items()},
            }
        )
    return found


def _measure(env: Any, group: Group) -> Times:
    threads = {"LSEKERNELS_THREADS": group.threads}
    runs = [ask(env, group.calls, threads) for _ in range(group.processes)]
    return {name: statistics.median(run[name] for run in runs) for name in group.calls}


def _store(
    kind: type[stored.Line],
    folder: Path,
    commit: str,
    context: dict[str, Any],
    lines: list[dict[str, Any]],
) -> None:
    facts = stored.Facts(
        commit=commit,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        python=platform.python_version(),
        installed=context["installed"],
        build=context.get("build"),
        cpu_features=context.get("cpu_features"),
        gpus=context.get("gpus"),
    )
    print(f"stored in {kind.replace(folder, [facts, *(kind(**line) for line in lines)])}")
