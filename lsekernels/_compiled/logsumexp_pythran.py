"""logsumexp as array operations, for Pythran.

Source: of the shifted formula and its error: P. Blanchard, D. J. Higham and N. J. Higham,
"Accurately computing the log-sum-exp and softmax functions", IMA J. Numer. Anal. 41 (2021).
"""
import numpy as np


#pythran export logsumexp(float32[])
#pythran export logsumexp(float64[])
def logsumexp(x):
    m = np.max(x)
    if np.isinf(m):
        return np.nan if np.any(np.isnan(x)) else np.float64(m)
    return m + np.log(np.sum(np.exp(x - m), dtype=np.float64))
