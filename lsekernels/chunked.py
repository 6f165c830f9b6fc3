"""logsumexp of what is larger than the memory of one process, or than one machine.

Each chunk is reduced where it lies, by any backend, to three numbers (:class:`Part`); a tree of
fixed shape merges them. Dask moves the work to the data, and does again what a lost worker had
done: the answer depends on the chunks and on nothing else.
"""

from __future__ import annotations

import argparse
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from multiprocessing import resource_tracker
from typing import Any, NamedTuple

import numpy as np

from . import Unavailable, registry, threads

CHUNK_BYTES = 128 * 2**20
"""As Dask's own chunks: a task costs some milliseconds beside the work, and this takes 10 to 20."""

Report = Callable[[int, int], None]


# -- the algebra -------------------------------------------------------------------------------


class Part(NamedTuple):
    """What is kept of a chunk, or of several."""

    sum: float
    """sum(exp(x)) / 2**exponent: 0, infinite, nan or from sqrt(1/2) to sqrt(2)."""
    exponent: int
    log: float
    """logsumexp(x): all digits of it also where it is near zero, and those of `sum` are not."""


LN2_HIGH, LN2_LOW = 0.693147180369123816490, 1.90821492927058770002e-10
"""log(2) in two parts: an integer below 2**21 times the first is exact."""

EMPTY = Part(0.0, 0, -math.inf)


def _part(total: float, exponent: int) -> Part:
    if not total or not math.isfinite(total):
        return Part(total, 0, math.log(total) if total else -math.inf)
    total, shift = math.frexp(total)
    exponent += shift
    if total < math.sqrt(0.5):  # near 1 it shall be 1 - small, not 2 * (1/2 - small)
        total, exponent = 2 * total, exponent - 1
    # Halves, for a number that only times ln 2 is below the largest float.
    half = exponent / 2
    log = 2 * (half * LN2_HIGH + (half * LN2_LOW + math.log(total) / 2))
    return Part(total, exponent, log)


def _add(parts: Sequence[Part]) -> Part:
    top = max((part.exponent for part in parts if part.sum), default=0)
    total = math.fsum(math.ldexp(part.sum, part.exponent - top) for part in parts)
    return _part(total, top)


def merge(parts: Sequence[Part]) -> Part:
    """Return the part of all that `parts` are of."""
    whole = _add(parts)
    if abs(whole.log) < 1:
        # log(sum) has lost what is small beside 1; the largest part may have it still.
        ranked = sorted(parts, key=lambda part: part.log)
        rest, largest = _add(ranked[:-1]), ranked[-1].log
        if whole.log - largest < LN2_HIGH:  # it is more than half of the sum
            small = math.ldexp(rest.sum, rest.exponent) / math.exp(largest)
            return whole._replace(log=largest + math.log1p(small))
    return whole


def as_input(x: Any) -> np.ndarray:
    """Return `x` as every backend takes it: 1-D, C-contiguous, aligned, native byte order.

    Integers and lists of numbers become float64, masked numbers -inf: they add nothing. No copy is
    made where none is needed.

    Raises
    ------
    TypeError
        `x` is not made of real numbers of at most 64 bits.
    ValueError
        `x` is not one-dimensional.
    """
    wanted = "x must be a 1-D array of float32, float64 or integers"
    try:
        array = _filled(x)
    except ValueError as error:  # ragged lists
        raise ValueError(f"{wanted}; {error}") from None
    if array.dtype.kind in "iu":
        array = array.astype(np.float64)
    if array.dtype.kind != "f" or array.dtype.itemsize not in (4, 8):
        raise TypeError(f"{wanted}, not of {array.dtype}")
    if array.ndim != 1:
        raise ValueError(f"{wanted}, not {array.ndim}-D with shape {array.shape}")
    return np.require(array, array.dtype.newbyteorder("="), ["C", "A"])


def _filled(x: Any) -> np.ndarray:
    """Return `x` as an array, with -inf where it is masked."""
    if not isinstance(x, np.ma.MaskedArray):
        return np.asarray(x)
    floats = x.data if x.dtype.kind == "f" else x.data.astype(np.float64)
    return np.where(np.ma.getmaskarray(x), floats.dtype.type(-np.inf), floats)


