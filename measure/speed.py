"""``python -m measure.speed``: the targets of the fastest kernels, measured and judged.

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
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asv import util

from .__main__ import ASV, list_commits, list_environments, load_config, register_machine
from .context import record

WORKER = Path(__file__).resolve().parent.parent / "benchmarks" / "_process.py"
Times = dict[str, float]
"""What was measured, by the name of the call; seconds, ulp or bytes."""
BEST, BEST_PARALLEL = "simd", "simd_openmp"


@dataclass(frozen=True)
class Check:
    """One line of the table."""

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
class Group:
    """Calls that are timed in turn in one process, and what is said of them."""

    calls: dict[str, list[Any]]
    """Name -> how the process makes the call; see benchmarks/_process.py."""
    checks: tuple[Check, ...]
    threads: str = "1"
    processes: int = 3


def _ratio(above: str, below: str) -> Callable[[Times], float]:
    return lambda times: times[above] / times[below]


def _beyond(call: str) -> Callable[[Times], float]:
    return lambda times: (times[call] - times["empty"]) * 1e9


def _call(backend: str, size: Any, dtype: str = "float64", kernel: str = "logsumexp") -> list[Any]:
    return ["backend", backend, kernel, dtype, size]


def groups() -> list[Group]:
    """Return all that is measured, in the order of the table."""
    found = []
    exp_limit = (
        "the exp-throughput limit of this CPU, the higher one here",
        _ratio(BEST, "exp"),
    )
    for dtype in ("float64", "float32"):
        for size, bound in ((10**6, 1.20), (10**7, 1.10), (10**8, 1.10)):
            found.append(
                Group(
                    {
                        BEST: _call(BEST, size, dtype),
                        "read": ["read", dtype, size],
                        "exp": ["exp", dtype, size],
                    },
                    (
                        Check(
                            f"{BEST}, {dtype}, {size:.0e} / reading once",
                            f"<= {bound:.2f}",
                            _ratio(BEST, "read"),
                            exp_limit,
                        ),
                    ),
                    processes=3 if size < 10**8 else 1,  # the reference takes long
                )
            )
        for size in (10**3, 10**4, 10**5):
            found.append(
                Group(
                    {BEST: _call(BEST, size, dtype), "exp": ["exp", dtype, size]},
                    (
                        Check(
                            f"{BEST}, {dtype}, {size:.0e} / exp throughput",
                            "<= 1.20",
                            _ratio(BEST, "exp"),
                        ),
                    ),
                )
            )
    others = {"scipy": 30, "torch": 8, "jax": 5}
    tools = {"numba_tuned": 15, "pythran_tuned": 12, "cython_tuned": 10, "numpy_blocked": 5}
    found.append(
        Group(
            {name: _call(name, 10**6) for name in (BEST, *others, *tools)},
            tuple(
                Check(f"{BEST} against {name}, 1e+06", f">= {bound}", _ratio(name, BEST))
                for name, bound in others.items()
            )
            + tuple(
                Check(f"{name} against scipy, 1e+06", f">= {bound}", _ratio("scipy", name))
                for name, bound in tools.items()
            ),
        )
    )
    found.append(
        Group(
            {name: _call(name, 10**7) for name in (BEST, "torch")},
            (Check(f"{BEST} against torch, 1e+07", ">= 12", _ratio("torch", BEST)),),
        )
    )
    short: dict[str, tuple[list[Any], int]] = {
        BEST: (_call(BEST, 10), 60),
        "numba_tuned": (_call("numba_tuned", 10), 250),
        "lsekernels.logsumexp": (["public", 10], 2000),
    }
    found.append(
        Group(
            {"empty": ["empty"]} | {name: call for name, (call, _) in short.items()},
            tuple(
                Check(f"{name}, 10 elements, beyond an empty call", f"<= {ns} ns", _beyond(name))
                for name, (_, ns) in short.items()
            ),
        )
    )
    vector = {
        name: _call(name, "1x10000000", kernel="softmax_rows") for name in (BEST, "scipy", "torch")
    }
    found.append(
        Group(
            vector | {"copy": ["copy", "float64", 10**7], "exp": ["exp", "float64", 10**7]},
            (
                Check(
                    f"softmax of a vector, {BEST}, 1e+07 / copying it",
                    "<= 1.15",
                    _ratio(BEST, "copy"),
                    ("the time of two exp a number", lambda t: t[BEST] / (2 * t["exp"])),
                ),
                Check("softmax of a vector against scipy", ">= 5", _ratio("scipy", BEST)),
                Check("softmax of a vector against torch", ">= 5", _ratio("torch", BEST)),
            ),
        )
    )
    rows = {
        name: _call(name, "10000x1000", kernel="logsumexp_rows") for name in (BEST, "torch", "jax")
    }
    found.append(
        Group(
            rows | {"read": ["read", "float64", 10**7], "exp": ["exp", "float64", 10**7]},
            (
                Check(
                    f"rows, {BEST}, 1e4 x 1e3 / the limit (reading or exp)",
                    "<= 1.20",
                    lambda t: t[BEST] / max(t["read"], t["exp"]),
                ),
                Check("rows against torch", ">= 8", _ratio("torch", BEST)),
                Check("rows against jax", ">= 2", _ratio("jax", BEST)),
            ),
        )
    )
    for size in (10**7, 10**8):
        found.append(
            Group(
                {
                    "one": _call(BEST, size),
                    "two": _call(BEST_PARALLEL, size),
                    "read": ["read", "float64", size],
                },
                (
                    Check(
                        f"{BEST_PARALLEL}, {size:.0e}, two threads against one",
                        ">= 1.7",
                        _ratio("one", "two"),
                        ("reading once by two threads", _ratio("two", "read")),
                    ),
                ),
                threads="2",
                processes=3 if size < 10**8 else 1,
            )
        )
    for workers in ("1", "2"):
        found.append(
            Group(
                {BEST: _call(BEST, 10**8), "dask": _call("dask", 10**8)},
                (
                    Check(
                        f"dask, {workers} worker(s) / {BEST}, 1e+08", "none", _ratio("dask", BEST)
                    ),
                ),
                threads=workers,
                processes=1,
            )
        )
    found.append(
        Group(
            {name: ["memory", name, "float64"] for name in (BEST, *list(tools)[:3])},
            tuple(
                Check(
                    f"{name}, memory beyond the input, 1e+07",
                    "<= 1 MiB",
                    lambda t, name=name: t[name] / 2**20,  # type: ignore[misc]
                )
                for name in (BEST, *list(tools)[:3])
            ),
            processes=1,
        )
    )
    found.append(
        Group(
            {
                "well": ["accuracy", BEST, "well conditioned"],
                "cancels": ["accuracy", BEST, "nearly cancelling"],
                "special": ["accuracy", BEST, "special values"],
                "large": ["accuracy_of_float32", BEST, 10**8],
            },
            (
                Check(f"{BEST}, well conditioned cases", "<= 4 ulp", lambda t: t["well"]),
                Check(f"{BEST}, [0, -40] and its like", "<= 4 ulp", lambda t: t["cancels"]),
                Check(f"{BEST}, infinities and nan", "<= 0 ulp", lambda t: t["special"]),
                Check(f"{BEST}, float32 at 1e+08", "<= 4 ulp", lambda t: t["large"]),
            ),
            processes=1,
        )
    )
    hard = (
        "ramp_of_1400",
        "ramp_of_1000000",
        "all_minus_inf",
        "log_probabilities",
        "denormal_terms",
        "denormal_numbers",
    )
    found.append(
        Group(
            {name: ["input", BEST, name] for name in ("normal", *hard)},
            tuple(
                Check(f"{BEST}, {name} / standard normal, 1e+06", "<= 4.0", _ratio(name, "normal"))
                for name in hard
            ),
        )
    )
    return found


def main() -> int:
    """Measure all groups, print the table and store it; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m measure.speed", description=(__doc__ or "").split("\n\n", 1)[1]
    )
    parser.add_argument("--only", metavar="TEXT", default="", help="only lines that contain TEXT")
    parser.add_argument("--machine", help="name of this machine in the results")
    options = parser.parse_args()
    try:
        return run(options)
    except util.UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; nothing is stored.", file=sys.stderr)
        return 130


