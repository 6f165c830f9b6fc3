"""``python -m measure.check_timing``: does asv record what timeit sees?

For 10 elements, where the harness matters most: each backend is measured by ``asv run`` and, in
the same environment and in turn, by plain ``timeit`` of the same call. Other programs can only
make either slower, so the lowest median of the rounds is compared; rounds are added, to ten, while
a difference is over 15 %. Exit code 1 if one remains.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

from asv.benchmarks import Benchmarks
from asv.results import Results, get_filename

from .__main__ import ASV, list_commits, list_environments, load_config, register_machine

ALLOWED = 0.15
ROUNDS = 3, 10
"""At least, and at most."""
SIZE = 10
BENCHMARK = "warm.Logsumexp.track_time"
TIMEIT = """
import statistics, timeit
from lsekernels import threads
threads.limit(1)
from lsekernels import kernels, registry
data = kernels.load("logsumexp").make_data({size}, "float64")
call = registry.load({backend!r}).prepare("logsumexp", *data)
timer = timeit.Timer(call)
number, _ = timer.autorange()
print(statistics.median(timer.repeat(5, number)) / number)
"""


def main() -> int:
    """Print one row a backend; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m measure.check_timing", description=__doc__.split("\n\n")[1]
    )
    parser.add_argument("backends", nargs="*", default=["numpy", "numba", "pythran", "cython"])
    backends = parser.parse_args().backends
    conf = load_config("asv.conf.json")
    machine = register_machine(None)
    (commit,) = list_commits("HEAD^!")
    env = next(e for e in list_environments(conf) if e.env_vars["LSEKERNELS_THREADS"] == "1")
    recorded: dict[str, list[float]] = {name: [] for name in backends}
    plain: dict[str, list[float]] = {name: [] for name in backends}
    bench = rf"^{BENCHMARK}\(.({'|'.join(backends)})., .float64., {SIZE}\)$"

    def ratio(name: str) -> float:
        return min(recorded[name]) / min(plain[name])

    for turn in range(1, ROUNDS[1] + 1):
        if turn > ROUNDS[0] and all(abs(ratio(name) - 1) <= ALLOWED for name in backends):
            break
        print(f"round {turn} ...", flush=True)
        command = [*ASV, "run", "-E", env.name, "--bench", bench, f"{commit}^!"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        results = Results.load(f"{conf.results_dir}/{get_filename(machine, commit, env.name)}")
        params = Benchmarks.load(conf)[BENCHMARK]["params"]
        values = results.get_result_value(BENCHMARK, params)
        for name in backends:
            indices = (params[0].index(repr(name)), params[1].index("'float64'"))
            row = indices[0] * len(params[1]) + indices[1]
            recorded[name].append(values[row * len(params[2]) + params[2].index(str(SIZE))])
            code = TIMEIT.format(size=SIZE, backend=name)
            done = env.run_executable("python", ["-c", code], cwd=env._path)
            plain[name].append(float(done))
    print(f"\n{'backend':10}{'asv':>12}{'timeit':>12}{'ratio':>8}   (allowed: {ALLOWED:.0%})")
    wrong = 0
    for name in backends:
        agrees = abs(ratio(name) - 1) <= ALLOWED
        wrong += not agrees
        print(
            f"{name:10}{min(recorded[name]) * 1e9:9.0f} ns{min(plain[name]) * 1e9:9.0f} ns"
            f"{ratio(name):8.3f}   {'agrees' if agrees else 'DIFFERS'}"
        )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
