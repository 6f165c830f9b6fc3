"""JAX on the CPU: its own logsumexp and softmax, compiled by XLA."""

from functools import cached_property
from typing import Any

from ..backend import Array, Backend, Call, DeviceArray, Failures, HostResult, Vector
from ._known_failures import LOSES_TINY_TERMS
from .torch import INFINITY_IS_NAN

FLUSHES_DENORMALS: Failures = {
    ("softmax_rows", *case): "denormal results become 0: https://github.com/jax-ml/jax/issues/16200"
    for case in (("spread",), ("ramp",), ("falling",), ("wide_normal", "float32"))
} | dict.fromkeys(
    (("log10", "denormal"), ("power8", "denormal_results")),
    "denormal numbers are 0: https://github.com/jax-ml/jax/issues/16200",
)


class JAX(Backend):
    title = "JAX"
    tier = "all"
    featured = True
    requires = ("jax",)
    temporaries = True
    distribution = "jax"
    extra = ("jax>=0.5",)
    thread_variables = ("NPROC",)  # XLA's
    compiled = "jit"
    parallel = True
    forks = False
    max_error = {
        "logsumexp": 4.0,
        "logsumexp_rows": 4.0,
        "softmax_rows": 4.0,
        "log_softmax_rows": 4.0,
        "uniform": 7.0,
        "lu": 1.0,
        "log10": 4.0,
        "hypot": 2.0,
        "power8": 16.0,
        "moving_average": 4.0,
    }
    known_failures = LOSES_TINY_TERMS | INFINITY_IS_NAN | FLUSHES_DENORMALS

    logsumexp: Call
    logsumexp_rows: Call
    softmax_rows: Call
    log_softmax_rows: Call
    lu: Call
    log10: Call
    hypot: Call
    power8_power: Call
    power8_multiply: Call
    moving_average: Call

    def load(self) -> None:
        import jax
        import numpy

        jax.config.update("jax_enable_x64", True)  # or float64 arrays become float32
        self.jax = jax
        self.asarray = numpy.asarray
        self.target = jax.devices("cpu")[0]
        special, nn, random = jax.scipy.special, jax.nn, jax.random

        def draw(key: Any, n: int) -> tuple[Any, Any]:
            key, once = random.split(key)
            return key, random.uniform(once, (n,), "float64")

        def moving_average(x: Array, w: Vector) -> Array:
            n = x.shape[-1] - len(w) + 1
            terms = (w[j] * x[..., j : j + n] for j in range(len(w)))
            return sum(terms) / w.sum()

        self.draw = jax.jit(draw, static_argnums=1)
        self.logsumexp = jax.jit(special.logsumexp)
        self.logsumexp_rows = jax.jit(lambda x: special.logsumexp(x, axis=1))
        self.softmax_rows = jax.jit(lambda x: nn.softmax(x, axis=1))
        self.log_softmax_rows = jax.jit(lambda x: nn.log_softmax(x, axis=1))
        self.lu = jax.jit(jax.scipy.linalg.lu_factor)
        self.moving_average = jax.jit(moving_average)
        self.power8_power = jax.jit(lambda x: jax.numpy.power(x, 8))
        self.power8_multiply = jax.jit(lambda x: x * x * x * x * x * x * x * x)
        self.log10, self.hypot = jax.jit(jax.numpy.log10), jax.jit(jax.numpy.hypot)

    def to_device(self, array: Array) -> DeviceArray:
        return self.jax.device_put(array, self.target)

    def synchronize(self, result: DeviceArray) -> DeviceArray:
        if isinstance(result, tuple):
            return tuple(map(self.synchronize, result))
        return result.block_until_ready()

    def to_host(self, result: DeviceArray) -> HostResult:
        return self.asarray(result)

    @cached_property
    def key(self) -> Any:
        return self.jax.device_put(self.jax.random.key(0), self.target)

    def uniform(self, n: int) -> Vector:
        self.key, numbers = self.draw(self.key, n)
        return numbers
