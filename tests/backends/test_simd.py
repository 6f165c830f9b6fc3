"""The C++ kernels in every instruction set that runs here, where vectors begin and end."""

import importlib
import math
from importlib.util import find_spec

import numpy as np
import pytest

from lsekernels import kernels
from lsekernels.kernels import _case
from lsekernels.kernels import logsumexp as kernel

from .. import matrix

DTYPES = "float32", "float64"
ROWS = "logsumexp_rows", "softmax_rows", "log_softmax_rows"


MODULES = {"logsumexp_simd": "simd", "logsumexp_simd_openmp": "simd_openmp"}
"""Extension module -> the backend that binds it."""


def module_of(name):
    return importlib.import_module(f"lsekernels._compiled.{name}")


def variants():
    """Each module with each instruction set that this CPU has: (module, set)."""
    found = [name for name in MODULES if find_spec(f"lsekernels._compiled.{name}")]
    return [
        pytest.param((name, used), marks=pytest.mark.backend(MODULES[name]), id=f"{name}-{used}")
        for name in found
        for used in module_of(name).instruction_sets()
    ]


@pytest.fixture(params=variants())
def simd(request):
    """The extension module, made to use each instruction set."""
    name, used = request.param
    module = module_of(name)
    module.use(used)
    yield module
    module.use(module.instruction_sets()[0])


@pytest.mark.parametrize("dtype", DTYPES)
def test_cases(simd, dtype):
    exact = {name for name, case in kernel.CASES.items() if case.kind == _case.SPECIAL}
    bound = lambda case: 0 if case in exact else 4  # noqa: E731
    matrix.check("logsumexp", "logsumexp", dtype, simd.logsumexp, bound)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kernel_name", ROWS)
def test_rows(simd, kernel_name, dtype):
    matrix.check(kernel_name, kernel_name, dtype, getattr(simd, kernel_name), lambda case: 8)


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_length_at_every_offset(simd, dtype):
    """A wrong tail drops or repeats an element; what lies beside the array must not be read in."""
    (numbers,) = kernel.make_data(400, dtype)
    around = np.full(440, 1e3, dtype)
    for size in [*range(1, 135), 255, 256, 257]:
        for offset in (0, 1, 3):
            around[:] = 1e3
            x = around[offset : offset + size]
            x[:] = numbers[:size]
            exact = np.log(np.exp(x.astype(np.longdouble)).sum())
            near = {"rtol": 0, "atol": 1e-14 if dtype == "float64" else 4e-6}
            close = {"rtol": 1e-14 if dtype == "float64" else 3e-6, "atol": 1e-15}
            np.testing.assert_allclose(simd.logsumexp(x), float(exact), **close)
            row = x.reshape(1, -1)
            softmax, log_softmax = simd.softmax_rows(row), simd.log_softmax_rows(row)
            np.testing.assert_allclose(softmax[0], np.exp(x - exact).astype(float), **close)
            np.testing.assert_allclose(log_softmax[0], (x - exact).astype(float), **near)
    assert (around[offset + size :] == 1e3).all()


@pytest.mark.parametrize("place", [0, 5, 127, 511, 99_990, 99_999])
@pytest.mark.parametrize("payload", [0x7FF8000000000000, 0x7FF8000000000001, 0xFFF8000000000FFF])
def test_every_nan_is_seen(simd, place, payload):
    """A nan's payload must not be taken for the bits of an exponent."""
    x = np.zeros(100_000)
    x.view(np.uint64)[place] = payload
    assert math.isnan(simd.logsumexp(x))
    assert np.isnan(simd.softmax_rows(x.reshape(10, -1))).any(axis=1).sum() == 1
    small = np.zeros(100_000, "f4")
    small.view(np.uint32)[place] = payload >> 32 | payload & 0xFFF
    assert math.isnan(simd.logsumexp(small))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", ["falls", "rises", "one_high", "one_low_block", "holes"])
