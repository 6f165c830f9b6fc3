"""Which backends there are: the files in ``lsekernels/backends``, and nothing else."""

from __future__ import annotations

import importlib
import os
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from threading import RLock

from .backend import Backend, Unavailable

_FOLDER = Path(__file__).parent / "backends"
_loaded: dict[str, Backend] = {}
_left: set[str] = set()
"""Backends that were loaded before this process was forked, and that it cannot use."""
_loading = RLock()  # one that a thread may take again: some backends load another


def _after_fork() -> None:
    global _loading
    _loading = RLock()  # a thread that is not in this process may hold the other
    for name in [name for name, backend in _loaded.items() if not backend.forks]:
        del _loaded[name]
        _left.add(name)
    best.cache_clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


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


def load(name: str) -> Backend:
    """Return backend `name`, ready to be called; its library is imported now.

    There is one object of each, whichever threads ask for it.

    Raises
    ------
    ValueError
        There is no such backend.
    Unavailable
        It cannot work here; the message says why, whatever its library raised.
    """
    if name not in _loaded:
        with _loading:
            if name not in _loaded:
                _loaded[name] = _load(declaration(name))
    return _loaded[name]


def _load(cls: type[Backend]) -> Backend:
    try:
        reason = cls.missing()
        if cls.name in _left:
            reason = (
                "it was loaded before this process was forked, and its threads are not in the "
                "child (start processes by 'spawn', or load it in the child alone)"
            )
        if reason:
            raise Unavailable(reason)
        backend = cls()
        backend.load()
    except Unavailable as error:
        reason, cause = str(error), error.__cause__ or error
    except (Exception, SystemExit) as error:  # libraries raise all kinds, and some call sys.exit
        reason, cause = cls.broken(error), error
    else:
        return backend
    raise Unavailable(f"backend {cls.name!r} is not available: {reason}") from cause


def forget() -> None:
    """Forget what was loaded and found best: the next call loads anew, what is imported stays."""
    _loaded.clear()
    best.cache_clear()


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
