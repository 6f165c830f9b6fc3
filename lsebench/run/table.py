"""The tables of ``claims`` and ``speed``: what is measured, what is said of it, and is it so?

A table is a TOML file: groups of calls, and checks of what was measured of them. ``each`` repeats a
group or a check for every combination of the lists in it; ``{name}`` stands for the value there.
"""

from __future__ import annotations

import re
import statistics
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import product
from pathlib import Path
from typing import Any

from . import noise

PROCESSES = 5
"""That measure a group. What they would have in the middle if there were any number of them lies
between the least and the greatest of five with a confidence of 94 %, whatever the distribution."""
ABOUT = 1.5
"""``about N`` holds within this factor, either way."""
FEW = f"no verdict: fewer than {PROCESSES} processes"
UNTOLD = "undecided: not told from equal"
NEVER = 1e9
"""In place of a size that is not among those measured."""
SETS = {"avx2": "AVX2", "avx512": "AVX-512"}
"""Instruction sets of `simd` -> what people call them; who has one has those before it."""
HELD = {
    "avx2": {
        "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL "
        "AVX512_ICL AVX512_SPR",  # the names of NumPy 2.4, and those before
        "ATEN_CPU_CAPABILITY": "avx2",
        "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
    }
}
"""Instruction set -> what holds the libraries to it that `simd` is compared with: NumPy (and so
SciPy), PyTorch and XLA (JAX)."""
Times = Mapping[str, float]
"""What one process has measured, by the name of the call; seconds, ulp or bytes."""