def reduce_chunk(x: Any, backend: str) -> Part:
    """Return the part of `x`, a NumPy array of any shape, computed by `backend`."""
    if x.size == 0:
        return EMPTY
    computer: Any = registry.load(backend)
    array = computer.to_device(as_input(x.ravel(order="K")))  # the order is of no importance
    part = _part(*computer.sum_exp(array))
    if abs(part.log) < 1:  # here the backend may see more digits
        log = computer.to_host(computer.synchronize(computer.logsumexp(array)))
        part = part._replace(log=float(log))
    return part


# -- files -------------------------------------------------------------------------------------


class Layout(NamedTuple):
    """Where the numbers of a .npy file lie."""

    dtype: str
    size: int
    offset: int
    """Of the first number, in bytes."""


def layout(path: str) -> Layout:
    """Return the layout of the .npy file at `path`.

    Raises
    ------
    OSError, ValueError
        It cannot be read, is no .npy file, or is shorter than its header says.
    TypeError
        What it holds are not real numbers.
    """
    with open(path, "rb") as file:
        try:
            if np.lib.format.read_magic(file) == (1, 0):
                shape, _, dtype = np.lib.format.read_array_header_1_0(file)
            else:
                shape, _, dtype = np.lib.format.read_array_header_2_0(file)
        except ValueError as error:
            raise ValueError(f"{path} is no .npy file: {error}") from None
        as_input(np.empty(0, dtype))
        offset, end = file.tell(), file.seek(0, os.SEEK_END)
    size = math.prod(shape)  # in C or in Fortran order: the sum is the same
    missing = offset + size * dtype.itemsize - end
    if missing > 0:
        raise ValueError(f"{path} is cut off: its last {missing} bytes are missing")
    return Layout(dtype.str, size, offset)


def reduce_file(start: int, path: str, lies: Layout, chunk: int, backend: str) -> Part:
    """Return the part of `chunk` numbers of a file from number `start` on."""
    dtype = np.dtype(lies.dtype)
    offset = lies.offset + start * dtype.itemsize
    x = np.memmap(path, dtype, "r", offset, (min(chunk, lies.size - start),))
    return reduce_chunk(x, backend)


# -- the work of a cluster ---------------------------------------------------------------------


