"""What is computed: one file a kernel, with its data, edge cases, reference and error."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from types import ModuleType


@cache
def names() -> tuple[str, ...]:
    """Return the names of all kernels, sorted: the files in this folder."""
    files = Path(__file__).parent.glob("*.py")
    return tuple(sorted(p.stem for p in files if not p.stem.startswith("_")))


@cache
def load(name: str) -> ModuleType:
    """Return the module of kernel `name`; NumPy is imported now.

    Raises
    ------
    ValueError
        There is no such kernel; the message lists those there are.
    """
    if name not in names():
        raise ValueError(f"kernel {name!r} is not known. Known: {', '.join(names())}")
    return importlib.import_module(f"{__package__}.{name}")


@cache
def of(method: str) -> str | None:
    """Return the kernel that a method of this name computes: its own, or ``kernel_form``."""
    found = [name for name in names() if method == name or method.startswith(f"{name}_")]
    return max(found, key=len, default=None)
