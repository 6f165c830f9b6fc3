"""SciPy's logsumexp over its versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lsebench.site.rows import words
from lsebench.site.rows.libraries import CONTROL, verdict
from lsebench.site.rows.results import MAIN, Row, apart, day, ratio

from . import finding
from .finding import Chart, Finding, Found

FINDING = Finding(
    id="scipy-versions",
    title="SciPy's logsumexp over its versions",
    about="The time of one call of scipy.special.logsumexp on 10 numbers by version of SciPy, each "
    "with the NumPy of its time; one commit of this code, one machine. Plain Python uses neither: "
    "what it changes by, the machine did. Lines are 99 % intervals.",
    missing="Not measured yet: one commit with several versions of SciPy. make bench-libraries "
    "measures five generations.",
    sources=[("scipy#23670", "https://github.com/scipy/scipy/issues/23670")],
)
SIZE, TOOL = "10", "scipy"
Group = Mapping[str, Any]


def found(groups: Sequence[Group]) -> Finding:
    """Return what was found in the groups of the page of libraries: see libraries.py."""
    return FINDING.on([_of_group(group) for group in groups if group["threads"] == "1"])


def _of_group(group: Group) -> Found | None:
    sizes = group["kernels"].get(finding.KERNEL, {}).get(finding.DTYPE, {})
    table = sizes.get(SIZE, {}).get("tools", {})
    environments = group["environments"]
    nothing = [None] * len(environments)
    cells = [_row(cell) for cell in table.get(TOOL, nothing)]
    controls = [_row(cell) for cell in table.get(CONTROL, nothing)]
    there = [
        (environment, cell, control)
        for environment, cell, control in zip(environments, cells, controls, strict=True)
        if cell
    ]
    if len(there) < 2:
        return None
    names = [_version(environment) for environment, _, _ in there]
    rows = [cell for _, cell, _ in there]
    drift = [control for _, _, control in there]
    told = [
        (old, new) for new in range(len(rows)) for old in range(new) if _told(rows, drift, old, new)
    ]
    place = group["machine"] if group["kind"] == MAIN else f"{group['machine']}/{group['kind']}"
    state = {
        "kernel": finding.KERNEL,
        "dtype": finding.DTYPE,
        "n": SIZE,
        "machine": place,
        "threads": "1",
    }
    return Found(
        place=place,
        kind=group["kind"],
        since=group["since"],
        date=day(max(e["measured"] for e, _, _ in there) or group["date"]),
        libraries=[f"Python {group['python']}", f"commit {group['commit'][:8]}"],
        sentence=_sentence(names, rows, told)
        if told
        else f"The intervals tell no two of SciPy {words.several(names)} apart.",
        more=_more(names, rows, drift, told),
        chart=_chart(names, rows, drift) if told else None,
        columns=("SciPy", "NumPy", "time of a call", "99 % interval", "plain Python beside it"),
        rows=[
            (
                name,
                environment["versions"].get("numpy", ""),
                finding.seconds(cell),
                finding.between(cell),
                finding.seconds(control),
            )
            for name, (environment, cell, control) in zip(names, there, strict=True)
        ],
        links=[
            ("all tools over the versions", "libraries.html", {**state, "python": group["python"]})
        ],
    )


def _row(cell: Mapping[str, Any] | None) -> Row | None:
    return cell.get("time") if cell else None


def _version(environment: Group) -> str:
    """Return SciPy's version as it was installed, or else as it was asked for."""
    found = environment["installed"].get(TOOL) or environment["versions"].get(TOOL)
    return str(found or environment["name"])


def _told(rows: Sequence[Row], controls: Sequence[Row | None], one: int, other: int) -> bool:
    """Return whether the intervals, and what the control changes by, tell two versions apart."""
    if not apart(rows[one], rows[other]):
        return False
    first, second = controls[one], controls[other]
    drift = ratio(first, second)[0] if first and second else None
    _, low, high = ratio(rows[one], rows[other])
    band = (min(1.0, drift or 1.0), max(1.0, drift or 1.0))
    return low is not None and high is not None and verdict(low, high, band) != "same"


def _sentence(names: Sequence[str], rows: Sequence[Row], told: Sequence[tuple[int, int]]) -> str:
    """Return the largest step that is told; a slower version goes before a faster one."""

    def factor(pair: tuple[int, int]) -> float:
        return ratio(rows[pair[1]], rows[pair[0]])[0] or 0.0

    old, new = max(told, key=factor)
    if factor((old, new)) < 1:
        old, new = min(told, key=factor)
    return (
        f"SciPy's logsumexp of {SIZE} numbers takes {finding.seconds(rows[new])} in {names[new]} "
        f"and {finding.seconds(rows[old])} in {names[old]}: {_step(rows[new], rows[old])}."
    )


def _step(new: Row, old: Row) -> str:
    slower = (new[0] or 0.0) > (old[0] or 0.0)
    many = finding.much(ratio(new, old) if slower else ratio(old, new))
    return f"{many} times as {'long' if slower else 'fast'}"


def _more(
    names: Sequence[str],
    rows: Sequence[Row],
    controls: Sequence[Row | None],
    told: Sequence[tuple[int, int]],
) -> list[str]:
    steps = [
        f"{names[new]} {_step(rows[new], rows[new - 1])} as {names[new - 1]}"
        for new in range(1, len(rows))
        if (new - 1, new) in told
    ]
    said = [f"From one version to the next: {words.several(steps)}."] if steps else []
    if not all(controls):
        said.append("There is no control in plain Python for all of them.")
    return said


def _chart(names: Sequence[str], rows: Sequence[Row], controls: Sequence[Row | None]) -> Chart:
    colours = {"SciPy": finding.colour(TOOL), "plain Python, the control": "#555555"}
    drawn = [
        {
            "place": place,
            "version": version,
            "title": name,
            "colour": colours[name],
            "value": row[0],
            "low": row[1],
            "high": row[2],
            "text": finding.seconds(row),
        }
        for name, several in zip(colours, (rows, controls), strict=True)
        for place, (version, row) in enumerate(zip(names, several, strict=True))
        if row
    ]
    return Chart(
        name="versions",
        rows=drawn,
        titles={"x": "version of SciPy", "y": "time of a call"},
        said=[f"{row['title']} with SciPy {row['version']}: {row['text']}" for row in drawn],
    )
