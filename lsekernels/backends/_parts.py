"""What the pools of workers have in common: how an array is cut."""

from typing import Any

SMALLEST = 4 * 2**20
"""Bytes; less is not worth a second thread or process on the same machine."""


def cut(x: Any, workers: int, smallest: int = SMALLEST) -> list[slice]:
    """Return equal parts of `x`: at least one, and as many as there are workers where it is large.

    `x` has a ``size`` and ``nbytes``; no part is smaller than `smallest` bytes if there are two.
    """
    count = max(1, min(workers, x.nbytes // smallest))
    return [slice(x.size * i // count, x.size * (i + 1) // count) for i in range(count)]
