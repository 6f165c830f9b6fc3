"""What Transonic compiles: plain NumPy functions, which would also run uncompiled.

Transonic translates whole files. This one is never imported here, but from the copy that was
compiled: see transonic.py.

Source: that of the NumPy form.
"""

import numpy as np
from transonic import boost


# transonic def logsumexp(float32[])
# transonic def logsumexp(float64[])
@boost
def logsumexp(x):  # type: ignore[no-untyped-def]
    m = np.max(x)
    if np.isinf(m):
        return np.nan if np.any(np.isnan(x)) else np.float64(m)
    return m + np.log(np.sum(np.exp(x - m), dtype=np.float64))
