"""Plain Python, as one would write it without any library."""

import math
import platform
from typing import Any

from ..backend import Backend


class Python(Backend):
    title = "Python"
    max_error = {"logsumexp": 8.0}
    known_failures = {
        ("logsumexp", case): "1 + tiny is 1: https://github.com/scipy/scipy/pull/21597"
        for case in ("denormal_terms", "one_dominant", "two_terms_far_apart")
    }

    def version(self) -> str:
        return platform.python_version()

    def to_device(self, array: Any) -> list[float]:
        return list(array.tolist())

    def logsumexp(self, x: list[float]) -> float:
        m = max(x)
        if math.isinf(m):
            return math.nan if any(map(math.isnan, x)) else m
        return m + math.log(sum(math.exp(v - m) for v in x))
