"""What is said of a backend wherever it is shown: its family, its looks, how it is installed.

One colour for its library, a dash for its form.
"""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Iterator
from functools import cache
from typing import Any

from asv import util
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from lsekernels import derived, registry

COLOURS = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f6000", "#882255",
    "#332288", "#999933", "#117733", "#aa4499", "#44aa99", "#661100", "#6699cc", "#888888",
)  # fmt: skip
"""Of Okabe and Ito, then of Tol: told apart also by eyes that lack a kind of cone."""
DASHES = (
    (), (6, 3), (2, 2), (8, 3, 2, 3), (10, 4), (4, 2, 1, 2), (1, 3), (12, 3, 3, 3), (5, 5), (3, 1),
    (8, 2, 2, 2, 2, 2), (14, 4), (2, 5), (6, 1, 1, 1), (9, 9), (3, 3, 9, 3),
)  # fmt: skip


def family(backend: str) -> str:
    """Return the library whose colour a backend has: the first word of its name."""
    return backend.partition("_")[0]


def backend_of(tool: str) -> str:
    """Return the backend of a tool: ``numba`` of ``numba:loop``."""
    return tool.partition(":")[0]


def title(tool: str) -> str:
    """Return a tool's name for people."""
    form = tool.partition(":")[2].strip()
    name = str(described(backend_of(tool))["title"])
    return f"{name}: {form}" if form else name


def plain(tool: str) -> tuple[bool, int]:
    """Return what sorts tools of a family, the plainest first: one thread, then fewer words.

    Of tools that are not told apart a page shows the plainest.
    """
    backend, _, form = tool.partition(":")
    known = backend in registry.names() and registry.declaration(backend).parallel
    return known, backend.count("_") + bool(form)


def featured() -> list[str]:
    """Return the backends that are shown before anything is chosen."""
    declared = {name: vars(registry.declaration(name)) for name in registry.names()}
    return [name for name, own in declared.items() if own.get("featured")]


@cache
def looks() -> dict[str, tuple[str, list[int]]]:
    """Return backend -> (colour, dash), the same on every page and in every picture."""
    found: dict[str, tuple[str, list[int]]] = {}
    # Those that are seen most get the colours that are told apart best.
    families = list(dict.fromkeys(map(family, [*featured(), *registry.names()])))
    for place, name in enumerate(families):
        members = [n for n in registry.names() if family(n) == name]
        for number, member in enumerate(sorted(members, key=lambda n: (n != name, n))):
            # Past the last colour they come round again, with other dashes.
            turn = number + 12 * (place // len(COLOURS))
            found[member] = (COLOURS[place % len(COLOURS)], list(DASHES[turn % len(DASHES)]))
    return found


@cache
def install(backend: str) -> str:
    """Return the command that installs what `backend` needs, as it is pinned here; may be empty.

    What is compiled, or written, here comes with this package, which is installed from a clone of
    the repository: see `needs`.
    """
    declared = registry.declaration(backend)
    here = declared.ours or declared.compiled == "ahead"
    asked = [".", *_asked(backend)] if here else _asked(backend)
    return f"pip install {shlex.join(asked)}" if asked else ""


def needs(backend: str) -> str:
    """Return in a sentence what `backend` needs beside what pip installs; empty where nothing.

    It belongs beside the command of `install`: what comes with this package is built by it.
    """
    declared = registry.declaration(backend)
    source = inspect.getsource(_file(backend))
    here = declared.ours or declared.compiled == "ahead"
    found = ["a C and a C++ compiler"] if here else []
    if not here and 'which("c++")' in source:
        found.append("a C++ compiler")
    if 'which("nvcc")' in source:
        found.append("nvcc of a CUDA toolkit")
    if declared.device == "gpu":
        nvidia = "NVIDIA" in _module(backend) or "CUDA" in _module(backend)
        found.append(f"{'an NVIDIA GPU' if nvidia else 'a GPU'} with its driver")
    if declared.interpreter:
        found.append(declared.interpreter)
    listed = ", and ".join(filter(None, [", ".join(found[:-1]), *found[-1:]]))
    if here:
        return f"In a clone of this repository, with {listed}."
    return f"It needs {listed}." if listed else ""


def _asked(backend: str) -> list[str]:
    """Return what pip is asked for, with the pins of asv's configuration."""
    wanted = derived.extras().get(backend) or tuple(
        filter(None, [registry.declaration(backend).distribution])
    )
    return [_pinned(each) for text in wanted for each in _expanded(text)]


def _expanded(text: str) -> Iterator[Requirement]:
    """Give a requirement, or those of the extras where it is one of our own."""
    asked = Requirement(text)
    if asked.name != "lsekernels":
        yield asked
        return
    for extra in sorted(asked.extras):
        for more in derived.extras()[extra]:
            yield from _expanded(more)


def _pinned(asked: Requirement) -> str:
    pin = _pins().get(canonicalize_name(asked.name))
    extras = f"[{','.join(sorted(asked.extras))}]" if asked.extras else ""
    return f"{asked.name}{extras}{f'=={pin}' if pin else asked.specifier}"


@cache
def _pins() -> dict[str, str]:
    conf = util.load_json(str(derived.ROOT / "asv.conf.json"), js_comments=True)
    return {canonicalize_name(name): pin for name, pin in derived.pins(conf).items()}


def _file(backend: str) -> Any:
    """Return the module that declares a backend."""
    return inspect.getmodule(registry.declaration(backend))


def _module(backend: str) -> str:
    """Return what a backend's file says of itself."""
    return inspect.getdoc(_file(backend)) or ""


def about(backend: str) -> str:
    """Return in a sentence what a backend is: the first of its file."""
    return " ".join(_module(backend).split("\n\n")[0].replace("``", "").split())


def described(backend: str) -> dict[str, Any]:
    """Return what a page's script is told of a backend, ready for JSON."""
    known = {"title": backend, "family": family(backend)}
    if backend not in registry.names():  # of an older commit
        unknown = {"device": "cpu", "compiled": "no", "colour": "#888888", "dash": []}
        return known | unknown | {"ours": False, "install": "", "needs": "", "page": ""}
    declared = registry.declaration(backend)
    colour, dash = looks()[backend]
    return known | {
        "title": declared.title,
        "device": declared.device,
        "compiled": declared.compiled,
        "parallel": declared.parallel,
        "ours": declared.ours,
        "install": install(backend),
        "needs": needs(backend),
        "page": page(backend),
        "kernels": declared.kernels(),
        "colour": colour,
        "dash": dash,
    }


def page(backend: str) -> str:
    """Return the address of a backend's own page."""
    return f"tools/{backend}.html"
