# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""x**8 as plain loops, for Cython.

Source: of the squarings: D. E. Knuth, "The art of computer programming", vol. 2, section 4.6.3.
"""
import numpy as np
from libc.math cimport pow, powf

ctypedef fused real:
    float
    double


cdef void _power(const real[::1] x, real[::1] out) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(x.shape[0]):
        if real is float:
            out[i] = powf(x[i], 8)
        else:
            out[i] = pow(x[i], 8)


cdef void _squarings(const real[::1] x, real[::1] out) noexcept nogil:
    cdef Py_ssize_t i
    cdef real y
    for i in range(x.shape[0]):
        y = x[i] * x[i]
        y = y * y
        out[i] = y * y


def power8_power(x):
    out = np.empty_like(x)
    if x.itemsize == 8:
        _power[double](x, out)
    else:
        _power[float](x, out)
    return out


def power8_squarings(x):
    out = np.empty_like(x)
    if x.itemsize == 8:
        _squarings[double](x, out)
    else:
        _squarings[float](x, out)
    return out
