"""Which backends there are: the files in ``lsekernels/backends``, and nothing else."""

from __future__ import annotations

import importlib
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from .backend import Backend, Unavailable

_FOLDER = Path(__file__).parent / "backends"


@cache
def names(kernel: str | None = None) -> tuple[str, ...]:
    """Return the names of all backends, sorted; with `kernel`, of those that have it."""
    found = tuple(sorted(p.stem for p in _FOLDER.glob("*.py") if not p.stem.startswith("_")))
    if kernel is None:
        return found
    return tuple(name for name in found if kernel in declaration(name).kernels())


@cache
def implementations(kernel: str) -> tuple[str, ...]:
    """Return what implements `kernel`: ``"numpy"``, or ``"numpy:form"`` where it has several."""
    return tuple(
        name + method.replace(f"{kernel}_", ":").replace(kernel, "")
        for name in names(kernel)
        for method in declaration(name).methods(kernel)
    )


def split(implementation: str, kernel: str) -> tuple[str, str]:
    """Return (name of the backend, name of its method) of one of :func:`implementations`."""
    name, _, form = implementation.partition(":")
    return name, f"{kernel}_{form}" if form else kernel


@cache
def declaration(name: str) -> type[Backend]:
    """Return the class of backend `name`; its library is not imported.

    Raises
    ------
    ValueError
        There is no such backend; the message lists those there are.
    """
    if name not in names():
        close = get_close_matches(name, names(), 1)
        hint = f"; did you mean {close[0]!r}?" if close else "."
        raise ValueError(f"backend {name!r} is not known{hint} Known: {', '.join(names())}")
    module = importlib.import_module(f"{__package__}.backends.{name}")
    # A variant imports the class it extends; the file's own class is the one it defines.
    classes = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Backend)
        and value.__module__ == module.__name__
    ]
    if len(classes) != 1:
        raise TypeError(f"{module.__name__} must define exactly one Backend, not {len(classes)}")
    (cls,) = classes
    cls.name = name
    return cls


@cache
def load(name: str) -> Backend:
    """Return backend `name`, ready to be called; its library is imported now.

    Raises
    ------
    ValueError
        There is no such backend.
    Unavailable
        It cannot work here; the message says why.
    """
    cls = declaration(name)
    reason = cls.missing()
    if reason:
        raise Unavailable(f"backend {name!r} is not available: {reason}")
    backend = cls()
    try:
        backend.load()
    except Unavailable as error:
        raise Unavailable(f"backend {name!r} is not available: {error}") from error
    return backend


@cache
def best(kernel: str = "logsumexp") -> Backend:
    """Return the available one-thread CPU backend of `kernel` that declares most `preference`.

    Raises
    ------
    Unavailable
        There is none; the message says why not the best of them.
    """
    candidates = [
        (cls.preference, name)
        for name in names(kernel)
        if (cls := declaration(name)).device == "cpu" and not cls.parallel and cls.preference
    ]
    reasons = []
    for _, name in sorted(candidates, reverse=True):
        try:
            return load(name)
        except Unavailable as error:
            reasons.append(str(error))
    raise Unavailable("; ".join(reasons))
