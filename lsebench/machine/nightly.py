"""``python -m lsebench nightly``: all that a dedicated machine does in a night, one run at a time.

New commits are measured, and what is missing of the last one; then steps in the history are looked
for and confirmed, the site is made, and the results are stored on a branch of their own. A stage
that fails ends no other. How far it is, is written down all the time: its heartbeat.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from asv.util import UserError

from lsebench.cli import FAILED, INTERRUPTED, NOTHING, Parser, machine_name, now
from lsebench.environments import config, disk
from lsebench.environments.pinned import PACKAGE
from lsebench.git import git
from lsebench.records import asv_files, stored
from lsebench.signals import end, ignore_signals

RUNS = ("full:asv.conf.json", "libraries:asv.libraries.json")
MEASURING = 0.75
"""Of the time; the rest is for what the history has to confirm."""
KEPT = 50
"""Nights that the heartbeat tells of."""
PYTHON = [sys.executable, "-u", "-m"]


@dataclass(frozen=True)
class Commands:
    """The commands of the stages, each an argument list; a test puts its own in their place."""

    install: Sequence[str] = ("make", "--no-print-directory", ".venv/bench")
    check: Sequence[str] = (*PYTHON, "lsebench", "machine")
    measure: Sequence[str] = (*PYTHON, "lsebench", "run")
    confirm: Sequence[str] = (*PYTHON, "lsebench", "history", "--confirm")
    publish: Sequence[str] = (*PYTHON, "lsebench", "publish")
    store: Sequence[str] = (*PYTHON, "lsebench", "store")


def main(arguments: Sequence[str], commands: Commands | None = None) -> int:
    """Do a night's work; return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        file = config.enter(options.config)
        name = machine_name(options.machine)
        results = Path(config.load(file).results_dir)
        with lock(options.lock):
            heartbeat = Heartbeat(results / name)
            return Night(options, commands or Commands(), name, results, heartbeat).run()
    except Held as error:
        print(f"another run is going on: {error}", file=sys.stderr)
        return NOTHING
    except OSError as error:
        raise UserError(str(error)) from None


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m lsebench nightly",
        description="Measure what is new and what is missing, confirm steps in the history, make "
        "the site, store the results. End it when you like: the next night goes on.",
        epilog="exit codes: 0 done, or the time was up, 2 something failed (the rest is done), "
        "3 another run is going on, 4 error of use, 130 interrupted or terminated",
    )
    parser.add_argument(
        "runs",
        nargs="*",
        default=RUNS,
        metavar="PROFILE:CONFIG",
        help="what is measured: the first of all new commits, the others of the newest commit "
        f"(default: {' '.join(RUNS)})",
    )
    parser.add_argument(
        "--commits", type=int, default=5, metavar="N", help="new ones at most (default: 5)"
    )
    parser.add_argument(
        "--hours", type=float, default=8.0, help="to measure and confirm (default: 8)"
    )
    parser.add_argument(
        "--fetch", action="store_true", help="git fetch, and go to the newest commit, first"
    )
    parser.add_argument("--store", action="store_true", help="commit results on branch 'results'")
    parser.add_argument("--push", metavar="REMOTE", help="--store, and push that branch")
    parser.add_place()
    parser.add_argument(
        "--lock",
        type=Path,
        default=Path(".asv/nightly.lock"),
        metavar="FILE",
        help="held while it runs, so that nothing else measures (default: %(default)s)",
    )
    parser.add_argument(
        "--builds-gb", type=float, default=5.0, metavar="GB", help="kept of builds (default: 5)"
    )
    parser.add_argument(
        "--free-gb",
        type=float,
        default=10.0,
        metavar="GB",
        help="that must be free on the disk, or nothing is measured (default: 10)",
    )
    return parser


class Held(Exception):
    """The lock is held; says by whom."""


