"""logsumexp of what is larger than the memory of one process, or than one machine.

Each chunk is reduced where it lies, by any backend, to three numbers (:class:`Part`); a tree of
fixed shape merges them. Dask moves the work to the data, and does again what a lost worker had
done: the answer depends on the chunks and on nothing else.
"""

from __future__ import annotations

import os
import signal

if __name__ == "__main__":  # until `Stop`: Ctrl-C shall not show what is being imported
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda number, _: os._exit(128 + number))

import argparse
import logging
import math
import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from multiprocessing import resource_tracker
from typing import Any, NamedTuple

import numpy as np

from . import Unavailable, registry, threads
from .backend import one_line
from .functions import filled

CHUNK_BYTES = 128 * 2**20
"""As Dask's own chunks: a task costs some milliseconds beside the work, and this takes 10 to 20."""

BLOCK = 2**16
"""Numbers that are converted to double at once: 512 KiB."""

PATIENCE = 30
"""Seconds until a worker that sends nothing counts as stopped, not as busy: with the GIL held
throughout, 128 MiB may come from a disk of 4 MB/s. The scheduler looks as often; see `Watch`."""

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


def check(dtype: np.dtype[Any]) -> None:
    """Raise TypeError unless `dtype` is one of real numbers of at most 64 bits."""
    if dtype.kind not in "fiub" or dtype.itemsize > 8:
        raise TypeError(f"x must hold real numbers of at most 64 bits, not of {dtype}")


def as_input(x: Any) -> np.ndarray:
    """Return `x` as every backend takes it: 1-D, C-contiguous, aligned, native byte order.

    float16, integers, bool and lists of numbers become float64, masked numbers -inf: they add
    nothing. No copy is made where none is needed.

    Raises
    ------
    TypeError
        `x` does not hold real numbers of at most 64 bits.
    """
    array = _filled(x).ravel(order="K")  # the order is of no importance
    check(array.dtype)
    kept = array.dtype.kind == "f" and array.itemsize >= 4
    return np.require(array, array.dtype.newbyteorder("=") if kept else np.float64, ["C", "A"])


def _filled(x: Any) -> np.ndarray:
    """Return `x` as an array, with -inf where it is masked."""
    array = np.asarray(x)
    if isinstance(x, np.ma.MaskedArray) and array.dtype.kind != "f":
        array = array.astype(np.float64)
    return filled(x, array, -np.inf)


def reduce_chunk(x: Any, backend: str) -> Part:
    """Return the part of `x`, a NumPy array of any shape, computed by `backend` in its dtype."""
    if x.size == 0:
        return EMPTY
    computer: Any = registry.load(backend)
    array = computer.to_device(as_input(x))
    part = _part(*computer.sum_exp(array))
    if abs(part.log) < 1:  # here the backend may see more digits
        log = computer.to_host(computer.synchronize(computer.logsumexp(array)))
        part = part._replace(log=float(log))
    return part


def reduce_double(x: Any, backend: str) -> Part:
    """Return the part of `x` computed in double precision, whatever its dtype is.

    What is not float64 is converted in blocks that stay in the cache: beside `x`, that takes the
    memory of one block, and what `backend` needs for it.
    """
    if x.dtype == np.float64:
        return reduce_chunk(x, backend)
    check(x.dtype)
    x = x.ravel(order="K")
    blocks = (x[i : i + BLOCK] for i in range(0, x.size, BLOCK))
    return merge(
        [reduce_chunk(as_input(b).astype(np.float64, copy=False), backend) for b in blocks]
    )


