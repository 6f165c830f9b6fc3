"""What the pools of workers have in common: they are made once, and an array is cut."""

import os
from collections.abc import Callable
from threading import RLock
from typing import Any

SMALLEST = 4 * 2**20
"""Bytes; less is not worth a second thread or process on the same machine."""


def cut(x: Any, workers: int, smallest: int = SMALLEST) -> list[slice]:
    """Return equal parts of `x`: at least one, and as many as there are workers where it is large.

    `x` has a ``size`` and ``nbytes``; no part is smaller than `smallest` bytes if there are two.
    """
    count = max(1, min(workers, x.nbytes // smallest))
    return [slice(x.size * i // count, x.size * (i + 1) // count) for i in range(count)]


class Once:
    """A function that makes a thing once in a process, whichever threads ask for it together.

    There is one for each combination of arguments. A forked child makes its own.
    """

    def __init__(self, make: Callable[..., Any]) -> None:
        self._make = make
        self._begin()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._begin)

    def _begin(self) -> None:
        self._made: dict[Any, Any] = {}
        self._lock = RLock()  # a thread that is not in the child may hold the other

    def __call__(self, *arguments: Any) -> Any:
        if arguments not in self._made:
            with self._lock:
                if arguments not in self._made:
                    self._made[arguments] = self._make(*arguments)
        return self._made[arguments]

    def forget(self) -> None:
        """Let the next call make it anew."""
        self._made = {}
