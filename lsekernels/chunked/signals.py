"""Ctrl-C and `kill`: the command ends at once, and its workers without a word."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker


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
