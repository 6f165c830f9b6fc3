"""The page of findings: sentences made from results, each with a chart, where the intervals allow.

A file for each finding says what is compared; none has a figure of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lsebench.site import pictures
from lsebench.site.rows.results import Run, Series, usual_first

from . import compiler, digits, front, heap, scipy_versions, since_2020
from .finding import Finding, Found, address

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
    texts = {one.id: [markdown(of_one) for of_one in one.machines] for one in there}
    shared: dict[str, Any] = {"found": {"tables": texts}, "name": "findings", "address": address}
    shared["empty"] = not runs
    site.page("findings.html", findings=there, places=places(there), **shared)
    for one in there:
        page = f"findings/{one.id}.html"
        own = [of_one.place for of_one in one.machines]
        site.page(page, template="finding.html", finding=one, places=own, **shared)


def places(there: Sequence[Finding]) -> list[str]:
    """Return the machines of all findings, the one with most of them first."""
    of_place: dict[str, list[Found]] = {}
    for one in there:
        for of_one in one.machines:
            of_place.setdefault(of_one.place, []).append(of_one)

    def order(place: str) -> tuple[Any, ...]:
        several = of_place[place]
        since = min(one.since for one in several)
        run = {"kind": several[0].kind, "threads": "1", "since": since, "machine": place}
        return usual_first(run, sum(one.chart is not None for one in several))

    return sorted(of_place, key=order)


def markdown(found: Found) -> str:
    """Return the table of a finding's numbers, and where they are from, as Markdown."""
    cells = [found.columns, ["---"] * len(found.columns), *found.rows]
    lines = [f"| {' | '.join(map(pictures.plain, row))} |" for row in cells]
    note = f"{found.sentence} ({found.where}; {', '.join(found.libraries)}.)"
    return "\n".join([pictures.plain(note), "", *lines, ""])
