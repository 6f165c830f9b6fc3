"""``python -m lsebench run``: run a profile through asv, stored as it goes.

``asv run`` stores nothing until all of a round has ended, discovers the suites anew in every call,
and prints a table of everything there is. So asv's own functions are called here: its discovery
once, its runner for one backend of one benchmark at a time, and its store after each. Combinations
that are measured already are left out.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, product
from pathlib import Path
from typing import Any

from asv import runner, util
from asv.benchmarks import Benchmarks
from asv.machine import Machine
from asv.repo import get_repo
from asv.results import Results

from lsebench import git
from lsebench.cli import FAILED, INTERRUPTED, NOTHING, Parser, register_machine, regular_expression
from lsebench.environments import config
from lsebench.environments.combinations import HUGE, THREADS, backend_of, python_path
from lsebench.environments.pinned import PACKAGE, TIER, tiers
from lsebench.records import asv_files
from lsebench.records.context import record
from lsebench.signals import end, heeded, ignore_signals, later
from lsekernels import registry

from .profiles import PROFILES
from .progress import Progress, minutes

Key = tuple[str, tuple[str, ...]]
"""A benchmark's name and one combination of its parameters, as asv writes them."""
ASV = [sys.executable, "-m", "asv"]
SITE = [sys.executable, "-m", "lsebench", "publish"]


