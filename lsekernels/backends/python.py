"""Plain Python, as one would write it without any library.

Source: that of the NumPy form.
"""

import math
import random
from typing import Any

from ..backend import Array, Backend, DeviceArray, HostResult, python_version
from ._idioms import Idioms
from ._known_failures import WITHOUT_INTERCHANGES
from ._ping_pong import PingPong


class Python(Idioms, PingPong, Backend):
    title = "Python"
    pypy = True
    max_error = {
        "logsumexp": 8.0,
        "logsumexp_rows": 8.0,
        "uniform": 7.0,
        "lu": 1.0,
        "python_idioms": 0.5,
        "power8": 8.0,
        "stdev_variance": 256.0,
        "ping_pong": 0.5,
    }
    largest = {
        "uniform": 10_000_000,
        "lu": 128,
        "ping_pong_threads": 10_000,
        "ping_pong_asyncio": 100_000,
    }
    known_failures = {
        (kernel, case): "1 + tiny is 1: https://github.com/scipy/scipy/pull/21597"
        for kernel, cases in (
            ("logsumexp", ("denormal_terms", "one_dominant", "two_terms_far_apart")),
            ("logsumexp_rows", ("denormal_terms", "two_terms_far_apart")),
        )
        for case in cases
    } | WITHOUT_INTERCHANGES
    known_failures |= {
        (
            "power8_operator",
            "overflow",
            "float64",
        ): "an OverflowError where IEEE 754 has an infinity: "
        "https://docs.python.org/3/library/exceptions.html#OverflowError"
    }

    def version(self) -> str:
        return python_version()

    def to_device(self, array: Array) -> list[Any]:
        return list(array.tolist())

    def to_host(self, result: DeviceArray) -> HostResult:
        if not isinstance(result, list):
            return result
        import numpy

        return numpy.array(result)

    def logsumexp(self, x: list[float]) -> float:
        m = max(x)
        if math.isinf(m):
            return math.nan if any(map(math.isnan, x)) else m
        return m + math.log(sum(math.exp(v - m) for v in x))

    def logsumexp_rows(self, x: list[list[float]]) -> list[float]:
        return [self.logsumexp(row) for row in x]

    def power8_operator(self, x: list[float]) -> list[float]:
        return [v**8 for v in x]

    def power8_multiply(self, x: list[float]) -> list[float]:
        return [v * v * v * v * v * v * v * v for v in x]

    def stdev_variance(self, x: list[float]) -> float:
        return math.sqrt(variance(x))

    def uniform(self, n: int) -> list[float]:
        return [random.random() for _ in range(n)]  # seeded by the operating system

    def lu(self, a: list[list[float]]) -> tuple[list[list[float]], list[int]]:
        lu, pivots = [row[:] for row in a], []
        for k in range(len(lu)):
            p = max(range(k, len(lu)), key=lambda i: abs(lu[i][k]))
            lu[k], lu[p] = lu[p], lu[k]
            pivots.append(p)
            _eliminate(lu, k)
        return lu, pivots

    def lu_unpivoted(self, a: list[list[float]]) -> list[list[float]]:
        lu = [row[:] for row in a]
        for k in range(len(lu)):
            _eliminate(lu, k)
        return lu


def _eliminate(lu: list[list[float]], k: int) -> None:
    top = lu[k]
    if top[k] == 0:  # with pivoting, all below is 0 as well
        return
    for row in lu[k + 1 :]:
        factor = row[k] = row[k] / top[k]
        for j in range(k + 1, len(row)):
            row[j] -= factor * top[j]


def variance(x: list[float]) -> float:
    """Return the mean of the squared differences from the mean."""
    mean = 0.0
    for v in x:
        mean += v
    mean /= len(x)
    total = 0.0
    for v in x:
        total += (v - mean) * (v - mean)
    return total / len(x)
