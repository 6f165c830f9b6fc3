"""Interruptions by Ctrl-C, `kill` or systemd: a run stores what it has, and ends what it began."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

PATIENCE = 120.0
"""Seconds in which a command ends that is interrupted: asv ends its benchmark first."""
BOTH = signal.SIGTERM, signal.SIGINT


@contextmanager
def heeded() -> Iterator[list[int]]:
    """Let `kill` and systemd interrupt as Ctrl-C does; what runs in the background ignores that.

    Yields a list, to which the signal is added: asv makes an error of use of the exception.
    """
    received: list[int] = []

    def interrupt(number: int, _: object) -> None:
        received.append(number)
        raise KeyboardInterrupt

    def dropped(what: sys.UnraisableHookArgs) -> None:
        """Interrupt once more: Python drops an exception in a hook of a fork and in a finalizer."""
        if received and issubclass(what.exc_type, KeyboardInterrupt):
            main = threading.main_thread().ident
            again = threading.Timer(0.01, signal.pthread_kill, (main, received[-1]))
            again.daemon = True
            again.start()
        else:
            hook(what)

    hook, sys.unraisablehook = sys.unraisablehook, dropped
    before = {number: signal.signal(number, interrupt) for number in BOTH}
    try:
        yield received
    finally:
        restore(before)
        sys.unraisablehook = hook


def ignore_signals() -> Mapping[Any, Any]:
    """Ignore further ones; return what heeded them."""
    return {number: signal.signal(number, signal.SIG_IGN) for number in BOTH}


def restore(before: Mapping[Any, Any]) -> None:
    """Let the signals do again what they did `before`."""
    for number, handler in before.items():
        signal.signal(number, handler)


@contextmanager
def later() -> Iterator[None]:
    """Let a signal wait until the block is done: half a file would be worth nothing."""
    received: list[tuple[int, Any]] = []
    before = {n: signal.signal(n, lambda *args: received.append(args)) for n in BOTH}
    try:
        yield
    finally:
        restore(before)
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
    restore(before)