def check_backend(name: str) -> None:
    """Raise ValueError unless backend `name` computes logsumexp in double, in one process."""
    declared, reason = registry.declaration(name), ""
    if "logsumexp" not in declared.kernels():
        reason = "it has no logsumexp"
    elif "float64" not in declared.dtypes:
        reason = "it has no float64"
    elif not declared.in_process:
        reason = "it starts workers itself"
    if reason:
        raise ValueError(f"backend {name!r} cannot compute a chunk: {reason}")


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
        What it holds are not real numbers of at most 64 bits.
    """
    with open(path, "rb") as file:
        try:
            if np.lib.format.read_magic(file) == (1, 0):
                shape, _, dtype = np.lib.format.read_array_header_1_0(file)
            else:
                shape, _, dtype = np.lib.format.read_array_header_2_0(file)
        except ValueError as error:
            raise ValueError(f"{path} is no .npy file: {error}") from None
        check(dtype)
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
    return reduce_double(x, backend)


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
        Real numbers of at most 64 bits in any shape; what is masked adds nothing. A file is
        memory-mapped by the workers, and none of it is sent: they must see it under the same path.
        An array_like is copied to workers in other processes.
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
        Summed in double precision, whatever the dtype of `x`. The same, to the last bit, for the
        same chunks and backend, whichever worker computed them, and how often.

    Raises
    ------
    TypeError
        `x` does not hold real numbers of at most 64 bits.
    OSError, ValueError
        A worker cannot read the file or is not heard of any more, or an argument is wrong.
    Unavailable
        A worker does not have the backend.
    """
    import dask
    from distributed import CancelledError
    from distributed.comm import CommClosedError

    if split_every < 2:
        raise ValueError(f"split_every must be at least 2, not {split_every}")
    name = backend or registry.best().name
    check_backend(name)
    with _current() if client is None else nullcontext(client) as client:
        if isinstance(x, str | os.PathLike):
            path = os.path.abspath(x)
            parts = map_file(client, path, find(client, path, name), name, chunk_bytes)
        elif dask.is_dask_collection(x):
            check(x.dtype)
            blocks = x.to_delayed().ravel()
            parts = client.compute([dask.delayed(reduce_double)(block, name) for block in blocks])
        else:
            array = _filled(x)
            check(array.dtype)
            count = max(1, -(-array.nbytes // chunk_bytes))
            for more in (True, True, False):
                try:
                    blocks = scatter(client, array, count)
                    parts = client.map(reduce_double, blocks, backend=name, pure=False)
                    return merge_tree(client, parts, split_every, Watch(client)).log
                except (CancelledError, CommClosedError):  # a worker was lost with its blocks
                    if not more:
                        raise
        return merge_tree(client, parts, split_every, Watch(client)).log


def find(client: Any, path: str, backend: str) -> Layout:
    """Return the layout of the file at `path`, after every worker has read it there.

    A worker that cannot, or that does not have `backend`, raises its error here, and one that does
    not answer an OSError.
    """
    client.wait_for_workers(1)

    async def ask() -> dict[str, Layout | Exception]:
        answers: dict[str, Layout | Exception] = await client.run(_ready, path, backend)
        return answers

    try:
        answers = client.sync(ask, callback_timeout=4 * PATIENCE)
    except TimeoutError:
        seen = _last_seen(client)
        worker = min(seen, key=lambda name: seen[name], default="")
        raise OSError(f"worker {worker} does not answer: is it stopped?") from None
    found: set[Layout] = set()
    for worker, lies in answers.items():
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
    client: Any, parts: Sequence[Any], split_every: int = 8, watch: Watch | None = None
) -> Part:
    """Return the part of all, merged on the workers as soon as the `parts` (futures) are there."""
    level = parts
    while len(level) > split_every:
        groups = [level[i : i + split_every] for i in range(0, len(level), split_every)]
        level = client.map(merge, groups, pure=False)
    if watch:
        watch.wait(parts, level)
    return merge(client.gather(level))


class Watch:
    """Waits for futures, and gives up when a worker is stopped for good.

    Its host may be lost, or it was sent SIGSTOP: its connection stays, and Dask waits. A scheduler
    of ours has then restarted it long before; of another one it is not known what it does.
    """

    def __init__(self, client: Any, report: Report | None = None) -> None:
        self.client, self.report = client, report
        self._looks: dict[tuple[str, float], int] = {}
        self._next = 0.0

    def wait(self, parts: Sequence[Any], last: Sequence[Any]) -> None:
        """Return when all of `last` are done, or one has failed; report how many of `parts` are.

        Raises
        ------
        OSError
            There is no worker, or one that is not heard of, for four times `PATIENCE`.
        """
        from distributed import wait

        while True:
            try:
                with self.client.as_current():
                    wait(last, timeout=0.2)
                pending = False
            except TimeoutError:
                pending = not any(future.status in ("error", "cancelled") for future in last)
            if self.report:
                self.report(sum(future.done() for future in parts), len(parts))
            if not pending:
                return  # what failed is raised by who gathers it
            self._look()

    def _look(self) -> None:
        """Count how often in turn a worker was last seen at the same time; once a second.

        What is counted are looks, not seconds: this process may have been stopped itself.
        """
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + 1
        seen = _last_seen(self.client) or {"": 0.0}
        self._looks = {key: self._looks.get(key, 0) + 1 for key in seen.items()}
        (worker, _), looks = max(self._looks.items(), key=lambda item: item[1])
        if looks > 4 * PATIENCE:
            gone = f"worker {worker} has sent nothing: is it stopped?" if worker else "no worker"
            raise OSError(f"for {looks} s {gone}")


def _last_seen(client: Any) -> dict[str, float]:
    """Return for each worker when it last sent something, by the clock of the scheduler."""
    workers = client.scheduler_info(n_workers=-1)["workers"]
    return {name: state["last_seen"] for name, state in workers.items()}


# Its server is started all the same: by default on port 8787, or with a warning on another.
_NO_DASHBOARD = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}