def logsumexp(
    x: Any,
    *,
    client: Any = None,
    split_every: int = 8,
    backend: str | None = None,
    chunk_bytes: int = CHUNK_BYTES,
) -> float:
    """Return log(sum(exp(x))) over all elements of `x`, chunk by chunk on the workers of Dask.

    Parameters
    ----------
    x : dask.array.Array, array_like, or path of a .npy file
        Real numbers in any shape. A file is memory-mapped by the workers, and none of it is sent:
        they must see it under the same path. An array_like is copied to workers in other processes.
    client : distributed.Client, optional
        Default: the current one; where there is none, the threads of this process.
    split_every : int
        How many parts are merged at once.
    backend : str, optional
        What computes a chunk on a worker. Default: the best on one CPU thread.
    chunk_bytes : int
        Size of a chunk. A Dask array has its own.

    Returns
    -------
    float
        In double precision for every dtype. The same, to the last bit, for the same chunks and
        backend, whichever worker computed them, and how often.

    Raises
    ------
    TypeError
        `x` does not hold real numbers.
    OSError, ValueError
        A worker cannot read the file, or an argument is wrong.
    Unavailable
        A worker does not have the backend.
    """
    import dask
    from distributed import CancelledError
    from distributed.comm import CommClosedError

    if split_every < 2:
        raise ValueError(f"split_every must be at least 2, not {split_every}")
    name = backend or registry.best().name
    if "distributed" in registry.declaration(name).requires:
        raise ValueError(f"backend {name!r} cannot compute a chunk: it needs workers itself")
    with _current() if client is None else nullcontext(client) as client:
        if isinstance(x, str | os.PathLike):
            path = os.path.abspath(x)
            parts = map_file(client, path, find(client, path, name), name, chunk_bytes)
        elif dask.is_dask_collection(x):
            as_input(np.empty(0, x.dtype))
            blocks = x.to_delayed().ravel()
            parts = client.compute([dask.delayed(reduce_chunk)(block, name) for block in blocks])
        else:
            array = _filled(x)
            as_input(np.empty(0, array.dtype))
            count = max(1, -(-array.nbytes // chunk_bytes))
            for more in (True, True, False):
                try:
                    parts = map_blocks(client, scatter(client, array, count), name)
                    return merge_tree(client, parts, split_every).log
                except (CancelledError, CommClosedError):  # a worker was lost with its blocks
                    if not more:
                        raise
        return merge_tree(client, parts, split_every).log


def find(client: Any, path: str, backend: str) -> Layout:
    """Return the layout of the file at `path`, after every worker has read it there.

    A worker that cannot, or that does not have `backend`, raises its error here.
    """
    client.wait_for_workers(1)
    found: set[Layout] = set()
    for worker, lies in client.run(_ready, path, backend).items():
        if isinstance(lies, Exception):
            lies.add_note(f"(worker {worker})")
            raise lies
        found.add(lies)
    if len(found) > 1:
        raise ValueError(f"the workers see different files at {path}: {found}")
    return found.pop()


def _ready(path: str, backend: str) -> Layout | Exception:
    try:
        registry.load(backend)
        return layout(path)
    except Exception as error:  # returned, as the worker would log it with its traceback
        return error


def map_file(client: Any, path: str, lies: Layout, backend: str, chunk_bytes: int) -> list[Any]:
    """Return a future of the part of each chunk of the file at `path`."""
    chunk = max(1, chunk_bytes // np.dtype(lies.dtype).itemsize)
    told = {"path": path, "lies": lies, "chunk": chunk, "backend": backend}
    parts: list[Any] = client.map(reduce_file, range(0, lies.size, chunk), **told, pure=False)
    return parts


def scatter(client: Any, array: Any, count: int) -> list[Any]:
    """Return futures of `array` in `count` blocks, one worker after the other."""
    blocks = np.array_split(array.ravel(order="K"), count)
    futures: list[Any] = client.scatter(blocks, hash=False)
    return futures


def map_blocks(client: Any, blocks: Sequence[Any], backend: str) -> list[Any]:
    """Return a future of the part of each block (a future); never that of an earlier call."""
    parts: list[Any] = client.map(reduce_chunk, blocks, backend=backend, pure=False)
    return parts


def merge_tree(
    client: Any, parts: Sequence[Any], split_every: int = 8, report: Report | None = None
) -> Part:
    """Return the part of all, merged on the workers as soon as the `parts` (futures) are there."""
    from distributed import as_completed

    level = parts
    while len(level) > split_every:
        groups = [level[i : i + split_every] for i in range(0, len(level), split_every)]
        level = client.map(merge, groups, pure=False)
    if report:
        for done, part in enumerate(as_completed(parts), 1):
            if part.status in ("error", "cancelled"):
                break  # what is gathered below raises it
            report(done, len(parts))
    return merge(client.gather(level))


# Its server is started all the same: by default on port 8787, or with a warning on another.
_NO_DASHBOARD = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}


def cluster(workers: int, memory_limit: str | None = "auto") -> Any:
    """Start `workers` processes of one thread each on this machine, reached by loopback only."""
    import dask
    from distributed import LocalCluster

    # Workers get the thread setting as an argument: by default it would be put into the
    # environment of this process, for them to inherit.
    with interrupts_held(), dask.config.set({"distributed.nanny.pre-spawn-environ": {}}):
        return LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            scheduler_kwargs=_NO_DASHBOARD,
            memory_limit=memory_limit,
            env=dict.fromkeys(threads.VARIABLES, "1"),
        )


def stop_heartbeats(client: Any) -> None:
    """Let the workers send no more, just before they end.

    A worker whose heartbeat is on its way when the scheduler ends prints an error about it.
    """

    def stop(dask_worker: Any) -> None:
        dask_worker.periodic_callbacks["heartbeat"].stop()

    client.run(stop, on_error="ignore")


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Hold back Ctrl-C here, and for good in all threads and processes started meanwhile.

    It is for this process to stop its workers; one by one they would print a traceback each.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # else multiprocessing does it, and unblocks signals then
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def allowed() -> int:
    """Return how many threads, or workers of one thread, this process may use."""
    from dask.system import CPU_COUNT

    return threads.allowed(CPU_COUNT)


@contextmanager
def _current() -> Iterator[Any]:
    from distributed import Client, LocalCluster

    try:
        client = Client.current()
    except ValueError:  # there is none
        with (
            LocalCluster(
                n_workers=1,
                threads_per_worker=allowed(),
                processes=False,
                scheduler_kwargs=_NO_DASHBOARD,
                worker_dashboard_address="127.0.0.1:0",  # not all interfaces
                memory_limit=None,
            ) as local,
            Client(local, set_as_default=False) as client,
        ):
            yield client
    else:
        yield client


# -- the command line --------------------------------------------------------------------------

TIMEOUT = 10
"""Seconds to wait for a scheduler, and for a worker."""


@contextmanager
def _connect(scheduler: str | None, workers: int | None) -> Iterator[Any]:
    from distributed import Client

    if scheduler is None:
        with cluster(workers or allowed()) as local, Client(local) as client:
            yield client
            stop_heartbeats(client)
        return
    try:
        client = Client(scheduler, timeout=TIMEOUT)
    except OSError:
        raise OSError(f"no scheduler answers at {scheduler} within {TIMEOUT} s") from None
    with client:
        try:
            client.wait_for_workers(1, timeout=TIMEOUT)
        except TimeoutError:
            raise OSError(f"the scheduler at {scheduler} has no workers") from None
        yield client


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lsekernels.chunked",
        description="Print log(sum(exp(x))) of all numbers in a .npy file, larger than memory or "
        "not. Chunks of the file are memory-mapped by workers: processes on this machine, or those "
        "of a Dask scheduler, which must see the file under the same path.",
    )
    parser.add_argument("file", metavar="DATA.npy", help="real numbers in any shape")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--scheduler", metavar="ADDRESS", help="for instance tcp://10.0.0.1:8786")
    where.add_argument(
        "--workers",
        type=_positive,
        metavar="N",
        help="processes started here; default: OMP_NUM_THREADS, or one a core",
    )
    parser.add_argument(
        "--backend", metavar="NAME", help="what computes a chunk; default: the best on one thread"
    )
    parser.add_argument(
        "--chunk-mib",
        type=_positive,
        default=CHUNK_BYTES // 2**20,
        metavar="N",
        help="size of a chunk; a worker needs a few times as much memory (default: %(default)s)",
    )
    parser.add_argument(
        "--progress", action="store_true", help="count chunks also where stderr is no terminal"
    )
    return parser


