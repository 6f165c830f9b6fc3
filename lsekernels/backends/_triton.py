"""Kernels for Triton: a program reads a part of an array, or a row, once in blocks.

Numbers are reduced to (m, s) with s = sum(exp(x - m)), s in float64 for both dtypes. m is finite,
also where no number or an infinite one is the largest: then s becomes 0, inf or nan by itself.

Source: M. Milakov and N. Gimelshein, "Online normalizer calculation for softmax",
arXiv:1805.02867 (2018).
"""
# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"

import triton
import triton.language as tl

BLOCK = 2048  # elements read at once
PARTS = 1024  # at most so many programs share an array; one then joins what they leave


@triton.jit
def reduce(x, start, step, n, LARGEST: tl.constexpr, BLOCK: tl.constexpr):  # noqa: N803
    """Return (m, s) of every `step` / BLOCK-th block of the `n` numbers at `x` from `start` on."""
    offsets = tl.arange(0, BLOCK)
    m = tl.full((), -LARGEST, x.dtype.element_ty)
    s = tl.full((), 0.0, tl.float64)
    for first in range(start, n, step):
        v = tl.load(x + first + offsets, mask=first + offsets < n, other=-float("inf"))
        numbers = tl.where(v == v, v, -LARGEST)  # without nan
        higher = tl.minimum(tl.maximum(m, tl.max(numbers, 0)), LARGEST)
        s = s * tl.exp((m - higher).to(tl.float64))
        s += tl.sum(tl.exp(v - higher).to(tl.float64), 0)
        m = higher
    return m, s


@triton.jit
def parts(x, n, part_m, part_s, LARGEST: tl.constexpr, BLOCK: tl.constexpr):  # noqa: N803
    """Reduce `x` to one (m, s) a program."""
    part = tl.program_id(0).to(tl.int64)
    m, s = reduce(x, part * BLOCK, tl.num_programs(0) * BLOCK, n, LARGEST, BLOCK)
    tl.store(part_m + part, m)
    tl.store(part_s + part, s)


@triton.jit
def merge(part_m, part_s, count, out, PARTS: tl.constexpr):  # noqa: N803
    """Join the first `count` parts."""
    part = tl.arange(0, PARTS)
    m = tl.load(part_m + part, mask=part < count, other=-float("inf")).to(tl.float64)
    s = tl.load(part_s + part, mask=part < count, other=0.0)
    highest = tl.max(m, 0)
    tl.store(out, highest + tl.log(tl.sum(s * tl.exp(m - highest), 0)))


@triton.jit
def rows(x, n, out, LARGEST: tl.constexpr, BLOCK: tl.constexpr):  # noqa: N803
    """Reduce a row of `n` numbers a program."""
    row = tl.program_id(0).to(tl.int64)
    m, s = reduce(x + row * n, 0, BLOCK, n, LARGEST, BLOCK)
    tl.store(out + row, m.to(tl.float64) + tl.log(s))


@triton.jit
def softmax(x, n, out, LARGEST: tl.constexpr, BLOCK: tl.constexpr):  # noqa: N803
    """Reduce a row a program, then read it again and divide each term by the sum."""
    row = tl.program_id(0).to(tl.int64)
    x += row * n
    out += row * n
    m, s = reduce(x, 0, BLOCK, n, LARGEST, BLOCK)
    s = tl.where(s == float("inf"), float("nan"), s).to(x.dtype.element_ty)
    offsets = tl.arange(0, BLOCK)
    for first in range(0, n, BLOCK):
        inside = first + offsets < n
        v = tl.load(x + first + offsets, mask=inside)
        tl.store(out + first + offsets, tl.exp(v - m) / s, mask=inside)
