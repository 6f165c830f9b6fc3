"""logsumexp in one pass, and the softmaxes, in short loops that the C++ compiler turns into vectors.

Each loop goes over a block of scratch memory that stays in the nearest cache. All is computed in
float64. Built twice, without OpenMP and with it: how a vector is cut does not depend on the number
of threads, so the result does not either.

Source: of the pair (s, k): M. Dukhan and A. Ablavatski, "The two-pass softmax algorithm",
arXiv:2001.04438 (2020); of exp's two parts of ln(2): W. J. Cody and W. Waite, "Software manual
for the elementary functions" (1980); of the sum of blocks: W. Kahan, "Further remarks on reducing
truncation errors", Commun. ACM 8 (1965).
"""
import numpy as np

BLOCK = 1024  # elements between two looks at the sum
LONG = 1000000  # elements from which on a second thread gains
PARTS = 16  # of what is long, shared out to the threads
LOG2_E = 1.4426950408889634
LN2 = 0.6931471805599453
LN2_HIGH = 6.93147180369123816490e-01  # 33 bits: k times it is exact
LN2_LOW = 1.90821492927058770002e-10
ROUND = 6755399441055744. + 1023.  # 1.5 * 2**52 rounds to an integer; then the exponent of 1
RAISED = 100.  # 2**RAISED is a factor of what may be denormal without it


def exp_product(t, y, n):
    """Turn t, at most ln(2) / 2 in size, into exp(t) * 2**k; the lowest bits of y are k + 1023.

    The coefficients are mpmath.chebyfit(mpmath.exp, [-log(2) / 2, log(2) / 2], 11); in groups,
    which shortens the chain of operations that wait for each other.
    """
    for i in range(n):
        v = float(t[i])
        v2 = v * v
        v4 = v2 * v2
        t[i] = ((1. + 1.0000000000000067 * v)
                + v2 * (0.5000000000000006 + 0.16666666666554406 * v)) + v4 * (
            ((0.04166666666657314 + 0.008333333385667782 * v)
             + v2 * (0.0013888888932488599 + 0.00019841170270440067 * v))
            + v4 * ((2.4801504346997686e-05 + 2.764018079620985e-06 * v)
                    + v2 * 2.7626357241447223e-07))
    bits = y.view(np.int64)
    for i in range(n):
        bits[i] = bits[i] << 52
    for i in range(n):
        t[i] = float(t[i]) * float(y[i])


def fold_sum(t, n):
    """Return the sum of n elements, added in pairs; t is overwritten."""
    while n > 1:
        half = (n + 1) // 2
        upper = t[half:n]
        for i in range(n - half):
            t[i] = float(t[i]) + float(upper[i])
        n = half
    return float(t[0])


def largest(x, begin, end, t):
    """Return the largest element, or nan."""
    n = min(BLOCK, end - begin)
    for i in range(n):
        t[i] = -np.inf
    nan = False
    for start in range(begin, end, BLOCK):
        block = x[start:min(start + BLOCK, end)]
        odd = 0
        for i in range(len(block)):
            v = float(block[i])
            t[i] = v if v > float(t[i]) else float(t[i])
            odd += 0 if v == v else 1
        nan = nan or odd > 0
    while n > 1:
        half = (n + 1) // 2
        upper = t[half:n]
        for i in range(n - half):
            t[i] = float(upper[i]) if upper[i] > t[i] else float(t[i])
        n = half
    return np.nan if nan else float(t[0])


def block_sum(block, k, t, y):
    """Return sum(exp(block)) / 2**k; terms out of range count as the limit of the range."""
    n = len(block)
    lowest, highest, shift = (k - 1020.) * LN2, (k + 1020.) * LN2, ROUND - k
    for i in range(n):
        v = float(block[i])
        v = v if v < highest else highest  # nan becomes the highest
        v = v if v > lowest else lowest
        rounded = v * LOG2_E + shift
        t[i] = v - (rounded - shift) * LN2
        y[i] = rounded
    exp_product(t, y, n)
    return fold_sum(t, n)


def add_up(x, begin, end, k):
    """Return sum(exp(x)) / 2**k, infinite or nan where a block is out of range."""
    t, y = np.empty(BLOCK), np.empty(BLOCK)
    s = lost = 0.
    for start in range(begin, end, BLOCK):
        total = block_sum(x[start:min(start + BLOCK, end)], k, t, y)
        if not total < 2.**900:
            return np.inf
        before = s
        total += lost  # what rounding lost of the block before
        s = before + total
        lost = total - (s - before)
    return s


