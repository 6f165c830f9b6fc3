"""The page of libraries: one commit over library generations, and what became slower or faster."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from packaging.version import Version

from lsebench.site.families import described
from lsekernels import kernels

from . import words
from .results import Run, Series, Value, elements, kernel_of, ratio, rounded, usual_first, version

CONTROL = "python"
"""It uses no library: where its time differs between two environments, the machine did."""

Collected = Mapping[Run, Series]
Key = tuple[str, ...]
Cell = dict[str, Any]
"""Of a time: ``time`` and ``ratio`` as [value, low, high], both in words, and ``verdict``."""
Table = Mapping[str, list[Value | None]]
"""Tool -> its times, the oldest generation first; None where it was not asked for."""
Tables = dict[str, dict[str, dict[str, Table]]]
"""Kernel -> dtype -> size -> table."""
Band = tuple[float, float]
SAME: Band = (1.0, 1.0)
MANY = 0.1
"""From which on plain Python's difference is a warning."""
VERDICTS = {
    "faster": "faster", "slower": "slower", "same": "within the noise",
    "unsure": "too few samples to tell", "alone": "no time with the newest", "newest": "the newest",
    "failed": "failed",
}  # fmt: skip


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
            rest = len(group) - len(chosen)
            found.append(_of_group(chosen, commit, left_out=rest, since=runs[group[0]].since))
    found = [group for group in found if group["kernels"]]
    found.sort(key=lambda g: (*usual_first(g, len(g["environments"])), g["python"]))
    names = {name.partition(":")[0] for group in found for name in _names(group)}
    used = {name for group in found for name in group["kernels"]}
    return {
        "groups": found,
        "control": CONTROL,
        "verdicts": VERDICTS,
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


def _of_group(runs: Collected, commit: str, left_out: int, since: float) -> dict[str, Any]:
    first = next(iter(runs))
    names = [f"NumPy {dict(run.versions).get('numpy', 'as it was')}" for run in runs]
    unique = [
        f"{name} ({names[:place].count(name) + 1})" if names.count(name) > 1 else name
        for place, name in enumerate(names)
    ]
    environments = [
        _environment(name, run, series)
        for name, (run, series) in zip(unique, runs.items(), strict=True)
    ]
    tables = _tables(list(runs.values()))
    return {
        "machine": first.machine,
        "kind": first.kind,
        "threads": first.threads,
        "python": first.python,
        "commit": commit,
        "date": next(iter(runs.values())).commits[commit],
        "left_out": left_out,
        "since": since,
        "libraries": common(runs),
        "environments": environments,
        "changes": changes(tables, _generations(environments)),
        "kernels": {
            kernel: {
                dtype: {size: _shown(tables, kernel, dtype, size) for size in sizes}
                for dtype, sizes in dtypes.items()
            }
            for kernel, dtypes in tables.items()
        },
    }


def _generations(environments: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what generations are called in a sentence: by NumPy and SciPy, as they were there."""
    found = []
    for one in environments:
        asked, there = one["versions"], one["installed"]
        titles = {"numpy": "NumPy", "scipy": "SciPy"}
        texts = [f"{titles[k]} {there.get(k) or asked[k]}" for k in titles if k in asked]
        found.append(", ".join(texts) or one["name"])
    # Of several with the same ones each has its name, which is its own.
    return found if len(set(found)) == len(found) else [one["name"] for one in environments]


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


def _tables(series: list[Series]) -> Tables:
    """Return the times that can be compared."""
    tables: Tables = {}
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
                sizes[size] = table
    return tables


def _comparable(values: list[Value | None]) -> bool:
    return sum(value is not None and value.value is not None for value in values) > 1


# -- what is no difference -------------------------------------------------------------------------


def band(tables: Tables, kernel: str, dtype: str, size: str, old: int, new: int) -> Band | None:
    """Return what counts as no difference between two generations; None where nobody knows.

    It is what plain Python differs by in the same call, or else, where that was not timed with so
    many elements, in calls of the same kernel.
    """
    here = tables[kernel][dtype][size]
    if found := _controls(here, old, new):
        return drift(*zip(*found, strict=True))
    others = [
        pair for table in tables[kernel][dtype].values() for pair in _controls(table, old, new)
    ]
    return drift(*zip(*others, strict=True)) if others else None


def _controls(table: Table, old: int, new: int) -> list[tuple[Value, Value]]:
    pairs = [(row[old], row[new]) for name, row in table.items() if _is_control(name)]
    return [(one, other) for one, other in pairs if one and other and one.value and other.value]


def _is_control(tool: str) -> bool:
    return tool.partition(":")[0] == CONTROL


def drift(controls: Sequence[Value | None], newest: Sequence[Value | None]) -> Band:
    """Return what counts as no difference: from 1 to the ratio of tools that use no library."""
    ratios = [1.0]
    for value, new in zip(controls, newest, strict=True):
        if value and new and value.value and new.value:
            ratios.append(value.value / new.value)
    return min(ratios), max(ratios)


# -- tables and chart ------------------------------------------------------------------------------


def _shown(tables: Tables, kernel: str, dtype: str, size: str) -> dict[str, Any]:
    """Return the cells of each tool, by generation, and how much of a difference is the machine."""
    table = tables[kernel][dtype][size]
    last = len(next(iter(table.values()))) - 1
    bands = [band(tables, kernel, dtype, size, place, last) for place in range(last)]
    return {
        "tools": {
            name: [
                *(_cell(value, row[-1], one) for value, one in zip(row[:-1], bands, strict=True)),
                _cell(row[-1], row[-1], None),
            ]
            for name, row in table.items()
        },
        "drift": _warning(bands),
    }


def _warning(bands: Sequence[Band | None]) -> str:
    """Return what a reader must know of the machine; nothing where it was quiet."""
    known = [one for one in bands if one]
    if len(known) < len(bands):
        return (
            "Plain Python was not timed here: how much the machine changed between the generations "
            "is not known."
        )
    most = max((max(high, 1 / low) for low, high in known), default=1.0)
    if most < 1 + MANY:
        return ""
    return (
        "Plain Python, which uses none of these libraries, differs by up to "
        f"{words.digits(most)}{words.TIMES} between the generations: so much is the machine or the "
        "noise. Differences within that do not count."
    )


def _cell(value: Value | None, new: Value | None, none: Band | None) -> Cell | None:
    """Return what is shown of a time; of a failure only that it failed.

    `new` is the newest generation's, which may be the same. `none` is what counts as no difference.
    """
    if value is None:
        return None
    if value.value is None:
        return {"verdict": "failed"}
    row = value.row()
    low, high = row[1], row[2]
    exact = words.seconds(value.value)
    if low is not None and high is not None:
        exact += f" ({words.seconds(low)} to {words.seconds(high)})"
    cell: Cell = {"time": row, "text": words.seconds(value.value), "exact": exact}
    if new is value:
        return cell | {"ratio": [1.0, 1.0, 1.0], "interval": "", "verdict": "newest"}
    if new is None or not new.value:
        return cell | {"ratio": None, "interval": "", "verdict": "alone"}
    times, least, most = ratio(value.row(), new.row())
    times = times or 0.0
    cell |= {
        "text": f"{words.digits(times)}{words.TIMES}",
        "ratio": [rounded(times), least and rounded(least), most and rounded(most)],
        "interval": "",
        "verdict": "unsure",
    }
    if least is None or most is None:
        return cell
    return cell | {
        "interval": words.span(least, most),
        "verdict": verdict(least, most, none or SAME),
    }


def verdict(least: float, most: float, band: Band) -> str:
    """Return what a ratio's interval says: ``slower``, ``faster``, or ``same`` within the noise."""
    if least > band[1]:
        return "slower"
    return "faster" if most < band[0] else "same"


# -- what changed, in words ------------------------------------------------------------------------


def changes(tables: Tables, generations: Sequence[str]) -> list[dict[str, Any]]:
    """Return what the noise does not explain: over all generations, and from each to the next.

    The newest comes first.

    Returns
    -------
    list of dict
        ``from``, ``to``; ``slower`` and ``faster``: what became so, the most first, each with
        ``text``, ``kernel``, ``dtype``, ``n``, ``tool``, ``ratio`` as [value, low, high] of the new
        time over the old; ``compared``: how many times had one to be compared with.
    """
    last = len(generations) - 1
    steps = [*([(0, last)] if last > 1 else []), *reversed(list(pairwise(range(last + 1))))]
    found = []
    for old, new in steps:
        told, compared = _told(tables, old, new)
        slower = [one for one in told if one["verdict"] == "slower"]
        faster = [one for one in told if one["verdict"] == "faster"]
        found.append(
            {
                "from": generations[old],
                "to": generations[new],
                "slower": sorted(slower, key=lambda one: -one["ratio"][0]),
                "faster": sorted(faster, key=lambda one: one["ratio"][0]),
                "compared": compared,
            }
        )
    return found


def _told(tables: Tables, old: int, new: int) -> tuple[list[dict[str, Any]], int]:
    """Return the calls that became slower or faster, and how many could be compared.

    Of a tool's sizes only the one with the largest change is named, and how many more there are.
    """
    best: dict[tuple[str, ...], dict[str, Any]] = {}
    compared = 0
    for kernel, dtypes in tables.items():
        for dtype, sizes in dtypes.items():
            for size, table in sizes.items():
                none = band(tables, kernel, dtype, size, old, new) or SAME
                for tool, row in table.items():
                    one, other = row[old], row[new]
                    if not (one and other and one.value and other.value) or _is_control(tool):
                        continue
                    times, least, most = ratio(other.row(), one.row())
                    if times is None or least is None or most is None:
                        continue
                    compared += 1
                    # The control's band is of the old over the new.
                    said = verdict(least, most, (1 / none[1], 1 / none[0]))
                    if said == "same":
                        continue
                    key = (tool, kernel, dtype, said)
                    known = best.get(key)
                    change = {
                        "tool": tool,
                        "kernel": kernel,
                        "dtype": dtype,
                        "n": size,
                        "ratio": [rounded(times), rounded(least), rounded(most)],
                        "verdict": said,
                        "more": known["more"] + 1 if known else 0,
                    }
                    if known and _extent(known) >= _extent(change):
                        known["more"] += 1
                    else:
                        best[key] = change
    return [{**one, "text": sentence(one)} for one in best.values()], compared


def _extent(change: Mapping[str, Any]) -> float:
    times: float = change["ratio"][0]
    return max(times, 1 / times)


def sentence(change: Mapping[str, Any]) -> str:
    """Return a change in words: what takes how many times as long, or is how many times as fast."""
    truth = kernels.load(change["kernel"])
    tool, _, form = change["tool"].partition(":")
    title = described(tool)["title"] + (f" ({form})" if form else "")
    size = f"{words.size(change['n'])} {_unit(truth, change['n'])}".strip()
    what = f"{title}: {truth.TITLE}, {size}, {change['dtype']},"
    times, least, most = change["ratio"]
    if change["verdict"] == "slower":
        said = f"takes {words.digits(times)} times as long ({words.span(least, most)})"
    else:
        said = f"is {words.digits(1 / times)} times as fast ({words.span(1 / most, 1 / least)})"
    more = change["more"]
    also = f"; so also at {more} other {'size' if more == 1 else 'sizes'}" if more else ""
    return f"{what} {said}{also}"


def _unit(truth: Any, size: str) -> str:
    return "" if "x" in size else str(getattr(truth, "SIZE_IS", "elements"))


def _names(group: Mapping[str, Any]) -> set[str]:
    return {
        name
        for dtypes in group["kernels"].values()
        for sizes in dtypes.values()
        for table in sizes.values()
        for name in table["tools"]
    }


def _kernel(name: str) -> dict[str, Any]:
    truth = kernels.load(name)
    return {
        "title": truth.TITLE,
        "forms": getattr(truth, "FORMS", {}),
        "sizes": [str(size) for size in truth.SIZES],
        "elements": {str(size): elements(size) for size in truth.SIZES},
    }
