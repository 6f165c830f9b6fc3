"""What the backends of ``_logsumexp.cu`` share: the source, and how its kernels are launched."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

SOURCE = Path(__file__).with_name("_logsumexp.cu")
OPTIONS = ("-std=c++17",)
THREADS = 256
RESIDENT = 4
"""Blocks that share a multiprocessor."""
SUM_BYTES = 16
"""What a block leaves where several take a row."""

_SHARE = 8 * 16
"""Bytes that a thread loads at a time."""
_WARP = 32


class Launch(NamedTuple):
    """How the rows of a matrix are shared out."""

    parts: int
    """Blocks that take one row."""
    threads: int
    """Of a block."""


def launch(x: Any, rows: int, n: int, multiprocessors: int) -> Launch:
    """Return how `rows` rows of `n` numbers of array `x` are shared out on a device."""
    size = n * x.dtype.itemsize
    if rows > multiprocessors:
        return Launch(1, _WARP if size <= _WARP * _SHARE else THREADS)
    blocks = -(-size // (THREADS * _SHARE))
    return Launch(max(1, min(blocks, multiprocessors * RESIDENT // max(1, rows))), THREADS)
