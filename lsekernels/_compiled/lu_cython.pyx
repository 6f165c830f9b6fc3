# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""LU factorisation as plain loops, for Cython.

Source: the outer products of G. H. Golub and C. F. Van Loan, "Matrix computations".
"""
import numpy as np
from libc.math cimport fabs

ctypedef fused real:
    float
    double


cdef void _lu(real[:, ::1] a, Py_ssize_t[::1] pivots) noexcept nogil:
    cdef Py_ssize_t i, j, k, p, n = a.shape[0]
    cdef real factor
    for k in range(n):
        p = k
        for i in range(k + 1, n):
            if fabs(a[i, k]) > fabs(a[p, k]):
                p = i
        pivots[k] = p
        if p != k:
            for j in range(n):
                a[k, j], a[p, j] = a[p, j], a[k, j]
        if a[k, k] != 0:  # or all below is 0 as well
            for i in range(k + 1, n):
                factor = a[i, k] / a[k, k]
                a[i, k] = factor
                for j in range(k + 1, n):
                    a[i, j] -= factor * a[k, j]


def lu(a):
    out, pivots = a.copy(), np.empty(len(a), np.intp)
    if a.itemsize == 8:
        _lu[double](out, pivots)
    else:
        _lu[float](out, pivots)
    return out, pivots