def cluster(workers: int, memory_limit: str | None = "auto") -> Any:
    """Start `workers` processes of one thread each on this machine, reached by loopback only.

    One that ends, or stops for longer than `PATIENCE`, is replaced. They write no log: what they
    raise reaches the caller, and the rest would be about how they end.
    """
    import dask
    from distributed import LocalCluster

    # Workers get the thread setting as an argument: by default it would be put into the
    # environment of this process, for them to inherit.
    with (
        interrupts_held(signal.SIGTERM),
        dask.config.set({"distributed.nanny.pre-spawn-environ": {}}),
    ):
        return LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            scheduler_kwargs={**_NO_DASHBOARD, "worker_ttl": PATIENCE},
            death_timeout=4 * PATIENCE,
            memory_limit=memory_limit,
            silence_logs=logging.CRITICAL,
            env=dict.fromkeys(threads.VARIABLES, "1"),
        )


@contextmanager
def interrupts_held(*signals: signal.Signals) -> Iterator[None]:
    """Hold back Ctrl-C here, and for good in all threads and processes started meanwhile.

    It is for this process to stop its workers; one by one they would print a traceback each.
    `signals` are held back, too.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # else multiprocessing does it, and unblocks signals then
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, *signals})
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


class Stop:
    """What SIGINT (Ctrl-C) and SIGTERM do: end this process at once, and silently.

    While it has workers the signal is kept, and :meth:`check` ends the process by an exception that
    closes them: anywhere else it could interrupt Dask's own work.
    """

    def __init__(self) -> None:
        self.kept: int | None = None
        self.has_workers = False
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) != signal.SIG_IGN:  # as for what a shell runs behind it
                signal.signal(number, self)

    def __call__(self, number: int, frame: object) -> None:
        self.kept = self.kept or number
        if not self.has_workers:
            os._exit(128 + number)

    def check(self) -> None:
        """Raise SystemExit if a signal has come."""
        if self.kept:
            raise SystemExit(128 + self.kept)


def _started(workers: int) -> Any:
    try:
        return cluster(workers)
    except Exception as error:  # Dask raises all kinds, as AssertionError where one is stopped
        raise OSError(f"the workers do not start: {one_line(error)}") from error


@contextmanager
def _connect(scheduler: str | None, workers: int | None, stop: Stop) -> Iterator[Any]:
    from distributed import Client

    if scheduler is None:
        stop.has_workers = True
        others = multiprocessing.active_children()
        try:
            with _started(workers or allowed()) as local, Client(local) as client:
                yield client
        finally:
            for child in multiprocessing.active_children():
                if child not in others:  # it did not end when it was told to
                    child.kill()
                    child.join()
        stop.check()
        stop.has_workers = False
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
    stop = Stop()
    from distributed import CancelledError, KilledWorker

    path = os.path.abspath(options.file)
    shown = -1 if options.progress or sys.stderr.isatty() else None

    def report(done: int, chunks: int) -> None:
        nonlocal shown
        stop.check()
        if shown is not None and shown != done:
            shown = done
            _show(done, chunks)

    try:
        backend = options.backend or registry.best().name
        check_backend(backend)
        if options.scheduler is None:  # before processes are started
            lies = layout(path)
            registry.load(backend)
        with _connect(options.scheduler, options.workers, stop) as client:
            if options.scheduler is not None:
                lies = find(client, path, backend)
            start = time.perf_counter()
            parts = map_file(client, path, lies, backend, options.chunk_mib * 2**20)
            result = merge_tree(client, parts, watch=Watch(client, report)).log
            seconds = time.perf_counter() - start
            workers = len(client.nthreads())
    except KilledWorker as error:
        return _complain(error, "Is memory short? Try a smaller --chunk-mib.")
    except CancelledError:
        return _complain("the work was cancelled: has the scheduler ended?")
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
