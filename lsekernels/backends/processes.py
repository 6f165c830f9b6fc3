"""A pool of processes: each computes a part of an array that lies in shared memory.

Each worker has a pipe of its own: a call through ``concurrent.futures.ProcessPoolExecutor`` or
``multiprocessing.Pool`` passes more threads and queues, and takes five to ten times as long.
"""

import atexit
import os
import shutil
import weakref
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.shared_memory import SharedMemory
from threading import Lock
from typing import Any

from ..backend import Backend, Vector, python_version
from ._parts import Once, cut

FOLDER = "/dev/shm"
"""Where Linux keeps shared memory."""


class Processes(Backend):
    title = "Processes (shared memory)"
    ours = True
    requires = ("numpy",)
    extra = ("lsekernels[numba]",)
    parallel = True
    in_process = False
    max_error = {"logsumexp": 4.0}

    def version(self) -> str:
        return python_version()

    def load(self) -> None:
        import numpy  # noqa: F401  # what computes the parts may have no need of it

        from .. import registry, threads
        from ..chunked.part import merge

        self.allowed, self.merge = threads.allowed, merge
        self.chunk_backend = registry.best().name

    def to_device(self, array: Vector) -> "Block":
        return Block(array)

    def logsumexp(self, x: "Block") -> float:
        workers = self.allowed()
        pool = _pool(workers, self.chunk_backend)
        return self.merge(pool.reduce(x, cut(x, workers))).log


class Block:
    """An array in shared memory, which is freed when the last reference to this is gone."""

    def __init__(self, array: Vector) -> None:
        import numpy

        # Where it is full, writing to it ends the process with SIGBUS.
        if os.path.isdir(FOLDER) and (free := shutil.disk_usage(FOLDER).free) < array.nbytes:
            raise MemoryError(f"{FOLDER} has {free} bytes left, {array.nbytes} are needed")
        memory = SharedMemory(create=True, size=max(1, array.nbytes))
        weakref.finalize(self, _free, memory, os.getpid())
        self.name, self.dtype = memory.name, array.dtype.str
        self.size, self.nbytes = array.size, array.nbytes
        numpy.ndarray(array.shape, array.dtype, memory.buf)[:] = array


def _free(memory: SharedMemory, owner: int) -> None:
    if os.getpid() != owner:  # a forked child has a copy of what refers to it
        return
    memory.close()
    memory.unlink()
    for pool in tuple(_pools):
        pool.forget(memory.name)


class _Pool:
    """Processes of one thread, started together."""

    def __init__(self, workers: int, backend: str) -> None:
        from ..chunked.signals import interrupts_held

        context = get_context("spawn")  # a fork of a process with threads may hang
        self.pipes, self.processes, self.lock, self.owner = [], [], Lock(), os.getpid()
        atexit.register(self.close)
        with interrupts_held():
            for _ in range(workers):
                pipe, other = context.Pipe()
                process = context.Process(target=_serve, args=(other, backend), daemon=True)
                process.start()
                other.close()  # so that the worker's end shows here
                self.pipes.append(pipe)
                self.processes.append(process)
        _pools.add(self)

    def reduce(self, block: Block, parts: list[slice]) -> list[Any]:
        """Return what ``reduce_chunk`` gives for each part."""
        pipes = self.pipes[: len(parts)]
        try:
            with self.lock:
                for pipe, part in zip(pipes, parts, strict=True):
                    pipe.send((block.name, block.dtype, part.start, part.stop))
                found = [pipe.recv() for pipe in pipes]
        except (EOFError, OSError) as error:
            self.close()
            raise RuntimeError(
                "a worker process has ended. Was it killed? "
                'Does the script start its work below `if __name__ == "__main__":`?'
            ) from error
        except BaseException:  # Ctrl-C: an answer that comes later would be taken for another's
            self.close()
            raise
        for answer in found:
            if isinstance(answer, Exception):
                raise answer
        return found

    def forget(self, name: str) -> None:
        """Let the workers free a block."""
        for pipe in self.pipes:
            with suppress(OSError):  # it has ended
                pipe.send((name, None, 0, 0))

    def close(self) -> None:
        """End the workers; they own nothing. A forked child leaves those of its parent alone."""
        if os.getpid() != self.owner:
            return
        _pools.discard(self)
        _pool.forget()
        atexit.unregister(self.close)
        for process in self.processes:
            process.terminate()
        for process, pipe in zip(self.processes, self.pipes, strict=True):
            process.join()
            pipe.close()


_pools: set[_Pool] = set()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pools.clear)


@Once
def _pool(workers: int, backend: str) -> _Pool:
    """Return the pool, which is started now and closed at exit."""
    return _Pool(workers, backend)


def _serve(pipe: Any, backend: str) -> None:
    """Answer until the other end is closed; a block is attached once, until it is forgotten."""
    import numpy

    from .. import registry
    from ..chunked.chunk import reduce_chunk

    registry.load(backend)
    attached: dict[str, SharedMemory] = {}
    while True:
        try:
            name, dtype, start, stop = pipe.recv()
            if dtype is None:
                if name in attached:
                    attached.pop(name).close()
                continue
            try:
                if name not in attached:
                    attached[name] = SharedMemory(name)
                x: Any = numpy.ndarray(stop, dtype, attached[name].buf)[start:]
                answer: Any = reduce_chunk(x, backend)
            except Exception as error:
                answer = error
            pipe.send(answer)
            x = answer = None  # a block in use could not be closed
        except (EOFError, OSError):
            break
    for memory in attached.values():
        memory.close()
