"""TensorFlow with XLA: the same functions, fused and compiled for each shape."""

from .tensorflow import TensorFlow


class TensorFlowXLA(TensorFlow):
    title = "TensorFlow XLA"
    xla = True
