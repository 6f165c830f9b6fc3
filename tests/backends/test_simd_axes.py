"""The C++ kernels along axes of every length, and with weights, in every instruction set."""

import math
import tracemalloc

import mpmath
import numpy as np
import pytest

import lsekernels
from lsekernels.kernels._ulp import largest_ulp_error, pair, ulp_error
from lsekernels.kernels.softmax_rows import error as softmax_error

from .test_simd import DTYPES, simd, variants

__all__ = ["simd", "variants"]  # the module in each instruction set

NUMBERS = np.random.RandomState(11).standard_normal(3 * 70 * 70)
LONG_ROWS = 200
"""More than are added up before rounding is looked at."""

extended = pytest.mark.skipif(
    np.finfo(np.longdouble).nmant <= 62, reason="no extended precision here"
)


def truth(x, axis):
    """Return logsumexp, softmax and log_softmax, in extended precision, as pairs."""
    x = x.astype(np.longdouble)
    with np.errstate(all="ignore"):
        top = x.max(axis=axis, keepdims=True)
        d = np.where(x == top, 0, x - top)
        largest = x == top
        rest = np.where(largest, 0, np.exp(d)).sum(axis=axis, keepdims=True)
        ties = largest.sum(axis=axis, keepdims=True)
        log = np.log1p(rest + (ties - 1))
        finite = np.isfinite(top)
        softmax = np.where(finite, np.exp(d) / (ties + rest), np.nan)
        log_softmax = np.where(finite, d - log, x - top)
        return pair(np.squeeze(top + log, axis)), pair(softmax), pair(log_softmax)


def assert_right(simd, x, axis, least=1.0):
    """Hold all three against the truth; logarithms in ulp of them or of `least`."""
    dtype = x.dtype
    logsumexp, softmax, log_softmax = truth(x, axis)
    where = f"{x.shape} over {axis}, {dtype}"
    found = np.asarray(simd.logsumexp_along(x, axis))
    assert found.dtype == dtype
    assert largest_ulp_error(found, logsumexp, dtype, least=least) <= 2, where
    assert softmax_error(simd.softmax_along(x, axis), softmax, dtype) <= 6, where
    found = simd.log_softmax_along(x, axis)
    assert largest_ulp_error(found, log_softmax, dtype, least=1.0) <= 4, where


@extended
@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_of_every_length(simd, dtype):
    for n in range(1, 71):
        assert_right(simd, (NUMBERS[: 5 * n].reshape(5, n) * 3).astype(dtype), 1)
    for n, rows in ((1, 200), (3, 64), (3, 65), (16, 129), (17, 70), (300, 40), (80_000, 2)):
        numbers = np.resize(NUMBERS, rows * n).reshape(rows, n)
        assert_right(simd, numbers.astype(dtype), 1)


@extended
@pytest.mark.parametrize("dtype", DTYPES)
def test_columns_of_every_width(simd, dtype):
    for inner in range(1, 71):
        for n in (1, 2, 3, 9, 33, 70):
            if n > 3 and inner % 7 > 1:
                continue
            x = (NUMBERS[: 2 * n * inner].reshape(2, n, inner) * 3).astype(dtype)
            assert_right(simd, x, 1)
    assert_right(simd, np.resize(NUMBERS, (2, LONG_ROWS, 300)).astype(dtype), 1)
    assert_right(simd, np.resize(NUMBERS, (LONG_ROWS, 3)).astype(dtype), 0)


@extended
@pytest.mark.parametrize("dtype", DTYPES)
def test_what_lies_beside_is_neither_read_nor_written(simd, dtype):
    around = np.full(400, 1e3, dtype)
    for offset in (1, 2, 3):
        for shape in ((7, 5), (5, 7), (3, 33), (33, 3)):
            size = math.prod(shape)
            x = around[offset : offset + size].reshape(shape)
            x[:] = NUMBERS[:size].reshape(shape)
            for axis in (0, 1):
                assert_right(simd, x, axis)
            around[:] = 1e3


@extended
@pytest.mark.parametrize("dtype", DTYPES)
def test_special_values_inside(simd, dtype):
    random = np.random.RandomState(5)
    special = np.array([math.inf, -math.inf, -math.inf, math.nan, 0])
    for shape in ((40, 3), (40, 20), (3, 40), (20, 40), (70, 9), (9, 300), (100, 5)):
        for share in (0.02, 0.3, 1):
            x = random.standard_normal(shape)
            x = np.where(random.uniform(size=shape) < share, random.choice(special, shape), x)
            for axis in (0, 1):
                assert_right(simd, x.astype(dtype), axis)
    for number in special:
        for axis in (0, 1):
            assert_right(simd, np.full((33, 17), number, dtype), axis)


