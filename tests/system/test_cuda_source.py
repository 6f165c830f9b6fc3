"""The CUDA source, without a GPU: its arithmetic as plain C++, and that NVRTC compiles it.

The thread blocks, shuffles and launches are only compiled here; on a machine with a GPU the
backends that use the source are tested like all others.
"""

import ctypes
import importlib.metadata
import shutil
import subprocess

import numpy as np
import pytest

from lsekernels import kernels, registry
from lsekernels.backends import _logsumexp_cuda as own
from lsekernels.backends._known_failures import LOSES_TINY_TERMS
from lsekernels.kernels import logsumexp as vector

pytestmark = pytest.mark.backend("cupy_tuned")

KERNELS = ("reduce", "merge", "softmax", "log_softmax")
DTYPES = vector.DTYPES
BOUND = 8.0


@pytest.fixture(scope="module")
def emulated(tmp_path_factory):
    """Return f(name, x, threads, offset) of the source as C++, with `threads` threads a row."""
    compiler = shutil.which("c++")
    assert compiler, "no C++ compiler, without which the package is not built either"
    library = tmp_path_factory.mktemp("cuda") / "emulated.so"
    command = [compiler, "-x", "c++", *own.OPTIONS, "-O2", "-shared", "-fPIC", str(own.SOURCE)]
    subprocess.run([*command, "-o", str(library)], check=True)
    loaded = ctypes.CDLL(str(library))

    def call(name, x, threads, offset=0):
        lying = np.empty(x.size + 64, x.dtype)  # as far behind a multiple of 16 bytes as asked for
        start = (-lying.ctypes.data % 16) // x.itemsize + offset
        data = lying[start : start + x.size]
        data[:] = x
        out = np.empty(() if name == "logsumexp" else x.shape, x.dtype)
        function = getattr(loaded, f"{name}_{x.dtype.name}")
        function.argtypes = [ctypes.c_void_p, ctypes.c_longlong, ctypes.c_longlong, ctypes.c_void_p]
        function(data.ctypes.data, x.size, threads, out.ctypes.data)
        return out

    return call


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", vector.CASES)
def test_arithmetic_of_logsumexp(emulated, case, dtype, request):
    reason = LOSES_TINY_TERMS.get(("logsumexp", case))
    if reason:
        request.applymarker(pytest.mark.xfail(reason=reason, raises=AssertionError))
    x = vector.CASES[case].make(dtype)
    expected = vector.reference(x)
    for threads in (32, own.THREADS, 3 * own.THREADS):
        for offset in range(4):
            result = emulated("logsumexp", x, threads, offset)
            assert vector.error(result, expected, dtype) <= BOUND, (threads, offset)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kernel", ["softmax_rows", "log_softmax_rows"])
def test_arithmetic_of_softmax(emulated, kernel, dtype):
    truth = kernels.load(kernel)
    for name, case in truth.CASES.items():
        x = case.make(dtype)
        rows = [emulated(kernel.removesuffix("_rows"), row, 32) for row in x]
        assert truth.error(np.stack(rows), truth.reference(x), dtype) <= BOUND, name


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [25_000, 100_003])
def test_threads_take_each_number_once(emulated, size, dtype):
    """Whole and partial turns, at every place in memory: of equal numbers none may be missing."""
    x = np.full(size, -3.5, dtype)
    for threads in (32, 96, own.THREADS, 4 * own.THREADS):
        for offset in range(4):
            result = emulated("logsumexp", x, threads, offset)
            assert vector.error(result, vector.reference(x), dtype) <= 1, (threads, offset)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("special", [np.nan, np.inf])
def test_special_values_anywhere(emulated, special, dtype):
    """Both at once are nan, wherever they meet: in a thread or between two."""
    x = np.zeros(9_000, dtype)
    for place in (0, 1, 4_000, 8_191, 8_192, 8_999):
        x[place] = special
        np.testing.assert_array_equal(emulated("logsumexp", x, 64), special)
        x[(place + 5_000) % 9_000] = np.nan
        assert np.isnan(emulated("logsumexp", x, 64))
        x[:] = 0


