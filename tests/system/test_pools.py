"""Pools of workers: how arrays are cut, what is freed, and how pools end."""

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from lsekernels import registry
from lsekernels.backends._parts import cut
from lsekernels.backends.processes import FOLDER, Block, _pools
from lsekernels.kernels import logsumexp as kernel

LINUX = pytest.mark.skipif(not os.path.isdir(FOLDER), reason="shared memory is seen in /dev/shm")
POOLS = "threads", "processes", "ray"
LARGE = 5_000_000  # elements; cut in two by all pools


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1999, 2000, 2999, 3001, 10**6])
def test_parts_are_the_whole_and_none_is_small(size):
    x = np.arange(size, dtype="f8")
    parts = [x[part] for part in cut(x, 3, smallest=8000)]
    np.testing.assert_array_equal(np.concatenate(parts), x)
    assert len(parts) == 1 or all(part.nbytes >= 8000 for part in parts)
    assert len(parts) == max(1, min(3, size // 1000))


@pytest.mark.parametrize("name", POOLS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_parts_of_two_workers_give_the_whole(load, monkeypatch, name, dtype):
    backend = load(name)
    monkeypatch.setattr(backend, "allowed", lambda: 2)
    (x,) = kernel.make_data(LARGE, dtype)
    for place, value in ((0, 0.0), (0, 30.0), (-1, 30.0), (-1, np.inf), (0, np.nan)):
        x[place] = value
        result = backend.logsumexp(backend.to_device(x))
        assert kernel.error(result, kernel.reference(x), dtype) <= 4


# -- shared memory -----------------------------------------------------------------------------


def mapped(processes, prefix="psm_"):
    """Return the blocks of shared memory that `processes` have mapped; other tests have theirs."""
    maps = "".join(Path(f"/proc/{p.pid}/maps").read_text() for p in processes)
    return {line.split()[5] for line in maps.splitlines() if f"{FOLDER}/{prefix}" in line}


def there(blocks):
    """Return those of `blocks` that are not freed."""
    return [block for block in blocks if os.path.exists(block)]


@pytest.mark.backend("processes")
@LINUX
def test_shared_memory_is_freed_with_the_prepared_call(load):
    here = psutil.Process()
    before = mapped([here])
    call = load("processes").prepare("logsumexp", np.ones(LARGE))
    workers = here.children()
    (block,) = mapped([here]) - before
    assert there([block])
    assert block in mapped(workers)
    assert call() == call()
    del call
    gc.collect()
    assert not there([block])
    assert mapped([here]) == before
    deadline = time.monotonic() + 60
    while mapped(workers) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not mapped(workers), "a worker keeps the memory"


@pytest.mark.backend("processes")
@LINUX
def test_full_shared_memory_is_an_error_and_no_crash(monkeypatch):
    class Full:
        free = 800

    monkeypatch.setattr("shutil.disk_usage", lambda _: Full)
    monkeypatch.setattr(sys.modules[Block.__module__], "SharedMemory", None)  # nothing is taken
    with pytest.raises(MemoryError, match="/dev/shm has 800 bytes left, 808 are needed"):
        Block(np.ones(101))


@pytest.mark.backend("processes")
def test_a_killed_worker_is_an_error_and_the_next_call_starts_others(load):
    backend = load("processes")
    x = backend.to_device(np.zeros(3))
    expected = backend.logsumexp(x)
    (pool,) = _pools
    killed = pool.processes[0]
    killed.kill()
    with pytest.raises(RuntimeError, match=r"a worker process has ended.*__main__"):
        backend.logsumexp(x)
    assert backend.logsumexp(x) == expected
    assert killed not in multiprocessing.active_children()


@pytest.mark.backend("processes")
def test_an_error_in_a_worker_is_raised_here(load):
    backend = load("processes")
    x = backend.to_device(np.zeros(3))
    x.name = "no_such_block"
    with pytest.raises(FileNotFoundError, match="no_such_block"):
        backend.logsumexp(x)
    assert backend.logsumexp(backend.to_device(np.zeros(1))) == 0


# -- the end -----------------------------------------------------------------------------------

ENDLESS = """
import sys, numpy
from lsekernels import registry
call = registry.load(sys.argv[1]).prepare("logsumexp", numpy.ones(5_000_000))
print("ready", flush=True)
while True:
    call()
"""


def start(name):
    """Start endless calls by two workers in a session of their own; return it and its children."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", ENDLESS, name],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "2"},
        start_new_session=True,
        text=True,
    )
    line = process.stdout.readline()
    assert line == "ready\n", process.communicate()[1]
    return process, psutil.Process(process.pid).children(recursive=True)


@pytest.mark.parametrize("name", POOLS)
def test_ctrl_c_ends_all_and_says_so_once(load, name):
    """As in a terminal: it reaches all processes of the group."""
    load(name)
    process, children = start(name)
    assert bool(children) == (name != "threads")
    held = mapped([psutil.Process(process.pid), *children], "") if os.path.isdir(FOLDER) else ()
    time.sleep(0.2)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode in (-signal.SIGINT, 1), "1: Ray raises it from compiled code"
    assert said.count("Traceback") == 1, said
    assert said.rstrip().endswith("KeyboardInterrupt"), said
    assert "resource_tracker" not in said
    assert not psutil.wait_procs(children, timeout=60)[1]
    assert not there(held)


@LINUX
@pytest.mark.parametrize("name", ["threads", "processes"])
def test_workers_end_with_a_process_that_is_killed(load, name):
    """Those of Ray do so, too, but two agents of it only after a minute."""
    load(name)
    process, children = start(name)
    held = mapped([psutil.Process(process.pid), *children])
    assert bool(held) == (name == "processes")
    process.kill()
    process.communicate()
    assert not psutil.wait_procs(children, timeout=60)[1]
    deadline = time.monotonic() + 60
    while there(held) and time.monotonic() < deadline:
        time.sleep(0.05)  # by the resource tracker
    assert not there(held)


NORMAL = """
import sys, lsekernels, numpy
print(lsekernels.logsumexp(numpy.zeros(1), backend=sys.argv[1]))
"""


@pytest.mark.parametrize("name", POOLS)
def test_end_of_a_script_is_silent(load, name):
    load(name)
    command = [sys.executable, "-W", "error", "-c", NORMAL, name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "0.0\n", "")


@pytest.mark.backend("processes")
def test_a_script_without_a_guard_fails_with_the_reason(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(NORMAL)
    command = [sys.executable, str(script), "processes"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    # The worker dies while it runs the script again; what it held may be reported after this.
    (reason,) = [line for line in done.stderr.splitlines() if "worker process has ended" in line]
    assert 'below `if __name__ == "__main__":`' in reason


@pytest.mark.backend("ray")
def test_ray_listens_on_loopback_only(load):
    backend = load("ray")
    backend.to_device(np.ones(1))
    for child in psutil.Process().children(recursive=True):
        for connection in child.net_connections():
            if connection.status == psutil.CONN_LISTEN:
                assert connection.laddr.ip.removeprefix("::ffff:") == "127.0.0.1", child.name()


@pytest.mark.backend("ray")
def test_ray_that_does_not_start_says_why(load, monkeypatch):
    import ray

    load("ray")
    start = sys.modules[registry.declaration("ray").__module__]._start

    def fail(**_):
        raise RuntimeError("no room")

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", fail)
    with pytest.raises(registry.Unavailable, match="Ray does not start: no room"):
        start(99)
