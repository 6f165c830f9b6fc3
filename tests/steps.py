"""Synthetic series with steps at known places."""

import math

from asv.graph import GraphSet

NAME = "warm.Logsumexp.track_time"
ERROR = "accuracy.Logsumexp.track_error"
BENCHMARKS = {
    NAME: {
        "params": [["'numpy'", "'simd'"], ["10", "1000"]],
        "param_names": ["backend", "size"],
        "unit": "seconds",
    },
    ERROR: {"params": [["'numpy'"]], "param_names": ["backend"], "unit": "ulp"},
}
AXES = {"machine": "m", "python": "3.11", "env-LSEKERNELS_THREADS": "1", "branch": None}
PLACES = [3 * i for i in range(40)]
"""Not every commit of the history is measured."""
REVISIONS = {f"{i:08x}" + 32 * "0": i for i in range(120)}  # files have the first eight


def level(i, *steps):
    """Return a value with some noise, times each factor of `steps` between its two indices."""
    value = 1e-3 * (1 + 0.004 * math.sin(17 * i))
    for first, last, factor in steps:
        value *= factor if first <= i < last else 1
    return value


def graphs(*steps, axes=AXES, every=1, found=None):
    """Return graphs in which only simd at 1000 has `steps`."""
    found = found or GraphSet()
    graph = found.get_graph(NAME, axes)
    for i, place in list(enumerate(PLACES))[::every]:
        graph.add_data_point(place, [level(i), level(i + 1), level(i + 2), level(i, *steps)])
    return found
