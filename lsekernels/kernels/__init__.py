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


def task(kernel: str, form: str) -> str:
    """Return the task of a form: only forms of one are compared; "" where all of them are one."""
    tasks: dict[str, tuple[str, ...]] = getattr(load(kernel), "TASKS", {})
    return next((name for name, forms in tasks.items() if form in forms), "")


def unsafe(kernel: str, form: str) -> str:
    """Return why a form is never called the best, however fast and exact here; "" where it may."""
    why: dict[str, str] = getattr(load(kernel), "UNSAFE_FORMS", {})
    return why.get(form, "")
