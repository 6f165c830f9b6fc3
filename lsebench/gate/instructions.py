"""Instructions of a call, counted by valgrind: a second witness beside the time, never instead.

A count hardly depends on what else the machine does, but it is not time: it knows neither caches
nor how many instructions run at once, and valgrind shows the program a CPU of its own (without
AVX-512, for example), for which libraries may choose other code.

The command counted is a worker that takes the number of calls, which may begin with zeros, as its
last argument::

    python -m lsebench instructions python worker.py logsumexp numpy
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from lsebench.cli import NOTHING, Parser

TOOL = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
"""Of valgrind's tools that count instructions the fastest to start, and part of every install."""
TOTAL = re.compile(r"\bI +refs: +([\d,]+)")
UNKNOWN = re.compile(r"unhandled instruction bytes|Illegal opcode|Illegal instruction")
FIXED = {
    "PYTHONHASHSEED": "0",
    **dict.fromkeys(
        (
            "OMP_NUM_THREADS",
            "OPENBLAS_NUM_THREADS",
            "MKL_NUM_THREADS",
            "NUMBA_NUM_THREADS",
            "NUMEXPR_NUM_THREADS",
        ),
        "1",
    ),
}
"""What would differ from run to run: the order of sets, and threads that wait by spinning."""


class Unavailable(Exception):
    """Nothing can be counted; the message says why."""


class Count(NamedTuple):
    """Instructions of one call.

    Attributes
    ----------
    instructions : float
        Of one call, with its share of the worker's loop.
    uncertainty : float
        Half the width of the interval that all repeats lie in; at least the resolution.
    calls, repeats : int
        How it was counted.
    """

    instructions: float
    uncertainty: float
    calls: int
    repeats: int


def available() -> str | None:
    """Return why nothing can be counted here, or None where it can."""
    try:
        total(["true"], timeout=60)
    except Unavailable as error:
        return str(error)
    return None


def count(
    command: Sequence[str],
    calls: int = 1000,
    repeats: int = 3,
    environ: Mapping[str, str] | None = None,
    timeout: float = 600,
) -> Count:
    """Count the instructions of one call.

    The worker runs with `calls` and with twice as many calls; the difference has neither its start
    nor its set-up. One run before them, not counted, lets it fill caches of compiled code.

    Parameters
    ----------
    command : sequence of str
        The worker; the number of calls becomes its last argument.
    calls : int
        The more, the less the rest of the process matters, which varies by some thousands of
        instructions from run to run.
    repeats : int
        Pairs of runs, at least 2: the uncertainty comes from what differs between them.
    environ : mapping, optional
        Variables for the worker, beside those of this process and `FIXED`.
    timeout : float
        Seconds for one run.

    Raises
    ------
    Unavailable
        With the reason, where valgrind is missing, does not know an instruction, or is too slow,
        or where the worker fails.
    """
    if calls < 1 or repeats < 2:
        raise ValueError(f"calls must be positive and repeats at least 2, not {calls}, {repeats}")
    width = len(str(2 * calls))  # an argument of another length would move the stack
    once, twice = ([*command, f"{number:0{width}}"] for number in (calls, 2 * calls))
    total(once, environ, timeout)
    runs = [(total(once, environ, timeout), total(twice, environ, timeout)) for _ in range(repeats)]
    return difference(runs, calls)


def difference(runs: Sequence[tuple[int, int]], calls: int) -> Count:
    """Return the count from totals of runs with `calls` and with twice as many calls."""
    once, twice = zip(*runs, strict=True)
    spread = max(once) - min(once) + max(twice) - min(twice)
    middle = statistics.median(twice) - statistics.median(once)
    return Count(middle / calls, max(spread / 2, 1) / calls, calls, len(runs))


def total(
    command: Sequence[str], environ: Mapping[str, str] | None = None, timeout: float = 600
) -> int:
    """Return the instructions of a whole process, without those of its children."""
    if not shutil.which("valgrind"):
        raise Unavailable("valgrind is not installed (apt install valgrind)")
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            [*_same_addresses(), *TOOL, f"--log-file={folder}/%p", *command],
            env={**os.environ, **FIXED, **(environ or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        try:
            _, errors = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            raise Unavailable(f"not done under valgrind after {timeout:g} s") from None
        finally:
            process.kill()
        # A child that the worker forks has a log of its own.
        log = Path(folder, str(process.pid))
        said = log.read_text("utf-8", "replace") if log.exists() else ""
    if process.returncode == -signal.SIGILL or UNKNOWN.search(said):
        raise Unavailable(
            "valgrind does not know an instruction that this CPU has (SIGILL), as of AVX-512: to "
            "count, build both commits with -mno-avx512f beside -march=native in asv.conf.json"
        )
    found = TOTAL.search(said)
    if process.returncode or not found:
        last = (errors.strip() or said.strip() or "no message").splitlines()[-1]
        raise Unavailable(f"the worker ended with {process.returncode} under valgrind: {last}")
    return int(found[1].replace(",", ""))


def _same_addresses() -> list[str]:
    """Return the command that switches address randomization off, where that is allowed."""
    command = ["setarch", "-R"]
    allowed = (
        shutil.which(command[0])
        and not subprocess.run(
            [*command, "true"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ).returncode
    )
    return command if allowed else []


def main(arguments: Sequence[str]) -> int:
    """Count the worker on the command line; return the exit code."""
    parser = Parser(
        prog="python -m lsebench instructions",
        description="Count the instructions of one call with valgrind.",
        epilog="exit codes: 0 counted, 3 nothing can be counted, 4 error of use, 130 interrupted",
    )
    parser.add_argument("--calls", type=int, default=1000, help="default: %(default)s")
    parser.add_argument("--repeats", type=int, default=3, help="pairs of runs (%(default)s)")
    parser.add_argument("--timeout", type=float, default=600, help="seconds of one run")
    parser.add_argument(
        "command", nargs=argparse.REMAINDER, help="takes the number of calls as its last argument"
    )
    options = parser.parse_args(arguments)
    if not options.command or options.calls < 1 or options.repeats < 2:
        parser.error("a command, --calls of at least 1 and --repeats of at least 2 are needed")
    try:
        counted = count(options.command, options.calls, options.repeats, timeout=options.timeout)
    except Unavailable as error:
        print(f"nothing counted: {error}", file=sys.stderr)
        return NOTHING
    print(f"{counted.instructions:,.1f} ± {counted.uncertainty:,.1f} instructions a call")
    return 0
