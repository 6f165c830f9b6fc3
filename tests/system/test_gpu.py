"""GPU backends, as far as they run without a GPU: simulated, interpreted, or on the CPU instead.

On a machine that has one, test_kernels.py and test_logsumexp.py run them all.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from lsekernels import kernels, registry
from lsekernels.kernels._case import EXACT_CASES_ERROR, WELL

CHECKED_AS = {
    "cudf": "never run here",
    "cupy": "never run here",
    "cupy_tuned": "its arithmetic as C++, its kernels compiled: test_cuda_source.py",
    "jax_cuda": "its methods on the CPU, and lowered for CUDA",
    "numba_cuda": "in Numba's simulator",
    "numba_vectorize_cuda": "never run here: the simulator has no vectorize",
    "moderngl_gpu": "the CPU's backend has its shaders",
    "opencl_gpu": "its kernels with its work-groups on the CPU: test_devices.py",
    "pycuda": "as cupy_tuned",
    "torch_cuda": "its methods on the CPU",
    "triton": "in Triton's interpreter",
}
"""GPU backend -> what a machine without a GPU checks of it."""


def with_triton():
    """Return the environment in which Triton is found: see pyproject.toml for why it lies apart."""
    folder = Path(sys.prefix, "triton")
    assert folder.is_dir(), "`make test` installs Triton there"
    return {"PYTHONPATH": str(folder)}


EVERY = """
import json, sys, warnings
# Of the largest numbers' difference, and of log(0): a GPU says nothing.
warnings.filterwarnings("ignore", "(overflow|divide by zero|invalid value) encountered")
from lsekernels import kernels, registry

name, left_out = sys.argv[1], sys.argv[2].split()
backend, errors = registry.load(name), {}
for kernel in backend.kernels():
    truth = kernels.load(kernel)
    for case, judged in truth.CASES.items():
        for dtype in backend.dtypes if case not in left_out else ():
            arguments = judged.arguments(dtype)
            result = backend.fetch(backend.prepare(kernel, *arguments)())
            error = truth.error(result, truth.reference(*arguments), dtype)
            errors[f"{kernel} {case} {dtype}"] = error
print(json.dumps([backend.version(), errors]))
"""


def test_every_gpu_backend_is_in_the_table():
    gpu = {n for n in registry.names() if registry.declaration(n).device == "gpu"}
    assert set(CHECKED_AS) == gpu


def judge(name, errors):
    """Hold each error against its bound, as test_kernels.py does; known failures must fail."""
    declared = registry.declaration(name)
    assert {key.split()[0] for key in errors} == set(declared.kernels())
    for key, error in errors.items():
        kernel, case, dtype = key.split()
        known = {(kernel, case), (kernel, case, dtype)} & set(declared.known_failures)
        well = kernels.load(kernel).CASES[case].kind == WELL
        right = error <= (declared.max_error[kernel] if well else EXACT_CASES_ERROR)
        assert right != bool(known), f"{key}: {error}"


# The simulator takes milliseconds a number. `spread` and length_997 show what these would.
TOO_SLOW = "normal_100000 one_dominant wide_normal extended_precision ramp falling length_1021"


@pytest.mark.parametrize(
    ("name", "variable", "left_out", "said"),
    [
        ("numba_cuda", "NUMBA_ENABLE_CUDASIM", TOO_SLOW, "(simulator)"),
        ("triton", "TRITON_INTERPRET", "one_dominant", "(interpreter)"),
    ],
)
def test_kernels_are_right_without_a_gpu(python, name, variable, left_out, said):
    environment = {variable: "1", **(with_triton() if name == "triton" else {})}
    version, errors = json.loads(python(EVERY, name, left_out, **environment))
    assert version.endswith(said)
    judge(name, errors)


@pytest.mark.backend("numba_vectorize_cuda")
def test_simulator_has_no_vectorize(python):
    code = """
from lsekernels import Unavailable, registry
try:
    registry.load("numba_vectorize_cuda")
except Unavailable as error:
    print(error)
