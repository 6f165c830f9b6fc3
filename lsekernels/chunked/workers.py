"""The processes and threads that work: started here, or those of another scheduler, watched."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .. import threads
from .signals import interrupts_held

PATIENCE = 30
"""Seconds until a worker that sends nothing counts as stopped, not as busy: with the GIL held
throughout, 128 MiB may come from a disk of 4 MB/s. The scheduler looks as often; see `Watch`."""

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


def allowed() -> int:
    """Return how many threads, or workers of one thread, this process may use."""
    from dask.system import CPU_COUNT

    return threads.allowed(CPU_COUNT)


@contextmanager
def current() -> Iterator[Any]:
    """Give the current client; where there is none, one of threads of this process."""
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


Report = Callable[[int, int], None]


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
        seen = last_seen(self.client) or {"": 0.0}
        self._looks = {key: self._looks.get(key, 0) + 1 for key in seen.items()}
        (worker, _), looks = max(self._looks.items(), key=lambda item: item[1])
        if looks > 4 * PATIENCE:
            gone = f"worker {worker} has sent nothing: is it stopped?" if worker else "no worker"
            raise OSError(f"for {looks} s {gone}")


def last_seen(client: Any) -> dict[str, float]:
    """Return for each worker when it last sent something, by the clock of the scheduler."""
    workers = client.scheduler_info(n_workers=-1)["workers"]
    return {name: state["last_seen"] for name, state in workers.items()}
