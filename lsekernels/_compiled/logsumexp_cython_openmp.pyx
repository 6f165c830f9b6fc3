# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""logsumexp as two parallel loops, for Cython with OpenMP.

Source: of the shifted formula and its error: P. Blanchard, D. J. Higham and N. J. Higham,
"Accurately computing the log-sum-exp and softmax functions", IMA J. Numer. Anal. 41 (2021).
"""
from cython.parallel cimport prange
from libc.math cimport exp, INFINITY, isinf, isnan, log, NAN
from openmp cimport omp_get_max_threads

ctypedef fused real:
    float
    double


cdef real _largest(const real* x, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    cdef real m = -INFINITY
    for i in range(n):
        if x[i] > m:
            m = x[i]
    return m


cdef double _logsumexp(const real[::1] x) noexcept nogil:
    cdef Py_ssize_t i, n = x.shape[0]
    cdef Py_ssize_t parts = omp_get_max_threads(), part
    cdef real m = -INFINITY, largest[256]  # prange has no reduction for max
    cdef double s = 0
    parts = max(1, min(parts, 256, n))
    for part in prange(parts, schedule="static", num_threads=<int>parts):
        largest[part] = _largest(&x[n * part // parts], n * (part + 1) // parts - n * part // parts)
    for part in range(parts):
        if largest[part] > m:
            m = largest[part]
    if isinf(m):  # it is the answer, unless there is a nan
        for i in range(n):
            if isnan(x[i]):
                return NAN
        return m
    for i in prange(n, schedule="static"):
        s += exp(x[i] - m)
    return m + log(s)


def logsumexp(x):
    # Cython's own dispatch on a fused type takes 240 ns longer.
    if x.itemsize == 8:
        return _logsumexp[double](x)
    return _logsumexp[float](x)
