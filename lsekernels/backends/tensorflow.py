"""TensorFlow on the CPU: its own logsumexp and softmax, each a tf.function."""

import os
import sys
from typing import Any, ClassVar

from ..backend import Array, Backend, Call, DeviceArray, Failures, HostResult
from ._known_failures import LOSES_TINY_TERMS
from .jax import FLUSHES_DENORMALS
from .torch import INFINITY_IS_NAN

FLUSHES: Failures = dict.fromkeys(
    FLUSHES_DENORMALS,
    "denormal results become 0, as TensorFlow's own test wants it: "
    "https://github.com/tensorflow/tensorflow/issues/11902",
)


class TensorFlow(Backend):
    title = "TensorFlow"
    temporaries = True
    tier = "all"
    requires = ("tensorflow",)
    extra = ("tensorflow-cpu>=2.18",)
    thread_variables = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    slow_start = True
    compiled = "jit"
    parallel = True
    forks = False
    max_error = {
        "logsumexp": 4.0,
        "logsumexp_rows": 4.0,
        "softmax_rows": 4.0,
        "log_softmax_rows": 4.0,
        "uniform": 7.0,
    }
    known_failures = LOSES_TINY_TERMS | INFINITY_IS_NAN | FLUSHES
    xla: ClassVar[bool] = False
    """Whether XLA compiles the functions."""

    logsumexp: Call
    logsumexp_rows: Call
    softmax_rows: Call
    log_softmax_rows: Call
    uniform: Call

    def load(self) -> None:
        tf = _import()
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
        generator = tf.random.Generator.from_seed(0)  # its state is a variable, which goes on

        def uniform(n: int) -> Any:
            return generator.uniform((n,), dtype=tf.float64)

        # XLA compiles for each shape; without it, a graph of one operation gains nothing.
        self.uniform = function(uniform) if self.xla else uniform

    def version(self) -> str:
        return str(self.tf.__version__)  # the distribution is tensorflow or tensorflow-cpu

    def to_device(self, array: Array) -> DeviceArray:
        return self.tf.convert_to_tensor(array)

    def to_host(self, result: DeviceArray) -> HostResult:
        return result.numpy()


def _import() -> Any:
    """Import TensorFlow so that it can live in one process with Mesa (``moderngl``).

    Both bring an LLVM and offer its symbols to every other library; each would call some functions
    of the other's, and crash. Here TensorFlow looks into its own libraries first (DEEPBIND), and
    offers nothing: the module without which it does not is for static builds, as it says itself.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")  # all but "this CPU could do more"
    # With AVX-512, oneDNN's softmax of float32 makes [0, 0, nan] of [1, 2, nan], and of infinities
    # likewise. It took 0.6 times as long for 1000 x 1000; the other kernels took the same.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    if "tensorflow" not in sys.modules:
        sys.modules["tensorflow.python.pywrap_dlopen_global_flags"] = None  # type: ignore[assignment]
    flags = sys.getdlopenflags()
    sys.setdlopenflags(flags | getattr(os, "RTLD_DEEPBIND", 0))
    try:
        import tensorflow
    finally:
        sys.setdlopenflags(flags)
    return tensorflow
