"""The suites measure what they say. No time is asserted here: `make check-timing` does that."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import asv
import pytest

from lsekernels import registry
from lsekernels.threads import VARIABLES

RUNNER = str(Path(asv.__file__).with_name("benchmark.py"))


def environment(threads="1", **more):
    """Return the environment of a benchmark process.

    All variables are set: asv's own dependency pympler, which asv's environments do not have,
    imports NumPy before the suites can set them.
    """
    return {
        **os.environ,
        "LSEKERNELS_THREADS": threads,
        **dict.fromkeys(VARIABLES, threads),
        **more,
    }


def launch(root, tmp_path, name, threads="1", **more):
    """Run one parameter combination as asv does; return (result, output)."""
    result = tmp_path / "result.json"
    result.unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, RUNNER, "run", str(root / "benchmarks"), name, "{}", "None", str(result)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment(threads, **more),
    )
    return json.loads(result.read_text()) if result.exists() else None, done.stdout + done.stderr


def launch_altered(root, tmp_path, name, code):
    """Run one combination in a process that first runs `code`, which alters a library."""
    (tmp_path / "sitecustomize.py").write_text(code)
    result, output = launch(root, tmp_path, name, PYTHONPATH=str(tmp_path))
    assert "Error in sitecustomize" not in output, output
    return result, output


@pytest.fixture(scope="module")
def suites(root, tmp_path_factory):
    """What asv discovers: name -> benchmark."""
    file = tmp_path_factory.mktemp("discover") / "found.json"
    command = [sys.executable, RUNNER, "discover", str(root / "benchmarks"), str(file)]
    subprocess.run(command, check=True, capture_output=True, env=environment())
    return {benchmark["name"]: benchmark for benchmark in json.loads(file.read_text())}


def index(suites, name, *values):
    """Return the id by which asv runs one combination."""
    from itertools import product

    keys = list(product(*suites[name]["params"]))
    return f"{name}-{keys.index(tuple(map(repr, values)))}"


WARM = "warm.Logsumexp.track_time"
UNITS = (
    "seconds", "ulp", "bytes", "scaled residual", "page faults", "pages", "share of the time",
)  # fmt: skip


def test_asv_finds_nothing_to_complain_about(root):
    command = [sys.executable, RUNNER, "check", str(root / "benchmarks")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment())
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_suite_states_version_and_unit(suites):
    assert suites
    for name, suite in suites.items():
        assert len(suite["version"]) < 5, f"{name}: set by hand, not a hash"
        assert suite["unit"] in UNITS, name
        assert suite["timeout"] >= 300, name
        assert suite["type"] == ("time" if suite["unit"] == "seconds" else "track"), name


def test_every_backend_is_in_every_list(suites):
    every = [repr(name) for name in registry.names("logsumexp")]
    for name in (WARM, "first_call.Logsumexp.track_cold", "accuracy.Logsumexp.track_error"):
        assert suites[name]["params"][0] == every
    assert suites["imports.Imports.timeraw_import"]["params"][0] == list(
        map(repr, registry.names())
    )


def test_importing_the_suites_loads_no_library(root, python):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import benchmarks.warm, benchmarks.imports, benchmarks.first_call, benchmarks.limits\n"
        "print([m for m in ('scipy', 'numba', 'cupy') if m in sys.modules])"
    )
    assert python(code, str(root), LSEKERNELS_THREADS="1") == "[]"


def test_short_calls_are_batched(root, tmp_path, suites):
    """asv_runner 0.3 would time them one by one, because the suite has a setup."""
    for backend in ("numpy", "cython"):
        result, output = launch(root, tmp_path, index(suites, WARM, backend, "float64", 10))
        assert result, output
        assert result["number"] > 100
        assert 2 <= len(result["samples"]) <= 10
        assert result["number"] * min(result["samples"]) > 1e-3, "a batch is long for the clock"


def test_the_pinned_runner_still_times_calls_one_by_one_with_a_setup():
    """The reason for benchmarks/_call.py's sample(); when this fails, time_ may do again."""
    from types import SimpleNamespace

    from asv_runner.benchmarks.time import TimeBenchmark

    source = SimpleNamespace(setup=lambda: None, version="1", warmup_time=0.0)
    assert TimeBenchmark("call", lambda: None, [source]).run()["number"] == 1


