"""logsumexp as two parallel loops, for Pythran with OpenMP.

Source: of the shifted formula and its error: P. Blanchard, D. J. Higham and N. J. Higham,
"Accurately computing the log-sum-exp and softmax functions", IMA J. Numer. Anal. 41 (2021).
"""
import numpy as np


#pythran export logsumexp(float32[])
#pythran export logsumexp(float64[])
def logsumexp(x):
    n = len(x)
    m = x[0]
    #omp parallel for reduction(max:m)
    for i in range(n):
        if x[i] > m:
            m = x[i]
    if np.isinf(m):
        return np.nan if np.any(np.isnan(x)) else np.float64(m)
    s = 0.0
    #omp parallel for reduction(+:s)
    for i in range(n):
        s += np.exp(x[i] - m)
    return m + np.log(s)