@extended
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scale", [1e-3, 30, 1e4])
def test_maximum_that_moves_from_chunk_to_chunk(simd, dtype, scale):
    for order in (1, -1):
        x = np.sort(np.resize(NUMBERS, (LONG_ROWS, 11)), axis=0)[::order] * scale
        assert_right(simd, np.ascontiguousarray(x.astype(dtype)), 0)
        assert_right(simd, np.ascontiguousarray(x[:9].T.astype(dtype)), 1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [1, 3, 40, 100])
def test_digits_of_what_is_tiny_beside_one(simd, dtype, rows):
    low = [-1.5, -17.25, -40.0, -80.0 if dtype == "float32" else -700.0]
    for number in low:
        x = np.full((rows + 1, 9), -math.inf, dtype)
        x[0], x[-1] = 0, number
        expected = mpmath.log1p(mpmath.exp(number))
        for axis, columns in ((0, x), (1, np.ascontiguousarray(x.T))):
            for result in simd.logsumexp_along(columns, axis):
                assert ulp_error(result, expected, dtype) <= 2
            largest = np.take(simd.log_softmax_along(columns, axis), 0, axis)
            for result in largest:
                assert ulp_error(result, -expected, dtype) <= 2


def test_equal_columns_do_not_drift(simd):
    """A float32 sum that stays in one lane would lose digits, and at last stand still."""
    for dtype in DTYPES:
        x = np.full((200_000, 3), 0.1, dtype)
        expected = float(x[0, 0]) + math.log(200_000)
        assert all(ulp_error(r, expected, dtype) <= 2 for r in simd.logsumexp_along(x, 0))
        np.testing.assert_allclose(simd.softmax_along(x, 0), 1 / 200_000, rtol=np.finfo(dtype).eps)


def test_what_lies_otherwise_is_left_to_others(simd):
    x = np.ones((3, 4))
    for given in ([1.0], x.T, x[:, ::2], x > 0, np.ma.array(x), x.astype(">f8"), np.array(1.0)):
        assert simd.logsumexp_along(given, None) is NotImplemented
    for axis in (2, -3, False, (0,), 0.0, 1 << 80, np.int64(1)):
        assert simd.softmax_along(x, axis) is NotImplemented
    assert simd.log_softmax_along(np.zeros((0, 3)), 0) is NotImplemented
    with pytest.raises(TypeError, match="x and axis"):
        simd.logsumexp_along(x)


@pytest.mark.parametrize("kind", ["positive", "both", "cancelling"])
def test_weights_it_is_sure_of_are_right(simd, kind):
    random = np.random.RandomState(3)
    sure = 0
    for n in [*range(1, 41), 300]:
        x = random.standard_normal(n) * 10 ** random.uniform(-3, 2.5)
        w = random.standard_normal(n) * 10 ** random.uniform(-5, 5, n)
        if kind == "positive":
            w = np.abs(w)
        if kind == "cancelling":
            w[-1] = -np.sum(w[:-1] * np.exp(x[:-1] - x[-1])) * (1 + random.choice([1e-12, 1e-6]))
        [log], [sign], [known] = simd.weighted_rows(x[None], w[None], 2**-53)
        sure += int(known)
        with mpmath.workdps(60):
            terms = [mpmath.mpf(float(b)) * mpmath.exp(float(a)) for a, b in zip(x, w, strict=True)]
            total = mpmath.fsum(terms)
            if known:
                assert ulp_error(log, mpmath.log(abs(total)), "float64") <= 1
                assert sign == mpmath.sign(total)
    exact_products = simd.instruction_set() not in ("sse2", "plain")
    assert (sure >= 20) == (exact_products and kind != "cancelling")


def test_weights_it_cannot_be_sure_of(simd):
    for x, w in (
        ([0.0, math.inf], [1.0, 1.0]),
        ([0.0, math.nan], [1.0, 0.0]),
        ([0.0, 0.0], [math.inf, 1.0]),
        ([0.0, 0.0], [math.nan, 1.0]),
        ([5.0, 5.0], [1.0, -1.0]),
        ([0.0, 0.0], [0.0, 0.0]),
        ([0.0, 800.0], [1e308, 1e-308]),
        ([0.0, 1000.0], [1.0, 0.0]),
        ([-math.inf, 0.0], [math.inf, 1.0]),
        ([1e300, 0.0], [1.0, 1.0]),
    ):
        assert not simd.weighted_rows(np.array([x]), np.array([w]), 2**-53)[2].any()
    with pytest.raises(TypeError, match="of one shape"):
        simd.weighted_rows(np.ones((1, 2)), np.ones((2, 1)), 2**-53)


@pytest.mark.backend("simd")
@pytest.mark.parametrize("axis", [0, 1, 2, (0, 1), (1, 2), None])
def test_public_functions_copy_nothing(axis):
    x = np.ones((40, 50, 60))
    for layout in (x, x.T):
        lsekernels.logsumexp(layout, axis=axis, backend="simd")
        tracemalloc.start()
        lsekernels.logsumexp(layout, axis=axis, backend="simd")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < x.nbytes / 4
