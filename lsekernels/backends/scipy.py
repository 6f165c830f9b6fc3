"""scipy.special.logsumexp: what most people call today."""

from ..backend import Backend, Call


class SciPy(Backend):
    title = "SciPy"
    requires = ("scipy",)
    distribution = "scipy"
    max_error = {"logsumexp": 4.0}

    logsumexp: Call

    def load(self) -> None:
        from scipy.special import logsumexp

        self.logsumexp = logsumexp
