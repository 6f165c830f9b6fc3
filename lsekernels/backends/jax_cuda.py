"""JAX on an NVIDIA GPU."""

from ..backend import Unavailable
from ._known_failures import LOSES_TINY_TERMS
from .jax import JAX
from .torch import INFINITY_IS_NAN


class JAXCUDA(JAX):
    title = "JAX CUDA"
    tier = "gpu"
    device = "gpu"
    extra = ("jax[cuda13]>=0.7",)
    parallel = False  # no CPU threads
    # XLA flushes denormal numbers on the CPU alone; its division on a GPU is 2 ulp off.
    known_failures = LOSES_TINY_TERMS | INFINITY_IS_NAN
    max_error = JAX.max_error | {"softmax_rows": 8.0}

    def load(self) -> None:
        super().load()
        try:
            self.target = self.jax.devices("cuda")[0]
        except RuntimeError:
            raise Unavailable("no CUDA device") from None
