"""Dask: a part of the array in each of several processes, merged by a tree of tasks."""

import atexit
from typing import Any

from ..backend import Backend, Vector
from ._parts import Once

SMALLEST = 8 * 2**20  # bytes; less is not worth a second task


class Dask(Backend):
    title = "Dask (distributed)"
    ours = True
    tier = "all"
    requires = ("dask", "distributed")
    distribution = "dask"
    extra = ("dask>=2024.8", "distributed>=2024.8", "mpmath>=1.3")
    parallel = True
    in_process = False
    forks = False
    max_error = {"logsumexp": 4.0}

    def load(self) -> None:
        import distributed  # noqa: F401  # so that its time counts as import

        from .. import registry
        from ..chunked import tasks, workers
        from ..chunked.chunk import as_input

        self.tasks, self.workers, self.as_input = tasks, workers, as_input
        self.chunk_backend = registry.best().name

    def to_device(self, array: Vector) -> list[Any]:
        """Return futures of blocks that lie in the memory of the workers, at most one in each."""
        workers = self.workers.allowed()
        client = _client(workers)
        blocks = self.tasks.scatter(client, array, min(workers, -(-array.nbytes // SMALLEST)))
        if array.nbytes < SMALLEST:
            return blocks
        # What came through a socket may be misaligned, and would be copied again in each call.
        return client.map(self.as_input, blocks, pure=False)

    def logsumexp(self, x: list[Any]) -> float:
        client = x[0].client
        parts = self.tasks.map_blocks(client, x, self.chunk_backend)
        return float(self.tasks.merge_tree(client, parts).log)


@Once
def _client(workers: int) -> Any:
    """Return the client of a cluster that is started now and closed at exit."""
    from distributed import Client

    from ..chunked.workers import cluster as start

    cluster = start(workers, memory_limit=None)
    client = Client(cluster, set_as_default=False)

    @atexit.register
    def close() -> None:
        client.close()
        cluster.close()

    return client
