"""Numba's vectorize with target="parallel", which needs signatures: the ufunc on all threads."""

from .numba_vectorize_eager import NumbaVectorizeEager


class NumbaVectorizeParallel(NumbaVectorizeEager):
    title = "Numba (vectorize, parallel)"
    target = "parallel"
    parallel = True
    forks = False