def add_parts(x, begin, end, k):
    """Return the same, on all threads where that is worth it."""
    n = end - begin
    parts = PARTS if n >= LONG else 1
    sums = np.zeros(parts)
    #omp parallel for schedule(static)
    for part in range(parts):
        sums[part] = add_up(x, begin + n * part // parts, begin + n * (part + 1) // parts, k)
    return float(np.sum(sums))


def raised_exp(block, m, t, y):
    """Set t = exp(block - m) * 2**RAISED, precise for every x."""
    n = len(block)
    lowest, shift = -(1020. + RAISED) * LN2, ROUND + RAISED
    for i in range(n):
        d = float(block[i]) - m
        d = lowest if d < lowest else d
        rounded = d * LOG2_E + shift
        k = rounded - shift
        t[i] = (d - k * LN2_HIGH) - k * LN2_LOW
        y[i] = rounded
    exp_product(t, y, n)


def careful(x, begin, end):
    """Return logsumexp with the largest elements and the rest apart: near zero both count."""
    t, y = np.empty(BLOCK), np.empty(BLOCK)
    m = largest(x, begin, end, t)
    if not np.isfinite(m):
        return m
    ties = rest = lost = 0.
    for start in range(begin, end, BLOCK):
        n = min(BLOCK, end - start)
        block = x[start:start + n]
        raised_exp(block, m, t, y)
        for i in range(n):
            y[i] = 1. if float(block[i]) == m else 0.
        for i in range(n):
            t[i] = 0. if y[i] == 1. else float(t[i])
        ties += fold_sum(y, n)
        total = fold_sum(t, n) + lost
        lost = total - ((rest + total) - rest)
        rest += total
    # Divided before it is scaled down: the quotient is rounded to a denormal number once.
    return m + (np.log(ties) + np.log1p(rest / ties * 2.**-RAISED))


def one(x, begin, end):
    """Return logsumexp of x[begin:end]: in one pass if exp(x) itself is in range, else in three."""
    s = add_parts(x, begin, end, 0.)
    if 2.**-900 < s < 2.**950:
        result = np.log(s)
    else:
        m = largest(x, begin, end, np.empty(BLOCK))
        if not np.isfinite(m):
            return m
        k = np.rint(m * LOG2_E)
        result = k * LN2_HIGH + (np.log(add_parts(x, begin, end, k)) + k * LN2_LOW)
        if abs(m) > 2.**20:  # k itself is rounded
            return careful(x, begin, end)
    return result if abs(result) >= 1 else careful(x, begin, end)


def softmax_row(x, begin, end, out):
    """Set out[begin:end] to the softmax of x[begin:end]."""
    t, y = np.empty(BLOCK), np.empty(BLOCK)
    m = largest(x, begin, end, t)
    total = 0.
    if not np.isfinite(m):
        for i in range(begin, end):
            out[i] = np.nan
    else:
        for start in range(begin, end, BLOCK):
            n = min(BLOCK, end - start)
            raised_exp(x[start:start + n], m, t, y)
            for i in range(n):
                y[i] = float(t[i])
            total += fold_sum(y, n)
        scale = 1. / total
        for start in range(begin, end, BLOCK):
            n = min(BLOCK, end - start)
            raised_exp(x[start:start + n], m, t, y)
            for i in range(n):
                out[start + i] = float(t[i]) * scale


def log_softmax_row(x, begin, end, out):
    """Set out[begin:end] to the logarithm of the softmax of x[begin:end]."""
    t, y = np.empty(BLOCK), np.empty(BLOCK)
    m = largest(x, begin, end, t)
    logarithm = m if np.isfinite(m) else 0.
    if np.isfinite(m):
        total = 0.
        for start in range(begin, end, BLOCK):
            n = min(BLOCK, end - start)
            raised_exp(x[start:start + n], m, t, y)
            total += fold_sum(t, n)
        logarithm = np.log(total * 2.**-RAISED)
    for i in range(begin, end):
        out[i] = (float(x[i]) - m) - logarithm


#pythran export logsumexp(float32[])
#pythran export logsumexp(float64[])
def logsumexp(x):
    return one(x, 0, len(x))


#pythran export logsumexp_rows(float32[:,:])
#pythran export logsumexp_rows(float64[:,:])
def logsumexp_rows(x):
    m, n = x.shape
    flat = x.reshape(m * n)
    out = np.empty(m, x.dtype)
    #omp parallel for schedule(static) if(m * n >= 1000000)
    for i in range(m):
        out[i] = one(flat, i * n, i * n + n)
    return out


#pythran export softmax_rows(float32[:,:])
#pythran export softmax_rows(float64[:,:])
def softmax_rows(x):
    m, n = x.shape
    flat = x.reshape(m * n)
    out = np.empty(m * n, x.dtype)
    #omp parallel for schedule(static) if(m * n >= 1000000)
    for i in range(m):
        softmax_row(flat, i * n, i * n + n, out)
    return out.reshape(m, n)


#pythran export log_softmax_rows(float32[:,:])
#pythran export log_softmax_rows(float64[:,:])
def log_softmax_rows(x):
    m, n = x.shape
    flat = x.reshape(m * n)
    out = np.empty(m * n, x.dtype)
    #omp parallel for schedule(static) if(m * n >= 1000000)
    for i in range(m):
        log_softmax_row(flat, i * n, i * n + n, out)
    return out.reshape(m, n)
