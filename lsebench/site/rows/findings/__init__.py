"""The page of findings: sentences made from results, each with a chart, where the intervals allow.

A file for each finding says what is compared; none has a figure of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from lsebench.site import pictures
from lsebench.site.rows.results import Run, Series

from . import compiler, digits, front, heap, scipy_versions, since_2020
from .finding import Finding, Found

__all__ = ["Finding", "found", "write"]


def found(
    runs: Mapping[Run, Series],
    groups: Sequence[Mapping[str, Any]],
    tables: Sequence[Mapping[str, Any]],
) -> list[Finding]:
    """Return all findings.

    Parameters
    ----------
    runs : mapping
        All runs.
    groups : sequence
        One commit over generations of libraries, as the page of libraries shows it.
    tables : sequence
        What the page of claims says of each machine.
    """
    return [
        front.found(runs),
        heap.found(runs),
        scipy_versions.found(groups),
        digits.found(runs),
        compiler.found(runs),
        since_2020.found(tables),
    ]


def write(
    site: Any,
    runs: Mapping[Run, Series],
    groups: Sequence[Mapping[str, Any]],
    tables: Sequence[Mapping[str, Any]],
) -> None:
    """Write the list, a page for each finding, and their pictures: see `found`."""
    there = found(runs, groups, tables)
    folder: Path = site.folder / "findings"
    pictures.draw(there, folder)
    texts = {one.id: markdown(one.first) for one in there if one.first}
    shared: dict[str, Any] = {"found": {"tables": texts}, "name": "findings", "address": address}
    site.page("findings.html", findings=there, empty=not runs, **shared)
    for one in there:
        page = f"findings/{one.id}.html"
        site.page(page, template="finding.html", finding=one, empty=not runs, **shared)


def address(page: str, state: Mapping[str, str]) -> str:
    """Return a page with a state in its address, as ``Site.address`` does."""
    return f"{page}#{urlencode(state)}"


def markdown(found: Found) -> str:
    """Return the table of a finding's numbers, and where they are from, as Markdown."""
    cells = [found.columns, ["---"] * len(found.columns), *found.rows]
    lines = [f"| {' | '.join(map(pictures.plain, row))} |" for row in cells]
    note = f"{found.sentence} ({found.where}; {', '.join(found.libraries)}.)"
    return "\n".join([pictures.plain(note), "", *lines, ""])