"""
    assert "simulator has no vectorize" in python(code, NUMBA_ENABLE_CUDASIM="1")


# -- the same methods, with nothing changed but the device -----------------------------------------


@pytest.fixture
def torch_on_cpu(monkeypatch):
    """`torch_cuda`, told that there is a GPU, its tensors on the CPU."""
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", torch.backends.cudnn.allow_tf32)
    declared = registry.declaration("torch_cuda")
    monkeypatch.setattr(declared, "target", "cpu")
    backend = declared()
    backend.load()
    return backend


@pytest.fixture
def jax_on_cpu(monkeypatch):
    """`jax_cuda`, given the CPU when it asks for a GPU."""
    import jax

    devices = jax.devices
    asked = []

    def instead(platform=None):
        asked.append(platform)
        return devices("cpu")

    monkeypatch.setattr(jax, "devices", instead)
    backend = registry.declaration("jax_cuda")()
    backend.load()
    assert asked[-1] == "cuda"
    return backend


@pytest.mark.parametrize(
    "fixture",
    [
        pytest.param("torch_on_cpu", marks=pytest.mark.backend("torch_cuda")),
        pytest.param("jax_on_cpu", marks=pytest.mark.backend("jax_cuda")),
    ],
)
def test_methods_are_right_on_the_cpu(request, fixture):
    backend = request.getfixturevalue(fixture)
    known = backend.known_failures | type(backend).__base__.known_failures  # those of the CPU
    for kernel in backend.kernels():
        truth = kernels.load(kernel)
        for method in backend.methods(kernel):
            for dtype in truth.DTYPES:
                for case in truth.PROBES:
                    if {(kernel, case), (kernel, case, dtype)} & set(known):
                        continue
                    arguments = truth.CASES[case].arguments(dtype)
                    result = backend.fetch(backend.prepare(method, *arguments)())
                    error = truth.error(result, truth.reference(*arguments), dtype)
                    assert error <= backend.max_error[kernel], (method, case, dtype)


@pytest.mark.backend("torch_cuda")
def test_a_torch_call_waits_for_the_gpu(torch_on_cpu, monkeypatch):
    waited = []
    monkeypatch.setattr(torch_on_cpu.torch.cuda, "synchronize", lambda: waited.append(1))
    torch_on_cpu.prepare("logsumexp", np.ones(3))()
    assert waited == [1, 1], "the warm-up, and the call"


@pytest.mark.backend("torch_cuda")
def test_torch_cuda_convolves_in_float32(torch_on_cpu):
    assert torch_on_cpu.torch.backends.cudnn.allow_tf32 is False


@pytest.mark.backend("jax_cuda")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kernel", ["logsumexp", "logsumexp_rows", "softmax_rows"])
def test_jax_lowers_for_cuda(jax_on_cpu, kernel, dtype):
    jax = jax_on_cpu.jax
    shape = (1000,) if kernel == "logsumexp" else (10, 100)
    lower = jax.export.export(getattr(jax_on_cpu, kernel), platforms=["cuda"])
    exported = lower(jax.ShapeDtypeStruct(shape, dtype))
    assert exported.platforms == ("cuda",)
    assert [a.dtype for a in exported.out_avals] == [np.dtype(dtype)]


# -- Triton's compiler needs no GPU ----------------------------------------------------------------

COMPILE = """
import sys
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

sys.modules["torch"] = None  # not needed
from lsekernels.backends import _triton

part, size = {"part_m": "*fp64", "part_s": "*fp64"}, {"n": "i32"}
ARGUMENTS = {
    "parts": {"x": "*T", **size, **part},
    "merge": {**part, "count": "i32", "out": "*T"},
    "rows": {"x": "*T", **size, "out": "*T"},
    "softmax": {"x": "*T", **size, "out": "*T"},
}
for name, given in ARGUMENTS.items():
    for dtype, largest in ("fp32", 3.4028234663852886e38), ("fp64", 1.7976931348623157e308):
        function = getattr(_triton, name)
        constants = {"LARGEST": largest, "BLOCK": 64, "PARTS": 64}
        constants = {k: v for k, v in constants.items() if k in function.arg_names}
        given_now = {k: v.replace("T", dtype) for k, v in given.items()}
        signature = {k: given_now.get(k, "constexpr") for k in function.arg_names}
        positions = {(function.arg_names.index(k),): v for k, v in constants.items()}
        source = ASTSource(function, signature, positions)
        options = {"enable_fp_fusion": True}
        binary = triton.compile(source, target=GPUTarget("cuda", 90, 32), options=options)
        print(name, dtype, len(binary.asm["cubin"]) > 0, "ex2.approx.ftz" in binary.asm["ptx"])
"""


@pytest.mark.backend("triton")
def test_triton_compiles_for_cuda(python, tmp_path):
    """Nothing is flushed to zero: denormal results count."""
    lines = python(COMPILE, TRITON_CACHE_DIR=str(tmp_path), **with_triton()).splitlines()
    assert len(lines) == 8
    assert all(line.endswith("True False") for line in lines)
