"""How a backend looks wherever it is shown: one colour for its library, a dash for its form."""

from __future__ import annotations

from functools import cache
from typing import Any

from lsekernels import registry

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


def described(backend: str) -> dict[str, Any]:
    """Return what a page's script says of a backend, ready for JSON."""
    if backend not in registry.names():  # of an older commit
        unknown = {"device": "cpu", "compiled": "no", "colour": "#888888", "dash": []}
        return {"title": backend} | unknown
    declared = registry.declaration(backend)
    colour, dash = looks()[backend]
    return {
        "title": declared.title,
        "device": declared.device,
        "compiled": declared.compiled,
        "parallel": declared.parallel,
        "kernels": declared.kernels(),
        "colour": colour,
        "dash": dash,
    }
