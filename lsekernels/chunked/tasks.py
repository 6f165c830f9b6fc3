"""What the workers of Dask are told to do: reduce the chunks, and merge their parts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from .. import registry
from . import workers
from .chunk import check, check_backend, reduce_chunk, reduce_double, without_masks
from .npy import Layout, layout, reduce_file
from .part import Part, merge

CHUNK_BYTES = 128 * 2**20
"""As Dask's own chunks: a task costs some milliseconds beside the work, and this takes 10 to 20."""


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
    with workers.current() if client is None else nullcontext(client) as client:
        if isinstance(x, str | os.PathLike):
            path = os.path.abspath(x)
            parts = map_file(client, path, find(client, path, name), name, chunk_bytes)
        elif dask.is_dask_collection(x):
            check(x.dtype)
            blocks = x.to_delayed().ravel()
            parts = client.compute([dask.delayed(reduce_double)(block, name) for block in blocks])
        else:
            array = without_masks(x)
            check(array.dtype)
            count = max(1, -(-array.nbytes // chunk_bytes))
            for more in (True, True, False):
                try:
                    blocks = scatter(client, array, count)
                    parts = client.map(reduce_double, blocks, backend=name, pure=False)
                    return merge_tree(client, parts, split_every, workers.Watch(client)).log
                except (CancelledError, CommClosedError):  # a worker was lost with its blocks
                    if not more:
                        raise
        return merge_tree(client, parts, split_every, workers.Watch(client)).log


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
        answers = client.sync(ask, callback_timeout=4 * workers.PATIENCE)
    except TimeoutError:
        seen = workers.last_seen(client)
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
    client: Any, parts: Sequence[Any], split_every: int = 8, watch: workers.Watch | None = None
) -> Part:
    """Return the part of all, merged on the workers as soon as the `parts` (futures) are there."""
    level = parts
    while len(level) > split_every:
        groups = [level[i : i + split_every] for i in range(0, len(level), split_every)]
        level = client.map(merge, groups, pure=False)
    if watch:
        watch.wait(parts, level)
    return merge(client.gather(level))
