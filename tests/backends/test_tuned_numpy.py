"""NumPy in blocks: right with NumPy's exp and with the table, in any size of cache."""

import sys
import types

import numpy as np
import pytest

from lsekernels import registry
from lsekernels.backends import _cpu, numpy_blocked
from lsekernels.kernels import logsumexp as kernel

from .. import matrix

pytestmark = pytest.mark.backend("numpy_blocked")

DTYPES = "float32", "float64"
KERNELS = "logsumexp", "logsumexp_rows", "softmax_rows", "log_softmax_rows"


@pytest.fixture(params=[True, False], ids=["vectorized", "tabled"])
def blocked(request, monkeypatch):
    """The backend on a CPU where NumPy vectorizes exp, and on one where it does not."""
    monkeypatch.setattr(_cpu, "numpy_vectorizes_exp", lambda: request.param)
    backend = registry.declaration("numpy_blocked")()
    backend.load()
    assert backend.tabled is not request.param
    return backend


@pytest.fixture(params=[2**13, 2**20, 2**24], ids=str)
def cache(request, monkeypatch):
    """Bytes: blocks of a few numbers, or all in one."""
    monkeypatch.setattr(numpy_blocked, "CACHE", request.param)
    return request.param


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("method", KERNELS)
def test_cases(blocked, cache, method, dtype):
    def compute(x):
        return getattr(blocked, method)(x) if x.size else -np.inf  # never asked of a backend

    matrix.check_backend(blocked, method, method, dtype, compute)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shift", [0.0, 15.9, 16.1, -16.1, -300.0, 3000.0])
def test_blocks_of_other_magnitude(blocked, cache, shift, dtype):
    """What is subtracted is 0, or changes on the way, or stays above all that follows."""
    x = kernel.make_data(30_000, dtype)[0]
    for start in (1, 15_000, 29_999):
        for jump in (shift, -shift):
            y = x.copy()
            y[start:] += np.asarray(jump, dtype)
            assert kernel.error(blocked.logsumexp(y), kernel.reference(y), dtype) <= 4


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", [2, 47, 48, 49, 4095, 4096, 20_000])
def test_rows_around_borders(blocked, cache, width, dtype):
    eps = np.finfo(dtype).eps
    x = kernel.make_data(7 * width, dtype)[0].reshape(7, width)
    x[1, 0], x[2, 0], x[3], x[4, 0] = np.nan, np.inf, -np.inf, 60.0
    wide = x.astype(np.longdouble)
    with np.errstate(invalid="ignore", divide="ignore"):
        top = wide.max(axis=1, keepdims=True)
        top[~np.isfinite(top)] = 0
        logs = top + np.log(np.exp(wide - top).sum(axis=1, keepdims=True))
        expected = {
            "logsumexp_rows": logs[:, 0],
            "softmax_rows": np.where(np.isfinite(logs), np.exp(wide - logs), np.nan),
            "log_softmax_rows": wide - logs,
        }
    for method, exact in expected.items():
        result = getattr(blocked, method)(x)
        assert result.dtype == x.dtype
        np.testing.assert_allclose(
            result.astype(np.longdouble), exact, rtol=16 * eps, atol=2 * eps, err_msg=method
        )


def loops(name):
    return lambda func_name: {"exp": {"ff": {"current": "X86_V3"}, "dd": {"current": name}}}


@pytest.mark.parametrize(
    ("current", "vectorizes"),
    [
        ("X86_V4", True),
        ("AVX512_SKX", True),
        ("AVX512F", True),
        ("X86_V3", False),
        ("AVX2 FMA3", False),
        ("baseline(X86_V2)", False),
        ("NEON", False),
    ],
)
def test_numpy_says_for_what_its_exp_was_compiled(current, vectorizes, monkeypatch):
    module = types.ModuleType("introspect")
    module.opt_func_info = loops(current)
    monkeypatch.setitem(sys.modules, "numpy.lib.introspect", module)
    assert _cpu.numpy_vectorizes_exp() is vectorizes
    module.opt_func_info = lambda func_name: {}  # a version that says nothing of it
    assert _cpu.numpy_vectorizes_exp() is False


@pytest.mark.parametrize("features", [{"AVX512F", "AVX512_SKX"}, {"AVX512F"}, set()])
def test_numpy_1_says_what_the_cpu_has(features, monkeypatch):
    monkeypatch.setitem(sys.modules, "numpy.lib.introspect", None)
    monkeypatch.setattr(_cpu, "features", lambda: features)
    assert _cpu.numpy_vectorizes_exp() is ("AVX512_SKX" in features)
