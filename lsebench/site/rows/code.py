"""The lines that are timed, taken from the source files: nothing is imported but declarations.

A backend's method is found as Python finds it, along the classes of its file, and what it calls is
followed as far as it lies beside it: in ``backends``, or in what is compiled ahead of time. What
``load`` sets outside of the backend comes first: the same lines compute something else without it.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

from lsekernels import derived, registry
from lsekernels.backend import Backend

from . import compiled_code
from .compiled_code import Lines, read

FOLDER = derived.ROOT / "lsekernels" / "backends"
IMPORTING = frozenset({"_import"})
"""Functions that import a library: that is another clock. What they set counts."""
ELSEWHERE = frozenset({"sys", "warnings", "atexit", "setattr"})
"""What is set in these is how a library is found, what is said, or the backend itself."""
PLACES = frozenset({"mkdir"})
"""Calls that only make a place on the disk."""

_MARKS = re.compile(r"  # (?:type: ignore|noqa)\b[^#\n]*?(?=  #|$)", re.M)
"""What is written for ruff and mypy alone."""


@dataclass(frozen=True)
class Piece:
    """Some lines of one file, in its order."""

    path: str
    """In the repository."""
    line: int
    """The first."""
    text: str


def pieces(
    backend: str, kernel: str, shown: Iterable[Lines] = ()
) -> tuple[list[Piece], set[Lines]]:
    """Return the lines that are timed when `backend` computes `kernel`.

    Parameters
    ----------
    backend, kernel : str
    shown : iterable of Lines
        What a reader has seen already.

    Returns
    -------
    list of Piece
        What is set first, then the method, then what it calls; empty where the sources are not
        there.
    set of Lines
        All of it, those that were shown, too.
    """
    declared = registry.declaration(backend)
    seen = set(shown)
    found: list[Lines] = []
    settings: set[Lines] = set()
    for method in declared.methods(kernel):
        reader = _Reader(declared)
        module = compiled_code.found(declared, method)
        each = compiled_code.lines_of(*module) if module else reader.read(method)
        settings |= set(own := reader.settings())
        seen -= {*each[:1], *own}  # the method itself is always shown, and what it takes
        found = list(dict.fromkeys([*found, *each, *reader.found]))
    left = [lines for lines in found if lines not in seen]
    return list(_joined(left, settings)), seen | set(found)


def _joined(found: Iterable[Lines], settings: Collection[Lines]) -> Iterator[Piece]:
    """Give the lines as pieces: what is nested without its margin, and each file once."""
    texts: dict[Path, list[tuple[int, str]]] = {}
    firsts: dict[Path, list[tuple[int, str]]] = {}
    for path, first, last in found:
        lines = read(path)[first - 1 : last]
        text = _MARKS.sub("", textwrap.dedent("\n".join(lines)).strip("\n"))
        parts = firsts if (path, first, last) in settings else texts
        parts.setdefault(path, []).append((first, text))
    for path in dict.fromkeys((*texts, *firsts)):
        head, others = texts.get(path, [])[:1], texts.get(path, [])[1:]
        ordered = [*firsts.get(path, []), *head, *sorted(others)]
        between = "\n\n" if path.suffix != ".pyx" else "\n\n\n"
        text = ordered[0][1]
        for (_, before), (_, after) in pairwise(ordered):
            single = "\n" not in before and "\n" not in after
            text += ("\n" if single else between) + after
        yield Piece(path.relative_to(derived.ROOT).as_posix(), ordered[0][0], text)


# -- Python ----------------------------------------------------------------------------------------

_Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
_DEFINES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class _Module:
    """A file of the folder, and where its names come from."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tree = ast.parse("\n".join(read(path)))
        self.names = _bound(self.tree.body, path)


@cache
def _module(path: Path) -> _Module:
    return _Module(path)


@dataclass(frozen=True, eq=False)
class _Found:
    """What a name stands for: some statement, and the names around it."""

    path: Path
    node: ast.stmt
    scopes: tuple[dict[str, Any], ...] = ()
    """Of the functions around it, the innermost last."""
    value: ast.expr | None = None
    """What is assigned to this very name."""
    set_by: ast.stmt | None = None
    """The call of ``setattr`` that makes a method of it."""


