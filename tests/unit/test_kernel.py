"""The ruler itself: data, reference and error."""

import math

import mpmath
import numpy as np
import pytest

from lsekernels.kernels import _case
from lsekernels.kernels import logsumexp as kernel
from lsekernels.kernels._ulp import ulp_error


def plain(x):
    with mpmath.workdps(400):  # 1 + exp(-740)
        return mpmath.log(mpmath.fsum(mpmath.exp(mpmath.mpf(float(v))) for v in x))


# The definition has no special values, and the case of a million terms takes mpmath minutes.
DEFINED = [n for n, c in kernel.CASES.items() if c.kind != _case.SPECIAL and n != "one_dominant"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", [n for n in DEFINED if n != "normal_100000"])
def test_reference_is_the_definition(case, dtype):
    x = kernel.CASES[case].make(dtype)
    with mpmath.workdps(50):
        assert abs(kernel.reference(x) / plain(x) - 1) < mpmath.mpf(10) ** -30


def test_reference_of_a_million_equal_terms():
    x = kernel.CASES["one_dominant"].make("float64")
    with mpmath.workdps(50):
        exact = mpmath.log1p(1_000_000 * mpmath.exp(-40))
        assert abs(kernel.reference(x) / exact - 1) < mpmath.mpf(10) ** -30


def test_reference_special():
    inf, nan = math.inf, math.nan
    for x, expected in (
        ([], -inf),
        ([-inf], -inf),
        ([-inf, -inf], -inf),
        ([0, inf], inf),
        ([inf, -inf], inf),
    ):
        assert kernel.reference(np.array(x, float)) == expected
    for x in ([nan], [inf, nan], [nan, -inf], [0, nan]):
        assert math.isnan(kernel.reference(np.array(x, float)))


@pytest.mark.skipif(np.finfo(np.longdouble).nmant <= 62, reason="no extended precision here")
@pytest.mark.parametrize(("scale", "shift"), [(1, 0), (30, 0), (1, 1000), (1e-3, -5)])
def test_both_ways_agree(scale, shift):
    x = kernel.make_data(30_000, "float64")[0] * scale + shift
    fast = kernel.reference(x)
    exact = plain(x)
    with mpmath.workdps(50):
        spacing = math.ulp(float(exact))
        assert abs(fast - exact) / spacing < 0.01


def test_data_is_frozen():
    (x,) = kernel.make_data(3, "float64")
    np.testing.assert_array_equal(x, [1.764052345967664, 0.4001572083672233, 0.9787379841057392])
    assert kernel.make_data(10, "float32")[0].dtype == np.float32


def test_ulp_error():
    assert ulp_error(1.0, mpmath.mpf(1), "float64") == 0
    assert ulp_error(1 + 2**-52, mpmath.mpf(1), "float64") == 1
    assert ulp_error(np.float32(1) + np.float32(2**-23), mpmath.mpf(1), "float32") == 1
    assert ulp_error(0.0, mpmath.mpf(2) ** -1074, "float64") == 1
    assert ulp_error(0.0, mpmath.mpf(0), "float64") == 0
    assert ulp_error(1000.0, mpmath.mpf("1000.5"), "float64") == 0.5 / math.ulp(1000.0)
    assert ulp_error(math.nan, math.nan, "float64") == 0
    assert ulp_error(-math.inf, -math.inf, "float64") == 0
    for result, expected in (
        (math.inf, -math.inf),
        (math.nan, 1.0),
        (1.0, math.nan),
        (0, math.inf),
    ):
        assert ulp_error(result, expected, "float64") == math.inf


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_probes_expose_the_wrong_algorithm(dtype):
    """Without the maximum, or with the maximum of a part, the probes fail; plain data would not."""

    def naive(x):
        with np.errstate(all="ignore"):
            return np.log(np.sum(np.exp(x)))

    def maximum_of_a_part(x):
        m = x[:5].max()
        with np.errstate(all="ignore"):
            return m + np.log(np.sum(np.exp(x - m)))

    def error(function, x):
        return kernel.error(function(x), kernel.reference(x), dtype)

    (plain_data,) = kernel.make_data(1000, dtype)
    probes = [kernel.CASES[name].make(dtype) for name in kernel.PROBES]
    assert error(naive, plain_data) <= kernel.MAX_ERROR
    assert max(error(naive, x) for x in probes) > kernel.MAX_ERROR
    assert error(maximum_of_a_part, plain_data) <= kernel.MAX_ERROR
    assert max(error(maximum_of_a_part, x) for x in probes) > kernel.MAX_ERROR


def test_float32_running_sum_would_be_refused():
    """A sum in one float32 accumulator stops growing; the bound must catch it at 1e7."""
    (x,) = kernel.make_data(10_000_000, "float32")
    m = x.max()
    wrong = m + np.log(np.cumsum(np.exp(x - m), dtype=np.float32)[-1])
    assert kernel.error(wrong, kernel.reference(x), "float32") > kernel.MAX_ERROR


def test_reference_of_data_that_repeat():
    (x,) = kernel.make_data(3 * kernel.PERIOD, "float64")
    long_way = x.copy()
    long_way[[0, 1]] = x[[1, 0]]  # the same numbers, which do not repeat
    with mpmath.workdps(50):
        spacing = math.ulp(float(kernel.reference(x)))
        assert abs(kernel.reference(x) - kernel.reference(long_way)) / spacing < 0.01
