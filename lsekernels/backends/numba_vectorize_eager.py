"""Numba's vectorize with signatures: the ufunc is compiled, or taken from the cache, at once."""

from .numba_vectorize import NumbaVectorize


class NumbaVectorizeEager(NumbaVectorize):
    title = "Numba (vectorize, eager)"
    signatures = ("float32", "float64")