@pytest.mark.parametrize("dtype", DTYPES)
def test_largest_finite_numbers(emulated, dtype):
    top = np.finfo(dtype).max
    for values in ([top], [-top], [-top, -np.inf], [top, -top], [-np.inf, top]):
        x = np.array(values, dtype)
        assert emulated("logsumexp", x, 32) == x.max()


def test_other_arithmetic_is_refused(emulated):
    """The bound is one: it refuses what 45 ulp of the input change."""
    truth = kernels.load("softmax_rows")
    x = truth.CASES["length_1021"].make("float64")
    rows = [emulated("softmax", row * (1 + 1e-14), 32) for row in x]
    assert truth.error(np.stack(rows), truth.reference(x), "float64") > BOUND


# -- compiled for a GPU --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def nvrtc():
    """NVIDIA's runtime compiler; it needs no GPU."""
    files = importlib.metadata.files("nvidia-cuda-nvrtc")
    found = {f.name.partition(".so")[0]: f.locate() for f in files if ".so" in f.name}
    ctypes.CDLL(str(found["libnvrtc-builtins"]))  # is looked for by name alone
    return ctypes.CDLL(str(found["libnvrtc"]))


def compiled(nvrtc, *options):
    """Return the machine code of the source."""
    program, size = ctypes.c_void_p(), ctypes.c_size_t()
    arguments = (ctypes.c_char_p * len(options))(*(o.encode() for o in options))
    source = own.SOURCE.read_bytes()
    assert nvrtc.nvrtcCreateProgram(ctypes.byref(program), source, None, 0, None, None) == 0
    failed = nvrtc.nvrtcCompileProgram(program, len(options), arguments)
    nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetProgramLog(program, log)
    assert not failed, log.value.decode()
    assert not log.value.strip(), log.value.decode()
    assert nvrtc.nvrtcGetCUBINSize(program, ctypes.byref(size)) == 0
    code = ctypes.create_string_buffer(size.value)
    assert nvrtc.nvrtcGetCUBIN(program, code) == 0
    return code.raw


@pytest.mark.parametrize("architecture", ["sm_75", "sm_80", "sm_90"])
def test_only_compiled_for(nvrtc, architecture):
    """With CuPy's own options; nothing runs."""
    cupys = ("-ftz=true", "--device-as-default-execution-space")
    code = compiled(nvrtc, *own.OPTIONS, *cupys, f"-arch={architecture}")
    assert code.startswith(b"\x7fELF")
    for name in KERNELS:
        for dtype in DTYPES:
            assert f".text.{name}_{dtype}\0".encode() in code


# -- how it is launched --------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("multiprocessors", [1, 20, 132])
def test_launch(dtype, multiprocessors):
    x = np.empty(0, dtype)
    room = multiprocessors * own.RESIDENT
    for rows in (1, 3, multiprocessors, 100_000):
        for n in (0, 1, 1_000, 100_000, 10**9):
            parts, threads = own.launch(x, rows, n, multiprocessors)
            assert threads in (32, own.THREADS)
            assert parts == 1 or parts * rows <= room, "the sums of all blocks have room"
            assert parts >= 1
    assert own.launch(x, 1, 10**9, multiprocessors).parts == room
    assert own.launch(x, 1, 10, multiprocessors).parts == 1


def test_constants_are_those_of_the_source():
    text = own.SOURCE.read_text()
    assert f"#define THREADS {own.THREADS} " in text
    assert f"#define RESIDENT {own.RESIDENT} " in text


def test_the_source_is_no_backend_and_is_beside_them():
    assert own.SOURCE.is_file(), "it is installed with the package"
    assert own.SOURCE.stem not in registry.names()
    assert {"cupy_tuned", "pycuda"} <= set(registry.names("logsumexp"))
