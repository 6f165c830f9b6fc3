"""The CUDA C of cupy_tuned and pycuda: its arithmetic run as C++, and its kernels compiled only."""

import ctypes
import subprocess

import numpy as np
import pytest

from lsekernels.backends.numpy import LOSES_TINY_TERMS
from lsekernels.kernels import logsumexp as kernel
from lsekernels.kernels._case import EXACT_CASES_ERROR, WELL

DRIVER = """
#include SOURCE

// As `parts` and `merge` do: threads that take every `threads`-th block of N numbers, joined.
template <int N, class T> static double emulate(const T *x, long long n, int threads) {
    Sum all = nothing<T>();
    for (int thread = 0; thread < threads; thread++) {
        Sum sum = nothing<T>();
        long long i = (long long)thread * N;
        for (; i + N <= n; i += (long long)threads * N) add<N>(sum, x + i);
        for (; i < n && i >= n - n % N; i++) add<1>(sum, x + i);
        all = join(all, sum);
    }
    return result(all);
}
extern "C" double of_float32(const float *x, long long n, int t) { return emulate<16>(x, n, t); }
extern "C" double of_float64(const double *x, long long n, int t) { return emulate<8>(x, n, t); }
"""
EXACT = [name for name in kernel.CASES if ("logsumexp", name) not in LOSES_TINY_TERMS]


@pytest.fixture(scope="module")
def source(root):
    return root / "lsekernels/backends/_logsumexp.cu"


@pytest.fixture(scope="module")
def arithmetic(source, tmp_path_factory):
    """The source as plain C++, on the CPU: a library that emulates a few threads."""
    folder = tmp_path_factory.mktemp("cuda")
    (folder / "driver.cpp").write_text(DRIVER.replace("SOURCE", f'"{source}"'))
    command = ["c++", "-std=c++17", "-O1", "-Wall", "-shared", "-fPIC", "-o", "driver.so"]
    done = subprocess.run(
        [*command, "driver.cpp"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return ctypes.CDLL(str(folder / "driver.so"))


@pytest.mark.parametrize("threads", [1, 7])
@pytest.mark.parametrize("dtype", kernel.DTYPES)
@pytest.mark.parametrize("case", EXACT)
def test_arithmetic(arithmetic, case, dtype, threads):
    judged = kernel.CASES[case]
    x = judged.make(dtype)
    function = getattr(arithmetic, f"of_{dtype}")
    function.restype = ctypes.c_double
    result = function(x.ctypes.data_as(ctypes.c_void_p), ctypes.c_longlong(x.size), threads)
    with np.errstate(over="ignore"):
        error = kernel.error(result, kernel.reference(x), dtype)
    assert error <= (8 if judged.kind == WELL else EXACT_CASES_ERROR)


@pytest.mark.parametrize("architecture", ["sm_75", "sm_80", "sm_90", "sm_100"])
def test_compiles_for_gpus(source, architecture):
    """Compiled only, by NVRTC as CuPy does: nothing runs here."""
    from cupy.cuda import nvrtc

    program = nvrtc.createProgram(source.read_text(), "logsumexp.cu", (), ())
    try:
        nvrtc.compileProgram(program, (f"-arch={architecture}", "--std=c++17"))
    except nvrtc.NVRTCError:
        pytest.fail(nvrtc.getProgramLog(program))
    code = nvrtc.getCUBIN(program)
    for name in ("parts", "merge", "logsumexp_rows", "softmax_rows", "log_softmax_rows"):
        for dtype in kernel.DTYPES:
            assert f"{name}_{dtype}".encode() in code


def test_is_installed_and_is_no_backend(root):
    from lsekernels import registry

    assert not any("logsumexp" in name for name in registry.names())
    assert "install_subdir('lsekernels'" in (root / "meson.build").read_text()
