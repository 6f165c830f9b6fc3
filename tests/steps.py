"""Synthetic results with steps at known places."""

import math
from itertools import product

from asv.results import Results
from asv.runner import BenchmarkResult

from lsebench.site.rows import results as stored
from lsebench.site.rows.changes import History
from lsebench.site.rows.history import Environments

NAME = "warm.Logsumexp.track_time"
ERROR = "accuracy.Logsumexp.track_error"
CANARY = "limits.EmptyCall.track_time"
BENCHMARKS = {
    NAME: {
        "params": [["'numpy'", "'simd'"], ["10", "1000"]],
        "param_names": ["backend", "size"],
        "unit": "seconds",
    },
    ERROR: {"params": [["'numpy'"]], "param_names": ["backend"], "unit": "ulp"},
    CANARY: {"params": [], "param_names": [], "unit": "seconds"},
}
for _name, _benchmark in BENCHMARKS.items():
    _benchmark |= {"name": _name, "version": "1"}
PLACES = [3 * i for i in range(40)]
"""Not every commit of the history is measured."""
REVISIONS = {f"{i:08x}" + 32 * "0": i for i in range(120)}  # files have the first eight
COMMITS = list(REVISIONS)


class Git:
    """What git says of a repository: all commits are known, and some changed the package."""

    def __init__(self, *changed):
        self.changed = changed

    def lines(self, repo, *arguments, told=""):
        if "--stdin" in arguments:
            return [f"{commit} Subject {REVISIONS[commit]}" for commit in told.split()]
        if arguments[0] == "log":
            first, _, last = arguments[2].partition("..")
            return [f"{c} Subject" for c in COMMITS[REVISIONS[first] + 1 : REVISIONS[last] + 1]]
        first, last = (REVISIONS[commit] for commit in arguments[2:4])
        there = any(first < place <= last for place in self.changed)
        return ["1\t2\tlsekernels/simd.py"] if there else []


def level(i, *steps):
    """Return a value with some noise, times each factor of `steps` between its two indices."""
    value = 1e-3 * (1 + 0.004 * math.sin(17 * i))
    for first, last, factor in steps:
        value *= factor if first <= i < last else 1
    return value


def stepping(*steps):
    """Return what `results` measures: only simd at 1000 has the steps."""
    return lambda i: [level(i), level(i + 1), level(i + 2), level(i, *steps)]


def results(
    values,
    benchmark=NAME,
    *,
    places=PLACES,
    machine="m",
    kind="pinned",
    numpy="2.4.6",
    threads="1",
    samples=9,
    found=None,
):
    """Return a result for each of `places`, with what ``values(i)`` gives for each combination.

    To `found`, results of the same environment, it is added.
    """
    made = found or [
        Results(
            {"machine": machine, "python": "3.11", "numpy": numpy},
            {"numpy": numpy},
            COMMITS[place],
            (1_700_000_000 + 86_400 * place) * 1000,
            "3.11",
            f"{kind}-py3.11-numpy{numpy}-LSEKERNELS_THREADS{threads}",
            {"LSEKERNELS_THREADS": threads},
        )
        for place in places
    ]
    for i, one in enumerate(made):
        row = values(i)
        timed = BENCHMARKS[benchmark]["unit"] == "seconds"
        around = [1 + 0.001 * (n - samples // 2) for n in range(samples)]
        taken = [
            [value * each for each in around] if timed and value and math.isfinite(value) else None
            for value in row
        ]
        numbers = [None if each is None else 1 for each in taken]
        measured = BenchmarkResult(row, taken, numbers, 0, "", None)
        assert len(row) == len(list(product(*BENCHMARKS[benchmark]["params"])))
        one.add_result(BENCHMARKS[benchmark], measured)
    return made


def history(found, folder):
    """Return the history of results, and its environments."""
    made = History(found, folder, None, BENCHMARKS, REVISIONS)
    runs = stored.collect(found, BENCHMARKS, REVISIONS, folder)
    return made, Environments(made.runs, runs, REVISIONS)
