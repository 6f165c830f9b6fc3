"""logsumexp in one pass, and the softmaxes, in short loops that the C++ compiler turns into vectors.

Each loop goes over a block of scratch memory that stays in the nearest cache. All is computed in
float64: a block is converted when it is loaded, so that the other loops are compiled once. Built
without OpenMP and with it: how a vector is cut does not depend on the number of threads, so the
result does not either.

Source: of the pair (s, k): M. Dukhan and A. Ablavatski, "The two-pass softmax algorithm",
arXiv:2001.04438 (2020); of exp's two parts of ln(2): W. J. Cody and W. Waite, "Software manual
for the elementary functions" (1980); of the sum of blocks: W. Kahan, "Further remarks on reducing
truncation errors", Commun. ACM 8 (1965).
"""
import numpy as np

BLOCK = 1024  # elements between two looks at the sum
FEW = 32  # elements for which no scratch memory is made
LONG = 1000000  # elements from which on a second thread gains
PARTS = 16  # of what is long, shared out to the threads
LOG2_E = 1.4426950408889634
LN2 = 0.6931471805599453
LN2_HIGH = 6.93147180369123816490e-01  # 33 bits: k times it is exact
LN2_LOW = 1.90821492927058770002e-10
ROUND = 6755399441055744. + 1023.  # 1.5 * 2**52 rounds to an integer; then the exponent of 1
RAISED = 100.  # 2**RAISED is a factor of what may be denormal without it


# -- one block: t[:n] ------------------------------------------------------------------------------


def load(x, begin, n, t):
    """Set t to the `n` elements of `x` from `begin` on."""
    block = x[begin:begin + n]
    for i in range(n):
        t[i] = float(block[i])


def exp_product(t, y, n):
    """Turn t, at most ln(2) / 2 in size, into exp(t) * 2**k; the lowest bits of y are k + 1023.

    The coefficients are mpmath.chebyfit(mpmath.exp, [-log(2) / 2, log(2) / 2], 11); in groups,
    which shortens the chain of operations that wait for each other.
    """
    bits = y.view(np.int64)
    for i in range(n):
        bits[i] = bits[i] << 52
    for i in range(n):
        v = float(t[i])
        v2 = v * v
        v4 = v2 * v2
        t[i] = float(y[i]) * (((1. + 1.0000000000000067 * v)
                + v2 * (0.5000000000000006 + 0.16666666666554406 * v)) + v4 * (
            ((0.04166666666657314 + 0.008333333385667782 * v)
             + v2 * (0.0013888888932488599 + 0.00019841170270440067 * v))
            + v4 * ((2.4801504346997686e-05 + 2.764018079620985e-06 * v)
                    + v2 * 2.7626357241447223e-07)))


def fold_sum(t, n):
    """Return the sum of n elements, added in pairs; t is overwritten."""
    while n > 1:
        half = (n + 1) // 2
        upper = t[half:n]
        for i in range(n - half):
            t[i] = float(t[i]) + float(upper[i])
        n = half
    return float(t[0])


def block_sum(t, y, n, k):
    """Return sum(exp(t)) / 2**k; terms out of range count as the limit of the range."""
    lowest, highest, shift = (k - 1020.) * LN2, (k + 1020.) * LN2, ROUND - k
    for i in range(n):
        v = float(t[i])
        v = v if v < highest else highest  # nan becomes the highest
        v = v if v > lowest else lowest
        rounded = v * LOG2_E + shift
        t[i] = v - (rounded - shift) * LN2
        y[i] = rounded
    exp_product(t, y, n)
    return fold_sum(t, n)


def raised_exp(t, y, n, m):
    """Turn t into exp(t - m) * 2**RAISED, precise for every t."""
    lowest, shift = -(1020. + RAISED) * LN2, ROUND + RAISED
    for i in range(n):
        d = float(t[i]) - m
        d = lowest if d < lowest else d
        rounded = d * LOG2_E + shift
        k = rounded - shift
        t[i] = (d - k * LN2_HIGH) - k * LN2_LOW
        y[i] = rounded
    exp_product(t, y, n)


