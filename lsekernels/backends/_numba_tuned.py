"""Plain loops that LLVM turns into vector code: one pass over the data, and an exp of their own.

The sum of exp(x) is kept as s * 2**k. k starts at 0 and moves only when a block's sum leaves the
range where it is exact, so ordinary data are read once and their maximum is never taken.

Sums may be reassociated (which is what vectorizes them) and products fused with additions; nan and
infinity keep their meaning everywhere.

Source: of the pair (s, k): M. Dukhan and A. Ablavatski, "The two-pass softmax algorithm",
arXiv:2001.04438 (2020); of exp's two parts of ln(2): W. J. Cody and W. Waite, "Software manual
for the elementary functions" (1980); of the sum: T. Ogita, S. M. Rump and S. Oishi, "Accurate sum
and dot product", SIAM J. Sci. Comput. 26 (2005).
"""
# mypy: disable-error-code="no-untyped-def,no-untyped-call"

import math
from functools import partial

import numpy as np
from numba import njit, prange, types
from numba.extending import intrinsic, overload

from ._numba_cache import CACHE

BLOCK = 2048  # elements with one reference
RUN = np.uint64(128)  # elements added in the lanes of vectors: few, so that roundings do not add up
SMALL, BIG = 2.0**-40, 2.0**70  # where a block's sum is exact
LEAST, MOST = -150, 72  # exponents of the terms end there: below they add nothing, above BIG
SHIFT = 40  # added to the exponents in a block's sum: all terms are normal numbers then
KEPT = 2.0**500  # factor on sums of terms far below the maximum: they are normal numbers, too
FAR = 2.0**20  # a maximum beyond it is subtracted from the data: k would not fit

LOG2_E = 1.4426950408889634
LN2_HIGH, LN2_LOW = 0.6931471803691238, 1.9082149292705877e-10

TERM = {"contract"}  # here rounding by adding and subtracting must not be reassociated away
SUM = {"contract", "reassoc", "nsz"}

# LLVM optimizes a function once more with each caller, and adds the sums in another order then; a
# call from the cache runs the copy made for the caller, one that was just compiled the first.
# Inlined, there is one copy: the same bits from both.
INLINED = {"forceinline": True}
inlined = partial(njit, **INLINED)


@intrinsic
def in_wide_vectors(context):
    """Let LLVM use 512 bits in the function that calls it, where the CPU has AVX-512.

    On most such CPUs it prefers 256, for the sake of programs that use few vectors and are slowed
    down by the clock. In loops of nothing else 512 bits are twice as fast, or as fast.
    """

    def generate(context, builder, signature, arguments):
        # llvmlite's own `add` knows no attributes that have a value.
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return types.void(), generate


# -- loops over the block of x that begins at `start`, in each dtype -------------------------------


def block_sum(x, start, k):
    """Return sum(exp(x)) * 2**-k; not below BIG where there is a nan or an x too large for k."""


def block_tail(x, start, m):
    """Return (KEPT * sum of exp(x - m) over the x below m, how many are not below); m: maximum."""


def block_exp(x, start, m, out):
    """Store exp(x - m) times a constant in `out`, return the sum of that; m: maximum."""


def maximum(x):
    """Return the largest of the whole `x`; nan if there is one."""