def _show(done: int, chunks: int) -> None:
    end = "\n" if done == chunks else ""
    print(f"\r{done} of {chunks} chunks", end=end, file=sys.stderr, flush=True)


def main() -> int:
    """Run the command line; return its exit status."""
    parser = _parser()
    options = parser.parse_args()
    missing = registry.declaration("dask").missing()
    if missing:
        return _complain(missing)
    from distributed import KilledWorker

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # closes what it has started
    path = os.path.abspath(options.file)
    report = _show if options.progress or sys.stderr.isatty() else None
    try:
        backend = options.backend or registry.best().name
        registry.declaration(backend)
        if options.scheduler is None:
            layout(path)  # before processes are started
        with _connect(options.scheduler, options.workers) as client:
            lies = find(client, path, backend)
            start = time.perf_counter()
            parts = map_file(client, path, lies, backend, options.chunk_mib * 2**20)
            result = merge_tree(client, parts, report=report).log
            seconds = time.perf_counter() - start
            workers = len(client.nthreads())
    except KeyboardInterrupt:
        return 130
    except KilledWorker as error:
        return _complain(error, "Is memory short? Try a smaller --chunk-mib.")
    except (OSError, TypeError, ValueError, Unavailable) as error:
        return _complain(error, *getattr(error, "__notes__", ()))
    print(f"{result:.17g}")
    size = lies.size * np.dtype(lies.dtype).itemsize / 1e9
    print(
        f"{size:.3g} GB in {seconds:.3g} s: {size / seconds:.3g} GB/s "
        f"({len(parts)} chunks, {workers} workers, {backend})",
        file=sys.stderr,
    )
    return 0


def _complain(*words: object) -> int:
    print("python -m lsekernels.chunked:", *words, file=sys.stderr)
    return 1


if __name__ == "__main__":
    from lsekernels import chunked  # workers import it by its name

    sys.exit(chunked.main())