# -- x[begin:end] ----------------------------------------------------------------------------------


def largest(x, begin, end, t, y):
    """Return the largest element, or nan."""
    n = min(BLOCK, end - begin)
    for i in range(n):
        y[i] = -np.inf
    nan = False
    for start in range(begin, end, BLOCK):
        length = min(BLOCK, end - start)
        load(x, start, length, t)
        odd = 0
        for i in range(length):
            v = float(t[i])
            y[i] = v if v > float(y[i]) else float(y[i])
            odd += 0 if v == v else 1
        nan = nan or odd > 0
    while n > 1:
        half = (n + 1) // 2
        upper = y[half:n]
        for i in range(n - half):
            y[i] = float(upper[i]) if upper[i] > y[i] else float(y[i])
        n = half
    return np.nan if nan else float(y[0])


def add_up(x, begin, end, k, t, y):
    """Return sum(exp(x)) / 2**k, infinite or nan where a block is out of range."""
    s = lost = 0.
    for start in range(begin, end, BLOCK):
        n = min(BLOCK, end - start)
        load(x, start, n, t)
        total = block_sum(t, y, n, k)
        if not total < 2.**900:
            return np.inf
        before = s
        total += lost  # what rounding lost of the block before
        s = before + total
        lost = total - (s - before)
    return s


def add_part(x, begin, end, k):
    """Return the same, in scratch memory of its own."""
    return add_up(x, begin, end, k, np.empty(BLOCK), np.empty(BLOCK))


