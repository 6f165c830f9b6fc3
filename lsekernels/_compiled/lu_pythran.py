"""LU factorisation as plain loops, for Pythran.

Source: the outer products of G. H. Golub and C. F. Van Loan, "Matrix computations".
"""
import numpy as np


#pythran export lu(float32[:,:])
#pythran export lu(float64[:,:])
def lu(a):
    out = a.copy()
    n = len(out)
    pivots = np.empty(n, np.int64)
    for k in range(n):
        p = k
        for i in range(k + 1, n):
            if abs(out[i, k]) > abs(out[p, k]):
                p = i
        pivots[k] = p
        if p != k:
            for j in range(n):
                out[k, j], out[p, j] = out[p, j], out[k, j]
        if out[k, k] != 0:  # or all below is 0 as well
            for i in range(k + 1, n):
                out[i, k] /= out[k, k]
                factor = out[i, k]
                for j in range(k + 1, n):
                    out[i, j] -= factor * out[k, j]
    return out, pivots
