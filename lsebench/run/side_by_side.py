"""Calls compared side by side: what ``speed`` and ``claims`` have in common.

Each group of calls is measured in five fresh processes, in the environment that asv has built for
the newest commit, with the suites' own data and checks. The calls of a group are timed in turn,
round after round, so that a machine that slows down slows all of them; what is compared is the
fastest round of each, because other programs can only make a call slower. Of the processes' values
the median counts; they make an interval, and it decides: a target that lies in it is undecided.
The interval of a claim, a number of times, is judged with the noise of the machine added.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asv import util

from lsebench import git
from lsebench.cli import Parser, register_machine
from lsebench.environments import config
from lsebench.records import stored
from lsebench.records.context import record

from . import noise, table
from .run import ASV
from .table import Check, Group, shown

WORKER = Path(__file__).resolve().parents[2] / "benchmarks" / "_process.py"


def main(
    name: str, file: Path, kind: type[stored.Line], title: str, arguments: Sequence[str]
) -> int:
    """Measure the table in `file`, print it and store it as `kind`; return the exit code."""
    parser = Parser(
        prog=f"python -m lsebench {name}",
        description=f"Measure {title} on the newest commit. " + (__doc__ or "").split("\n\n", 1)[1],
        epilog="exit codes: 0 all measured (also where a verdict is bad), 2 something "
        "failed, 4 error of use, 130 interrupted: nothing is stored",
    )
    add = parser.add_argument
    add(
        "--only", metavar="TEXT", default="", help="only lines that contain TEXT; nothing is stored"
    )
    add(
        "--processes", type=int, default=table.PROCESSES, metavar="N",
        help="that measure a group (%(default)s); of fewer there are no verdicts",
    )  # fmt: skip
    parser.add_place()
    options = parser.parse_args(arguments)
    if options.processes < 1:
        parser.error("--processes: it takes one to measure")
    return run(kind, title, table.load(file), options)


def run(
    kind: type[stored.Line], title: str, groups: Iterable[Group], options: argparse.Namespace
) -> int:
    """Return 0, or 2 where something could not be measured; a bad verdict is a result."""
    conf, machine, commit, env = build(options)
    context = record(conf, env, machine, commit)
    absent = unavailable(context) | lacking(context)
    scatter = noise.near(noise.of_machines(Path(conf.results_dir)).get(machine, ()))
    lines: list[stored.Line] = []
    print(f"\n{'':66}{'target':>12}{'measured':>10}  {'interval':18}verdict")
    for group in groups:
        checks = [check for check in group.checks if options.only in check.what]
        if not checks:
            continue
        for line in measure(env, group, checks, absent, kind, options.processes, scatter):
            lines.append(line)
            interval = "" if line.low is None else f"{shown(line.low)} to {shown(line.high)}"
            print(
                f"{line.what:66}{line.target:>12}{shown(line.measured):>10}  "
                f"{interval:18}{line.verdict}",
                flush=True,
            )
    verdicts = [
        line.verdict for line in lines if line.target != "none" and line.measured is not None
    ]
    good = sum(verdict in ("met", "holds") for verdict in verdicts)
    unclear = sum(verdict.startswith(("undecided", table.FEW)) for verdict in verdicts)
    print(
        f"\n{title}: {good} of {len(verdicts)} met, {unclear} undecided, on {machine}, "
        f"commit {commit[:8]}"
    )
    if not options.only:
        _store(kind, Path(conf.results_dir, machine), commit, context, lines)
    return 2 if any(line.verdict.startswith("failed") for line in lines) else 0


def newest(path: str, machine: str | None) -> tuple[Any, str, str, Any]:
    """Return configuration, machine, the newest commit, and the environment of one thread."""
    conf = config.load(path)
    (commit,) = git.list_commits("HEAD^!")
    env = next(e for e in config.list_environments(conf) if e.env_vars["LSEKERNELS_THREADS"] == "1")
    return conf, register_machine(machine), commit, env


def build(options: argparse.Namespace) -> tuple[Any, str, str, Any]:
    """Build the newest commit; return configuration, machine, commit and environment.

    Raises
    ------
    asv.util.UserError
        It can't be built.
    """
    conf, machine, commit, env = newest(options.config, options.machine)
    print(f"building {commit[:8]} ...", file=sys.stderr, flush=True)
    command = [*ASV, "run", "--config", options.config, "-E", env.name, "--machine", machine]
    command += ["--bench", "just-discover", f"{commit}^!"]
    if subprocess.run(command, stdout=subprocess.DEVNULL).returncode:
        raise util.UserError(f"commit {commit[:8]} could not be built: {' '.join(command)}")
    return conf, machine, commit, env


def unavailable(facts: Mapping[str, Any]) -> dict[str, str]:
    """Return backend -> why it can't be measured here, of what `env.facts` has said."""
    return {b["backend"]: b["unavailable"] for b in facts["backends"] if b["unavailable"]}


def lacking(facts: Mapping[str, Any]) -> dict[str, str]:
    """Return instruction set -> that this CPU has none; `simd` has said which is its best."""
    best = {b["backend"]: b.get("instruction_set") for b in facts["backends"]}.get("simd")
    known = list(table.SETS)
    missing = known[known.index(best) + 1 :] if best in known else known
    return {name: f"this CPU has no {table.SETS[name]}" for name in missing}


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


def measure(
    env: Any,
    group: Group,
    checks: Iterable[Check],
    absent: Mapping[str, str],
    kind: type[stored.Line],
    processes: int,
    scatter: float | None = None,
) -> Iterator[stored.Line]:
    """Yield a line of the table for each of `checks`."""
    names = [str(word) for _, *arguments in group.calls.values() for word in arguments]
    missing = {name: absent[name] for name in names if name in absent}
    asked: dict[str, list[Any]] = dict(group.calls)
    why, runs = "", []
    if group.needs:
        asked = {"use": ["use", group.needs], **asked}
    if group.needs in absent:
        why = f"not measured here: {absent[group.needs]}"
    elif missing:
        reasons = "; ".join(f"{backend}: {reason}" for backend, reason in missing.items())
        why = f"not measured here: {reasons}"
    else:
        environ = {"LSEKERNELS_THREADS": group.threads, **table.HELD.get(group.needs, {})}
        try:
            for _ in range(1 if group.exact else processes):
                runs.append(ask(env, asked, environ))
        except util.ProcessError as error:
            why = f"failed: {(error.stderr or error.stdout).strip().splitlines()[-1]}"
    for check in checks:
        line = kind(what=check.what, target=check.target, verdict=why, **check.about())
        if not why:
            judged = check.judge(runs, group.exact, scatter)
            line = replace(
                line,
                measured=_short(judged.value),
                low=None if judged.low is None else _short(judged.low),
                high=None if judged.high is None else _short(judged.high),
                verdict=judged.verdict,
                times={n: _short(statistics.median(run[n] for run in runs)) for n in group.calls},
            )
        yield line


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def _store(
    kind: type[stored.Line],
    folder: Path,
    commit: str,
    context: dict[str, Any],
    lines: Iterable[stored.Line],
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
    print(f"stored in {kind.replace(folder, [facts, *lines])}")