def test_reference_that_moves(simd, dtype, shape):
    """The exponent of the sum changes between blocks, or an early block vanishes in a later one."""
    scale = 600.0 if dtype == "float64" else 80.0
    n = 100_001
    x = {
        "falls": np.linspace(30 * scale, -30 * scale, n),
        "rises": np.linspace(-30 * scale, 30 * scale, n),
        "one_high": np.where(np.arange(n) == 70_000, 25 * scale, 0.5),
        "one_low_block": np.where(np.arange(n) < 20_000, -1.9 * scale, 0.25),
        "holes": np.where(np.arange(n) // 9000 % 2, -math.inf, -1.5 * scale),
    }[shape].astype(dtype)
    assert kernel.error(simd.logsumexp(x), kernel.reference(x), dtype) <= 4
    assert kernel.error(simd.logsumexp(x[::-1].copy()), kernel.reference(x), dtype) <= 4


def test_equal_terms_do_not_drift(simd):
    """Rounding that always goes the same way: 1e7 sequential additions lose 30 ulp and more."""
    for value, size, dtype in ((0.1, 10_000_000, "float64"), (0.1, 30_000_000, "float32")):
        x = np.full(size, value, dtype)
        exact = float(x[0]) + math.log(size)
        assert kernel.error(simd.logsumexp(x), exact, dtype) <= 2


def test_parts_make_the_whole(simd):
    (x,) = kernel.make_data(3_000_000, "float64")
    whole = simd.logsumexp(x)
    parts = [simd.sum_exp(part) for part in np.array_split(x + 500, 7)]
    top = max(k for _, k in parts)
    total = math.log(math.fsum(math.ldexp(s, k - top) for s, k in parts)) + top * math.log(2)
    assert total == pytest.approx(whole + 500, rel=1e-14)
    assert simd.sum_exp(np.array([-math.inf])) == (0, 0)
    assert simd.sum_exp(np.array([math.inf])) == (math.inf, 0)
    with pytest.raises(OverflowError, match="too far"):
        simd.sum_exp(np.array([1e300]))


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("power", range(12, 50, 3))
def test_far_from_zero_no_digit_is_lost(simd, power, sign):
    """Up to 2**40 it is one pass with a large exponent, beyond it relative to the maximum."""
    rows = kernels.load("softmax_rows")
    for dtype in DTYPES:
        x = (sign * 2.0**power + 20 * kernel.make_data(5000, "float64")[0]).astype(dtype)
        assert kernel.error(simd.logsumexp(x), kernel.reference(x), dtype) <= 2
        error = rows.error(simd.softmax_rows(x[None]), rows.reference(x[None]), dtype)
        assert error <= 2


@pytest.mark.parametrize("size", [3, 300, 20_000])
def test_one_large_number_is_the_result_however_large(simd, size):
    """Its exponent, cut off, could be that of any small number."""
    random = np.random.RandomState(size)
    for dtype in DTYPES:
        x = random.standard_normal(size).astype(dtype)
        for power in np.arange(6, np.finfo(dtype).maxexp, 0.37):
            place = random.randint(size)
            before, x[place] = x[place], np.ldexp(random.uniform(1, 2), int(power))
            assert simd.logsumexp(x) == x[place]
            assert simd.logsumexp_rows(x[None])[0] == x[place]
            x[place] = before


def test_softmax_is_a_probability(simd):
    x = kernel.make_data(70_000, "float64")[0].reshape(7, -1) * 20 + 1000
    p = simd.softmax_rows(x)
    assert (p <= 1).all()
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-14)
    assert (simd.log_softmax_rows(x) <= 0).all()
    assert simd.log_softmax_rows(np.array([[1000.0, 1.0]])).tolist() == [[0.0, -999.0]]


def test_what_is_no_plain_array_is_refused():
    module = module_of("logsumexp_simd")
    for x in ([1.0], np.ones(3, int), np.ones((2, 2)), np.ones(4)[::2], np.ones(3, ">f8")):
        with pytest.raises(TypeError, match="C-contiguous, aligned, native 1-D"):
            module.logsumexp(x)
    with pytest.raises(TypeError, match="2-D"):
        module.softmax_rows(np.ones(3))


def test_unknown_instruction_set_is_refused():
    module = module_of("logsumexp_simd")
    with pytest.raises(ValueError, match="no instruction set 'mmx'"):
        module.use("mmx")
    assert module.instruction_set() == module.instruction_sets()[0]


def test_the_limits_do_the_work_they_are_limits_of():
    module = module_of("logsumexp_simd")
    for dtype in DTYPES:
        (x,) = kernel.make_data(2001, dtype)
        tolerance = 1e-12 if dtype == "float64" else 1e-5
        assert module.read(x) == pytest.approx(float(x.astype(float).sum()), rel=tolerance)
        whole = np.exp(x.astype(float)).sum()
        assert module.exp(x, 2001) == pytest.approx(whole, rel=tolerance)
        assert module.exp(x, 4003) == pytest.approx(2 * whole + math.exp(x[0]), rel=tolerance)