def run(options: argparse.Namespace) -> int:
    """Return 0, or 2 where something could not be measured; unmet targets are a result."""
    conf = load_config("asv.conf.json")
    machine = register_machine(options.machine)
    (commit,) = list_commits("HEAD^!")
    env = next(e for e in list_environments(conf) if e.env_vars["LSEKERNELS_THREADS"] == "1")
    print(f"building {commit[:8]} ...", flush=True)
    build = [*ASV, "run", "-E", env.name, "--machine", machine]
    build += ["--bench", "just-discover", f"{commit}^!"]
    if subprocess.run(build, stdout=subprocess.DEVNULL).returncode:
        raise util.UserError(f"commit {commit[:8]} could not be built: {' '.join(build)}")
    context = record(conf, env, machine, commit)
    wanted = [g for g in groups() if any(options.only in check.what for check in g.checks)]
    lines: list[dict[str, Any]] = []
    failed = False
    print(f"\n{'':62}{'target':>12}{'measured':>10}  verdict")
    for group in wanted:
        try:
            times = _measure(env, group)
        except subprocess.CalledProcessError as error:
            failed = True
            for check in group.checks:
                lines.append({"what": check.what, "target": check.target, "verdict": "failed"})
                print(f"{check.what:62}{check.target:>12}{'':>10}  failed")
            print((error.stderr or error.stdout).strip().splitlines()[-1], file=sys.stderr)
            continue
        for check in group.checks:
            if options.only not in check.what:
                continue
            value, verdict = check.judge(times)
            lines.append(
                {
                    "what": check.what,
                    "target": check.target,
                    "measured": float(f"{value:.4g}"),
                    "verdict": verdict,
                    "times": {name: float(f"{time:.4g}") for name, time in times.items()},
                }
            )
            shown = f"{value:.0f}" if value >= 100 else f"{value:.3g}"
            print(f"{check.what:62}{check.target:>12}{shown:>10}  {verdict}", flush=True)
    met = sum(line["verdict"] == "met" for line in lines)
    targets = sum(line["target"] != "none" for line in lines)
    print(f"\n{met} of {targets} targets met on {machine}, commit {commit[:8]}")
    if not options.only:
        _store(Path(conf.results_dir, machine, "speed.json"), commit, context, lines)
    return 2 if failed else 0


def _measure(env: Any, group: Group) -> Times:
    runs = []
    for _ in range(group.processes):
        done = subprocess.run(
            [env.find_executable("python"), str(WORKER), json.dumps(group.calls)],
            capture_output=True,
            text=True,
            check=True,
            cwd=env._path,
            env={**os.environ, **env.env_vars, "LSEKERNELS_THREADS": group.threads},
        )
        runs.append(json.loads(done.stdout.splitlines()[-1]))
    return {name: statistics.median(run[name] for run in runs) for name in group.calls}


def _store(file: Path, commit: str, context: dict[str, Any], lines: list[dict[str, Any]]) -> None:
    facts = {
        "commit": commit,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "installed": context["installed"],
        "build": context.get("build"),
        "cpu_features": context.get("cpu_features"),
        "unit of times": "seconds, or that of the target",
    }
    file.write_text(json.dumps({**facts, "lines": lines}, indent=1) + "\n")
    print(f"stored in {file}")


if __name__ == "__main__":
    sys.exit(main())
