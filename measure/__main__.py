"""``python -m measure``: run a profile through asv, in parts that are stored one by one.

asv stores nothing when a run is interrupted, and its skip flags look at whole benchmarks. So a
profile is cut into parts of at most 60 parameter combinations, each an ``asv run`` of its own
that is shown before it runs, and combinations already measured are left out.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import islice, product
from pathlib import Path
from typing import Any

from asv import environment, util
from asv.benchmarks import Benchmarks
from asv.config import Config
from asv.machine import Machine, MachineCollection
from asv.plugin_manager import plugin_manager
from asv.results import Results, get_filename

from .context import record
from .environment import DOTS_TO
from .profiles import PROFILES, Profile

PART = 60
Key = tuple[str, tuple[str, ...]]
"""A benchmark's name and one combination of its parameters, as asv writes them."""
NOISE = re.compile(
    r" n/a\s*$"  # asv lists every combination there is, asked for or not
    r"|^· (Creating environments|Discovering benchmarks|Running \d+ total)"
    r"|For lsekernels commit|·· Benchmarking|··· Running \(|^\s*$"
)
"""Lines of asv that say nothing new in each of many parts."""
ASV = [sys.executable, "-m", "asv"]


def main() -> int:
    """Run the profile named on the command line; return the exit code."""
    options = _parser().parse_args()
    heed_signals()
    try:
        return run(options)
    except util.UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            "\nInterrupted. What was measured is stored; the same command goes on from here.",
            file=sys.stderr,
        )
        return 130


def heed_signals() -> None:
    """Let `kill` and systemd interrupt as Ctrl-C does; what runs in the background ignores that."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, interrupt)


def _parser() -> argparse.ArgumentParser:
    profiles = "\n".join(f"  {name:10} {profile.help}" for name, profile in PROFILES.items())
    parser = argparse.ArgumentParser(
        prog="python -m measure",
        description="Measure commits with asv. Interrupt it when you like: what was measured "
        "is stored, and the same command goes on.",
        epilog=f"profiles:\n{profiles}\n\nexit codes: 0 all measured, 1 error of use, "
        "2 a benchmark or a build failed (the rest is measured), 3 the time was up before all was "
        "measured, 130 interrupted",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("profile", nargs="?", default="quick", choices=PROFILES)
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
        "--hours", type=float, default=math.inf, help="after so many, no further part is begun"
    )
    parser.add_argument("--config", default="asv.conf.json", help="default: %(default)s")
    parser.add_argument("--machine", help="name of this machine in the results")
    return parser


def run(options: argparse.Namespace) -> int:
    """Measure every commit in every environment; return the exit code."""
    os.chdir(Path(options.config).resolve().parent)
    conf = load_config(options.config)
    machine = register_machine(options.machine)
    profile = PROFILES[options.profile]
    commits = list_commits(options.commits)
    _warn_about_uncommitted(commits)
    environments = [
        (env, selection)
        for env in list_environments(conf)
        if (selection := _selection(profile, env))
    ]
    print(
        f"profile {options.profile}: {profile.help}\n"
        f"machine {machine}, {len(commits)} commit(s), {len(environments)} environment(s)"
    )
    start, done, failed, cut = time.monotonic(), 0, set(), False
    end = start + 3600 * options.hours
    for commit, (env, selection) in product(commits, environments):
        if cut := time.monotonic() >= end:
            break
        # Makes the environment, builds the commit, and lists what can be measured.
        code = _asv(options, env, commit, "just-discover")
        # asv lists the suites with another commit where this one cannot be built.
        if code or env.installed_commit_hash != commit:
            failed.add(f"commit {commit[:8]} in {env.name} (not built)")
            continue
        parts = list(_parts(_wanted(options, conf, selection, machine, commit, env)))
        for number, (name, keys) in enumerate(parts, 1):
            if cut := time.monotonic() >= end:
                break
            print(
                f"\n== part {number} of {len(parts)} ({_minutes(start)} so far): "
                f"{len(keys)} combination(s) of {name}, threads: {_threads(env)}",
                flush=True,
            )
            code = _asv(options, env, commit, _regex(keys))
            done += len(keys)
            if code == 2:
                failed.add(name)
            elif code:
                raise util.UserError(f"asv run ended with exit code {code}")
        if parts:  # again: the clocks of a GPU at work are not those of an idle one
            record(conf, env, machine, commit)
    print(f"\n{done} combination(s) measured in {_minutes(start)}")
    if failed:
        print(f"failed, see above: {', '.join(sorted(failed))}", file=sys.stderr)
    if cut:
        print(f"the {options.hours:g} hours are up: the same command goes on from here")
    return 2 if failed else 3 if cut else 0


def _wanted(
    options: argparse.Namespace,
    conf: Any,
    selection: tuple[str, ...],
    machine: str,
    commit: str,
    env: Any,
) -> list[Key]:
    """Record what `env` has, say what cannot run in it, and return what is to be measured."""
    context = record(conf, env, machine, commit)
    absent = {b["backend"]: b["unavailable"] for b in context["backends"] if b["unavailable"]}
    for name, reason in absent.items():
        print(f"  not measured: {name}: {reason}")
    devices = {b["device"] for b in context["backends"] if not b["unavailable"]}
    if (needed := PROFILES[options.profile].device) != "cpu" and needed not in devices:
        raise util.UserError(f"no {needed.upper()} backend can run here: nothing is measured")
    wanted = combinations(conf, selection, options.bench, set(absent))
    if not options.again:
        known = measured(conf, machine, commit, env)
        wanted = [key for key in wanted if key not in known]
    if not wanted:
        print(f"  {commit[:8]} in {env.name}: nothing is missing (--again measures again)")
    return wanted


def _minutes(start: float) -> str:
    return f"{(time.monotonic() - start) / 60:.1f} min"


def _threads(env: Any) -> str:
    return str(env.env_vars.get("LSEKERNELS_THREADS", "1"))


def load_config(path: str) -> Any:
    """Return asv's configuration, with its plugins imported."""
    conf = Config.load(path)
    for plugin in conf.plugins:
        plugin_manager.import_plugin(plugin)
    return conf