def test_compilation_does_not_leak_into_warm_time(root, tmp_path, suites):
    """With an empty cache the first call takes 0.5 s; calibration would choose one call."""
    name = index(suites, WARM, "numba", "float64", 10)
    result, output = launch(root, tmp_path, name, NUMBA_CACHE_DIR=str(tmp_path / "cache"))
    assert result, output
    assert result["number"] > 100


def test_wrong_result_is_not_timed(root, tmp_path, suites):
    """Break NumPy's exp below the package: the suite must refuse, and say by how much."""
    code = "import numpy\nreal = numpy.exp\nnumpy.exp = lambda x: real(x) * 1.001\n"
    name = index(suites, WARM, "numpy", "float64", 1000)
    result, output = launch_altered(root, tmp_path, name, code)
    assert result is None
    assert "numpy is not timed: its logsumexp of" in output
    assert "ulp; 256 are allowed" in output


def test_overflow_on_other_data_is_not_timed_either(root, tmp_path, suites):
    """log(sum(exp(x))) is right on the timed data, and must be refused all the same."""
    code = (
        "import warnings; warnings.simplefilter('ignore')\n"
        "import numpy\nfrom lsekernels.backends.numpy import NumPy\n"
        "NumPy.logsumexp = lambda self, x: numpy.log(numpy.sum(numpy.exp(x)))\n"
    )
    name = index(suites, WARM, "numpy", "float64", 1000)
    result, output = launch_altered(root, tmp_path, name, code)
    assert result is None
    assert "numpy is not timed: its logsumexp of large" in output
    assert "inf ulp" in output


def test_unavailable_backend_is_na_with_its_reason(root, tmp_path, suites):
    result, output = launch(root, tmp_path, index(suites, WARM, "cupy", "float64", 10))
    if result is not None and result == result:
        pytest.skip("CuPy works here")
    assert "backend 'cupy' is not available" in output
    assert "asv: skipped" in output


def test_commit_without_the_backend_is_na(root, tmp_path, suites):
    code = (
        "from lsekernels import registry\n"
        "old = tuple(n for n in registry.names() if n != 'scipy')\n"
        "registry.names = lambda kernel=None: old\n"
    )
    name = index(suites, WARM, "scipy", "float64", 10)
    result, output = launch_altered(root, tmp_path, name, code)
    assert result != result, "nan is asv's n/a"
    assert "this commit has no backend 'scipy'" in output


def test_serial_backends_are_na_with_all_cores(root, tmp_path, suites):
    name = index(suites, WARM, "numpy", "float64", 10)
    result, output = launch(root, tmp_path, name, threads="2")
    assert result != result
    assert "backend 'numpy' uses one thread" in output


def test_first_call_is_one_sample_of_a_fresh_process(root, tmp_path, suites):
    cold = index(suites, "first_call.Logsumexp.track_cold", "numba")
    cached = index(suites, "first_call.Logsumexp.track_cached", "numba")
    for name in (cold, cached):
        result, output = launch(root, tmp_path, name)
        assert result, output
        assert (len(result["samples"]), result["number"]) == (1, 1)


@pytest.mark.parametrize(
    ("kernel", "backend"),
    [
        ("Log10", "numba_vectorize"),
        ("Log10", "numba_vectorize_eager"),
        ("Hypot", "numba_vectorize_parallel"),
        ("MovingAverage", "numba_guvectorize"),
    ],
)
def test_start_is_one_sample_of_a_fresh_process(root, tmp_path, suites, kernel, backend):
    for track in ("cold", "cached"):
        name = index(suites, f"first_call.{kernel}.track_start_{track}", backend)
        result, output = launch(root, tmp_path, name)
        assert result, output
        assert (len(result["samples"]), result["number"]) == (1, 1)