def _loops(real, integer, ln2, q):
    """Return the four loops for the dtype `real`.

    The first part of `ln2` times any exponent is exact; 1 + f + f**2 * q(f) is exp(f).
    """
    info = np.finfo(real)
    digits, last_bit = info.nmant, info.bits - 1
    magic = 1.5 * 2.0**digits  # t + magic has round(t) in its lowest bits
    log2_e, ln2_all, zero, one = real(LOG2_E), real(math.log(2)), real(0), real(1)
    high, low = real(ln2[0]), real(ln2[1])
    # Terms exp(d), d <= 0, are kept times 2**lift, where even those that will vanish are normal.
    lift = 900 if digits == 52 else 96
    lifted, bottom = real(magic + lift), real((info.minexp + 16 - lift) * math.log(2))
    magnitude = integer(np.iinfo(integer).max)
    infinity = integer(np.array(np.inf, real).view(integer))

    @inlined(fastmath=TERM)
    def power(f, t):  # exp(f) times two to the lowest bits of t
        p = real(q(f) * (f * f) + (f + one))
        bits = integer(p.view(integer) + (real(t).view(integer) << digits))
        return bits.view(real)

    @inlined(fastmath=TERM)
    def exp_near(x, shift):
        t = x * log2_e + shift
        return power(x - (t - shift) * ln2_all, t)

    @inlined(fastmath=TERM)
    def exp_below(d):  # times 2**lift, to a few ulp however far below 0
        d = d if d > bottom else bottom
        t = d * log2_e + lifted
        n = t - lifted
        return power((d - n * high) - n * low, t)

    def block_sum(x, start, k):
        in_wide_vectors()
        shift = real(magic + SHIFT - k)
        least, most = real((k + LEAST) * LN2_HIGH), real((k + MOST) * LN2_HIGH)
        total, stop = 0.0, np.uint64(min(start + BLOCK, x.size))
        for run in range(np.uint64(start), stop, RUN):  # unsigned: no test for negative indices
            part = zero
            for i in range(run, min(run + RUN, stop)):
                v = x[i]
                v = v if v < most else most  # nan as well
                v = v if v > least else least
                part += exp_near(v, shift)
            total += np.float64(part)
        return total * 2.0**-SHIFT

    def block_tail(x, start, m):
        in_wide_vectors()
        rest, ties, stop = 0.0, 0.0, np.uint64(min(start + BLOCK, x.size))
        for run in range(np.uint64(start), stop, RUN):
            part, count = zero, zero
            for i in range(run, min(run + RUN, stop)):
                d = x[i] - m
                part += exp_below(d if d < zero else bottom)
                count += zero if d < zero else one
            rest += np.float64(part)
            ties += np.float64(count)
        return rest * (KEPT * 2.0**-lift), ties

    def block_exp(x, start, m, out):
        in_wide_vectors()
        total, stop = 0.0, np.uint64(min(start + BLOCK, x.size))
        for run in range(np.uint64(start), stop, RUN):
            part = zero
            for i in range(run, min(run + RUN, stop)):
                term = exp_below(x[i] - m)
                out[i] = term
                part += term
            total += np.float64(part)
        return total

    def maximum(x):
        in_wide_vectors()
        # LLVM vectorizes the maximum of integers, not that of floats where nan counts.
        top = size = integer(~magnitude)
        for i in range(x.size):
            bits = real(x[i]).view(integer)
            size = max(size, integer(bits & magnitude))
            top = max(top, integer(bits ^ ((bits >> last_bit) & magnitude)))
        if size > infinity:
            return real(np.nan)
        return integer(top ^ ((top >> last_bit) & magnitude)).view(real)

    return {f.__name__: f for f in (block_sum, block_tail, block_exp, maximum)}


# (exp(f) - 1 - f) / f**2 interpolated at the Chebyshev points of -ln(2)/2 ... ln(2)/2, with mpmath.
Q64 = (
    0.5000000000000001,
    0.16666666666666669,
    0.041666666666624164,
    0.008333333333330065,
    0.0013888888917196719,
    0.00019841269863040545,
    2.4801521322368692e-05,
    2.7557268480310024e-06,
    2.7620075879983367e-07,
    2.5100375832561234e-08,
)
Q32 = tuple(map(np.float32, (0.5, 0.16666578, 0.041666556, 0.008363173, 0.0013926176)))


@inlined(fastmath=TERM)
def _q64(f):
    g = f * f
    even = (((Q64[8] * g + Q64[6]) * g + Q64[4]) * g + Q64[2]) * g + Q64[0]
    odd = (((Q64[9] * g + Q64[7]) * g + Q64[5]) * g + Q64[3]) * g + Q64[1]
    return odd * f + even


@inlined(fastmath=TERM)
def _q32(f):
    g = f * f
    return (Q32[3] * g + Q32[1]) * f + ((Q32[4] * g + Q32[2]) * g + Q32[0])


_BY_DTYPE = {
    "float64": _loops(np.float64, np.int64, (LN2_HIGH, LN2_LOW), _q64),
    "float32": _loops(np.float32, np.int32, (0.693145751953125, 1.428606820309417e-6), _q32),
}


@overload(block_sum, jit_options={"fastmath": SUM, **INLINED})
def _(x, start, k):
    return _BY_DTYPE[x.dtype.name]["block_sum"]


@overload(block_tail, jit_options={"fastmath": SUM, **INLINED})
def _(x, start, m):
    return _BY_DTYPE[x.dtype.name]["block_tail"]


@overload(block_exp, jit_options={"fastmath": SUM, **INLINED})
def _(x, start, m, out):
    return _BY_DTYPE[x.dtype.name]["block_exp"]


@overload(maximum, jit_options=INLINED)
def _(x):
    return _BY_DTYPE[x.dtype.name]["maximum"]


# -- whole arrays, in any dtype --------------------------------------------------------------------


@inlined()
def add(s, lost, more):
    """Return s + more, and `lost` with what its rounding cut off."""
    total = s + more
    share = total - s
    return total, lost + ((s - (total - share)) + (more - share))


@inlined()
def advance(x, start, k, s, lost):
    """Add blocks as long as `k` suits them; return where that ended, and the sum."""
    while start < x.size:
        more = block_sum(x, start, k)
        if not (more < BIG and s + more > SMALL):
            break
        s, lost = add(s, lost, more)
        start += BLOCK
    return start, s, lost


