"""``python -m lsekernels.chunked``: logsumexp of a .npy file, larger than memory or not."""

from __future__ import annotations

from .signals import Stop

if __name__ == "__main__":  # now: Ctrl-C shall not show what is being imported
    Stop()

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .. import Unavailable, registry
from ..backend import one_line
from .chunk import check_backend
from .npy import layout
from .tasks import CHUNK_BYTES, find, map_file, merge_tree
from .workers import Watch, allowed, cluster

TIMEOUT = 10
"""Seconds to wait for a scheduler, and for a worker."""


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
    sys.exit(main())