def named(calls: str | tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of one call, or several, or none."""
    return ((calls,) if calls else ()) if isinstance(calls, str) else calls


@dataclass(frozen=True)
class Value:
    """What is calculated of the times of a group."""

    above: str | tuple[str, ...]
    """Name of a call; of several the smallest."""
    below: str | tuple[str, ...] = ()
    """What it is divided by; of several the largest."""
    minus: str = ""
    """What is taken off first."""
    per: float = 1
    """The unit."""
    sizes: tuple[int, ...] = ()
    """The value is the size from which on the ratio is over 1; names end with ``" <size>"``."""

    def of(self, times: Times) -> float:
        """Return the value in one process."""
        if not self.sizes:
            return self._ratio(times, "")
        lost = [size for size in self.sizes if self._ratio(times, f" {size}") <= 1]
        return min((n for n in self.sizes if n > max(lost, default=0)), default=NEVER)

    def _ratio(self, times: Times, end: str) -> float:
        value = min(times[name + end] for name in named(self.above))
        value -= times[self.minus] if self.minus else 0
        return value / max((times[name + end] for name in named(self.below)), default=1) / self.per


@dataclass(frozen=True)
class Judged:
    """What was measured, and the verdict."""

    value: float
    """The median over the processes."""
    low: float | None
    """The least and the greatest of them; None where they are too few for an interval."""
    high: float | None
    verdict: str


@dataclass(frozen=True)
class Check:
    """One line of the table: a value, and the target it is compared with."""

    what: str
    target: str
    """``<= 1.2`` or ``>= 30``, with a unit where it is no ratio; ``about 5``; ``none``."""
    value: Value
    limit: str = ""
    """What else may stand in the way of the target, and the distance to that."""
    distance: Value | None = None
    source: str = ""
    """Of a claim; its target is what was said there, or what must be so for it to hold."""
    note: str = ""
    """What a reader must know to read the numbers."""
    quantity: str = ""
    """What the value counts: ``times as fast``, ``times as long``, ``ulp``, ``elements``. Where it
    is a number of times the noise of the machine is part of its interval."""

    def about(self) -> dict[str, Any]:
        """Return what is stored of a claim besides."""
        return {"source": self.source, "note": self.note} if self.source else {}

    def judge(
        self, runs: Sequence[Times], exact: bool = False, scatter: float | None = None
    ) -> Judged:
        """Compare what the processes have measured; there is a verdict where the interval allows.

        With `exact` all of them have the same, and one is enough. `scatter` is the machine's noise.
        """
        values = sorted(self.value.of(times) for times in runs)
        value = statistics.median(values)
        if len(values) < PROCESSES and not exact:
            return Judged(value, None, None, "" if self.target == "none" else FEW)
        low, high = values[0], values[-1]
        verdict = self.verdict(*self.reach(value, low, high, scatter))
        if verdict == "not met" and self.distance:
            distance = statistics.median(map(self.distance.of, runs))
            verdict = f"not met: {distance:.2f} x {self.limit}"
        return Judged(value, low, high, verdict)

    def reach(
        self, value: float, low: float, high: float, scatter: float | None
    ) -> tuple[float, float]:
        """Return the interval that is judged: with the noise, where the value is so many times."""
        if not self.quantity.startswith("times"):
            return low, high
        return noise.widened(value, low, high, scatter)

    def verdict(self, low: float, high: float) -> str:
        """Return what is so wherever in the interval the value lies."""
        if self.target == "none":
            return ""
        verdict = self._compared(low, high)
        equal = self.quantity.startswith("times") and low <= 1 <= high
        return UNTOLD if equal and verdict in ("holds", "undecided") else verdict

    def _compared(self, low: float, high: float) -> str:
        relation, text = self.target.split()[:2]
        bound = float(text)
        if relation == "about":
            return _about(bound, low, high)
        good, bad = ("holds", "does not hold") if self.source else ("met", "not met")
        if self.value.sizes and high >= NEVER:  # what is said begins somewhere
            return "undecided" if low < NEVER else bad
        if relation == "<=":
            return good if high <= bound else bad if low > bound else "undecided"
        return good if low >= bound else bad if high < bound else "undecided"


def _about(bound: float, low: float, high: float) -> str:
    if bound / ABOUT <= low and high <= bound * ABOUT:
        return "holds"
    if low <= bound * ABOUT and bound / ABOUT <= high:
        return "undecided"
    if (high < 1) if bound > 1 else (low > 1):
        return "does not hold: the other way round"
    return f"does not hold: {'more' if low > bound else 'less'} than said"


@dataclass(frozen=True)
class Group:
    """Calls that are timed in turn in one process, and what is said of them."""

    calls: dict[str, list[Any]]
    """Name -> how the process makes the call; see benchmarks/_process.py."""
    checks: tuple[Check, ...]
    threads: str = "1"
    exact: bool = False
    """What is measured is the same in every process."""
    needs: str = ""
    """The instruction set that `simd` uses, and at best the others; without it nothing is
    measured."""


def shown(value: float | None) -> str:
    """Return a value as text, in three digits."""
    if value is None:
        return ""
    return "never" if value >= NEVER else f"{value:.3g}" if value < 1e3 else f"{value:,.0f}"


def load(file: Path) -> list[Group]:
    """Return the groups of a table, in its order; what it says before them is true of every check.

    In a group ``backends`` are called with its ``method``, ``dtype`` and ``size``, ``libraries``
    with its ``function`` and ``shapes``; ``calls`` are what else is measured. With several dtypes,
    sizes or shapes the names of calls end with theirs. A check has the fields of a `Value` among
    its own; one with ``{shape}`` in it is there for each of them.
    """
    table = tomllib.loads(file.read_text("utf-8"))
    rows, shapes = table.pop("group"), table.pop("shapes", {})
    return [_group(table, shapes, **row) for several in rows for row in _each(several)]


def _group(
    shared: Mapping[str, Any],
    shapes_of: Mapping[str, Mapping[str, list[Any]]],
    /,
    check: list[dict[str, Any]],
    calls: Mapping[str, list[Any]] | None = None,
    backends: Sequence[str] = (),
    method: str = "logsumexp",
    dtype: str | list[str] = "float64",
    size: Any = None,
    libraries: Sequence[str] = (),
    function: str = "",
    shapes: str = "",
    **rest: Any,
) -> Group:
    made: dict[str, list[Any]] = {}
    for d, n, name in product(_list(dtype), _list(size), backends):
        ends = [str(end) for end, of in ((d, dtype), (n, size)) if isinstance(of, list)]
        made[" ".join([name, *ends])] = ["backend", name, method, d, n]
    for shape, name in product(shapes_of[shapes] if shapes else (), libraries):
        made[f"{name} {shape}"] = ["public", name, function, *shapes_of[shapes][shape]]
    if shapes:
        check = [_of_shapes(row, list(shapes_of[shapes])) for row in check]
    checks = (_check({**shared, **row}) for several in check for row in _each(several))
    return Group(made | dict(calls or {}), tuple(checks), **rest)


def _of_shapes(row: dict[str, Any], names: list[str]) -> dict[str, Any]:
    return {**row, "each": {"shape": names}} if "{shape}" in row["what"] else row


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _check(row: dict[str, Any]) -> Check:
    held_by = row.pop("held_by", None)
    if held_by:
        row |= {"limit": held_by.pop("what"), "distance": _value(held_by)}
    return Check(value=_value(row), **row)


def _value(row: dict[str, Any]) -> Value:
    """Take the fields of a value out of a row."""
    own: dict[str, Any] = {}
    for key in [one.name for one in fields(Value) if one.name in row]:
        value = row.pop(key)
        own[key] = tuple(value) if isinstance(value, list) else value
    return Value(**own)


def _each(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the row as often as its ``each`` says, a table or several."""
    several = row.get("each", {})
    rest = {key: value for key, value in row.items() if key != "each"}
    for table in several if isinstance(several, list) else [several]:
        lists = map(_list, table.values())
        for values in product(*lists):
            yield _filled(rest, dict(zip(table, values, strict=True)))


def _filled(node: Any, values: Mapping[str, Any]) -> Any:
    """Put values in the place of their names, as `str.format` does; by itself one stays a number.

    A group's are put into its checks, too, whose own names are left to them.
    """
    if isinstance(node, dict):
        return {key: _filled(value, values) for key, value in node.items()}
    if isinstance(node, list):
        return [_filled(value, values) for value in node]
    if not isinstance(node, str):
        return node
    if node[1:-1] in values and node == f"{{{node[1:-1]}}}":
        return values[node[1:-1]]
    return re.sub(
        r"\{(\w+)[^}]*\}", lambda m: m[0].format(**values) if m[1] in values else m[0], node
    )