@contextmanager
def lock(file: Path) -> Iterator[None]:
    """Hold `file` against every other run; the kernel lets go of it however this one ends."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.seek(0)
            raise Held(stream.read().strip() or f"it holds {file} and gives no name") from None
        stream.truncate(0)
        stream.write(f"process {os.getpid()} since {now()} ({' '.join(sys.argv)})\n")
        stream.flush()
        try:
            yield
        finally:
            stream.truncate(0)


class Heartbeat:
    """One record a night, in the machine's folder, written again at every stage."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.start = folder, time.monotonic()
        self.night = stored.Night(
            started=now(), updated="", process=os.getpid(), stage="start", outcome=None, failed=[]
        )
        self.before = stored.Night.read(folder)[-(KEPT - 1) :]

    def beat(self, stage: str, **more: Any) -> None:
        """Write down that `stage` begins."""
        seconds = round(time.monotonic() - self.start)
        self.night = replace(self.night, updated=now(), stage=stage, seconds=seconds, **more)
        stored.Night.replace(self.folder, [*self.before, self.night])


@dataclass
class Night:
    """The stages, and what came of them."""

    options: argparse.Namespace
    commands: Commands
    machine: str
    results: Path
    heartbeat: Heartbeat
    failed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    start: float = field(default_factory=time.monotonic)

    def run(self) -> int:
        """Do all stages in turn; return the exit code."""
        stages: list[tuple[str, Callable[[], object]]] = [
            ("clean", self.clean),
            ("check", self.check),
            ("measure", self.measure),
            ("confirm", self.confirm),
            ("publish", self.publish),
        ]
        if self.options.fetch:
            stages.insert(0, ("fetch", self.fetch))
        try:
            for name, stage in stages:
                self._begin(name)
                try:
                    stage()
                except (UserError, OSError) as error:
                    self._failed(name, str(error))
            self._end("failed in part" if self.failed else "done")
            if self.options.store or self.options.push:
                self.store()
        except KeyboardInterrupt:
            ignore_signals()
            self._end("interrupted")
            print("\nEnded before its time. What was measured is stored.", file=sys.stderr)
            return INTERRUPTED
        return FAILED if self.failed else 0

    # -- stages ------------------------------------------------------------------------------------

    def fetch(self) -> None:
        """Go to the newest commit of the branch that this one follows."""
        git("fetch", "--quiet")
        with self._results_aside():
            git("merge", "--quiet", "--ff-only", "@{upstream}")
        if code := self._call(self.commands.install):  # pins may have changed
            self._failed("fetch", f"what the commands need: exit code {code}")

    def clean(self) -> None:
        """Remove environments that no configuration names, and the oldest builds."""
        for sentence in disk.clean(_configs(), self.options.builds_gb * 1e9):
            self._say(sentence)

    def check(self) -> None:
        """Look how the machine is tuned; a bad answer is noted and shown by the site."""
        code = self._call([*self.commands.check, *self._named()])
        if code == 1:
            self.notes.append("the machine is not tuned")
        elif code:
            self._failed("check", f"exit code {code}")

    def measure(self) -> None:
        """Measure the last commit's missing combinations, then the new commits, oldest first."""
        commits = self.commits()
        first, *others = [run.partition(":")[::2] for run in self.options.runs]
        plan = [(first, commit) for commit in commits] + [(run, commits[-1]) for run in others]
        self._say(f"{len(plan)} run(s), of commit(s) {', '.join(c[:8] for c in commits)}")
        for number, ((profile, file), commit) in enumerate(plan, 1):
            hours = MEASURING * self.options.hours - self._hours()
            if hours <= 0:
                left = len(plan) - number + 1
                self._note(f"the time was up, {left} run(s) left")
                return
            self._need_space()
            self._begin(f"measure {number} of {len(plan)}: {profile} of {commit[:8]}")
            command = [*self.commands.measure, profile, "--commits", f"{commit}^!"]
            command += ["--config", file or "asv.conf.json", "--hours", f"{hours:.4f}"]
            code = self._call([*command, *self._named()])
            if code == 3:
                self._note("the time was up, this run and what follows are left")
                return
            if code:  # it does not build, or a benchmark failed: the others can still be measured
                self._failed(f"{profile} of {commit[:8]}", f"exit code {code}")

    def confirm(self) -> None:
        """Measure again what looks like a step in the history, as long as there is time."""
        left = 3600 * (self.options.hours - self._hours())
        if left <= 0:
            self._note("the time was up, no step was confirmed")
            return
        code = self._call([*self.commands.confirm, *self._named()], left)
        if code is None:
            self._note("the time was up, not all steps were confirmed")
        elif code == 1:
            self._note("slower than before: see the incidents")
        elif code not in (0, 3):  # 3: there is no history yet
            self._failed("confirm", f"exit code {code}")

    def publish(self) -> None:
        """Make the site."""
        if code := self._call(self.commands.publish):
            self._failed("publish", f"exit code {code}")

    def store(self) -> None:
        """Commit the results, and the heartbeat with them, which is why it has ended before."""
        print("\n== store", flush=True)
        push = ["--push", self.options.push] if self.options.push else []
        if code := self._call([*self.commands.store, *push, *self._named()]):
            self._failed("store", f"exit code {code}")
            self._end("failed in part")

    @contextmanager
    def _results_aside(self) -> Iterator[None]:
        """Keep what this machine writes out of git's way, whether or not it is committed, too."""
        own, listed = asv_files.written_by(self.results, self.machine)
        aside = Path(".asv/aside") / self.machine
        if aside.exists():  # a night was killed here
            shutil.copytree(aside, own, dirs_exist_ok=True)
            shutil.rmtree(aside)
        aside.parent.mkdir(parents=True, exist_ok=True)
        own.rename(aside)  # the heartbeat is there, if nothing else
        try:
            # asv writes the list of benchmarks anew in each run.
            for path in map(str, (own, listed)):
                if git("ls-files", "--", path):
                    git("checkout", "--quiet", "--", path)
            yield
        finally:
            shutil.copytree(aside, own, dirs_exist_ok=True)  # newer than what is committed
            shutil.rmtree(aside)

    # -- what they share ---------------------------------------------------------------------------

    def commits(self) -> list[str]:
        """Return the last commit that this machine has measured, and the new ones, oldest first."""
        history = git("rev-list", "--first-parent", "--reverse", "HEAD").split()
        known = asv_files.measured(self.results / self.machine)
        places = [place for place, commit in enumerate(history) if commit[:8] in known]
        last = places[-1] if places else -1
        matter = set(git("rev-list", "--first-parent", "HEAD", "--", *PACKAGE).split())
        new = [commit for commit in history[last + 1 :] if commit in matter]
        chosen = history[last : last + 1] * bool(places) + new[-self.options.commits :]
        if len(new) > self.options.commits:
            self._note(f"{len(new) - self.options.commits} older new commit(s) left out")
        if not chosen:
            raise UserError(f"no commit here changes any of {', '.join(PACKAGE)}")
        return chosen

    def _named(self) -> list[str]:
        return ["--machine", self.options.machine] if self.options.machine else []

    def _hours(self) -> float:
        return (time.monotonic() - self.start) / 3600

    def _need_space(self) -> None:
        free = shutil.disk_usage(".").free / 1e9
        if free < self.options.free_gb:
            wanted = f"{self.options.free_gb:g} GB must be (--free-gb)"
            raise UserError(f"only {free:.1f} GB are free on the disk, {wanted}")

    def _call(self, command: Sequence[str], seconds: float | None = None) -> int | None:
        """Run a command; return its exit code, or None where it was ended after `seconds`.

        It has a session of its own, so that Ctrl-C and systemd reach it from here alone: once.
        """
        with subprocess.Popen(command, start_new_session=True) as process:
            try:
                return process.wait(seconds)
            except subprocess.TimeoutExpired:
                end(process)
                return None
            except BaseException:
                end(process)
                raise

    def _say(self, text: str) -> None:
        print(text, flush=True)

    def _begin(self, stage: str) -> None:
        print(f"\n== {stage} ({60 * self._hours():.1f} min so far)", flush=True)
        self.heartbeat.beat(stage, failed=self.failed, notes=self.notes)

    def _note(self, text: str) -> None:
        self._say(f"note: {text}")
        self.notes.append(text)

    def _failed(self, stage: str, why: str) -> None:
        print(f"failed: {stage}: {why}", file=sys.stderr, flush=True)
        self.failed.append(f"{stage}: {why}")

    def _end(self, outcome: str) -> None:
        self.heartbeat.beat("end", outcome=outcome, failed=self.failed, notes=self.notes)
        said = "; ".join([*self.failed, *self.notes])
        print(
            f"\n{outcome} in {60 * self._hours():.1f} min" + (f": {said}" if said else ""),
            flush=True,
        )


def _configs() -> list[Path]:
    return sorted(path.resolve() for path in Path().glob("asv*.json"))
