"""NumPy: the maximum, exp of the difference, log of the sum, each an array operation."""

from typing import Any

from ..backend import Backend

LOSES_TINY_TERMS = {
    ("logsumexp", case): "1 + tiny is 1: https://github.com/scipy/scipy/pull/21597"
    for case in ("denormal_terms", "one_dominant", "two_terms_far_apart")
}
"""What every backend in the textbook form gets wrong."""


class NumPy(Backend):
    title = "NumPy"
    requires = ("numpy",)
    distribution = "numpy"
    max_error = {"logsumexp": 4.0}
    known_failures = LOSES_TINY_TERMS

    def load(self) -> None:
        import numpy

        self.np = numpy

    def logsumexp(self, x: Any) -> Any:
        np = self.np
        m = np.max(x)
        if not np.isfinite(m):
            return m
        return m + np.log(np.sum(np.exp(x - m)))
