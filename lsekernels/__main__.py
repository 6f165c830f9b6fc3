"""``python -m lsekernels``: every backend, and whether it works here."""

from __future__ import annotations

import argparse
import contextlib
import json
import platform
import sys
from typing import Any

from . import Unavailable, __version__, derived, registry, threads
from .backend import one_line


def describe(name: str) -> dict[str, Any]:
    """Return what backend `name` declares, its version, and why it cannot run (or None)."""
    declared = registry.declaration(name)
    row = {
        "backend": name,
        "title": declared.title,
        "device": declared.device,
        "compiled": declared.compiled,
        "parallel": declared.parallel,
        "dtypes": list(declared.dtypes),
        "kernels": list(declared.kernels()),
        "version": None,
        "instruction_set": None,
        "unavailable": None,
    }
    try:
        backend = registry.load(name)
    except Unavailable as error:
        row["unavailable"] = str(error).split("is not available: ", 1)[-1]
        return row
    row["instruction_set"] = backend.instruction_set or None
    try:
        row["version"] = backend.version()
    except Exception as error:  # it computes, and whoever reads the table asks for no more
        row["version"] = f"unknown ({one_line(error)})"
    return row


def build() -> dict[str, str] | None:
    """Return what the extension modules were built with, or None where they were not built."""
    try:
        from ._compiled.build_info import BUILD
    except ImportError:
        return None
    return dict(BUILD)


def table(rows: list[dict[str, Any]]) -> str:
    """Return `rows` as a text table."""
    lines: list[tuple[str, ...]] = [
        ("backend", "version", "device", "compiled", "threads", "available", "kernels")
    ]
    for row in rows:
        lines.append(
            (
                row["backend"],
                " ".join(filter(None, (row["version"], row["instruction_set"]))) or "-",
                row["device"],
                row["compiled"],
                "many" if row["parallel"] else "one",
                "yes" if row["unavailable"] is None else f"no: {row['unavailable']}",
                ", ".join(row["kernels"]),
            )
        )
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    lines.insert(1, tuple("-" * width for width in widths))
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def main() -> None:
    """Print the table; with ``--json`` for programs; or write what follows from it."""
    parser = argparse.ArgumentParser(
        prog="python -m lsekernels",
        description="List every backend: version, device, how it is compiled, and whether it "
        "works here or why not.",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "--write",
        action="store_true",
        help="write what pyproject.toml, asv.libraries.json and the README repeat of the backends "
        "and of the pins in asv.conf.json",
    )
    parser.add_argument("--threads", default="1", metavar="N", help="threads: a number or 'all'")
    parser.add_argument("--version", action="version", version=f"lsekernels {__version__}")
    options = parser.parse_args()
    if options.write:
        if not derived.in_repository():
            parser.error("there is nothing to write: this is no checkout of the repository")
        print("\n".join(f"wrote {name}" for name in derived.write()) or "nothing is stale")
        return
    try:
        number = threads.limit(options.threads)
    except ValueError as error:
        parser.error(str(error))
    with contextlib.redirect_stdout(sys.stderr):  # some libraries print when they are imported
        rows = [describe(name) for name in registry.names()]
    if options.json:
        facts = {
            "lsekernels": __version__,
            "python": platform.python_version(),
            "threads": number,
            "build": build(),
            "backends": rows,
        }
        print(json.dumps(facts, indent=2))
        return
    print(table(rows))
    built = build()
    if built:
        made = ", ".join(f"{key} {value}" for key, value in built.items())
        print(f"\nExtension modules built with: {made}")


if __name__ == "__main__":
    main()