@pytest.mark.parametrize(
    ("backend", "number"), [("numba_vectorize", 1), ("numba_vectorize_eager", 6)]
)
def test_what_is_compiled_at_the_start_is_timed(root, python, backend, number):
    """What is compiled is stored: all of it in the timed part, and with a full cache nothing.

    With signatures three ufuncs are compiled for two dtypes; without, one for one.
    """
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from benchmarks.first_call import Log10\n"
        "def stored():\n"
        "    files = Path(suite.folder.name).rglob('*.nbc')\n"
        "    return {(file, file.stat().st_mtime_ns) for file in files}\n"
        "suite = Log10(); suite.setup(sys.argv[2])\n"
        "assert 'numba' in sys.modules and not suite.registry._loaded\n"
        "if sys.argv[3] == 'cached': suite.fill_cache(sys.argv[2])\n"
        "before = stored(); suite.sample(sys.argv[2])\n"
        "print(len(before), len(stored() - before)); suite.teardown(sys.argv[2])"
    )
    for state, expected in (("cold", f"0 {number}"), ("cached", f"{number} 0")):
        assert python(code, str(root), backend, state, LSEKERNELS_THREADS="1") == expected


def test_wrong_start_is_not_timed(root, tmp_path, suites):
    code = (
        "from lsekernels.backends import numba_vectorize\n"
        "def wrong(x): return x\n"
        "numba_vectorize._log10 = wrong\n"
    )
    name = index(suites, "first_call.Log10.track_start_cold", "numba_vectorize")
    result, output = launch_altered(root, tmp_path, name, code)
    assert result is None
    assert "numba_vectorize is not timed: it is off by" in output


def test_import_is_timed_in_processes_of_its_own(root, tmp_path, suites):
    name = index(suites, "imports.Imports.timeraw_import", "scipy")
    result, output = launch(root, tmp_path, name)
    assert result, output
    assert (len(result["samples"]), result["number"]) == (5, 1)


def test_memory_counts_temporaries_and_not_the_input(root, tmp_path, suites):
    """NumPy's x - m and exp of it are two arrays of 80 MB; Cython's loops need none."""
    suite = "memory.Logsumexp.track_added"
    numpy, output = launch(root, tmp_path, index(suites, suite, "numpy", "float64"))
    assert numpy, output
    cython, _ = launch(root, tmp_path, index(suites, suite, "cython", "float64"))
    assert 155e6 < numpy < 165e6
    assert cython < 1e6


def test_error_is_in_ulp(root, tmp_path, suites):
    suite = "accuracy.Logsumexp.track_error"
    good, output = launch(root, tmp_path, index(suites, suite, "numpy", "float64", "spread"))
    assert good is not None, output
    assert good <= 4
    name = index(suites, suite, "numpy", "float64", "two_terms_far_apart")
    lost, _ = launch(root, tmp_path, name)
    assert lost > 1e15


@pytest.mark.parametrize("limit", ["EmptyCall", "Read", "Exp", "Copy"])
def test_limits(root, tmp_path, limit):
    combination = "" if limit == "EmptyCall" else "-1"
    result, output = launch(root, tmp_path, f"limits.{limit}.track_time{combination}")
    assert result, output
    assert result["number"] > 100


def test_round_trip_includes_the_conversion(root, tmp_path, suites):
    suite = "transfer.Logsumexp.track_time"
    assert suites[suite]["params"][0] == [
        repr(n) for n in registry.names("logsumexp") if registry.declaration(n).moves_data()
    ]
    result, output = launch(root, tmp_path, index(suites, suite, "python", "float64", 10))
    assert result, output


@pytest.mark.parametrize("direction", ["ToDevice", "ToHost"])
def test_each_way_alone(root, tmp_path, suites, direction):
    suite = f"transfer.{direction}.track_time"
    assert suites[suite]["params"] == suites["transfer.Logsumexp.track_time"]["params"]
    for backend in ("python", "torch"):
        result, output = launch(root, tmp_path, index(suites, suite, backend, "float64", 10))
        assert result, output
        assert result["number"] > 100


def test_what_cannot_be_fetched_is_na(root, tmp_path, suites):
    name = index(suites, "transfer.ToHost.track_time", "dask", "float64", 10)
    result, output = launch(root, tmp_path, name)
    assert result != result
    assert "its arrays lie in other processes" in output


def test_transfer_that_loses_digits_is_not_timed(root, tmp_path, suites):
    code = (
        "from lsekernels.backends.torch import Torch\n"
        "real = Torch.to_device\n"
        "Torch.to_device = lambda self, array: real(self, array).float()\n"
    )
    name = index(suites, "transfer.ToDevice.track_time", "torch", "float64", 1000)
    result, output = launch_altered(root, tmp_path, name, code)
    assert result is None
    assert "torch is not timed: it returns" in output