def main(arguments: Sequence[str]) -> int:
    """Run the profile named in `arguments`; return the exit code."""
    options = _parser().parse_args(arguments)
    run = None
    with heeded() as interrupted:
        try:
            run = Run(options, interrupted)
            return run.all()
        except (util.UserError, KeyboardInterrupt) as error:
            if isinstance(error, util.UserError) and not interrupted:
                raise
        print(
            "\nInterrupted. What was measured is stored; the same command goes on from here.",
            file=sys.stderr,
        )
        if run:
            run.leave()
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    profiles = "\n".join(f"  {name:10} {profile.help}" for name, profile in PROFILES.items())
    parser = Parser(
        prog="python -m lsebench run",
        description="Measure commits with asv. Interrupt it when you like: what was measured "
        "is stored, and the same command goes on.",
        epilog=f"profiles:\n{profiles}\n\nexample:\n  python -m lsebench run quick --bench "
        "\"warm.*'(numba|scipy)'\" --commits HEAD~3..HEAD\n\n"
        "exit codes: 0 all measured, 2 a benchmark or a build failed (the rest is measured), "
        "3 the time was up before all was measured, 4 error of use, 130 interrupted",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("profile", nargs="?", default="quick", choices=PROFILES)
    parser.add_argument(
        "--tier",
        choices=("core", "all"),
        help="which tools are installed and measured: core has NumPy, SciPy and the compilers, "
        f"all has PyTorch, JAX and the rest, too (default: ${TIER}, or core)",
    )
    parser.add_argument(
        "--commits",
        metavar="RANGE",
        default="HEAD^!",
        help="a git range, oldest measured first (default: the newest commit)",
    )
    parser.add_argument(
        "--again", action="store_true", help="measure also what is measured already"
    )
    parser.add_argument(
        "--bench", metavar="REGEX", help="only combinations of the profile that match"
    )
    parser.add_argument(
        "--hours", type=float, default=math.inf, help="after so many, nothing more is begun"
    )
    parser.add_argument(
        "--site",
        action="store_true",
        help="make the site after each part, and when it is interrupted",
    )
    parser.add_place()
    return parser


@dataclass(frozen=True)
class Part:
    """What is measured before the site is made again."""

    env: Any
    results: Results
    keys: list[Key]


class Run:
    """All that one command measures."""

    def __init__(self, options: argparse.Namespace, interrupted: list[int]) -> None:
        self.options, self.interrupted = options, interrupted
        if options.tier:
            os.environ[TIER] = options.tier
        if options.profile in ("huge", "gpu"):
            os.environ[HUGE] = "1"
        regular_expression(options.bench or "")
        path = Path(options.config).resolve()
        os.chdir(path.parent)
        options.config = path.name
        self.conf = config.load(path.name)
        self.profile = PROFILES[options.profile]
        self.machine = register_machine(options.machine)
        self.commits = git.list_commits(options.commits)
        self.environments = [
            (env, selection)
            for env in config.list_environments(self.conf)
            if (selection := self.profile.many if threads_of(env) != "1" else self.profile.one)
        ]
        tools = getattr(self.conf, "tools", {})  # elsewhere what is installed is measured
        self.outside = {
            name: tier
            for name in registry.names()
            if (tier := registry.declaration(name).tier) in tools and tier not in (*tiers(), "gpu")
        }
        # From the working tree, as everything that measures: no environment is needed to know.
        self.listed = discover(self.conf)
        if not any(any(self._select(selection)) for _, selection in self.environments):
            raise util.UserError(
                f"nothing in profile {options.profile} matches {options.bench!r}"
                f" (a name is written as in {asv_files.benchmarks(Path(self.conf.results_dir))}: "
                "\"warm.Logsumexp.track_time('numpy', 'float64', 1000)\")"
            )
        self.repo = get_repo(self.conf)
        self.progress = Progress(3600 * options.hours)
        self.failed: dict[str, None] = {}
        self.cut = False
        """Whether the time was up before all was measured."""
        self.shown = ""
        """The address of the page, once there is one."""
        self.unseen = False
        """Whether something was measured that is not on the page yet."""

    def _select(self, selection: Iterable[str], absent: Iterable[str] = ()) -> list[list[Key]]:
        """Return what the profile means here, a list for each of its expressions."""
        return combinations(self.listed, selection, self.options.bench, {*self.outside, *absent})

    def all(self) -> int:
        """Measure every commit in every environment; return the exit code."""
        _warn_about_uncommitted(self.commits)
        print(
            f"profile {self.options.profile}: {self.profile.help}\n"
            f"machine {self.machine}, {len(self.commits)} commit(s), "
            f"{len(self.environments)} environment(s); the page: html/index.html"
        )
        with later():
            self.listed.save()  # for the environments, and whoever reads results
        for number, commit in enumerate(self.commits, 1):
            if len(self.commits) > 1:
                print(f"\n== commit {commit[:8]}, {number} of {len(self.commits)}")
            if self._time_is_up():
                break
            parts = [
                part
                for env, selection in self.environments
                for part in self._prepare(commit, env, selection)
            ]
            self.progress.plan(sum(len(part.keys) for part in parts))
            for part in parts:
                self._measure(part)
                self._publish()
        self.progress.end()
        print(f"\n{self.progress.done} combination(s) measured in {minutes(self.progress.spent)}")
        if self.failed:
            print(f"failed, see above: {', '.join(self.failed)}", file=sys.stderr)
        if self.cut:
            print(f"the {self.options.hours:g} hours are up: the same command goes on from here")
        if self.options.site and not self.shown:
            self._publish(again=True)
        elif self.shown:
            print(self.shown)
        return FAILED if self.failed else NOTHING if self.cut else 0

    def _time_is_up(self) -> bool:
        """Return whether nothing more may begin, and note that something is left out."""
        self.cut = self.cut or self.progress.time_is_up
        return self.progress.time_is_up

    # -- before it ---------------------------------------------------------------------------------

    def _prepare(self, commit: str, env: Any, selection: tuple[str, ...]) -> list[Part]:
        """Make the environment, build the commit, and return what is to be measured in it."""
        try:
            env.create()
            if env.installed_commit_hash != commit:
                print(f"  building {commit[:8]} (a minute; less after another commit)", flush=True)
            env.install_project(self.conf, self.repo, commit)
            context = record(self.conf, env, self.machine, commit)
        except (util.ProcessError, util.UserError) as error:
            if self.interrupted:
                raise
            said = str(error)
            if isinstance(error, util.ProcessError):
                said = error.stderr or error.stdout
            lines = [line for line in said.splitlines() if line.strip()]
            print("\n".join(["", *lines[-15:]]), file=sys.stderr)
            self.failed[f"commit {commit[:8]} in {env.name} (not built)"] = None
            return []
        absent = {b["backend"]: b["unavailable"] for b in context["backends"] if b["unavailable"]}
        self._say_what_is_skipped(absent, env)
        available = {b["device"] for b in context["backends"] if not b["unavailable"]}
        if (needed := self.profile.device) != "cpu" and needed not in available:
            raise util.UserError(f"no {needed.upper()} backend can run here: nothing is measured")
        results = self._results(commit, env)
        known = set() if self.options.again else measured(results, self.listed)
        parts = [
            Part(env, results, keys)
            for group in self._select(selection, absent)
            if (keys := [key for key in group if key not in known])
        ]
        if not parts:
            print(f"  {commit[:8]} in {env.name}: nothing is missing (--again measures again)")
        return parts

    def _results(self, commit: str, env: Any) -> Results:
        """Return what is stored of a commit in an environment, as ``asv run`` has it."""
        machine = Machine.load(machine_name=self.machine, interactive=False)
        machine.save(self.conf.results_dir)
        params = {**machine.__dict__, "python": env.python, **env.requirements}
        results = Results(
            params,
            env.requirements,
            commit,
            self.repo.get_date(commit),
            env.python,
            env.name,
            env.env_vars,
        )
        results.load_data(self.conf.results_dir)
        return results

    def _say_what_is_skipped(self, absent: dict[str, str], env: Any) -> None:
        """Say in one line which backends are not measured, grouped by reason."""
        groups = defaultdict(list)
        for name in registry.names():
            if tier := self.outside.get(name):
                groups[f"tier {tier}, see make bench-{tier}"].append(name)
            elif name in absent and registry.declaration(name).tier == "gpu":
                groups["no GPU, see make bench-gpu"].append(name)
            elif name in absent:
                groups[absent[name]].append(name)
        if groups and env is self.environments[0][0]:
            said = (f"{', '.join(names)} ({reason})" for reason, names in groups.items())
            print(f"  not measured: {'; '.join(said)}")

    # -- the work ----------------------------------------------------------------------------------

    def _measure(self, part: Part) -> None:
        """Measure one part, and store it after each backend."""
        env = part.env
        threads = {"1": "1 thread"}.get(threads_of(env), f"{threads_of(env)} threads")
        for (name, backend), group in groupby(part.keys, lambda key: (key[0], backend_of(key[1]))):
            if self.interrupted:
                raise KeyboardInterrupt
            if self._time_is_up():
                return
            keys = list(group)
            self.progress.begin(name, backend, threads)
            chosen = Benchmarks(self.conf, [self.listed[name]], expression(keys))
            runner.run_benchmarks(
                chosen, env, results=part.results, launch_method=self.conf.launch_method or "spawn"
            )
            env.rest()
            with later():
                part.results.save(self.conf.results_dir)
            self.unseen = True
            if part.results.errcode.get(name):
                self.failed[name] = None
                self.progress.interject(f"{name} failed:\n{part.results.stderr.get(name, '')}")
            self.progress.count(len(keys))
        self.progress.end()

    def _publish(self, again: bool = False) -> None:
        """Make the site, if there is something new for it; say where, the first time."""
        if not self.options.site or not (self.unseen or again):
            return
        self.progress.begin("the page", "", "")
        # In a session of its own: Ctrl-C ends it from here alone.
        with subprocess.Popen(
            [*SITE, "--config", self.options.config],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as site:
            try:
                said, _ = site.communicate()
            except KeyboardInterrupt:
                end(site)
                raise
        self.unseen = False
        if site.returncode:
            self.failed["the site"] = None
            self.progress.interject(said)
        elif not self.shown:
            self.shown = said.rstrip().rpartition("\n")[2]
            self.progress.interject(f"{self.shown}\nIt grows: load it again when you like.")

    def leave(self) -> None:
        """Make a page of what there is when the run was interrupted; nothing more interrupts."""
        ignore_signals()
        for env, _ in self.environments:
            env.rest()
        self._publish()
        self.progress.end()
        if self.shown and "the site" not in self.failed:
            print(f"The page shows what there is. {self.shown}", file=sys.stderr)


def threads_of(env: Any) -> str:
    """Return the setting of the threads of an environment: a number, or ``all``."""
    return str(env.env_vars.get(THREADS, "1"))


def discover(conf: Any) -> Benchmarks:
    """Return all benchmarks, listed by asv's own script in this Python.

    Raises
    ------
    asv.util.UserError
        A suite cannot be imported.
    """
    root = os.path.abspath(conf.benchmark_dir)
    with tempfile.TemporaryDirectory() as folder:
        file = asv_files.benchmarks(Path(folder))
        command = [sys.executable, runner.BENCHMARK_RUN_SCRIPT, "discover", root, str(file)]
        environ = {k: v for k, v in os.environ.items() if k != THREADS} | python_path(os.getcwd())
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environ)
        if done.returncode:
            raise util.UserError(f"the suites cannot be imported:\n{done.stderr.strip()}")
        return Benchmarks(conf, json.loads(file.read_text()))


def measured(results: Results, listed: Benchmarks) -> set[Key]:
    """Return the (benchmark, parameters) that have a value."""
    found = set()
    for name in results.get_result_keys(listed):
        params = listed[name]["params"]
        values = results.get_result_value(name, params)
        for key, value in zip(product(*params), values, strict=True):
            if value is not None and not math.isnan(value):
                found.add((name, key))
    return found


def combinations(
    listed: Benchmarks, selection: Iterable[str], only: str | None, absent: set[str]
) -> list[list[Key]]:
    """Return the (benchmark, parameters) that a profile selects, a list for each expression.

    `only` is one more expression that must match; backends in `absent` are left out. None is in
    two lists.
    """
    texts = {
        (name, key): f"{name}({', '.join(key)})" if key else name
        for name, benchmark in sorted(listed.items())
        for key in product(*benchmark["params"])
        if not absent.intersection(value.strip("'").partition(":")[0] for value in key)
    }
    groups = []
    for regex in selection:
        chosen = [key for key, text in texts.items() if re.search(regex, text)]
        groups.append([key for key in chosen if re.search(only or "", texts[key])])
        for key in chosen:
            del texts[key]
    return groups


def expression(keys: list[Key]) -> str:
    """Return the regular expression by which asv selects exactly `keys`, all of one benchmark."""
    name, first = keys[0]
    if not first:
        return f"^{re.escape(name)}$"
    either = "|".join(re.escape(", ".join(key)) for _, key in keys)
    return rf"^{re.escape(name)}\(({either})\)$"


def _warn_about_uncommitted(commits: list[str]) -> None:
    if git.git("status", "--porcelain", "--", *PACKAGE):
        print(f"note: uncommitted changes are not measured; asv builds {commits[-1][:8]}")
