"""How far each tool is from what the machine allows.

A tool's throughput is what its kernel must read and write, over the time of a call. Beside it are
comparisons of the same run: reading the array once, as many exp, copying, an empty call. One of
them is a *limit* only where all that was measured in the run is told to be slower.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lsebench.records.stored import Facts, Target
from lsebench.run import table, targets
from lsekernels import kernels

from .. import families
from . import words
from .results import (
    Row,
    Run,
    Series,
    Value,
    apart,
    elements,
    faster,
    head,
    newest,
    ratio,
    rounded,
    usual_first,
)

SUITES = {
    "read": "limits.Read.track_time",
    "exp": "limits.Exp.track_time",
    "copy": "limits.Copy.track_time",
    "gpu_copy": "limits.GpuCopy.track_time",
}
EMPTY = "limits.EmptyCall.track_time"
CEILING = "ceiling"
"""The larger of the times that a kernel can't go below: see `Task.bounds`."""
TITLES = {
    "read": "reading once",
    "exp": "exp of each number",
    "copy": "copying",
    "gpu_copy": "reading as fast as a copy on the GPU does",
    "empty": "an empty call",
}
PARTS = {"gpu_copy": 0.5}
"""What of a comparison's time counts: a copy also writes what it has read."""
LEAST_EMPTY = 0.1
"""An empty call is drawn where it is so much of the fastest tool's time, or more."""
NAMED = 3
"""Tools that a sentence names; of more it says how many."""

Times = dict[str, Row]
"""Size -> seconds of a call."""


@dataclass(frozen=True)
class Task:
    """What tools do, and what is measured of the machine that they can't do without."""

    kernel: str
    suite: str
    bounds: tuple[str, ...]
    does: str = "reads"
    device: str = "cpu"

    def bytes(self, size: str, dtype: str) -> int:
        """Return what must be read and written."""
        moved = kernels.load(self.kernel).bytes_moved
        return int(moved(size if "x" in size else int(size), dtype))


TASKS = (
    Task("logsumexp", "warm.Logsumexp.track_time", ("read", "exp")),
    Task("logsumexp_rows", "warm.LogsumexpRows.track_time", ("read", "exp")),
    Task("softmax_rows", "warm.SoftmaxRows.track_time", ("copy", "exp"), "reads and writes"),
    Task("log_softmax_rows", "warm.LogSoftmaxRows.track_time", ("copy", "exp"), "reads and writes"),
    Task("logsumexp", "gpu.Logsumexp.track_time", ("gpu_copy",), device="gpu"),
)


def site(runs: Mapping[Run, Series], folder: Path) -> dict[str, Any]:
    """Return all that the page's script needs, ready for JSON."""
    caches = caches_of(runs)
    found = [_of_run(run, series, caches.get(run.machine)) for run, series in newest(runs).items()]
    found = [run for run in found if run["tasks"]]
    found.sort(key=lambda run: usual_first(run, _count(run)))
    return {
        "runs": found,
        "backends": {name: families.described(name) for name in sorted(_backends(found))},
        "featured": sorted(set(map(families.family, families.featured()))),
        "kernels": {
            task.kernel: {"title": kernels.load(task.kernel).TITLE, "does": task.does}
            for task in TASKS
        },
        "speed": speed(folder),
    }


def caches_of(runs: Mapping[Run, Series]) -> dict[str, list[dict[str, Any]]]:
    """Return machine -> its caches for data, the smallest first, as last noted with a result."""
    found = {}
    for run, series in sorted(runs.items(), key=lambda item: item[1].reported()):
        if known := series.context.get("caches"):
            data = [one for one in known if one["kind"] != "Instruction"]
            found[run.machine] = sorted(data, key=lambda one: (one["level"], one["size"]))
    return found


def _of_run(run: Run, series: Series, caches: Sequence[Mapping[str, Any]] | None) -> dict[str, Any]:
    compared = {name: _compared(name, series) for name in SUITES}
    timed = {task: _timed(task, series) for task in TASKS}
    tasks: dict[str, dict[str, dict[str, Any]]] = {}
    for task, tables in timed.items():
        for dtype, tools in tables.items():
            of_kernel = tasks.setdefault(task.device, {}).setdefault(task.kernel, {})
            of_kernel[dtype] = Throughput(task, dtype, tools, compared, timed, _empty(series)).all()
    return {**head(run, series), "caches": caches, "tasks": tasks}


