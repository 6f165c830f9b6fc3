"""Where the blocked and vectorized loops could go wrong: borders, references, rare paths, rows."""

import math
import platform

import numpy as np
import pytest

from lsekernels.kernels import logsumexp as kernel

DTYPES = "float32", "float64"
BORDERS = (255, 256, 511, 512, 513, 1023, 1024, 1025, 1536, 4095, 4096, 32_767, 32_768, 32_769)
NEGATIVE_NAN = -np.float64(np.nan)  # what x86 makes of inf - inf


@pytest.fixture(params=["numba_tuned", "numba_tuned_parallel", "numpy_blocked"])
def name(request):
    return request.param


@pytest.fixture
def tuned(backend):
    return backend


def check(backend, x):
    """Compare with extended precision, where the result is well conditioned."""
    top = np.longdouble(x.max())
    exact = top + np.log(np.sum(np.exp(x.astype(np.longdouble) - top)))
    error = abs(x.dtype.type(backend.logsumexp(x)) - exact) / np.spacing(abs(x.dtype.type(exact)))
    assert error <= 4


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", BORDERS)
def test_sizes_around_borders(tuned, size, dtype):
    x = np.random.RandomState(size).standard_normal(size).astype(dtype)
    check(tuned, x)
    check(tuned, x - 300)  # the first reference is wrong
    assert tuned.logsumexp(x[1:]) == tuned.logsumexp(x[1:].copy())  # not aligned to a vector


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [5000, 70_000])
@pytest.mark.parametrize("step", [-1e5, -1000.0, -60.0, -30.0, 30.0, 60.0, 1000.0, 1e5])
def test_reference_changes_on_the_way(tuned, step, size, dtype):
    x = np.random.RandomState(0).standard_normal(size)
    for start in (size - 1, size - 700, size // 2, 2048, 1):
        jump = x.copy()
        jump[start:] += step
        check(tuned, jump.astype(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shift", [0.0, -1e5, 300.0])
@pytest.mark.parametrize("size", [5000, 100_000])
def test_blocks_of_minus_inf(tuned, size, shift, dtype):
    x = np.random.RandomState(1).standard_normal(size) + shift
    third = size // 3
    for part in (slice(0, third), slice(third, 2 * third), slice(2 * third, size)):
        masked = x.astype(dtype)
        masked[part] = -math.inf
        check(tuned, masked)
        masked[part.start + 2] = shift
        check(tuned, masked)


@pytest.mark.backend("numba_tuned_parallel")
def test_chunks_of_several_threads(load):
    """Their references differ, and one has nothing but -inf."""
    several = load("numba_tuned_parallel")
    x = np.random.RandomState(1).standard_normal(1_000_000)
    x[300_000:500_000] = -math.inf
    for shift in (0.0, -1e5, 1e5):
        check(several, x + shift)
        check(several, x + np.linspace(0, shift, x.size))
        check(several, x + np.linspace(shift, 0, x.size))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [1, 9, 5000, 100_000, 1_000_000])
def test_nan_and_infinity_anywhere(tuned, size, dtype):
    for place in sorted({0, 5 % size, size // 2, size - 1}):
        for rest in (0.0, -math.inf, -1000.0, 1000.0):
            for value in (math.nan, NEGATIVE_NAN, math.inf):
                x = np.full(size, rest, dtype)
                x[place] = value
                np.testing.assert_equal(float(tuned.logsumexp(x)), abs(value))
            x[place - 1] = math.nan  # with the infinity after it, or before
            assert math.isnan(tuned.logsumexp(x))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [3, 5001, 40_000])
@pytest.mark.parametrize("low", [-15.0, -35.0, -40.0, -90.0, -700.0])
def test_digits_that_cancel(tuned, low, size, dtype):
    x = np.full(size, low, dtype)
    x[size // 2] = 0.0
    assert kernel.error(tuned.logsumexp(x), kernel.reference(x), dtype) <= 8


@pytest.mark.backend("numba_tuned")
def test_sum_of_denormal_terms(load):
    x = np.full(40_001, -740.0)
    x[0] = 0.0
    result = load("numba_tuned").logsumexp(x)
    assert kernel.error(result, kernel.reference(x), "float64") <= 1


def test_log_probabilities(tuned):
    """They sum to one: what is left is rounding, nothing more."""
    x = np.random.RandomState(2).standard_normal(5000)
    assert abs(tuned.logsumexp(x - tuned.logsumexp(x))) < 2e-15


@pytest.mark.parametrize("size", [2, 3000, 100_000])
@pytest.mark.parametrize(
    ("dtype", "value"),
    [("float32", 3e38), ("float64", 1.7e308), ("float32", 1e7), ("float64", 1e14)],
)
def test_huge_numbers(tuned, value, dtype, size):
    for x in (np.full(size, value, dtype), np.full(size, -value, dtype)):
        check(tuned, x)
        x[::2] *= -1
        check(tuned, x)


def test_many_equal_elements(tuned):
    """Sums of float32 in float32, or in one accumulator, would stop growing or drift."""
    x = np.full(30_000_000, 1.5, "float32")
    assert kernel.error(tuned.logsumexp(x), 1.5 + math.log(x.size), "float32") <= 1
    x = x[:9_000_001].astype(float)
    assert kernel.error(tuned.logsumexp(x), 1.5 + math.log(x.size), "float64") <= 2


# -- rows ------------------------------------------------------------------------------------------

SHAPES = (1, 1), (1, 40_000), (7, 1), (3, 2), (5, 17), (4, 512), (3, 1025), (2, 5000), (9000, 3)


def truth(x):
    """Return logsumexp, softmax and log_softmax of each row in extended precision."""
    x = x.astype(np.longdouble)
    top = x.max(axis=1, keepdims=True)
    terms = np.exp(x - top)
    log_sum = np.log(terms.sum(axis=1, keepdims=True))
    return (top + log_sum)[:, 0], terms / np.exp(log_sum), x - top - log_sum


ROWS = {"logsumexp_rows": 2, "softmax_rows": 0, "log_softmax_rows": 2}
"""Kernel -> the absolute error allowed beside the relative one, in units of the dtype's eps."""


def check_rows(backend, kernel_name, x):
    """Compare with extended precision."""
    eps = float(np.finfo(x.dtype).eps)
    wanted = dict(zip(ROWS, truth(x), strict=True))[kernel_name]
    result = getattr(backend, kernel_name)(x)
    assert result.dtype == x.dtype
    np.testing.assert_allclose(
        result.astype(np.longdouble), wanted, rtol=16 * eps, atol=ROWS[kernel_name] * eps
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("shift", [0.0, 500.0, -5000.0])
def test_rows(tuned, shape, shift, dtype):
    x = np.random.RandomState(3).standard_normal(shape) + shift
    x[:, -1] -= 3.0
    x = x.astype(dtype)
    before = x.copy()
    for kernel_name in ROWS:
        check_rows(tuned, kernel_name, x)
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", [1, 6, 600, 5000])
def test_special_rows(tuned, width, dtype):
    x = np.zeros((7, width), dtype)
    x[1, width // 2] = math.nan
    x[2, width // 2] = math.inf
    x[3] = -math.inf
    x[4, 1:] = -math.inf
    x[5, -1] = NEGATIVE_NAN
    x[6, width // 2 :] = math.inf
    logs = tuned.logsumexp_rows(x)
    log_width = math.log(width)
    np.testing.assert_allclose(
        logs, [log_width, math.nan, math.inf, -math.inf, 0, math.nan, math.inf], rtol=1e-6
    )
    one = np.zeros(width)
    one[0] = 1
    nan = np.full(width, math.nan)
    equal = np.full(width, 1 / width)
    np.testing.assert_allclose(
        tuned.softmax_rows(x), [equal, nan, nan, nan, one, nan, nan], rtol=1e-6
    )
    with np.errstate(divide="ignore"):
        expected = np.log([equal, nan, one, nan, one, nan, one])
    for row in (2, 6):
        expected[row] = np.where(np.isinf(x[row]), math.nan, -math.inf)
    np.testing.assert_allclose(tuned.log_softmax_rows(x), expected, rtol=1e-6)


def test_small_probabilities_keep_their_digits(tuned):
    x = np.array([[0.0, -50.0, -300.0, -707.0, -740.0, -800.0]])
    probabilities = tuned.softmax_rows(x)[0]
    np.testing.assert_allclose(probabilities[:4], np.exp(x[0, :4]), rtol=4e-16)
    np.testing.assert_allclose(probabilities[4:], np.exp(x[0, 4:]), rtol=0, atol=5e-324)
    x = np.array([[0.0, -100.0, -103.0, -200.0]], "float32")
    expected = np.exp(x[0].astype(float))
    np.testing.assert_allclose(tuned.softmax_rows(x)[0], expected, rtol=0, atol=2e-45)


@pytest.mark.backend("numba_tuned_parallel")
@pytest.mark.parametrize("kernel_name", ROWS)
def test_rows_on_several_threads(load, kernel_name):
    """Right as on one; the last bits may differ, as the two are compiled apart."""
    x = np.random.RandomState(4).standard_normal((1500, 1000))
    check_rows(load("numba_tuned_parallel"), kernel_name, x)


# -- exp -------------------------------------------------------------------------------------------


@pytest.mark.backend("numba_tuned")
def test_coefficients_are_those_of_the_interpolation(load):
    """(exp(f) - 1 - f) / f**2 in the Chebyshev points, once more with mpmath."""
    import importlib

    import mpmath

    load("numba_tuned")
    tuned = importlib.import_module("lsekernels.backends._numba_tuned")
    for coefficients in (tuned.Q64, tuned.Q32):
        count = len(coefficients)
        with mpmath.workdps(60):
            points = [
                mpmath.log(2) / 2 * mpmath.cos(mpmath.pi * (2 * i + 1) / (2 * count))
                for i in range(count)
            ]
            values = [
                (mpmath.exp(f) - 1 - f) / f**2 if abs(f) > 1e-20 else mpmath.mpf(0.5)
                for f in points
            ]
            powers = mpmath.matrix([[f**i for i in range(count)] for f in points])
            exact = [float(c) for c in mpmath.lu_solve(powers, mpmath.matrix(values))]
        np.testing.assert_array_equal(np.array(exact, np.asarray(coefficients).dtype), coefficients)


# -- vectors ---------------------------------------------------------------------------------------


@pytest.mark.backend("numba_tuned")
@pytest.mark.parametrize("kernel_name", ["logsumexp", "log_softmax_rows"])
def test_vectors_are_as_wide_as_the_cpu_has_them(kernel_name, python, load):
    """Compiled, not called: for a CPU with AVX-512 of which LLVM thinks it prefers 256 bits."""
    if platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip("LLVM compiles for this machine's own kind of CPU alone")
    load("numba_tuned")
    code = (
        "import sys, numba; from lsekernels.backends import _numba_tuned as tuned\n"
        "function = getattr(tuned, sys.argv[1])\n"
        "x = numba.float64[::1] if sys.argv[1] == 'logsumexp' else numba.float64[:, ::1]\n"
        "function.compile((x,) if sys.argv[1] == 'logsumexp' else (x, x))\n"
        "(assembly,) = function.inspect_asm().values()\n"
        "print(assembly.count('zmm') > 100)"
    )
    features = "+avx2,+fma,+avx512f,+avx512cd,+avx512dq,+avx512bw,+avx512vl,+prefer-256-bit"
    setting = {"NUMBA_CPU_NAME": "skylake-avx512", "NUMBA_CPU_FEATURES": features}
    assert python(code, kernel_name, **setting) == "True"