def _bound(body: Iterable[ast.stmt], path: Path, around: tuple[Any, ...] = ()) -> dict[str, Any]:
    """Return name -> what it stands for: found here, or the path of a module of the folder."""
    names: dict[str, Any] = {}
    scopes = (*around, names)
    for node in _statements(body):
        if isinstance(node, _DEFINES):
            names[node.name] = _Found(path, node, scopes)
        elif isinstance(node, ast.ImportFrom) and node.level == 1:
            for alias in node.names:
                file = FOLDER / f"{node.module or alias.name}.py"
                if file.exists():
                    whole = node.module is None
                    names[alias.asname or alias.name] = file if whole else (file, alias.name)
        else:
            for target, value in _assigned(node):
                if isinstance(target, ast.Name):
                    names.setdefault(target.id, _Found(path, node, scopes, value))
    return names


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Give the statements of a function or a module, without those of what it defines."""
    for node in body:
        yield node
        if not isinstance(node, _DEFINES):
            inner = [getattr(node, part, []) for part in ("body", "orelse", "finalbody")]
            for part in inner:
                yield from _statements(part)


def _assigned(node: ast.stmt) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Give each target of an assignment with what is assigned to it."""
    if isinstance(node, ast.AnnAssign) and node.value:
        yield node.target, node.value
    if not isinstance(node, ast.Assign):
        return
    for target in node.targets:
        pairs = [(target, node.value)]
        if isinstance(target, ast.Tuple):
            values = node.value.elts if isinstance(node.value, ast.Tuple) else []
            same = len(values) == len(target.elts)
            pairs = [
                (each, values[number] if same else node.value)
                for number, each in enumerate(target.elts)
            ]
        yield from pairs


