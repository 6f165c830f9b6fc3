"""Ray: a part of the array in the object store for each of several workers, a task for each."""

import atexit
import os
import secrets
import shutil
import tempfile
from typing import Any

from ..backend import Backend, Unavailable, Vector
from ._parts import Once, cut

SMALLEST = 8 * 2**20  # bytes; less is not worth a second task

SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # for Linux: no cluster, but loopback only
    "RAY_AUTH_MODE": "token",  # other users of this machine reach loopback, too
}
"""Read when Ray is imported, by it and by the processes it starts."""


class Ray(Backend):
    title = "Ray"
    ours = True
    tier = "all"
    requires = ("ray",)
    distribution = "ray"
    extra = ("ray>=2.40",)
    parallel = True
    in_process = False
    forks = False
    max_error = {"logsumexp": 4.0}

    def load(self) -> None:
        for name, value in SETTINGS.items():
            os.environ.setdefault(name, value)
        # In the environment: else Ray writes it to the home directory.
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
        import ray

        from .. import registry, threads
        from ..chunked.part import merge

        self.ray, self.allowed, self.merge = ray, threads.allowed, merge
        self.chunk_backend = registry.best().name

    def to_device(self, array: Vector) -> list[Any]:
        """Return references to parts in the object store, which the workers read in place."""
        workers = self.allowed()
        _start(workers)
        return [self.ray.put(array[part]) for part in cut(array, workers, SMALLEST)]

    def logsumexp(self, x: list[Any]) -> float:
        task = _start(self.allowed())
        parts = self.ray.get([task.remote(part, self.chunk_backend) for part in x])
        return float(self.merge(parts).log)


@Once
def _start(workers: int) -> Any:
    """Start Ray, unless it runs already, until this process ends; return the task of a worker.

    Raises
    ------
    Unavailable
        It does not start.
    """
    import ray

    from ..chunked.chunk import reduce_chunk
    from ..chunked.signals import interrupts_held

    if not ray.is_initialized():
        with interrupts_held():
            try:
                folder = tempfile.mkdtemp(prefix="ray")

                @atexit.register
                def close() -> None:
                    ray.shutdown()
                    shutil.rmtree(folder, ignore_errors=True)

                ray.init(
                    address="local",  # not that of a cluster
                    num_cpus=workers,
                    num_gpus=0,
                    include_dashboard=False,
                    configure_logging=False,
                    log_to_driver=False,
                    _temp_dir=folder,
                )
            except Exception as error:
                raise Unavailable(f"Ray does not start: {error}") from error
    return ray.remote(num_cpus=1)(reduce_chunk)
