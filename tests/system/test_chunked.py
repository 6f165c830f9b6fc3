"""Arrays larger than memory: the algebra, the workers, the command line, and the Dask backend."""

import json
import math
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsekernels import Unavailable, chunked, registry
from lsekernels.chunked.chunk import BLOCK
from lsekernels.kernels import logsumexp as kernel
from lsekernels.threads import VARIABLES

if reason := registry.declaration("dask").missing():
    pytest.skip(reason, allow_module_level=True)

import dask.array as da
import distributed
import psutil

pytestmark = pytest.mark.backend("dask")

COMMAND = [sys.executable, "-m", "lsekernels.chunked"]
BACKEND = "scipy"  # right in all cases, whichever is the best here


@pytest.fixture(scope="module")
def client():
    """Two worker processes."""
    with chunked.cluster(2) as cluster, distributed.Client(cluster, set_as_default=False) as client:
        yield client


@pytest.fixture
def file(tmp_path):
    """Write an array to a .npy file; return its path."""

    def write(array):
        np.save(tmp_path / "data.npy", array)
        return tmp_path / "data.npy"

    return write


def parts_of(blocks, backend=BACKEND):
    return [chunked.reduce_chunk(np.asarray(block, float), backend) for block in blocks]


def error(result, x):
    return kernel.error(result, kernel.reference(np.asarray(x, float).ravel()), "float64")


# -- the algebra -------------------------------------------------------------------------------


@pytest.mark.parametrize("case", kernel.CASES)
@pytest.mark.parametrize("blocks", [1, 2, 5])
def test_parts_of_a_case_merge_to_its_value(case, blocks):
    x = kernel.CASES[case].make("float64")
    parts = parts_of(np.array_split(x, blocks))
    # A million terms at -40 are known as log(500000) - 40: to half a unit of 26, not of 1e-12.
    allowed = 16 if case == "one_dominant" else 4
    assert error(chunked.merge(parts).log, x) <= allowed
    pairwise = [chunked.merge(parts[i : i + 2]) for i in range(0, len(parts), 2)]
    assert error(chunked.merge(pairwise).log, x) <= allowed


def test_what_is_tiny_in_one_chunk_is_not_lost_beside_the_largest_in_another():
    tiny = 4.248354255291589e-18  # log1p(exp(-40))
    for blocks in ([[0], [-40]], [[-40], [0]], [[0, -math.inf], [-math.inf], [-40]]):
        assert chunked.merge(parts_of(blocks)).log == pytest.approx(tiny, rel=1e-15)
        assert chunked.merge(parts_of(blocks, "numpy")).log == pytest.approx(tiny, rel=1e-15)
    assert chunked.merge(parts_of([[0], [-740]])).log == 4.2e-322


@pytest.mark.parametrize("backend", sorted({BACKEND, registry.best().name}))
def test_special_values(backend):
    inf, nan = math.inf, math.nan
    for blocks, expected in (
        ([], -inf),
        ([[]], -inf),
        ([[-inf], [-inf, -inf]], -inf),
        ([[], [2.0]], 2.0),
        ([[-inf], [1e300]], 1e300),
        ([[1e300, -1e300], [1e299]], 1e300),
        ([[1.7e308], [0.0]], 1.7e308),
        ([[-1.7e308], [-1.7e308]], -1.7e308),
        ([[inf], [-inf]], inf),
    ):
        result = chunked.merge(parts_of(blocks, backend)).log
        assert result == pytest.approx(expected, rel=3e-16), blocks
    for blocks in ([[nan], [inf]], [[inf], [nan]], [[-inf], [nan]], [[0.0], [nan]]):
        assert math.isnan(chunked.merge(parts_of(blocks, backend)).log), blocks


@given(
    blocks=st.lists(st.lists(st.floats(-800, 800), max_size=4), max_size=12),
    every=st.integers(2, 5),
)
def test_any_tree_gives_the_sum(blocks, every):
    level = parts_of(blocks, "numpy")
    while len(level) > 1:
        level = [chunked.merge(level[i : i + every]) for i in range(0, len(level), every)]
    x = [value for block in blocks for value in block]
    exact = kernel.reference(np.array(x))
    result = chunked.merge(level).log
    with mpmath.workdps(30):
        assert result == exact or abs(result - exact) <= 1e-15 * max(1, max(map(abs, x)))


