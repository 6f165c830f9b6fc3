"""TensorFlow on the CPU: its own logsumexp and softmax, each a tf.function."""

import os
from typing import Any, ClassVar

from ..backend import Backend, Call, Failures
from .jax import FLUSHES_DENORMALS
from .numpy import LOSES_TINY_TERMS
from .torch import INFINITY_IS_NAN

FLUSHES: Failures = dict.fromkeys(
    FLUSHES_DENORMALS,
    "denormal results become 0, as TensorFlow's own test wants it: "
    "https://github.com/tensorflow/tensorflow/issues/11902",
)


class TensorFlow(Backend):
    title = "TensorFlow"
    requires = ("tensorflow",)
    compiled = "jit"
    parallel = True
    max_error = {
        "logsumexp": 4.0,
        "logsumexp_rows": 4.0,
        "softmax_rows": 4.0,
        "log_softmax_rows": 4.0,
    }
    known_failures = LOSES_TINY_TERMS | INFINITY_IS_NAN | FLUSHES
    xla: ClassVar[bool] = False
    """Whether XLA compiles the functions."""

    logsumexp: Call
    logsumexp_rows: Call
    softmax_rows: Call
    log_softmax_rows: Call

    def load(self) -> None:
        # On import TensorFlow lists the CPU's instructions; 1 keeps warnings and errors.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
        import tensorflow as tf

        tf.config.set_visible_devices([], "GPU")
        self.tf = tf

        def function(compute: Call) -> Call:
            # From the second shape on the graph takes any: no shape is traced twice.
            traced: Call = tf.function(compute, reduce_retracing=True, jit_compile=self.xla)
            return traced

        self.logsumexp = function(tf.reduce_logsumexp)
        self.logsumexp_rows = function(lambda x: tf.reduce_logsumexp(x, axis=1))
        self.softmax_rows = function(tf.nn.softmax)
        self.log_softmax_rows = function(tf.nn.log_softmax)

    def version(self) -> str:
        return str(self.tf.__version__)  # the distribution is tensorflow or tensorflow-cpu

    def to_device(self, array: Any) -> Any:
        return self.tf.convert_to_tensor(array)

    def to_host(self, result: Any) -> Any:
        return result.numpy()
