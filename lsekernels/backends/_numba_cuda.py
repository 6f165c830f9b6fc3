"""CUDA kernels in Python: a reduction in shared memory, by as many blocks as fill the GPU.

Numbers are reduced to (m, s) with s = sum(exp(x - m)), s in float64 for both dtypes. m is finite,
also where no number or an infinite one is the largest: then s becomes 0, inf or nan by itself.

The module is apart from the backend because Numba's simulator needs `cuda` to be a global.

Source: of the pair (m, s): M. Milakov and N. Gimelshein, "Online normalizer calculation for
softmax", arXiv:1805.02867 (2018); of `join_block`: M. Harris, "Optimizing parallel reduction in
CUDA" (2007).
"""
# mypy: disable-error-code="no-untyped-def,no-untyped-call"

import math

import numpy as np
from numba import config, cuda, float64

from ._numba_cache import CACHE

SIMULATED = bool(config.ENABLE_CUDASIM)
# The simulator makes each thread one of Python's.
THREADS = 4 if SIMULATED else 256  # of a block; a power of two
BLOCKS = 8 if SIMULATED else 1024  # at most so many share an array; one then joins what they leave
LARGEST = {"float32": np.finfo("f4").max, "float64": np.finfo("f8").max}


@cuda.jit(device=True)
def join_block(m, s, all_m, all_s):
    """Return (m, s) of the whole block to its first thread."""
    thread = cuda.threadIdx.x
    all_m[thread] = m
    all_s[thread] = s
    joined = THREADS // 2
    while joined > 0:
        cuda.syncthreads()
        if thread < joined:
            other_m, other_s = all_m[thread + joined], all_s[thread + joined]
            m = max(all_m[thread], other_m)
            all_s[thread] = all_s[thread] * math.exp(all_m[thread] - m) + other_s * math.exp(
                other_m - m
            )
            all_m[thread] = m
        joined //= 2
    return all_m[0], all_s[0]


@cuda.jit(device=True)
def reduce(x, start, step, largest):
    """Return (m, s) of every `step`-th number from `start` on, read once."""
    m = -largest
    s = 0.0
    for i in range(start, x.size, step):
        v = x[i]
        if v > m:  # rare after the first few
            before = m
            m = min(v, largest)
            s *= math.exp(before - m)
        s += math.exp(v - m)
    return m, s


@cuda.jit(device=True)
def result(m, s):
    """Return log(sum(exp(x))) of what was reduced to (m, s)."""
    return m + math.log(s) if s != 0 else -math.inf


@cuda.jit(cache=CACHE)
def parts(x, largest, part_m, part_s):
    """Reduce `x` to one (m, s) a block."""
    all_m = cuda.shared.array(THREADS, float64)
    all_s = cuda.shared.array(THREADS, float64)
    m, s = reduce(x, cuda.grid(1), cuda.gridsize(1), largest)
    m, s = join_block(m, s, all_m, all_s)
    if cuda.threadIdx.x == 0:
        part_m[cuda.blockIdx.x] = m
        part_s[cuda.blockIdx.x] = s


@cuda.jit(cache=CACHE)
def merge(part_m, part_s, count, out):
    """Join the first `count` parts in one block."""
    all_m = cuda.shared.array(THREADS, float64)
    all_s = cuda.shared.array(THREADS, float64)
    m = part_m[0]
    s = 0.0
    for i in range(cuda.threadIdx.x, count, THREADS):
        m_before = m
        m = max(m, part_m[i])
        s = s * math.exp(m_before - m) + part_s[i] * math.exp(part_m[i] - m)
    m, s = join_block(m, s, all_m, all_s)
    if cuda.threadIdx.x == 0:
        out[()] = result(m, s)


@cuda.jit(cache=CACHE)
def rows(x, largest, out):
    """Reduce a row a block."""
    all_m = cuda.shared.array(THREADS, float64)
    all_s = cuda.shared.array(THREADS, float64)
    row = cuda.blockIdx.x
    m, s = reduce(x[row], cuda.threadIdx.x, THREADS, largest)
    m, s = join_block(m, s, all_m, all_s)
    if cuda.threadIdx.x == 0:
        out[row] = result(m, s)
