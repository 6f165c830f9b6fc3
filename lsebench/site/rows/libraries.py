"""The page of libraries: one commit over library generations, as ratio to the newest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from packaging.version import Version

from lsebench.site.families import described
from lsekernels import kernels

from .results import MAIN, Run, Series, Value, elements, kernel_of, rounded, version

CONTROL = "python"
"""It uses no library: where its time differs between two environments, the machine did."""

Collected = Mapping[Run, Series]
Key = tuple[str, ...]
Cell = list[Any]
Band = tuple[float, float]


def site(
    runs: Collected, revisions: Mapping[str, int], at: Callable[[str], Collected]
) -> dict[str, Any]:
    """Return all that the page's script needs, ready for JSON.

    Parameters
    ----------
    runs : mapping
        All runs, for the commits that each has.
    revisions : mapping
        Commit -> its place in the history.
    at : callable
        Commit -> the runs with the values of this commit alone.
    """
    groups: dict[Key, list[Run]] = {}
    for run in runs:
        groups.setdefault((run.machine, run.kind, run.threads, run.python), []).append(run)
    found = []
    for group in groups.values():
        commit = shared([list(runs[run].commits) for run in group], revisions)
        if commit:
            there = at(commit)
            chosen = {run: there[run] for run in oldest_first(group) if run in there}
            found.append(_of_group(chosen, commit, left_out=len(group) - len(chosen)))
    found = [group for group in found if group["kernels"]]
    found.sort(key=lambda g: (g["kind"] != MAIN, g["threads"] != "1", g["machine"], g["python"]))
    names = {name.partition(":")[0] for group in found for name in _names(group)}
    used = {name for group in found for name in group["kernels"]}
    return {
        "groups": found,
        "control": CONTROL,
        "backends": {name: described(name) for name in sorted(names)},
        "kernels": {name: _kernel(name) for name in kernels.names() if name in used},
    }


def shared(commits: list[list[str]], revisions: Mapping[str, int]) -> str | None:
    """Return the newest of the commits that most environments have; None if two share none."""
    counts = Counter(commit for of_one in commits for commit in of_one)
    best = max(counts, key=lambda c: (counts[c], revisions[c]), default=None)
    return best if best and counts[best] > 1 else None


def oldest_first(runs: Iterable[Run]) -> list[Run]:
    """Return the runs of a machine by the libraries that all have, first of all by NumPy.

    Of equal ones the environment with the fewest further libraries counts as the newest, for older
    generations have none either.
    """
    found = list(runs)

    def age(run: Run) -> tuple[list[Version], int]:
        asked = dict(run.versions)
        return [version(asked[name]) for name in common(found)], -len(asked)

    return sorted(found, key=age)


def common(runs: Iterable[Run]) -> list[str]:
    """Return the libraries that all environments were asked for, NumPy first."""
    asked = [set(dict(run.versions)) for run in runs]
    return sorted(set.intersection(*asked), key=lambda name: (name != "numpy", name.lower()))


def _of_group(runs: Collected, commit: str, left_out: int) -> dict[str, Any]:
    first = next(iter(runs))
    names = [f"NumPy {dict(run.versions).get('numpy', 'as it was')}" for run in runs]
    unique = [
        f"{name} ({names[:place].count(name) + 1})" if names.count(name) > 1 else name
        for place, name in enumerate(names)
    ]
    return {
        "machine": first.machine,
        "kind": first.kind,
        "threads": first.threads,
        "python": first.python,
        "commit": commit,
        "date": next(iter(runs.values())).commits[commit],
        "left_out": left_out,
        "libraries": common(runs),
        "environments": [
            _environment(name, run, series)
            for name, (run, series) in zip(unique, runs.items(), strict=True)
        ],
        "kernels": _tables(list(runs.values())),
    }


def _environment(name: str, run: Run, series: Series) -> dict[str, Any]:
    there = {_normal(k): v for k, v in series.context.get("installed", {}).items()}
    installed = {library: there.get(_normal(library)) for library, _ in run.versions}
    return {
        "name": name,
        "versions": dict(run.versions),
        "installed": installed,
        # Without a record nothing is known to differ; a version left open is what was there.
        "differs": [k for k, asked in run.versions if there and asked and installed[k] != asked],
        "measured": series.measured,
        "reasons": series.reasons(),
    }


def _normal(library: str) -> str:
    return library.lower().replace("_", "-")


def _tables(series: list[Series]) -> dict[str, dict[str, dict[str, dict[str, list[Cell | None]]]]]:
    """Return kernel -> dtype -> size -> backend -> a cell for each environment."""
    tables: dict[str, Any] = {}
    suites = {name for one in series for name in one.values if name.startswith("warm.")}
    for suite in sorted(suites):
        rows = [one.values.get(suite, {}) for one in series]
        keys = sorted({key for of_one in rows for key in of_one if len(key) == 3})
        for dtype, size in sorted({key[1:] for key in keys}):
            table = {
                key[0]: [of_one.get(key) for of_one in rows]
                for key in keys
                if key[1:] == (dtype, size)
            }
            if kernel_of(suite) in kernels.names() and any(map(_comparable, table.values())):
                sizes = tables.setdefault(kernel_of(suite), {}).setdefault(dtype, {})
                sizes[size] = _cells(table)
    return tables


def _comparable(values: list[Value | None]) -> bool:
    return sum(value is not None and value.value is not None for value in values) > 1


def _cells(table: Mapping[str, list[Value | None]]) -> dict[str, list[Cell | None]]:
    controls = [row for name, row in table.items() if name.partition(":")[0] == CONTROL]
    bands = [drift(column, [row[-1] for row in controls]) for column in zip(*controls, strict=True)]
    bands = bands or [(1.0, 1.0)] * len(next(iter(table.values())))
    return {
        name: [
            *(_cell(value, row[-1], band) for value, band in zip(row[:-1], bands, strict=False)),
            _cell(row[-1], row[-1], None),
        ]
        for name, row in table.items()
    }


def drift(controls: Sequence[Value | None], newest: Sequence[Value | None]) -> Band:
    """Return what counts as no difference: from 1 to the ratio of tools that use no library."""
    ratios = [1.0]
    for value, new in zip(controls, newest, strict=True):
        if value and new and value.value and new.value:
            ratios.append(value.value / new.value)
    return min(ratios), max(ratios)


def _cell(value: Value | None, new: Value | None, band: Band | None) -> Cell | None:
    """Return [seconds, low, high, ratio, least, most, verdict]; of a failure only None in it.

    `band` is what counts as no difference; None for the newest environment itself.
    """
    if value is None:
        return None
    if value.value is None:
        return [None]
    times = value.row()
    if band is None:
        return [*times, 1.0, 1.0, 1.0, "newest"]
    if new is None or not new.value:
        return [*times, None, None, None, "alone"]
    ratio = rounded(value.value / new.value)
    if not (value.low and value.high and new.low and new.high):
        return [*times, ratio, ratio, ratio, "unsure"]
    least, most = value.low / new.high, value.high / new.low
    return [*times, ratio, rounded(least), rounded(most), verdict(least, most, band)]


def verdict(least: float, most: float, band: Band) -> str:
    """Return what a ratio's interval says: ``slower``, ``faster``, or ``same`` within the noise."""
    if least > band[1]:
        return "slower"
    return "faster" if most < band[0] else "same"


def _names(group: Mapping[str, Any]) -> set[str]:
    return {
        name
        for dtypes in group["kernels"].values()
        for sizes in dtypes.values()
        for table in sizes.values()
        for name in table
    }


def _kernel(name: str) -> dict[str, Any]:
    truth = kernels.load(name)
    return {
        "title": truth.TITLE,
        "forms": getattr(truth, "FORMS", {}),
        "sizes": [str(size) for size in truth.SIZES],
        "elements": {str(size): elements(size) for size in truth.SIZES},
    }