def test_every_array_is_fetched_once(root, python):
    """JAX would give the copy it has made the first time."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from benchmarks.transfer import ToHost\n"
        "suite = ToHost(); suite.setup('jax', 'float64', 10)\n"
        "fetched = []; suite.to_host = lambda array: fetched.append(array)\n"
        "result = suite.track_time('jax', 'float64', 10)\n"
        "assert len(fetched) == 10 * result['number'] == len(set(map(id, fetched)))\n"
        "print('once')"
    )
    assert python(code, str(root), LSEKERNELS_THREADS="1") == "once"


FUNCTIONS = "functions.Functions.track_time"


@pytest.mark.parametrize("function", ["logsumexp", "softmax", "log_softmax"])
def test_public_functions(root, tmp_path, suites, function):
    """Over rows and over columns; a function that is wrong is not timed."""
    for shape in ("10", "1000x128, axis 0"):
        name = index(suites, FUNCTIONS, function, shape)
        result, output = launch(root, tmp_path, name)
        assert result, output
    wrong = "x.max(axis)" if function == "logsumexp" else "0 * x"
    code = f"import lsekernels\nlsekernels.{function} = lambda x, axis: {wrong}\n"
    result, output = launch_altered(root, tmp_path, name, code)
    assert result is None
    assert "is not timed: it is off by" in output
    result, output = launch_altered(root, tmp_path, name, "import lsekernels.functions as f\n"
                                    f"del f.{function}\n")  # fmt: skip
    assert result != result, "n/a in a commit that has no such function"


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_chunks_of_a_file(root, tmp_path, suites, dtype):
    name = index(suites, "functions.Chunked.track_time", dtype)
    result, output = launch(root, tmp_path, name)
    assert result, output
    code = "import lsekernels.chunked as c\nmerge = c.merge\nc.merge = lambda p: merge(p[1:])\n"
    result, output = launch_altered(root, tmp_path, name, code)
    assert result is None
    assert "is not timed: it is off by" in output


MANY = "many_small.Logsumexp.track_time"


@pytest.mark.parametrize("backend", ["numpy", "torch", "jax"])
def test_many_small_calls(root, tmp_path, suites, backend):
    result, output = launch(root, tmp_path, index(suites, MANY, backend, 1000))
    assert result, output
    assert min(result["samples"]) > 1e-4, "the time of all calls"


def test_the_same_in_one_call(root, tmp_path, suites):
    name = index(suites, "many_small.InOneCall.track_time", "numpy", 1000)
    result, output = launch(root, tmp_path, name)
    assert result, output


def test_calls_that_would_take_minutes_are_na(root, tmp_path, suites):
    code = (
        "import time\nfrom lsekernels.backends.numpy import NumPy\nreal = NumPy.logsumexp\n"
        "NumPy.logsumexp = lambda self, x: time.sleep(0.01) or real(self, x)\n"
    )
    name = index(suites, MANY, "numpy", 100_000)
    result, output = launch_altered(root, tmp_path, name, code)
    assert result != result
    assert re.search(r"100000 calls would take \d{4,} s; the limit is 10 s", output)


def test_one_wrong_part_is_not_timed(root, tmp_path, suites):
    code = (
        "import numpy\nfrom lsekernels.backends.numpy import NumPy\nreal = NumPy.logsumexp\n"
        "first = numpy.random.RandomState(0).standard_normal(1_000_000)[-1000]\n"
        "NumPy.logsumexp = lambda self, x: real(self, x) + (x[0] == first)\n"
    )
    result, output = launch_altered(root, tmp_path, index(suites, MANY, "numpy", 1000), code)
    assert result is None
    assert "numpy is not timed: a part is off by" in output


@pytest.mark.parametrize(("device", "waits"), [("cpu", 3), ("gpu", 1)])
def test_all_calls_are_made_before_any_is_waited_for(root, python, device, waits):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from benchmarks.many_small import all_calls\n"
        "from lsekernels.backend import Backend\n"
        "class Lazy(Backend):\n"
        "    device = sys.argv[2]\n"
        "    def logsumexp(self, x): log.append('call'); return x\n"
        "    def synchronize(self, result): log.append('wait'); return result\n"
        "log = []\n"
        "assert all_calls(Lazy(), [1, 2, 3])() == [1, 2, 3]\n"
        "print(*log)"
    )
    log = python(code, str(root), device, LSEKERNELS_THREADS="1").split()
    assert log == 3 * ["call"] + waits * ["wait"]


def test_random_numbers(root, tmp_path, suites):
    suite = "warm.Uniform.track_time"
    for implementation in ("numpy:generator", "torch"):
        result, output = launch(
            root, tmp_path, index(suites, suite, implementation, "float64", 100)
        )
        assert result, output
        assert result["number"] > 100


def test_float32_bits_are_not_timed(root, tmp_path, suites):
    code = (
        "import numpy\nfrom lsekernels.backends.numpy import NumPy\n"
        "NumPy.uniform_generator = lambda self, n: numpy.float64(self.generator.random(n, 'f4'))\n"
    )
    name = index(suites, "warm.Uniform.track_time", "numpy:generator", "float64", 1000)
    result, output = launch_altered(root, tmp_path, name, code)
    assert result is None
    assert "numpy is not timed: its uniform_generator of n_1000" in output
    assert "inf standard deviations; 7 are allowed" in output


def test_build_compiles_one_module(root, tmp_path, suites):
    (tmp_path / "project").symlink_to(root)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # meson and ninja
    name = index(suites, "build.Build.track_seconds", "cython")
    result, output = launch(root, tmp_path, name, PATH=path, ASV_ENV_DIR=str(tmp_path))
    assert result == result, output
    assert (len(result["samples"]), result["number"]) == (1, 1)


@pytest.mark.parametrize("name", ["ramp_of_1000000", "all_minus_inf", "log_probabilities"])
def test_hard_inputs(root, tmp_path, suites, name):
    suite = "inputs.Logsumexp.track_time"
    result, output = launch(root, tmp_path, index(suites, suite, "simd", name))
    assert result, output


def test_rows(root, tmp_path, suites):
    for kernel in ("LogsumexpRows", "SoftmaxRows", "LogSoftmaxRows"):
        name = index(suites, f"warm.{kernel}.track_time", "simd", "float32", "10x10")
        result, output = launch(root, tmp_path, name)
        assert result, output
        assert result["number"] > 100


def test_a_form_is_asked_for_its_own_probes(root, tmp_path, suites):
    """Without interchanges most of the probes of LU must fail; with them, none."""
    suite = "warm.Lu.track_time"
    name = index(suites, suite, "numpy:unpivoted", "float64", 10)
    result, output = launch(root, tmp_path, name)
    assert result, output
    code = (
        "from lsekernels.backends.numpy import NumPy\n"
        "NumPy.lu = lambda self, a: (self.lu_unpivoted(a), self.np.arange(len(a)))\n"
    )
    result, output = launch_altered(
        root, tmp_path, index(suites, suite, "numpy", "float64", 10), code
    )
    assert result is None
    assert "numpy is not timed: its lu of swap" in output


def test_gpu_inputs_are_larger_than_the_cache_and_used_in_turn(root, python):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from benchmarks import gpu\n"
        "assert gpu.copies(4 * 10**6) * 4 * 10**6 >= gpu.ROTATED\n"
        "assert gpu.copies(4 * 10**9) == 1\n"
        "call = gpu.in_turn([lambda: 'a', lambda: 'b', lambda: 'c'])\n"
        "print(*(call() for _ in range(7)))"
    )
    assert python(code, str(root), LSEKERNELS_THREADS="1") == "a b c a b c a"


def test_gpu_suites_are_na_without_a_gpu(root, tmp_path, suites):
    names = (
        index(suites, "gpu.Logsumexp.track_time", "cupy_tuned", "float32", 1_000_000),
        index(suites, "limits.GpuCopy.track_time", "float64", 1_000_000),
    )
    for name in names:
        result, output = launch(root, tmp_path, name)
        if result is not None and result == result:
            pytest.skip("CuPy works here")
        assert "no CUDA device" in output
        assert "asv: skipped" in output
