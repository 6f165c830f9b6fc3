"""logsumexp of what is larger than the memory of one process, or than one machine.

Each chunk is reduced where it lies, by any backend, to three numbers (:class:`Part`); a tree of
fixed shape merges them. Dask moves the work to the data, and does again what a lost worker had
done: the answer depends on the chunks and on nothing else.

Nothing is imported before it is used: the command heeds Ctrl-C while NumPy is imported.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .__main__ import main
    from .chunk import as_input, check, check_backend, reduce_chunk, reduce_double
    from .npy import Layout, layout, reduce_file
    from .part import Part, merge
    from .signals import Stop, interrupts_held
    from .tasks import CHUNK_BYTES, find, logsumexp, map_blocks, map_file, merge_tree, scatter
    from .workers import Watch, allowed, cluster

_FILES = "part", "chunk", "npy", "signals", "workers", "tasks", "__main__"
__all__ = [
    "CHUNK_BYTES",
    "Layout",
    "Part",
    "Stop",
    "Watch",
    "allowed",
    "as_input",
    "check",
    "check_backend",
    "cluster",
    "find",
    "interrupts_held",
    "layout",
    "logsumexp",
    "main",
    "map_blocks",
    "map_file",
    "merge",
    "merge_tree",
    "reduce_chunk",
    "reduce_double",
    "reduce_file",
    "scatter",
]


def __getattr__(name: str) -> Any:
    for file in _FILES if name in __all__ else ():
        found = vars(import_module(f"{__name__}.{file}"))
        if name in found:
            globals()[name] = found[name]  # from now on without this function
            return found[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
