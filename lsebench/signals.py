"""Interruptions by Ctrl-C, `kill` or systemd: a run stores what it has, and ends what it began."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PATIENCE = 120.0
"""Seconds in which a command ends that is interrupted: asv ends its benchmark first."""
BOTH = signal.SIGTERM, signal.SIGINT


def heed_signals() -> list[int]:
    """Let `kill` and systemd interrupt as Ctrl-C does; what runs in the background ignores that.

    Returns a list, to which the signal is added: asv makes an error of use of the exception, and
    Python drops it in a hook of a fork.
    """
    received: list[int] = []

    def interrupt(number: int, _: object) -> None:
        received.append(number)
        raise KeyboardInterrupt

    for number in BOTH:
        signal.signal(number, interrupt)
    return received


def ignore_signals() -> dict[int, Any]:
    """Ignore further ones; return what heeded them."""
    return {number: signal.signal(number, signal.SIG_IGN) for number in BOTH}


@contextmanager
def later() -> Iterator[None]:
    """Let a signal wait until the block is done: half a file would be worth nothing."""
    received: list[tuple[int, Any]] = []
    before = {n: signal.signal(n, lambda *args: received.append(args)) for n in BOTH}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    for number, frame in received[:1]:
        handler = before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)


def end(process: subprocess.Popen[Any]) -> None:
    """Interrupt a command and wait until it has stored what it has; kill it if it does not end."""
    before = ignore_signals()
    process.send_signal(signal.SIGINT)
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for number, handler in before.items():
        signal.signal(number, handler)