def register_machine(name: str | None) -> str:
    """Return this machine's name in the results; asv's file of machines is made without asking."""
    wanted = name or Machine.get_unique_machine_name()
    try:
        return str(MachineCollection.load(wanted)["machine"])
    except util.UserError:
        MachineCollection.save(wanted, {**Machine.get_defaults(), "machine": wanted, "version": 1})
        return wanted


def list_environments(conf: Any) -> list[Any]:
    """Return the environments of the configuration for the Python that runs now, and for PyPy."""
    python = "{}.{}".format(*sys.version_info)
    found = [
        e
        for e in environment.get_environments(conf, None, verbose=False)
        if e.python == python or e.python.startswith("pypy")
    ]
    if not found:
        wanted = ", ".join(conf.pythons)
        hint = " (Debian: apt install pypy3 pypy3-venv)" if "pypy3" in conf.pythons else ""
        raise util.UserError(f"no environment can be made: Python {wanted} is not here{hint}")
    return found


def list_commits(spec: str) -> list[str]:
    """Return the commits of a git range, oldest first."""
    command = ["git", "rev-list", "--reverse", "--first-parent", *shlex.split(spec), "--"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise util.UserError(f"git knows no range {spec!r}: {done.stderr.strip()}")
    if not done.stdout.split():
        raise util.UserError(f"no commit is in the range {spec!r}")
    return done.stdout.split()


def measured(conf: Any, machine: str, commit: str, env: Any) -> set[Key]:
    """Return the (benchmark, parameters) that have a value for `commit` in `env`."""
    path = Path(conf.results_dir, get_filename(machine, commit, env.name))
    if not path.exists():
        return set()
    results, benchmarks = Results.load(str(path)), Benchmarks.load(conf)
    found = set()
    for name in results.get_result_keys(benchmarks):
        params = benchmarks[name]["params"]
        values = results.get_result_value(name, params)
        for key, value in zip(product(*params), values, strict=True):
            if value is not None and not math.isnan(value):
                found.add((name, key))
    return found


def _selection(profile: Profile, env: Any) -> tuple[str, ...]:
    return profile.one if _threads(env) == "1" else profile.many


def combinations(
    conf: Any, selection: tuple[str, ...], only: str | None, absent: set[str]
) -> list[Key]:
    """Return the (benchmark, parameters) that a profile selects, in the order of its expressions.

    `only` is one more expression that must match; backends in `absent` are left out.
    """
    found: dict[Key, None] = {}
    for regex in selection:
        selected = Benchmarks.load(conf, regex)
        for name, benchmark in selected.items():
            keys = list(product(*benchmark["params"]))
            for index in selected.benchmark_selection[name] or range(len(keys)):
                text = f"{name}({', '.join(keys[index])})"
                missing = absent.intersection(v.strip("'").partition(":")[0] for v in keys[index])
                if not missing and re.search(only or "", text):
                    found[name, keys[index]] = None
    return list(found)


def _parts(wanted: list[Key]) -> Iterator[tuple[str, list[Key]]]:
    for name in dict.fromkeys(name for name, _ in wanted):
        keys = iter([key for key in wanted if key[0] == name])
        while part := list(islice(keys, PART)):
            yield name, part


def _regex(keys: list[Key]) -> str:
    name, first = keys[0]
    if not first:
        return f"^{re.escape(name)}$"
    # A dot for each quote: the command is shown, and would be hard to read.
    either = "|".join(re.escape(", ".join(key)).replace("'", ".") for _, key in keys)
    return rf"^{re.escape(name)}\(({either})\)$"


def _asv(options: argparse.Namespace, env: Any, commit: str, bench: str) -> int:
    command = [*ASV, "run", "--config", options.config, "-E", env.name, "--bench", bench]
    if options.machine:
        command += ["--machine", options.machine]
    command += ["--show-stderr", f"{commit}^!"]
    shown = shlex.join(["asv", *command[len(ASV) :]])
    print(f"$ {shown if len(shown) < 300 else shown[:280] + ' ...'}", flush=True)
    environ = dict(os.environ)
    if sys.stderr.isatty():
        environ[DOTS_TO] = os.ttyname(sys.stderr.fileno())
    # A session of its own: Ctrl-C reaches asv from here, and its traceback is not shown.
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environ,
        start_new_session=True,
    ) as asv:
        try:
            for line in asv.stdout or ():
                if not NOISE.search(line):
                    print(line, end="", flush=True)
        except BaseException:
            asv.send_signal(signal.SIGINT)  # asv then ends the benchmark's process
            asv.communicate()
            raise
    return asv.returncode


def _warn_about_uncommitted(commits: list[str]) -> None:
    command = ["git", "status", "--porcelain", "--", "lsekernels", "meson.build", "pyproject.toml"]
    if subprocess.run(command, capture_output=True, text=True).stdout.strip():
        print(f"note: uncommitted changes are not measured; asv builds {commits[-1][:8]}")


if __name__ == "__main__":
    sys.exit(main())