class _Reader:
    """Follows a method of one backend."""

    def __init__(self, declared: type[Backend]) -> None:
        self.classes = list(_classes(declared))
        self.found: list[Lines] = []
        self.done: set[int] = set()

    def read(self, method: str) -> list[Lines]:
        """Return the lines of a method, of what it calls, and of the wait for the result."""
        for name in (method, "synchronize"):
            made = self._member(name)
            self._add(made)
            if isinstance(made, _Found) and made.set_by:
                self._add(_Found(made.path, made.set_by, made.scopes))
        return self.found

    def settings(self) -> list[Lines]:
        """Add what ``load`` sets outside of the backend; return the lines of what comes first.

        That is all but what is set in something that ``load`` itself makes.
        """
        lines = []
        for path, function in self._loads():
            for owner, each in _settings(function, path):
                self._add(each)
                made = self._member(owner) if owner else None
                if not isinstance(made, _Found) or _trivial(made.value):
                    lines.append(_lines(each))
        return lines

    def _loads(self, past: int = 0) -> Iterator[tuple[Path, ast.FunctionDef]]:
        """Give ``load`` as Python finds it, after the imports and the ``load`` that it calls."""
        for place, (path, node) in enumerate(self.classes[past:], past + 1):
            for each in node.body:
                if not (isinstance(each, ast.FunctionDef) and each.name == "load"):
                    continue
                called = {ast.unparse(n.func) for n in ast.walk(each) if isinstance(n, ast.Call)}
                for name in sorted(called & IMPORTING):
                    what = self._followed(_module(path).names[name])
                    if isinstance(what, _Found) and isinstance(what.node, ast.FunctionDef):
                        yield what.path, what.node
                if "super().load" in called:
                    yield from self._loads(place)
                yield path, each
                return

    def _member(self, name: str) -> Any:
        """Return what ``self.name`` is: a method, or what some method has assigned to it."""
        for path, node in self.classes:
            for each in node.body:
                if isinstance(each, _DEFINES) and each.name == name:
                    return _Found(path, each)
                for target, value in _assigned(each):
                    if isinstance(target, ast.Name) and target.id == name:
                        return None if hasattr(Backend, name) else _Found(path, each, (), value)
            for maker in node.body:
                if isinstance(maker, _DEFINES) and (made := _made(path, maker, name)):
                    return made
        return None

    def _add(self, what: Any) -> None:
        """Add what was found, then all that it needs."""
        what = self._followed(what)
        if isinstance(what, Path) and what.suffix != ".py":
            self.found.append((what, 1, len(read(what))))
        if not isinstance(what, _Found) or id(what.node) in self.done:
            return
        self.done.add(id(what.node))
        if any(_inside(_lines(what), outer) for outer in self.found):
            return  # read with what it is in
        node, names = what.node, _local(what)
        if isinstance(node, _DEFINES) and node.name in IMPORTING:
            return
        plain = self._resolved(what.value, names) if what.value is not None else None
        if not _trivial(what.value):
            self.found.append(_lines(what))
            self._files(what)
        elif plain is not None:
            self._add(plain)
        for each in _needed(node, what.value):
            self._add(self._resolved(each, names))
        if isinstance(node, ast.FunctionDef):  # what Numba calls instead of it
            for other in _module(what.path).tree.body:
                if isinstance(other, ast.FunctionDef) and _overloads(other, node.name):
                    self._add(_Found(what.path, other))

    def _files(self, what: _Found) -> None:
        """Add the source that an assignment names: of CUDA, or of what translates whole files."""
        for each in ast.walk(what.value) if what.value is not None else ():
            if isinstance(each, ast.Constant) and isinstance(each.value, str):
                file = FOLDER / each.value if re.fullmatch(r"\w+\.\w+", each.value) else None
                if file and file.exists():
                    self.found.append((file, 1, len(read(file))))

    def _resolved(self, node: ast.expr | None, names: tuple[dict[str, Any], ...]) -> Any:
        """Return what an expression stands for, where that is found here."""
        if isinstance(node, ast.Name):
            for scope in reversed(names):
                if node.id in scope:
                    return scope[node.id]
        if isinstance(node, ast.Attribute):
            if isinstance(node.value, ast.Name) and node.value.id == "self":
                return self._member(node.attr)
            of = self._followed(self._resolved(node.value, names))
            while isinstance(of, _Found) and of.value is not None:  # another name of a module
                of = self._followed(self._resolved(of.value, _local(of)))
            if isinstance(of, Path) and of.suffix == ".py":
                return _module(of).names.get(node.attr)
        return None

    def _followed(self, what: Any) -> Any:
        """Return what an imported name stands for in its module."""
        while isinstance(what, tuple):
            what = _module(what[0]).names.get(what[1])
        return what


def _classes(declared: type[Backend]) -> Iterator[tuple[Path, ast.ClassDef]]:
    for cls in declared.__mro__:
        file = FOLDER / f"{cls.__module__.rpartition('.')[2]}.py"
        if cls not in (Backend, object) and file.exists():
            for node in _module(file).tree.body:
                if isinstance(node, ast.ClassDef) and node.name == cls.__name__:
                    yield file, node


def _made(path: Path, maker: Any, name: str) -> _Found | None:
    """Return what a method assigns to ``self.name``."""
    own = _bound(maker.body, path, (_module(path).names,))
    scopes = (_module(path).names, own)
    for node in _statements(maker.body):
        for target, value in _assigned(node):
            attribute = isinstance(target, ast.Attribute) and target.attr == name
            if attribute and isinstance(target.value, ast.Name) and target.value.id == "self":  # type: ignore[attr-defined]
                return _Found(path, node, scopes, value)
    named = own.get(name)
    for node in _statements(maker.body):  # setattr(self, function.__name__, ...)
        if isinstance(node, ast.Expr) and ast.unparse(node).startswith("setattr(self, "):
            return replace(named, set_by=node) if isinstance(named, _Found) else None
    return None


def _settings(function: ast.FunctionDef, path: Path) -> Iterator[tuple[str, _Found]]:
    """Give the statements that set something outside of the backend, and in which of its members.

    They are calls made for what they do, and assignments into what is not the backend's own.
    """
    around = (_module(path).names,)
    scopes = (*around, _bound(function.body, path, around))
    loops = [node for node in _statements(function.body) if isinstance(node, ast.For)]
    for node in _statements(function.body):
        value = node.value if isinstance(node, ast.Expr) else None
        called = isinstance(value, ast.Call)
        parts = [value.func] if isinstance(value, ast.Call) else [to for to, _ in _assigned(node)]
        owners = [_outside(part, called) for part in parts]
        for owner in {owner for owner in owners if owner is not None}:
            names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
            whole = (loop for loop in loops if _within(node, loop) and names & _targets(loop))
            yield owner, _Found(path, next(whole, node), scopes)


