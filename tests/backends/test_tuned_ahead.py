"""What is compiled for several instruction sets: right in each, and the CPU's best is taken."""

import importlib
from pathlib import Path

import numpy as np
import pytest

from lsekernels import __main__, registry
from lsekernels.backends import _cpu
from lsekernels.kernels import logsumexp as kernel

from .. import matrix

NAMES = "cython_tuned", "cython_tuned_openmp", "pythran_tuned", "pythran_tuned_openmp"
DTYPES = "float32", "float64"
KERNELS = "logsumexp", "logsumexp_rows", "softmax_rows", "log_softmax_rows"


def variants():
    """Each backend with each instruction set that it was built for and this CPU has."""
    found = {n: registry.declaration(n) for n in NAMES if not registry.declaration(n).missing()}
    return [
        pytest.param((name, used), marks=pytest.mark.backend(name), id=f"{name}-{used or 'any'}")
        for name, declared in found.items()
        for used in declared.instruction_sets()
    ]


@pytest.fixture(params=variants())
def tuned(request):
    """A backend of its own that uses each instruction set."""
    name, used = request.param
    backend = registry.declaration(name)()
    backend.instruction_sets = lambda: [used]
    backend.load()
    return backend


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("method", KERNELS)
def test_cases(tuned, method, dtype):
    def compute(x):
        return getattr(tuned, method)(x) if x.size else -np.inf  # never asked of a backend

    matrix.check_backend(tuned, method, method, dtype, compute)


@pytest.mark.parametrize("dtype", DTYPES)
def test_lengths_around_borders(tuned, dtype):
    """Where vectors, groups, blocks and what is few end; what lies beside must not be read in."""
    (numbers,) = kernel.make_data(2200, dtype)
    for size in [*range(1, 70), 1023, 1024, 1025, 1056, 2047, 2049]:
        around = np.full(size + 70, 1e3, dtype)
        for offset in (0, 1, 3):
            x = around[offset : offset + size]
            x[:] = numbers[:size]
            exact = np.log(np.exp(x.astype(np.longdouble)).sum())
            near = {"rtol": 1e-14 if dtype == "float64" else 3e-6, "atol": 1e-15}
            np.testing.assert_allclose(tuned.logsumexp(x), float(exact), **near)
            softmax = tuned.softmax_rows(x.reshape(1, -1))[0]
            np.testing.assert_allclose(softmax, np.exp(x - exact).astype(float), **near)
            around[offset : offset + size] = 1e3


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [1, 2, 9, 32, 33, 5000])
def test_special_values_anywhere(tuned, size, dtype):
    for place in {0, size // 2, size - 1}:
        for rest in (0.0, -1000.0, -np.inf):
            for value in (np.nan, np.inf):
                x = np.full(size, rest, dtype)
                x[place] = value
                np.testing.assert_equal(float(tuned.logsumexp(x)), value)
    assert tuned.logsumexp(np.full(size, -np.inf, dtype)) == -np.inf


@pytest.mark.parametrize("name", NAMES)
def test_what_is_taken_is_the_best_and_is_shown(backend, name):
    best, *_, last = [*backend.instruction_sets(), ""]
    assert backend.instruction_set == best
    assert last == ""
    module = backend.builds.get(best, backend.requires[0])
    assert importlib.import_module(module).logsumexp is backend.logsumexp
    row = __main__.describe(name)
    assert row["instruction_set"] == (best or None)
    assert row["version"] == backend.version()


@pytest.mark.parametrize("name", NAMES)
def test_another_cpu(backend, name, monkeypatch):
    for here, best in {("avx2",): "avx2", (): ""}.items():
        monkeypatch.setattr(_cpu, "instruction_sets", lambda here=here: here)
        another = type(backend)()
        another.load()
        assert another.instruction_set in (best, "")  # a compiler may lack its flags
    assert another.logsumexp is not backend.logsumexp or not backend.instruction_set


@pytest.mark.parametrize(
    ("features", "sets"),
    [
        ({"AVX2", "FMA3", "AVX512F", "AVX512_SKX"}, ("avx512", "avx2")),
        ({"AVX2", "FMA3", "AVX512F", "AVX512_KNL"}, ("avx2",)),
        ({"AVX2"}, ()),
        ({"NEON", "ASIMD"}, ()),
        (set(), ()),
    ],
)
def test_instruction_sets_follow_from_what_numpy_finds(features, sets, monkeypatch):
    monkeypatch.setattr(_cpu, "features", lambda: features)
    assert _cpu.instruction_sets() == sets


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="only Linux says it in a file")
def test_numpy_says_what_the_cpu_has():
    """Its own best is one of them: the names are those of this version of NumPy."""
    text = Path("/proc/cpuinfo").read_text()
    flags = set(text.partition("flags")[2].partition("\n")[0].split())
    assert ("avx2" in _cpu.instruction_sets()) == ({"avx2", "fma"} <= flags)
    assert ("avx512" in _cpu.instruction_sets()) == ({"avx2", "avx512bw", "avx512vl"} <= flags)


def test_caches(tmp_path, monkeypatch):
    for number, facts in enumerate(["1 Data 48K", "1 Instruction 32K", "2 Unified 2M"]):
        (tmp_path / f"index{number}").mkdir()
        for name, value in zip(("level", "type", "size"), facts.split(), strict=True):
            (tmp_path / f"index{number}" / name).write_text(value + "\n")
    monkeypatch.setattr(_cpu, "_CACHES", tmp_path)
    assert (_cpu.cache(1, 0), _cpu.cache(2, 0)) == (48 * 2**10, 2 * 2**20)
    (tmp_path / "index2" / "size").write_text("unknown\n")
    assert _cpu.cache(2, 7) == 7
    monkeypatch.setattr(_cpu, "_CACHES", tmp_path / "nowhere")
    monkeypatch.setattr(_cpu.os, "sysconf", lambda name: {"SC_LEVEL2_CACHE_SIZE": 9}[name])
    assert (_cpu.cache(2, 7), _cpu.cache(3, 7)) == (9, 7)