def _timed(task: Task, series: Series) -> dict[str, dict[str, Times]]:
    """Return dtype -> tool -> size -> time, of the tools whose device the task is about."""
    found: dict[str, dict[str, Times]] = {}
    for (tool, dtype, size), value in series.values.get(task.suite, {}).items():
        device = families.described(families.backend_of(tool))["device"]
        if value.value and device == task.device:
            found.setdefault(dtype, {}).setdefault(tool, {})[size] = _row(value)
    return found


def _compared(name: str, series: Series) -> dict[tuple[str, int], Row]:
    """Return dtype and elements -> time of a comparison."""
    return {
        (dtype, elements(size)): _scaled(_row(value), PARTS.get(name, 1.0))
        for (dtype, size), value in series.values.get(SUITES[name], {}).items()
        if value.value
    }


def _empty(series: Series) -> Row | None:
    value = series.values.get(EMPTY, {}).get(())
    return _row(value) if value and value.value else None


@dataclass(frozen=True)
class Throughput:
    """What is shown of a task in one run, for one dtype."""

    task: Task
    dtype: str
    tools: Mapping[str, Times]
    compared: Mapping[str, Mapping[tuple[str, int], Row]]
    """Comparison -> dtype and elements -> time."""
    timed: Mapping[Task, Mapping[str, Mapping[str, Times]]]
    """What the whole run has: another kernel's tool may be the one that is faster."""
    empty: Row | None

    def all(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return {
            "sizes": self.sizes,
            "bytes": {size: self.task.bytes(size, self.dtype) for size in self.sizes},
            "ceiling": _ceiling(self.task.bounds),
            "tools": {
                tool: {size: rate(self._bytes(size), row) for size, row in times.items()}
                for tool, times in self.tools.items()
            },
            "shares": {
                tool: {
                    size: share(ceiling, row)
                    for size, row in times.items()
                    if (ceiling := self.ceiling(size))
                }
                for tool, times in self.tools.items()
            },
            "comparisons": {
                name: of_size
                for name in (*self.task.bounds, CEILING, "empty")
                if (of_size := self._comparison(name))
            },
            "held": {
                size: self.judged(self.known(size), ceiling, size)[0]
                for size in self.sizes
                if (ceiling := self.ceiling(size))
            },
            "best": {size: best_of_families(self.tools, size) for size in self.sizes},
            "sentences": {size: self.sentences(size) for size in self.sizes},
        }

    @property
    def sizes(self) -> list[str]:
        """Measured sizes, the smallest first."""
        return sorted({size for times in self.tools.values() for size in times}, key=elements)

    def _bytes(self, size: str) -> int:
        return self.task.bytes(size, self.dtype)

    def bound(self, name: str, size: str) -> Row | None:
        """Return the time of a comparison."""
        if name == "empty":
            return self.empty
        return self.compared[name].get((self.dtype, elements(size)))

    def known(self, size: str) -> list[str]:
        """Return the bounds that were measured at a size."""
        return [name for name in self.task.bounds if self.bound(name, size)]

    def ceiling(self, size: str) -> Row | None:
        """Return the largest time of the bounds that were measured; None where none was."""
        rows = [row for name in self.task.bounds if (row := self.bound(name, size))]
        return larger(rows) if rows else None

    def rivals(self, names: Collection[str], size: str) -> dict[str, Row]:
        """Return tool -> its time, of all that are held by these bounds: the fastest of each.

        They do any task of the same device, of as many elements.
        """
        found: dict[str, Row] = {}
        for task, tables in self.timed.items():
            if task.device != self.task.device or not set(names) <= {*task.bounds, "empty"}:
                continue
            for tool, times in tables.get(self.dtype, {}).items():
                for own, time in times.items():
                    if elements(own) == elements(size):
                        found[tool] = min(found.get(tool, time), time, key=_seconds)
        return dict(sorted(found.items(), key=lambda item: (_seconds(item[1]), item[0])))

    def _comparison(self, name: str) -> dict[str, dict[str, Any]]:
        found = {}
        for size in self.sizes:
            names = self.known(size) if name == CEILING else [name]
            row = self.ceiling(size) if name == CEILING else self.bound(name, size)
            if row is None or (name == CEILING and len(names) < 2):
                continue  # a ceiling of one is that one itself
            if name == "empty" and not self._matters(row, size):
                continue
            kind, why = self.judged(names, row, size)
            found[size] = {"rate": rate(self._bytes(size), row), "kind": kind, "why": why}
        return found

    def _matters(self, empty: Row, size: str) -> bool:
        best = min(_seconds(times[size]) for times in self.tools.values() if size in times)
        return _seconds(empty) >= LEAST_EMPTY * best

    def judged(self, names: Collection[str], row: Row, size: str) -> tuple[str, str]:
        """Return whether a comparison is a ``limit`` there, and why.

        It is one where each tool is told to be slower, ``beaten`` where one is told to be faster,
        and else ``open``. A tool without an interval counts by its value alone.
        """
        if row[1] is None:
            return "open", "too few samples for an interval"
        rivals = self.rivals(names, size)
        beaten = [tool for tool, time in rivals.items() if faster(time, row)]
        if beaten:
            return "beaten", f"{_listed(beaten)} {'are' if beaten[1:] else 'is'} faster"
        near = [tool for tool, time in rivals.items() if _reaches(time, row)]
        if near:
            return "open", f"{_listed(near)} {'are' if near[1:] else 'is'} not told to be slower"
        return "limit", "every tool is told to be slower"

    def sentences(self, size: str) -> list[str]:
        """Return what can be said at one size: who comes nearest, who is next, and how far.

        A family has one tool here, the one of `best_of_families`, as in the table; but whatever
        cannot be told from a tool is named.
        """
        timed = {tool: times[size] for tool, times in self.tools.items() if size in times}
        best = best_of_families(self.tools, size).values()
        ranked = sorted((tool for tool in best if tool in timed), key=_place(timed))
        first = _first(ranked, timed)
        gone = set(map(_family, first))
        rest = [tool for tool in ranked if _family(tool) not in gone]
        after = _first(rest, {t: row for t, row in timed.items() if _family(t) not in gone})
        said = self._nearest(timed, first, size)
        if after:
            said += self._next(timed, after, size)
        if "numpy" in timed and "numpy" not in (first[0], *after[:1]):
            said.append(f"{families.title('numpy')}: {self._reached(timed['numpy'], size)}.")
        return [*said, *self._held_by(size)]

    def _nearest(self, timed: Mapping[str, Row], tied: Sequence[str], size: str) -> list[str]:
        """Return what is said of the first of some tools that cannot be told from it."""
        reached = self._reached(timed[tied[0]], size)
        if known := self.known(size):
            reached += f" of what {_ceiling(known)} reaches"
        start = f"At {words.size(size)} {self.dtype} numbers"
        said = [f"{start} {families.title(tied[0])} {self.task.does} {reached}."]
        if timed[tied[0]][1] is None:
            return [*said, "Whether it is the fastest cannot be told: too few samples."]
        return [*said, *_untold(tied)]

    def _next(self, timed: Mapping[str, Row], tied: Sequence[str], size: str) -> list[str]:
        reached = self._reached(timed[tied[0]], size)
        return [
            f"Of the other families {families.title(tied[0])} is next: {reached}.",
            *_untold(tied),
        ]

    def _reached(self, row: Row, size: str) -> str:
        """Return throughput and part of the ceiling in words."""
        # Of the same few digits as in the table: rounded twice it could be another.
        said = f"{words.digits((rate(self._bytes(size), row)[0] or 0.0) / 1e9)} GB/s"
        ceiling = self.ceiling(size)
        if ceiling is None:
            return said
        value, low, high = share(ceiling, row)
        ends = "" if low is None or high is None else f" ({words.span(100 * low, 100 * high)} %)"
        return f"{said}, {words.digits(100 * (value or 0.0))} %{ends}"

    def _held_by(self, size: str) -> list[str]:
        """Return whether the ceiling is a limit, which bound it is, and what was not measured."""
        known, ceiling = self.known(size), self.ceiling(size)
        said = []
        if ceiling:
            kind, why = self.judged(known, ceiling, size)
            said.append({
                "limit": f"That is a limit here: {why}.",
                "open": f"Whether that is a limit here cannot be told: {why}.",
                "beaten": f"That is a comparison here, no limit: {why}.",
            }[kind])  # fmt: skip
        if len(known) > 1:
            said.append(self._slower(known, size))
        missing = [TITLES[name] for name in self.task.bounds if name not in known]
        if missing:
            make = "make bench-gpu" if self.task.device == "gpu" else "make bench-full"
            said.append(f"Not measured at this size: {' and '.join(missing)} ({make}).")
        return said

    def _slower(self, known: Sequence[str], size: str) -> str:
        one, other = (self.bound(name, size) or [] for name in known)
        names = [TITLES[name] for name in known]
        if not apart(one, other):
            return f"Whether {names[0]} or {names[1]} takes longer cannot be told."
        slow, fast = names if faster(other, one) else names[::-1]
        return f"{slow[0].upper()}{slow[1:]} takes longer than {fast}."


def _ceiling(names: Sequence[str]) -> str:
    """Return what the largest of the bounds is called."""
    titles = [TITLES[name] for name in names]
    return f"the slower of {' and '.join(titles)}" if titles[1:] else titles[0]


# -- the arithmetic of rows ------------------------------------------------------------------------


def _row(value: Value) -> Row:
    return [value.value, value.low, value.high]


def _seconds(row: Row) -> float:
    return row[0] or 0.0


def _scaled(row: Row, factor: float) -> Row:
    return [None if x is None else x * factor for x in row]


def rate(count: float, time: Row) -> Row:
    """Return bytes a second; there is no interval where the time's begins at 0."""
    return _short(ratio([count, count, count], time))


def share(ceiling: Row, time: Row) -> Row:
    """Return which part of a ceiling's throughput is reached; 1 is all of it.

    Of two intervals that lie apart, that of the share does not hold 1.
    """
    return _short(ratio(ceiling, time))


def _short(row: Row) -> Row:
    return [None if x is None else rounded(x) for x in row]


def larger(rows: Sequence[Row]) -> Row:
    """Return the larger of several times; without an interval where one of them has none."""
    columns = list(zip(*rows, strict=True))
    value, low, high = (
        None if None in column else max(x for x in column if x is not None) for column in columns
    )
    return [value, low, high]


# -- tools -----------------------------------------------------------------------------------------


def best_of_families(tools: Mapping[str, Times], size: str) -> dict[str, str]:
    """Return family -> its tool that is shown before anything is chosen.

    At `size`, or of a family that was not measured there at its largest, it is the plainest of
    those that cannot be told from the family's fastest.
    """
    found: dict[str, str] = {}
    for family in dict.fromkeys(map(_family, tools)):
        own = {tool: times for tool, times in tools.items() if _family(tool) == family}
        known = {at for times in own.values() for at in times}
        at = size if size in known else max(known, key=elements)
        timed = {tool: times[at] for tool, times in tools.items() if at in times}
        found[family] = _best([tool for tool in own if tool in timed], timed)
    return found


def _best(own: Sequence[str], timed: Mapping[str, Row]) -> str:
    """Return the plainest of the fastest among `own`; without an interval no tool is one of them.

    None is taken that any tool is told to be faster than, unless that is so for the fastest, too.
    """
    fastest = min(own, key=_place(timed))

    def beaten(tool: str) -> bool:
        return any(faster(row, timed[tool]) for row in timed.values())

    same = [
        tool
        for tool in own
        if None not in (*timed[tool], *timed[fastest])
        and not apart(timed[tool], timed[fastest])
        and beaten(tool) == beaten(fastest)
    ]
    return min([fastest, *same], key=lambda tool: (families.plain(tool), _place(timed)(tool)))


def _place(timed: Mapping[str, Row]) -> Callable[[str], tuple[float, str]]:
    """Return what sorts tools, the fastest first."""
    return lambda tool: (_seconds(timed[tool]), tool)


def _first(ranked: Sequence[str], timed: Mapping[str, Row]) -> list[str]:
    """Return the first of some tools that none is told to be faster than, and all that tie."""
    if not ranked:
        return []
    kept = (t for t in ranked if not any(faster(row, timed[t]) for row in timed.values()))
    first = next(kept, ranked[0])
    others = sorted((tool for tool in timed if tool != first), key=_place(timed))
    return [first, *(tool for tool in others if not apart(timed[first], timed[tool]))]


def _untold(tied: Sequence[str]) -> list[str]:
    return [f"It cannot be told from {_listed(tied[1:])}."] if tied[1:] else []


def _reaches(time: Row, limit: Row) -> bool:
    """Return whether a tool's time is not told to be above a limit; by its value, if need be."""
    low = time[1] if time[1] is not None else time[0]
    return low is not None and limit[2] is not None and low <= limit[2]


def _family(tool: str) -> str:
    return families.family(families.backend_of(tool))


def _listed(tools: Sequence[str]) -> str:
    more = [f"{len(tools) - NAMED} more"] if len(tools) > NAMED else []
    return words.several([*map(families.title, tools[:NAMED]), *more])


def _backends(found: Iterable[Mapping[str, Any]]) -> set[str]:
    return {
        families.backend_of(tool) for run in found for part in _parts(run) for tool in part["tools"]
    }


def _parts(run: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for of_device in run["tasks"].values():
        for of_kernel in of_device.values():
            yield from of_kernel.values()


def _count(run: Mapping[str, Any]) -> int:
    return sum(len(times) for part in _parts(run) for times in part["tools"].values())


# -- what `make speed` has found -------------------------------------------------------------------


def speed(folder: Path) -> list[dict[str, Any]]:
    """Return for each machine what its targets say, in sentences, of those with an interval."""
    return [
        {
            "machine": machine,
            "commit": facts.commit,
            "day": facts.date[:10],
            "with": _versions(facts),
            "sentences": [said for target in found if (said := sentence(target))],
            "without": sum(t.measured is not None and t.low is None for t in found),
        }
        for machine, facts, found in Target.tables(folder)
    ]


def _versions(facts: Facts) -> str:
    return f"Python {facts.python}, NumPy {facts.installed.get('numpy', 'unknown')}"


def sentence(target: Target) -> dict[str, Any] | None:
    """Return what a target says in words, and its verdict; None where it can say nothing.

    That is where it has no interval, or where today's table does not have it.
    """
    known = _checks().get(target.what)
    if known is None or None in (target.measured, target.low, target.high):
        return None
    said = _said(*known, *(table.shown(x) for x in (target.measured, target.low, target.high)))
    return {"text": said, "target": target.target, "verdict": target.verdict} if said else None


@cache
def _checks() -> dict[str, tuple[table.Group, table.Check]]:
    """Return what -> a check that processes were timed for, and its group."""
    groups = table.load(targets.TABLE)
    return {c.what: (group, c) for group in groups for c in group.checks if not group.exact}


PER_CALL = {"read": "reading it once", "exp": "as many exp", "copy": "copying it"}


def _said(group: table.Group, check: table.Check, value: str, low: str, high: str) -> str:
    """Return in a sentence what a check's number means."""
    (own, *others), below = table.named(check.value.above), table.named(check.value.below)
    ends = f" ({low} to {high})"
    how, *arguments = group.calls[own]
    threads = "" if group.threads == "1" else f", {group.threads} threads"
    threads += f", {table.SETS[group.needs]}" if group.needs else ""
    tool = {name: _tool(name, group.calls[name]) for name in group.calls}
    if check.value.minus == "empty":
        return f"A call of {tool[own]} takes {value} ns{ends} more than an empty call{threads}."
    if how == "memory" or not below:
        return ""
    if how == "gpu_copy":
        other = below[0]
        return (f"{tool[other]} reaches {value} times{ends} the bandwidth of a copy on the GPU: "
                f"{_of(group.calls[other])}.")  # fmt: skip
    if how == "input":
        other = f"for {own.replace('_', ' ')} as for normal numbers"
        return f"{_tool(arguments[0], [])} takes {value} times{ends} as long {other}."
    if set(below) <= set(PER_CALL):
        than = " or ".join(PER_CALL[name] for name in below)
        longer = ", whichever takes longer" if below[1:] else ""
        return (f"{tool[own]} takes {value} times{ends} as long as {than}{longer}: "
                f"{_of(group.calls[own])}{threads}.")  # fmt: skip
    than = f"the fastest of {words.several([tool[own], *(tool[name] for name in others)])}"
    return (f"{tool[below[0]]} is {value} times{ends} as fast as {than if others else tool[own]}: "
            f"{_of(group.calls[below[0]])}{threads}.")  # fmt: skip


def _of(call: Sequence[Any]) -> str:
    """Return what a call is made for: kernel or function, size, dtype."""
    how, *arguments = call
    if how == "public":
        _, function, shape, axis, dtype, *weights = arguments
        sizes = " x ".join(f"{n:,}" for n in shape)
        along = f" along axis {axis}" if shape[1:] else ""
        besides = "".join(f" with {each}" for each in weights)
        return f"{function} of {sizes} {dtype} numbers{along}{besides}"
    if how != "backend":
        return ""
    _, method, dtype, size = arguments
    title = getattr(kernels.load(kernels.of(method)), "TITLE", method)
    return f"{title}, {words.size(str(size))} {dtype} numbers"


def _tool(name: str, call: Sequence[Any]) -> str:
    """Return what people call the tool that a call is of."""
    name = call[1] if call and call[0] in ("backend", "public") else name
    return families.title(name) if name in families.looks() else name
