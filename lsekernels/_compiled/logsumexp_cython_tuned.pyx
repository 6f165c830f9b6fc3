# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""logsumexp in one pass, and the softmaxes, in loops that the C compiler turns into vectors.

Built twice, without OpenMP (prange is then a plain loop) and with it. How a vector is cut does not
depend on the number of threads, so the result does not either.

Source: of the pair (S, K): M. Dukhan and A. Ablavatski, "The two-pass softmax algorithm",
arXiv:2001.04438 (2020); of `add`: W. Kahan, "Further remarks on reducing truncation errors",
Commun. ACM 8 (1965).
"""
cimport numpy as cnp
from cython.parallel cimport prange
from libc.math cimport exp2, fabs, INFINITY, isinf, isnan, log, log1p, NAN, rint
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy

cdef extern from *:
    """
    #ifdef _OPENMP
    #include <omp.h>
    #else
    #define omp_get_max_threads() 1
    #endif
    #define LOG2_E 1.4426950408889634
    #define LN2 0.6931471805599453
    """
    int omp_get_max_threads() nogil
    const double LOG2_E, LN2

cnp.import_array()

ctypedef fused real:
    float
    double

cdef enum:
    GROUP = 32  # elements side by side, each with a sum of its own
    FEW = 8  # the same at the end
    BLOCK = 1024  # elements between two looks at the sum: 32 of them in each
    PARTS = 64  # of a long vector, shared out to the threads
    LONG = 1_000_000  # elements from which on a second thread gains


# -- exp: 2**k * exp(t) with |t| <= ln(2) / 2 ----------------------------------------------------

cdef inline real rounder(real bias) noexcept nogil:
    """Return the number that, added to another, rounds it; the lowest bits are then k + bias."""
    if real is double:
        return 6755399441055744.0 + bias  # 1.5 * 2**52
    else:
        return <float>12582912.0 + bias  # 1.5 * 2**23


cdef inline real power_of_2(real y) noexcept nogil:
    """Return 2**k for y = k + rounder(exponent bias): the lowest bits become the exponent."""
    cdef uint64_t bits64
    cdef uint32_t bits32
    if real is double:
        memcpy(&bits64, &y, 8)
        bits64 <<= 52
        memcpy(&y, &bits64, 8)
    else:
        memcpy(&bits32, &y, 4)
        bits32 <<= 23
        memcpy(&y, &bits32, 4)
    return y


cdef inline real exp_near_0(real t) noexcept nogil:
    """Return exp(t) for |t| <= ln(2) / 2, to 1 ulp.

    The coefficients are mpmath.chebyfit(mpmath.exp, [-log(2) / 2, log(2) / 2], 11), or 6 for
    float; in groups, which shortens the chain of operations that wait for each other.
    """
    cdef real t2 = t * t, t4 = t2 * t2
    cdef real c0 = 1, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10
    if real is double:
        c1, c2, c3 = 1.0000000000000067, 0.5000000000000006, 0.16666666666554406
        c4, c5 = 0.04166666666657314, 0.008333333385667782
        c6, c7 = 0.0013888888932488599, 0.00019841170270440067
        c8, c9, c10 = 2.4801504346997686e-05, 2.764018079620985e-06, 2.7626357241447223e-07
        return ((c0 + c1 * t) + t2 * (c2 + c3 * t)) + t4 * (
            ((c4 + c5 * t) + t2 * (c6 + c7 * t)) + t4 * ((c8 + c9 * t) + t2 * c10)
        )
    else:
        c1, c2, c3, c4, c5 = 1.0000001, 0.4999887, 0.16666505, 0.041917507, 0.008369149
        return ((c0 + c1 * t) + t2 * (c2 + c3 * t)) + t4 * (c4 + c5 * t)


# -- one pass: sum(exp(x)) = S * 2**K ------------------------------------------------------------

cdef inline void fill(const real* x, Py_ssize_t n, real* few) noexcept nogil:
    """Make the last elements FEW: exp(-inf) adds nothing."""
    cdef int j
    for j in range(FEW):
        few[j] = x[j] if j < n else <real>-INFINITY


cdef inline double sum_of(const real* sums) noexcept nogil:
    cdef int j
    cdef double total = 0
    for j in range(GROUP // 4):
        total += (sums[j] + sums[j + 8]) + (sums[j + 16] + sums[j + 24])
    return total


cdef inline void add_group(const real* x, int lanes, real K, real* sums) noexcept nogil:
    """Add exp(x) / 2**K to `sums`; terms out of range count as the limit of the range."""
    cdef int j
    cdef real limit = 1020 if real is double else 125
    cdef real shift = rounder[real](1023 if real is double else 127) - K
    cdef real lowest = (K - limit) * <real>LN2, highest = (K + limit) * <real>LN2
    cdef real v, y
    for j in range(lanes):
        v = x[j] if x[j] < highest else highest  # nan becomes the highest
        v = v if v > lowest else lowest
        y = v * <real>LOG2_E + shift
        sums[j] += exp_near_0(v - (y - shift) * <real>LN2) * power_of_2(y)


cdef double block_sum(const real* x, Py_ssize_t n, real K) noexcept nogil:
    """Return sum(exp(x)) / 2**K of a block."""
    cdef int j
    cdef Py_ssize_t i = 0
    cdef real sums[GROUP]
    cdef real few[FEW]
    for j in range(GROUP):
        sums[j] = 0
    while i + GROUP <= n:
        add_group(x + i, GROUP, K, sums)
        i += GROUP
    while i < n:
        fill(x + i, n - i, few)
        add_group(<const real*>few, FEW, K, sums)
        i += FEW
    return sum_of(<const real*>sums)


cdef inline void add(double term, double* total, double* lost) noexcept nogil:
    """Add `term` to `total`, and keep what rounding loses for the next one."""
    cdef double before = total[0]
    term += lost[0]
    total[0] = before + term
    lost[0] = term - (total[0] - before)


cdef real largest(const real* x, Py_ssize_t n) noexcept nogil:
    """Return the largest of `x` beside nan."""
    cdef int j
    cdef Py_ssize_t i = 0
    cdef real most[GROUP]
    cdef real m = -INFINITY
    if n >= GROUP:
        for j in range(GROUP):
            most[j] = m
        while i + GROUP <= n:
            for j in range(GROUP):
                most[j] = x[i + j] if x[i + j] > most[j] else most[j]
            i += GROUP
        m = largest(<const real*>most, GROUP - 1)
        m = most[GROUP - 1] if most[GROUP - 1] > m else m
    while i < n:
        m = x[i] if x[i] > m else m
        i += 1
    return m


cdef bint has_nan(const real* x, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        if isnan(x[i]):
            return True
    return False


cdef void add_up(const real* x, Py_ssize_t n, double* K, double* S) noexcept nogil:
    """Set K and S such that sum(exp(x)) = S * 2**K; S is nan where that cannot be."""
    cdef double small = 2.0**-900 if real is double else 2.0**-60
    cdef double large = 2.0**900 if real is double else 2.0**90
    cdef double highest = 2.0**49 if real is double else 2.0**20  # beyond, K would be rounded
    cdef double m, k, total, lost = 0
    cdef Py_ssize_t block, size
    cdef const real* start
    K[0] = S[0] = 0
    for block in range((n + BLOCK - 1) // BLOCK):
        start = x + block * BLOCK
        size = min(BLOCK, n - block * BLOCK)
        total = block_sum(start, size, <real>K[0])
        if not total < large or S[0] + total < small:  # K does not suit this block
            m = largest(start, size)
            if m == -INFINITY and total < large:
                continue
            k = rint(m * LOG2_E)
            total = block_sum(start, size, <real>k)
            if not fabs(m) < highest or not total < large:  # infinite, huge, or there is a nan
                S[0] = NAN
                return
            if S[0]:
                S[0] *= exp2(K[0] - k)
                lost *= exp2(K[0] - k)
            K[0] = k
        add(total, S, &lost)


# -- ties + sum(exp(x - m)): where log(sum) would cancel, and for the softmaxes ------------------

cdef enum:
    RAISED = 100  # terms carry a factor 2**RAISED: the smallest are not denormal
    RAISED_FLOAT = 40


cdef inline real raised_exp(real d) noexcept nogil:
    """Return exp(d) * 2**RAISED for d <= 0, precise for every d; nan stays."""
    cdef real raised = RAISED if real is double else RAISED_FLOAT
    cdef real lowest = (-1020 - raised if real is double else -125 - raised) * <real>LN2
    cdef real shift = rounder[real](1023 + raised if real is double else 127 + raised)
    cdef real high = 0.6931471803691238 if real is double else 0.693115234375
    cdef real low = 1.9082149292705877e-10 if real is double else 3.1946184945309415e-05
    cdef real y, k
    d = lowest if lowest > d else d
    y = d * <real>LOG2_E + shift
    k = y - shift
    return exp_near_0((d - k * high) - k * low) * power_of_2(y)


cdef inline void add_rest_group(
    const real* x, int lanes, real m, real* same, real* sums
) noexcept nogil:
    cdef int j
    cdef real d, one = 1, zero = 0
    for j in range(lanes):
        d = x[j] - m
        same[j] += one if d == zero else zero
        sums[j] += zero if d == zero else raised_exp(d)


cdef double add_rest(const real* x, Py_ssize_t n, real m, double* ties) noexcept nogil:
    """Return the sum of exp(x - m) over x != m, and how many equal m."""
    cdef int j
    cdef Py_ssize_t i = 0, stop
    cdef real same[GROUP]
    cdef real sums[GROUP]
    cdef real few[FEW]
    cdef double rest = 0, lost = 0
    ties[0] = 0
    while i < n:
        stop = min(i + BLOCK, n)
        for j in range(GROUP):
            same[j] = sums[j] = 0
        while i + GROUP <= stop:
            add_rest_group(x + i, GROUP, m, same, sums)
            i += GROUP
        while i < stop:
            fill(x + i, stop - i, few)
            add_rest_group(<const real*>few, FEW, m, same, sums)
            i += FEW
        ties[0] += sum_of(<const real*>same)
        add(sum_of(<const real*>sums), &rest, &lost)
    return rest * (2.0**-RAISED if real is double else 2.0**-RAISED_FLOAT)


cdef inline void softmax_group(
    const real* x, int lanes, real m, real* terms, real* sums
) noexcept nogil:
    cdef int j
    for j in range(lanes):
        terms[j] = raised_exp(x[j] - m)
        sums[j] += terms[j]


cdef void softmax_row(const real* x, Py_ssize_t n, real* out) noexcept nogil:
    cdef int j
    cdef Py_ssize_t i = 0, stop
    cdef real m = largest(x, n), scale
    cdef real terms[FEW]
    cdef real sums[GROUP]
    cdef real few[FEW]
    cdef double total = 0
    while i < n:
        stop = min(i + BLOCK, n)
        for j in range(GROUP):
            sums[j] = 0
        while i + GROUP <= stop:
            softmax_group(x + i, GROUP, m, out + i, sums)
            i += GROUP
        while i < stop:
            fill(x + i, stop - i, few)
            softmax_group(<const real*>few, FEW, m, terms, sums)
            for j in range(min(FEW, stop - i)):
                out[i + j] = terms[j]
            i += FEW
        total += sum_of(<const real*>sums)
    scale = 1 / total
    for i in range(n):
        out[i] *= scale


cdef void log_softmax_row(const real* x, Py_ssize_t n, real* out) noexcept nogil:
    cdef Py_ssize_t i
    cdef real m = largest(x, n), log_sum
    cdef double ties, rest = add_rest(x, n, m, &ties)
    log_sum = log(ties) + log1p(rest / ties)
    if m == INFINITY:
        log_sum = NAN if has_nan(x, n) else 0
    for i in range(n):
        out[i] = (x[i] - m) - log_sum


# -- the kernels ---------------------------------------------------------------------------------

cdef inline int threads(Py_ssize_t n) noexcept nogil:
    return omp_get_max_threads() if n >= LONG else 1


cdef double careful(const real* x, Py_ssize_t n, Py_ssize_t parts, Py_ssize_t size) noexcept nogil:
    """Return logsumexp(x), with the largest terms kept apart from the others."""
    cdef Py_ssize_t part
    cdef real most[PARTS]
    cdef double same[PARTS]
    cdef double sums[PARTS]
    cdef double ties = 0, rest = 0
    cdef real m
    for part in prange(parts, schedule="static", num_threads=threads(n)):
        most[part] = largest(x + part * size, min(size, n - part * size))
    m = largest(<const real*>most, parts)
    if isinf(m):  # it is the answer, unless there is a nan
        return NAN if has_nan(x, n) else m
    for part in prange(parts, schedule="static", num_threads=threads(n)):
        sums[part] = add_rest(x + part * size, min(size, n - part * size), m, &same[part])
    for part in range(parts):
        ties += same[part]
        rest += sums[part]
    return m + (log(ties) + log1p(rest / ties))


cdef double _logsumexp(const real* x, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t part, size = n if n < LONG else (n // PARTS // BLOCK + 1) * BLOCK
    cdef Py_ssize_t parts = (n + size - 1) // size
    cdef double K[PARTS]
    cdef double S[PARTS]
    cdef double k = -INFINITY, total = 0, result
    if parts == 1:
        add_up(x, n, &k, &total)
    else:
        for part in prange(parts, schedule="static", num_threads=threads(n)):
            add_up(x + part * size, min(size, n - part * size), &K[part], &S[part])
        for part in range(parts):
            if S[part] and K[part] > k:
                k = K[part]
        for part in range(parts):
            if S[part]:
                total += S[part] * exp2(K[part] - k)
    result = k * LN2 + log(total) if total else -INFINITY
    return result if fabs(result) >= 1 else careful(x, n, parts, size)


ctypedef enum Kernel:
    LOGSUMEXP, SOFTMAX, LOG_SOFTMAX


cdef void _rows(
    Kernel kernel, const real* x, Py_ssize_t m, Py_ssize_t n, real* out
) noexcept nogil:
    cdef Py_ssize_t i
    for i in prange(m, schedule="static", num_threads=threads(m * n)):
        if kernel == LOGSUMEXP:
            out[i] = _logsumexp(x + i * n, n)
        elif kernel == SOFTMAX:
            softmax_row(x + i * n, n, out + i * n)
        else:
            log_softmax_row(x + i * n, n, out + i * n)


cdef bint is_double(cnp.ndarray x, int ndim) except -1:
    """Check what is read through a pointer."""
    if x.ndim == ndim and cnp.PyArray_ISCARRAY_RO(x) and cnp.PyArray_SIZE(x):
        if cnp.PyArray_TYPE(x) == cnp.NPY_DOUBLE:
            return True
        if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT:
            return False
    raise ValueError(f"x must be a contiguous {ndim}-D array of float32 or float64, not empty")


cdef object rows(Kernel kernel, cnp.ndarray x):
    cdef bint wide = is_double(x, 2)
    cdef Py_ssize_t m = x.shape[0], n = x.shape[1]
    cdef int ndim = 1 if kernel == LOGSUMEXP else 2
    cdef cnp.ndarray out = cnp.PyArray_SimpleNew(ndim, x.shape, cnp.PyArray_TYPE(x))
    if wide:
        _rows(kernel, <const double*>cnp.PyArray_DATA(x), m, n, <double*>cnp.PyArray_DATA(out))
    else:
        _rows(kernel, <const float*>cnp.PyArray_DATA(x), m, n, <float*>cnp.PyArray_DATA(out))
    return out


def logsumexp(cnp.ndarray x not None):
    if is_double(x, 1):
        return _logsumexp(<const double*>cnp.PyArray_DATA(x), x.shape[0])
    return _logsumexp(<const float*>cnp.PyArray_DATA(x), x.shape[0])


def logsumexp_rows(cnp.ndarray x not None):
    return rows(LOGSUMEXP, x)


def softmax_rows(cnp.ndarray x not None):
    return rows(SOFTMAX, x)


def log_softmax_rows(cnp.ndarray x not None):
    return rows(LOG_SOFTMAX, x)