def _outside(node: ast.expr, called: bool) -> str | None:
    """Return the member in which something is set, "" where that is elsewhere; None where it isn't.

    ``self.table[0] = 0`` is set in ``table``; ``self.table = ...`` is the backend's own.
    """
    parts: list[str] = []
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        parts.insert(0, node.attr if isinstance(node, ast.Attribute) else "[]")
        node = node.value
    own = isinstance(node, ast.Name) and node.id == "self"
    if not isinstance(node, ast.Name) or node.id in ELSEWHERE or len(parts) <= own:
        return None
    if called and parts[-1] in PLACES:
        return None
    return parts[0] if own else ""


def _within(node: ast.stmt, loop: ast.For) -> bool:
    return any(each is node for each in ast.walk(loop))


def _targets(loop: ast.For) -> set[str]:
    return {each.id for each in ast.walk(loop.target) if isinstance(each, ast.Name)}


def _local(what: _Found) -> tuple[dict[str, Any], ...]:
    """Return the names that are known inside of a statement, the innermost last."""
    scopes = what.scopes or (_module(what.path).names,)
    if isinstance(what.node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        own = _bound(what.node.body, what.path, scopes)
        # An argument hides what is called the same outside.
        own = {
            **{each.arg: None for each in ast.walk(what.node.args) if isinstance(each, ast.arg)},
            **own,
        }
        return (*scopes, own)
    return scopes


def _trivial(value: ast.expr | None) -> bool:
    """Return whether an assignment only gives another name to something."""
    return isinstance(value, ast.Name) or (
        isinstance(value, ast.Attribute)
        and isinstance(value.value, ast.Name)
        and value.value.id == "self"
    )


def _needed(node: ast.AST, value: ast.expr | None) -> Iterator[ast.expr]:
    """Give names and attributes in a statement, in order; without annotations and caching."""
    if isinstance(node, ast.arg):
        return
    if isinstance(node, ast.keyword) and node.arg == "cache":
        return
    if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load):
        yield node
    parts: Iterable[ast.AST]
    if value is not None:
        parts = [value]
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        defaults = [each for each in node.args.kw_defaults if each]
        called = [each for each in node.decorator_list if isinstance(each, ast.Call)]
        parts = [*called, *node.args.defaults, *defaults, *node.body]
    elif isinstance(node, ast.AnnAssign):
        parts = [node.value] if node.value else []
    else:
        parts = ast.iter_child_nodes(node)
    for part in parts:
        if not (_sets_up(part) and value is not None):
            yield from _needed(part, None)


def _sets_up(node: ast.AST) -> bool:
    """Return whether this calls a method of the backend, as what `load` keeps the result of."""
    function = node.func if isinstance(node, ast.Call) else None
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        return function.value.id == "self"
    return isinstance(node, ast.Tuple) and any(map(_sets_up, node.elts))


def _inside(lines: Lines, outer: Lines) -> bool:
    return lines[0] == outer[0] and outer[1] <= lines[1] and lines[2] <= outer[2]


def _overloads(node: ast.FunctionDef, name: str) -> bool:
    first = [
        each.args[0] for each in node.decorator_list if isinstance(each, ast.Call) and each.args
    ]
    return any(isinstance(each, ast.Name) and each.id == name for each in first)


def _lines(what: _Found) -> Lines:
    """Return the lines of a statement, with its decorators and the comments right above."""
    node, lines = what.node, read(what.path)
    first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
    while first > 1 and re.match(r"\s*#(?! --)", lines[first - 2]):
        first -= 1
    return what.path, first, node.end_lineno or node.lineno


def file_of(backend: str) -> str:
    """Return the path of a backend's file in the repository."""
    file = Path(inspect.getfile(registry.declaration(backend)))
    return file.relative_to(derived.ROOT).as_posix()