@inlined()
def accumulate(x):
    """Return (k, s) with sum(exp(x)) = s * 2**k; s is nan where :func:`tail` has to do it."""
    k = 0.0
    start, s, lost = advance(x, 0, k, 0.0, 0.0)
    while start < x.size:
        m = maximum(x[start : start + BLOCK])
        if m == -np.inf:
            start += BLOCK
        elif abs(m) < FAR:
            new = np.rint(m * LOG2_E)
            s, lost = math.ldexp(s, int(k - new)), math.ldexp(lost, int(k - new))
            k = new
        else:
            return k, np.nan
        start, s, lost = advance(x, start, k, s, lost)
    return k, s + lost


@inlined()
def tail(x, m):
    """Return :func:`block_tail` of the whole `x`, without the factor."""
    rest, lost, ties = 0.0, 0.0, 0.0
    for start in range(0, x.size, BLOCK):
        more, count = block_tail(x, start, m)
        rest, lost = add(rest, lost, more)
        ties += count
    return (rest + lost) / KEPT, ties


@inlined()
def log_tail(rest, ties):
    """Return log(ties + rest), precise where it is close to 0."""
    return np.log(ties + rest) if ties + rest > 1.5 else np.log1p(rest)


@inlined()
def value(x, k, s):
    """Return log(s * 2**k), or what `x` gives with more care where that is not good enough."""
    result = k * LN2_HIGH + (k * LN2_LOW + np.log(s))
    if abs(result) >= 1.0 + abs(k) / 8:
        return result
    # Digits may have cancelled, or s is nan.
    m = maximum(x)
    if not np.isfinite(m):
        return np.float64(m)
    if k == 0.0 and m < -1.0 and abs(result) < 1.0:
        return result  # m + log_tail cancels, too
    rest, ties = tail(x, m)
    return m + log_tail(rest, ties)


# -- the kernels, on one thread; _numba_cache says why they are not cached here --------------------


@inlined()
def logsumexp(x):
    k, s = accumulate(x)
    return value(x, k, s)


@inlined(error_model="numpy")
def softmax(x, out):
    in_wide_vectors()
    m = maximum(x)
    if not np.isfinite(m):
        out[:] = np.nan
        return
    s = 0.0
    for start in range(0, x.size, BLOCK):
        s += block_exp(x, start, m, out)
    factor = x.dtype.type(1.0 / s)
    for i in range(x.size):
        out[i] *= factor


@inlined()
def log_softmax(x, out):
    in_wide_vectors()
    m = maximum(x)
    shift = x.dtype.type(0)
    if np.isfinite(m):
        rest, ties = tail(x, m)
        shift = x.dtype.type(log_tail(rest, ties))
    for i in range(x.size):
        out[i] = (x[i] - m) - shift


@inlined()
def logsumexp_rows(x):
    out = np.empty(x.shape[0], x.dtype)
    for i in range(x.shape[0]):
        out[i] = logsumexp(x[i])
    return out


@inlined()
def softmax_rows(x, out):
    for i in range(x.shape[0]):
        softmax(x[i], out[i])


@inlined()
def log_softmax_rows(x, out):
    for i in range(x.shape[0]):
        log_softmax(x[i], out[i])


# -- the kernels, on all threads -------------------------------------------------------------------

CHUNK = 2**16  # elements that one thread does at a time
FEW = 1_000_000  # elements that more than one thread would not do faster


@njit(parallel=True, cache=CACHE)
def logsumexp_parallel(x):
    if x.size < FEW:
        return logsumexp(x)
    chunks = (x.size - 1) // CHUNK + 1
    ks, sums = np.empty(chunks), np.empty(chunks)
    for i in prange(chunks):
        ks[i], sums[i] = accumulate(x[i * CHUNK : (i + 1) * CHUNK])
    k, s = 0.0, 0.0
    for i in range(chunks):
        if sums[i] == 0.0:  # nothing but -inf
            continue
        if s == 0.0 or ks[i] > k:
            k, s = ks[i], sums[i] + math.ldexp(s, int(k - ks[i]))
        else:
            s += math.ldexp(sums[i], int(ks[i] - k))
    return value(x, k, s)


@njit(parallel=True, cache=CACHE)
def logsumexp_rows_parallel(x):
    if x.size < FEW:
        return logsumexp_rows(x)
    out = np.empty(x.shape[0], x.dtype)
    for i in prange(x.shape[0]):
        out[i] = logsumexp(x[i])
    return out


@njit(parallel=True, cache=CACHE)
def softmax_rows_parallel(x, out):
    if x.size < FEW:
        softmax_rows(x, out)
        return
    for i in prange(x.shape[0]):
        softmax(x[i], out[i])


@njit(parallel=True, cache=CACHE)
def log_softmax_rows_parallel(x, out):
    if x.size < FEW:
        log_softmax_rows(x, out)
        return
    for i in prange(x.shape[0]):
        log_softmax(x[i], out[i])