# -- files, Dask arrays, NumPy arrays ----------------------------------------------------------

FORMS = {
    "float64": lambda x: x,
    "float32": lambda x: x.astype("f4"),
    "float16": lambda x: x.astype("f2"),
    "big_endian": lambda x: x.astype(">f8"),
    "float32_big_endian": lambda x: x.astype(">f4"),
    "bool": lambda x: x > 0,
    "integers": lambda x: (8 * x).astype("i4"),
    "unsigned_big_endian": lambda x: (np.abs(x) * 8).astype(">u2"),
    "matrix": lambda x: x.reshape(-1, 10),
    "fortran": lambda x: np.asfortranarray(x.reshape(-1, 10)),
    "cube": lambda x: x.reshape(5, 4, -1),
    "scalar": lambda x: x[0].reshape(()),
    "empty": lambda x: x[:0].reshape(0, 3),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms(client, file, form):
    x = FORMS[form](kernel.make_data(10_000, "float64")[0])
    small = max(1, 7777 * x.itemsize // 8)  # bytes: no multiple of a page or of the array
    lies = [
        chunked.logsumexp(file(x), client=client, chunk_bytes=small),
        chunked.logsumexp(str(file(x)), client=client),
        chunked.logsumexp(x, client=client, chunk_bytes=small),
        chunked.logsumexp(x),  # no cluster: threads of this process
        chunked.logsumexp(da.from_array(x, chunks=[-(-n // 3) for n in x.shape]), client=client),
    ]
    for result in lies:
        assert type(result) is float
        assert error(result, x) <= 4, "in double precision, whatever the dtype"


BACKENDS = sorted({"numpy", "numpy_blocked", "python", BACKEND, registry.best().name})


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("size", [1, 1000, 3 * BLOCK + 1])
def test_float32_is_summed_in_double(backend, size):
    """Also where a float32 sum is off by 3e-7, or its digits vanish beside 1."""
    x = kernel.make_data(size, "float32")[0]
    small = np.full(size, -200, "f4")
    small[-1] = 1e-8  # a result near zero
    for data in (x, x - 90, x + 1000, small, np.zeros(size, "f4")):
        exact = kernel.reference(data.astype("f8"))
        assert kernel.error(chunked.reduce_double(data, backend).log, exact, "f8") <= 4
        assert kernel.error(chunked.reduce_double(data[::-1], backend).log, exact, "f8") <= 4
    for value, expected in ((3e38, 3.0000000054977558e38), (-np.inf, -np.inf), (np.inf, np.inf)):
        data = np.where(np.arange(size) == size - 1, np.float32(value), np.float32(-np.inf))
        assert chunked.reduce_double(data, backend).log == expected
    assert math.isnan(chunked.reduce_double(np.append(x, np.float32(np.nan)), backend).log)
    assert math.isnan(chunked.reduce_double(np.array([np.inf, np.nan], "f4"), backend).log)


@pytest.mark.parametrize("dtype", ["f8", "f4", "i4", "?"])
def test_what_is_masked_in_a_dask_array_adds_nothing(client, dtype):
    x = (10 * kernel.make_data(3000, "float64")[0]).astype(dtype).reshape(30, 100)
    masked = np.ma.masked_array(x, mask=x > 0.5)
    assert masked.mask.any()
    blocks = da.from_array(masked, chunks=(7, 30))
    expected = kernel.reference(masked.compressed().astype(float))
    for data in (blocks, da.ma.masked_greater(da.from_array(x, chunks=(7, 30)), 0.5), masked):
        assert kernel.error(chunked.logsumexp(data, client=client), expected, "f8") <= 4
    nothing = da.ma.masked_array(da.ones(10, chunks=3), mask=True)
    assert chunked.logsumexp(nothing, client=client) == -math.inf


REFUSED = [
    np.ones(3, complex),
    np.ones(3, ">c8"),
    *([np.ones(3, "g")] if np.dtype("g").itemsize > 8 else []),
    np.array(["1"]),
    np.array([b"1"]),
    np.array(["2020"], "M8[Y]"),
    np.ones(3, [("a", "f8")]),
    np.array([None]),
]


@pytest.mark.parametrize("x", REFUSED, ids=lambda x: str(x.dtype))
def test_what_is_not_real_is_a_type_error(client, file, x, monkeypatch, capsys):
    wanted = f"x must hold real numbers of at most 64 bits, not of {x.dtype}"
    for data in (x, file(x), da.from_array(x, chunks=-1)):
        with pytest.raises(TypeError, match=re.escape(wanted)):
            chunked.logsumexp(data, client=client)
    said = main(monkeypatch, capsys, file(x))
    assert said == (1, "", f"python -m lsekernels.chunked: {wanted}\n")


def test_bad_files(client, file, tmp_path):
    bad = tmp_path / "bad.npy"
    with pytest.raises(FileNotFoundError, match="bad.npy") as caught:
        chunked.logsumexp(bad, client=client)
    assert "(worker tcp://127.0.0.1" in caught.value.__notes__[0]
    bad.write_bytes(b"1.0, 2.0, 3.0\n")
    with pytest.raises(ValueError, match=r"bad.npy is no .npy file: the magic string"):
        chunked.logsumexp(bad, client=client)
    bad.write_bytes(b"")
    with pytest.raises(ValueError, match=r"bad.npy is no .npy file"):
        chunked.logsumexp(bad, client=client)
    bad.write_bytes(file(np.ones(100)).read_bytes()[:-8])
    with pytest.raises(ValueError, match=r"bad.npy is cut off: its last 8 bytes are missing"):
        chunked.logsumexp(bad, client=client)


def test_bad_arguments(client, monkeypatch):
    with pytest.raises(ValueError, match="split_every must be at least 2"):
        chunked.logsumexp([1.0], client=client, split_every=1)
    with pytest.raises(ValueError, match="did you mean 'numba'"):
        chunked.logsumexp([1.0], client=client, backend="numbaa")
    for name in ("dask", "ray", "processes"):
        with pytest.raises(ValueError, match=f"{name!r} cannot compute a chunk: it starts workers"):
            chunked.logsumexp([1.0], client=client, backend=name)
    with pytest.raises(ValueError, match="'greenlet' cannot compute a chunk: it has no logsumexp"):
        chunked.logsumexp([1.0], client=client, backend="greenlet")
    with pytest.raises(Unavailable, match="not available"):
        chunked.logsumexp([1.0], client=client, backend="cupy")


def test_the_chunks_decide_the_last_bit_and_not_the_workers(client, file):
    (x,) = kernel.make_data(100_000, "float64")
    path = file(x)
    results = {chunked.logsumexp(data, chunk_bytes=4096) for data in [path, path, x]}
    results |= {chunked.logsumexp(data, chunk_bytes=4096, client=client) for data in [path, x]}
    assert len(results) == 1


def test_merges_take_no_more_than_allowed(monkeypatch):
    class Here:
        """A client that computes at once."""

        map = staticmethod(lambda function, values, pure: list(map(function, values)))
        gather = staticmethod(list)

    seen = []
    merge = chunked.merge
    counted = lambda parts: seen.append(len(parts)) or merge(parts)  # noqa: E731
    monkeypatch.setattr("lsekernels.chunked.tasks.merge", counted)
    x = np.arange(100.0)
    assert error(chunked.merge_tree(Here(), parts_of(x[:, None]), 3).log, x) <= 4
    assert seen == [3] * 33 + [1] + [3] * 11 + [1] + [3] * 4 + [3, 1] + [2]


def process(_):
    return np.array([float(os.getpid())])


def test_which_client(client):
    """The one given; else the current one; else threads of this process."""
    x = da.zeros(1, chunks=1).map_blocks(process, dtype=float)
    workers = set(client.run(os.getpid).values())
    assert chunked.logsumexp(x, client=client) in workers
    with client.as_current():
        assert chunked.logsumexp(x) in workers
    assert chunked.logsumexp(x) == os.getpid()


# -- workers that die, or have little memory ---------------------------------------------------


def wait(block):
    time.sleep(0.05)
    return block


@pytest.mark.parametrize("source", ["dask", "numpy"])
def test_a_killed_worker_does_not_change_the_answer(client, source, monkeypatch):
    """40 chunks of 50 ms on two workers, one of which is killed after half a second."""
    if source == "dask":
        data = da.random.default_rng(0).standard_normal(200_000, chunks=5000).map_blocks(wait)
    else:
        (data,) = kernel.make_data(200_000, "float64")
        reduce = chunked.reduce_double
        slow = lambda block, backend: reduce(wait(block), backend)  # noqa: E731
        monkeypatch.setattr("lsekernels.chunked.tasks.reduce_double", slow)
    undisturbed = chunked.logsumexp(data, client=client, chunk_bytes=40_000)

    before = set(client.run(os.getpid).values())
    timer = threading.Timer(0.5, os.kill, (min(before), signal.SIGKILL))
    timer.start()
    assert chunked.logsumexp(data, client=client, chunk_bytes=40_000) == undisturbed
    timer.join()
    while len(after := set(client.run(os.getpid).values())) < 2:
        time.sleep(0.1)
    assert len(after & before) == 1


def test_a_file_larger_than_the_memory_of_the_workers(tmp_path):
    """1 GiB for two workers of 300 MB, half of which Python and its libraries take."""
    x = np.lib.format.open_memmap(tmp_path / "zeros.npy", "w+", "f8", (2**27,))  # a sparse file
    x[-1] = 40
    exact = np.logaddexp(27 * math.log(2), 40)
    with (
        chunked.cluster(2, memory_limit="300 MB") as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        limits = [worker["memory_limit"] for worker in client.scheduler_info()["workers"].values()]
        assert sum(limits) < 0.6 * x.nbytes
        before = client.run(os.getpid)
        result = chunked.logsumexp(x.filename, client=client, chunk_bytes=2**24)
        assert client.run(os.getpid) == before, "a worker was killed"
    assert result == pytest.approx(exact, rel=1e-15)


# -- the command line --------------------------------------------------------------------------


def run(*arguments, **more):
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, **more)


def test_command_line(client, file):
    x = kernel.make_data(1_000_000, "float64")[0].reshape(1000, 1000)
    path = file(x)
    expected = chunked.logsumexp(path, chunk_bytes=2**20)
    done = run(path.name, "--workers", 1, "--chunk-mib", 1, cwd=path.parent)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{expected:.17g}\n"
    assert len(done.stderr.splitlines()) == 1, "no progress where there is no terminal"
    assert "0.008 GB in" in done.stderr
    assert "(8 chunks, 1 workers, " in done.stderr


def test_command_line_with_a_scheduler(client, file):
    path, address = file(kernel.make_data(1_000_000, "float64")[0]), client.scheduler.address
    expected = chunked.logsumexp(path, chunk_bytes=2**20, backend="numpy")
    command = [*COMMAND, str(path), "--chunk-mib", "1", "--backend", "numpy", "--progress"]
    done = subprocess.run([*command, "--scheduler", address], capture_output=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{expected:.17g}\n".encode()
    assert b"\r8 of 8 chunks\n0.008 GB in" in done.stderr
    assert b"2 workers, numpy)" in done.stderr


def test_command_line_help():
    done = run("--help")
    assert done.returncode == 0
    for word in ("DATA.npy", "--scheduler", "--workers", "--backend", "--chunk-mib", "--progress"):
        assert word in done.stdout


def main(monkeypatch, capsys, *arguments):
    """Run the command line in this process; return its status and what it wrote."""
    monkeypatch.setattr(sys, "argv", ["chunked", *map(str, arguments)])
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # the test runner has its own
    status = chunked.main()
    written = capsys.readouterr()
    return status, written.out, written.err


def test_command_line_says_what_is_wrong(client, file, monkeypatch, capsys):
    def complaint(*arguments):
        status, out, err = main(monkeypatch, capsys, *arguments)
        assert (status, out) == (1, "")
        assert len(err.splitlines()) == 1
        return err

    address = client.scheduler.address
    assert "No such file or directory: '/nowhere.npy'" in complaint("/nowhere.npy")
    there = complaint("/nowhere.npy", "--scheduler", address)
    assert "No such file or directory: '/nowhere.npy' (worker tcp://127.0.0.1:" in there
    path = file(np.ones(3))
    with monkeypatch.context() as patch:  # before processes are started
        patch.setattr("lsekernels.chunked.__main__.cluster", None)
        assert "did you mean 'numba'" in complaint(path, "--backend", "numbaa")
        for name in ("dask", "ray", "processes", "greenlet"):
            assert f"{name!r} cannot compute a chunk: it " in complaint(path, "--backend", name)
        patch.setattr(registry.declaration("numba_cuda"), "requires", ("no_such_library",))
        assert "no_such_library is not installed" in complaint(path, "--backend", "numba_cuda")
    unknown = complaint(path, "--scheduler", "nowhere")
    assert "nowhere" in unknown
    monkeypatch.setattr(registry.declaration("dask"), "requires", ("no_such_library",))
    assert "no_such_library is not installed (pip install '.[dask]' in a clone" in complaint(path)


def test_command_line_without_a_scheduler(file):
    """In a process of its own: distributed ends the loop of a failed client some time later."""
    code = (
        "import sys; from lsekernels.chunked import __main__ as command\n"
        "command.TIMEOUT = 1; sys.exit(command.main())"
    )
    address = "tcp://127.0.0.1:9"
    done = subprocess.run(
        [sys.executable, "-c", code, file(np.ones(3)), "--scheduler", address],
        capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith(f"no scheduler answers at {address} within 1 s\n")


def test_command_line_without_workers(file, monkeypatch, capsys):
    monkeypatch.setattr("lsekernels.chunked.__main__.TIMEOUT", 5)  # it is there, and answers
    with chunked.cluster(0) as cluster:
        address = cluster.scheduler_address
        status, _, err = main(monkeypatch, capsys, file(np.ones(3)), "--scheduler", address)
    assert status == 1
    assert f"the scheduler at {address} has no workers" in err


def workers_of(process):
    """Return the processes of Dask that `process` has started."""
    commands = [
        (each, Path(f"/proc/{each.pid}/cmdline").read_bytes()) for each in process.children()
    ]
    return [each for each, command in commands if b"spawn_main" in command]


MOMENTS = ["imports", "starting", "started", "working", "ending"]


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("moment", "group"), [*((moment, True) for moment in MOMENTS), ("working", False)]
)
def test_stopped_it_leaves_no_process_and_no_traceback(file, moment, stop, group):
    """In a group as by Ctrl-C in a terminal: the signal reaches the workers, too."""
    path = file(np.zeros(1_000_000 if moment == "ending" else 30_000_000, "f4"))  # or 60 chunks
    options = ["--chunk-mib", "2", "--workers", "2", "--backend", "python", "--progress"]
    process = subprocess.Popen(
        [*COMMAND, str(path), *options],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    with process:
        watched = psutil.Process(process.pid)
        if moment == "imports":
            while not any("numpy" in each.path for each in watched.memory_maps()):
                pass
        elif moment in ("starting", "started"):  # the first of its workers, or the last
            while len(workers_of(watched)) < (1 if moment == "starting" else 2):
                pass
        else:
            while process.stderr.read(1) != (b"\n" if moment == "ending" else b"\r"):
                pass
        children = watched.children(recursive=True)
        os.killpg(process.pid, stop) if group else process.send_signal(stop)
        assert process.wait(120) == 128 + stop
        assert b"\n" not in process.stderr.read().removesuffix(b"\n")
    assert not psutil.wait_procs(children, timeout=60)[1]


# -- workers that are stopped, and not dead ----------------------------------------------------


def pause(pid):
    """Stop a worker in half a second."""
    threading.Timer(0.5, os.kill, (pid, signal.SIGSTOP)).start()


@pytest.mark.parametrize("workers", [1, 2])
def test_work_of_a_stopped_worker_is_done_again(monkeypatch, workers):
    """Its scheduler has it killed and started anew: here after 5 to 6 s, and 4 to end by itself."""
    data = da.zeros(60, chunks=1).map_blocks(wait)
    with monkeypatch.context() as patch:
        patch.setattr("lsekernels.chunked.workers.PATIENCE", 1)
        cluster = chunked.cluster(workers)
    with cluster, distributed.Client(cluster, set_as_default=False) as client:
        stopped = min(client.run(os.getpid).values())
        pause(stopped)
        assert chunked.logsumexp(data, client=client) == pytest.approx(math.log(60), rel=1e-15)
        assert not psutil.pid_exists(stopped)


def test_a_stopped_worker_of_another_scheduler_is_named(file, monkeypatch, capsys):
    path, reduce = file(np.zeros(3_000_000)), chunked.reduce_file
    slow = lambda start, **told: reduce(wait(start), **told)  # noqa: E731
    monkeypatch.setattr("lsekernels.chunked.tasks.reduce_file", slow)
    with chunked.cluster(2) as cluster, distributed.Client(cluster, set_as_default=False) as client:
        # Of ours; the scheduler has more.
        monkeypatch.setattr("lsekernels.chunked.workers.PATIENCE", 1)
        (first, pid), _ = sorted(client.run(os.getpid).items())
        options = ["--scheduler", client.scheduler.address, "--backend", "python"]
        pause(pid)
        status, out, err = main(monkeypatch, capsys, path, *options, "--chunk-mib", 1)
        assert (status, out) == (1, "")
        assert err.endswith(f" s worker {first} has sent nothing: is it stopped?\n")
        status, out, err = main(monkeypatch, capsys, path, *options)
        assert (status, out) == (1, "")
        assert err.endswith(f": worker {first} does not answer: is it stopped?\n")


# -- the backend -------------------------------------------------------------------------------

USE = """
import sys, psutil
from lsekernels import registry
from lsekernels.kernels import logsumexp as kernel
from lsekernels.threads import VARIABLES
backend = registry.load("dask")
print(backend.version(), len(psutil.Process().children()))
for size in (10, 5_000_000):
    (x,) = kernel.make_data(size, sys.argv[1])
    device = backend.to_device(x)
    client = device[0].client
    print(kernel.error(backend.logsumexp(device), kernel.reference(x), x.dtype) <= 4)
    print(sorted(client.nthreads().values()), sorted(map(len, client.has_what().values())))
    print(all(client.gather(client.map(lambda block: block.flags.aligned, device))) or size == 10)
    del device
"""


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("workers", [1, 2])
def test_as_many_workers_as_threads_are_allowed(workers, dtype):
    """None before they are needed; one block of a large array in each; and a silent end."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", USE, dtype],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": str(workers)},
    )
    assert (done.returncode, done.stderr) == (0, "")
    threads = [1] * workers
    assert done.stdout.splitlines() == [
        f"{distributed.__version__} 0",
        "True",
        f"{threads} {[0] * (workers - 1) + [1]}",
        "True",
        "True",
        f"{threads} {[1] * workers}",
        "True",
    ]


def test_it_is_timed_as_every_other_backend(root, tmp_path):
    import asv

    runner = str(Path(asv.__file__).with_name("benchmark.py"))
    folder, result = str(root / "benchmarks"), tmp_path / "result.json"
    # As for asv's own processes, in which a tool of asv imports NumPy early.
    environment = {**os.environ, **dict.fromkeys(VARIABLES, "2"), "LSEKERNELS_THREADS": "2"}

    def call(*arguments):
        command = [sys.executable, runner, *arguments, str(result)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(result.read_text())

    suites = {suite["name"]: suite for suite in call("discover", folder)}
    for name in ("warm.Logsumexp.track_time", "transfer.Logsumexp.track_time"):
        backends, *others = suites[name]["params"]
        index = backends.index("'dask'") * math.prod(map(len, others))  # float32, 10
        timed = call("run", folder, f"{name}-{index}", "{}", "None")
        assert min(timed["samples"]) > 1e-4
