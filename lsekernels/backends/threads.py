"""A pool of threads: each computes a part of the array, by compiled code that releases the GIL."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

from ..backend import Backend, Scalar, Vector, python_version
from ._parts import Once, cut


class Threads(Backend):
    title = "Threads (concurrent.futures)"
    ours = True
    requires = ("numpy",)
    extra = ("lsekernels[numba]",)
    parallel = True
    max_error = {"logsumexp": 4.0}

    def version(self) -> str:
        return python_version()

    def load(self) -> None:
        import numpy  # noqa: F401  # what computes the parts may have no need of it

        from .. import registry, threads
        from ..chunked.chunk import reduce_chunk
        from ..chunked.part import merge

        self.allowed, self.merge = threads.allowed, merge
        # The best is simd where it was built, else NumPy: both release the GIL.
        self.reduce = partial(reduce_chunk, backend=registry.best().name)

    def logsumexp(self, x: Vector) -> Scalar:
        # A short array is handed over, too: that costs what is to be seen.
        workers = self.allowed()
        parts = [x[part] for part in cut(x, workers)]
        return self.merge(list(_pool(workers).map(self.reduce, parts))).log


@Once
def _pool(workers: int) -> ThreadPoolExecutor:
    """Return the pool, which starts threads as they are needed; Python joins them at its end."""
    return ThreadPoolExecutor(workers, "lsekernels")
