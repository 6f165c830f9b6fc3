"""``python -m lsebench check-timing``: is what asv records the time of the call?

Each backend is measured by ``asv run`` in the process that all its sizes share, by ``asv run`` in a
process for each size, and for 10 elements, where the harness matters most, by plain ``timeit`` of
the same call; all in turn. Other programs can only make any of them slower, so the lowest medians
of the rounds are compared; rounds are added, to ten, while a difference is over 15 %. Exit code 1
if one remains.
"""

from __future__ import annotations

import os
import subprocess
from collections import defaultdict
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

from asv.benchmarks import Benchmarks
from asv.results import Results

from lsebench.cli import Parser
from lsebench.environments.combinations import FRESH
from lsebench.records import asv_files

from .run import ASV
from .side_by_side import newest

ALLOWED = 0.15
ROUNDS = 3, 10
"""At least, and at most."""
SIZES = 10, 1_000, 100_000, 10_000_000
BENCHMARK = "warm.Logsumexp.track_time"
TIMEIT = """
import statistics, timeit
from lsekernels import threads
threads.limit(1)
from lsekernels import kernels, registry
data = kernels.load("logsumexp").make_data(10, "float64")
call = registry.load({backend!r}).prepare("logsumexp", *data)
timer = timeit.Timer(call)
number, _ = timer.autorange()
print(statistics.median(timer.repeat(5, number)) / number)
"""


Times = dict[tuple[str, int], list[float]]
"""(backend, size) -> what each round has measured, in seconds."""


def main(arguments: Sequence[str]) -> int:
    """Print one row a backend, size and way to measure; return the exit code."""
    parser = Parser(prog="python -m lsebench check-timing", description=__doc__.split("\n\n")[1])
    parser.add_argument("backends", nargs="*", default=["numpy", "numba", "pythran", "cython"])
    backends = parser.parse_args(arguments).backends
    conf, machine, commit, env = newest("asv.conf.json", None)
    shared: Times = defaultdict(list)
    others: dict[str, Times] = {"a process a size": defaultdict(list), "timeit": defaultdict(list)}

    def ratio(way: str, key: tuple[str, int]) -> float:
        return min(shared[key]) / min(others[way][key])

    def different() -> list[tuple[str, tuple[str, int]]]:
        rows = [(way, key) for way, times in others.items() for key in times]
        return [row for row in rows if abs(ratio(*row) - 1) > ALLOWED]

    for turn in range(1, ROUNDS[1] + 1):
        if turn > ROUNDS[0] and not different():
            break
        print(f"round {turn} ...", flush=True)
        for times, variables in (shared, {}), (others["a process a size"], {FRESH: "1"}):
            for key, value in _measure(conf, machine, commit, env, backends, variables).items():
                times[key].append(value)
        for name in backends:
            done = env.run_executable("python", ["-c", TIMEIT.format(backend=name)], cwd=env._path)
            others["timeit"][name, SIZES[0]].append(float(done))
    wrong = different()
    print(f"\n{'backend':10}{'size':>10}{'asv':>14}   {'against':17}{'ratio':>6}")
    for way, times in others.items():
        for key in times:
            verdict = "DIFFERS" if (way, key) in wrong else "agrees"
            seconds = f"{min(shared[key]) * 1e6:.3f} µs"
            print(f"{key[0]:10}{key[1]:10}{seconds:>14}   {way:17}{ratio(way, key):6.3f} {verdict}")
    print(f"(allowed: {ALLOWED:.0%})")
    return 1 if wrong else 0


def _measure(
    conf: Any, machine: str, commit: str, env: Any, backends: list[str], variables: dict[str, str]
) -> dict[tuple[str, int], float]:
    """Return what one ``asv run`` records of each backend and size."""
    sizes = "|".join(map(str, SIZES))
    bench = rf"^{BENCHMARK}\(.({'|'.join(backends)})., .float64., ({sizes})\)$"
    command = [*ASV, "run", "-E", env.name, "--machine", machine, "--bench", bench]
    environ = {**os.environ, **variables}
    command.append(f"{commit}^!")
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environ)
    file = asv_files.result(Path(conf.results_dir), machine, commit, env.name)
    params = Benchmarks.load(conf)[BENCHMARK]["params"]
    values = Results.load(str(file)).get_result_value(BENCHMARK, params)
    found = dict(zip(product(*params), values, strict=True))
    keys = product(backends, SIZES)
    return {(name, size): found[repr(name), "'float64'", str(size)] for name, size in keys}