def add_parts(x, begin, end, k, t, y):
    """Return the same, on all threads where that pays."""
    n = end - begin
    if n < LONG:
        return add_up(x, begin, end, k, t, y)
    sums = np.zeros(PARTS)
    #omp parallel for schedule(static)
    for part in range(PARTS):
        sums[part] = add_part(x, begin + n * part // PARTS, begin + n * (part + 1) // PARTS, k)
    return float(np.sum(sums))


def careful(x, begin, end, t, y):
    """Return logsumexp with the largest elements and the rest apart: near zero both count."""
    m = largest(x, begin, end, t, y)
    if not np.isfinite(m):
        return m
    ties = rest = lost = 0.
    for start in range(begin, end, BLOCK):
        n = min(BLOCK, end - start)
        load(x, start, n, t)
        raised_exp(t, y, n, m)
        for i in range(n):
            y[i] = 1. if float(t[i]) == 2.**RAISED else 0.
        for i in range(n):
            t[i] = 0. if y[i] == 1. else float(t[i])
        ties += fold_sum(y, n)
        total = fold_sum(t, n) + lost
        lost = total - ((rest + total) - rest)
        rest += total
    # Divided before it is scaled down: the quotient is rounded to a denormal number once.
    return m + (np.log(ties) + np.log1p(rest / ties * 2.**-RAISED))


def one(x, begin, end, t, y):
    """Return logsumexp of x[begin:end]: in one pass if exp(x) itself is in range, else in three."""
    s = add_parts(x, begin, end, 0., t, y)
    if 2.**-900 < s < 2.**950:
        result = np.log(s)
    else:
        m = largest(x, begin, end, t, y)
        if not np.isfinite(m):
            return m
        k = np.rint(m * LOG2_E)
        result = k * LN2_HIGH + (np.log(add_parts(x, begin, end, k, t, y)) + k * LN2_LOW)
        if abs(m) > 2.**20:  # k itself is rounded
            return careful(x, begin, end, t, y)
    return result if abs(result) >= 1 else careful(x, begin, end, t, y)


def of_few(x):
    """Return logsumexp of a few elements as the plain form does, or nan where :func:`one` must."""
    m = x[0]
    for i in range(1, len(x)):
        m = x[i] if x[i] > m else m
    s = 0.
    for i in range(len(x)):
        s += np.exp(x[i] - m)
    return m + np.log(s) if s > 1.5 else np.nan  # below, the digits of the small terms count


def softmax_row(x, begin, end, t, y, out):
    """Set out[begin:end] to the softmax of x[begin:end]."""
    m = largest(x, begin, end, t, y)
    total = 0.
    if not np.isfinite(m):
        m = np.nan
    for start in range(begin, end, BLOCK):
        n = min(BLOCK, end - start)
        load(x, start, n, t)
        raised_exp(t, y, n, m)
        block = out[start:start + n]
        for i in range(n):
            block[i] = float(t[i])
        total += fold_sum(t, n)
    scale = 1. / total
    block = out[begin:end]
    for i in range(end - begin):
        block[i] = float(block[i]) * scale


def log_softmax_row(x, begin, end, t, y, out):
    """Set out[begin:end] to the logarithm of the softmax of x[begin:end]."""
    m = largest(x, begin, end, t, y)
    logarithm = m if np.isfinite(m) else 0.
    if np.isfinite(m):
        total = 0.
        for start in range(begin, end, BLOCK):
            n = min(BLOCK, end - start)
            load(x, start, n, t)
            raised_exp(t, y, n, m)
            total += fold_sum(t, n)
        logarithm = np.log(total * 2.**-RAISED)
    source, block = x[begin:end], out[begin:end]
    for i in range(end - begin):
        block[i] = (float(source[i]) - m) - logarithm


# -- the kernels -----------------------------------------------------------------------------------


#pythran export logsumexp(float32[])
#pythran export logsumexp(float64[])
def logsumexp(x):
    n = len(x)
    if 0 < n <= FEW:
        result = of_few(x)
        if result == result:
            return result
    return one(x, 0, n, np.empty(BLOCK), np.empty(BLOCK))



def logsumexp_part(x, n, first, last, out):
    """Do rows `first` to `last`, of `n` elements each; the same below."""
    t, y = np.empty(BLOCK), np.empty(BLOCK)
    for i in range(first, last):
        result = of_few(x[i * n:i * n + n]) if 0 < n <= FEW else np.nan
        out[i] = result if result == result else one(x, i * n, i * n + n, t, y)


def softmax_part(x, n, first, last, out):
    t, y = np.empty(BLOCK), np.empty(BLOCK)
    for i in range(first, last):
        softmax_row(x, i * n, i * n + n, t, y, out)


def log_softmax_part(x, n, first, last, out):
    t, y = np.empty(BLOCK), np.empty(BLOCK)
    for i in range(first, last):
        log_softmax_row(x, i * n, i * n + n, t, y, out)


def parts_of(m, n):
    """Return how many parts of a matrix are shared out to the threads."""
    return min(m, PARTS) if m * n >= LONG else 1


#pythran export logsumexp_rows(float32[:,:] order(C))
#pythran export logsumexp_rows(float64[:,:] order(C))
def logsumexp_rows(x):
    m, n = x.shape
    flat = x.reshape(m * n)
    out = np.empty(m, x.dtype)
    parts = parts_of(m, n)
    #omp parallel for schedule(static) if(parts > 1)
    for part in range(parts):
        logsumexp_part(flat, n, m * part // parts, m * (part + 1) // parts, out)
    return out


#pythran export softmax_rows(float32[:,:] order(C))
#pythran export softmax_rows(float64[:,:] order(C))
def softmax_rows(x):
    m, n = x.shape
    flat = x.reshape(m * n)
    out = np.empty(m * n, x.dtype)
    parts = parts_of(m, n)
    #omp parallel for schedule(static) if(parts > 1)
    for part in range(parts):
        softmax_part(flat, n, m * part // parts, m * (part + 1) // parts, out)
    return out.reshape(m, n)


#pythran export log_softmax_rows(float32[:,:] order(C))
#pythran export log_softmax_rows(float64[:,:] order(C))
def log_softmax_rows(x):
    m, n = x.shape
    flat = x.reshape(m * n)
    out = np.empty(m * n, x.dtype)
    parts = parts_of(m, n)
    #omp parallel for schedule(static) if(parts > 1)
    for part in range(parts):
        log_softmax_part(flat, n, m * part // parts, m * (part + 1) // parts, out)
    return out.reshape(m, n)
