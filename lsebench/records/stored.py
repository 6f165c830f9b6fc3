"""What is stored of ours: a dataclass for each kind of record, its file, one reader, one appender.

A file has a line of JSON for each record. What cannot be read, half a line for instance, is left
out and named; it ends nothing. A field that has a default may be missing in what is read; what is
written has all of them. (asv takes every ``.json`` file in a machine's folder for a result.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Literal, NotRequired, Self, TypedDict, get_type_hints

from asv.console import log

from . import lines, shapes


@dataclass(frozen=True, kw_only=True)
class Record:
    """A line of a file. Times are text in ISO 8601, UTC."""

    FILE: ClassVar[str]
    """Its name in the folder of the machine; what begins with a dot lies beside a result."""
    KEYS: ClassVar[dict[str, str]] = {}
    """Field -> its key in JSON, where that is another word."""

    @classmethod
    def path(cls, place: Path) -> Path:
        """Return the file that belongs to a machine's folder, or to a file of results."""
        return place.with_suffix(cls.FILE) if cls.FILE.startswith(".") else place / cls.FILE

    @classmethod
    def read(cls, place: Path) -> list[Self]:
        """Return the records of `place`, oldest first; none where there is no file."""
        return [record for record in cls._all(place) if isinstance(record, cls)]

    @classmethod
    def last(cls, place: Path) -> Self | None:
        """Return the newest record, if there is one."""
        return next(reversed(cls.read(place)), None)

    @classmethod
    def of_machines(cls, results: Path) -> Iterator[tuple[str, list[Self]]]:
        """Yield machine and records, of each machine that has any."""
        for file in sorted(results.glob(f"*/{cls.FILE}")):
            if records := cls.read(file.parent):
                yield file.parent.name, records

    def append(self, place: Path) -> None:
        """Add the record to what `place` has; whole, whoever else does so at the same time."""
        lines.append(self.path(place), self.to_json())

    @classmethod
    def replace(cls, place: Path, records: Iterable[Record]) -> Path:
        """Write `records` as all that `place` has, all or none of them; return the file."""
        lines.replace(cls.path(place), [record.to_json() for record in records])
        return cls.path(place)

    @classmethod
    def first(cls) -> type[Record]:
        """Return what the first line of the file is."""
        return cls

    @classmethod
    @cache
    def shape(cls) -> shapes.Shape:
        """Return what a line has to look like."""
        hints = get_type_hints(cls)
        return {
            cls.KEYS.get(one.name, one.name)
            + "?" * (one.default is not MISSING or one.default_factory is not MISSING): shapes.of(
                hints[one.name]
            )
            for one in fields(cls)
        }

    @classmethod
    def unfit(cls, found: dict[str, Any] | None) -> str:
        """Return why a line that was parsed is no such record; "" where it is one."""
        if found is None:
            return "it is no record: cut off?"
        wrong = shapes.unfit(found, cls.shape())
        return f"it is not as we write it: {shapes.few(wrong)}" if wrong else ""

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> Self:
        """Return the record; keys that it has not are left out."""
        names = {cls.KEYS.get(one.name, one.name): one.name for one in fields(cls)}
        return cls(**{names[key]: value for key, value in found.items() if key in names})

    def to_json(self) -> dict[str, Any]:
        """Return what is written."""
        return {self.KEYS.get(one.name, one.name): getattr(self, one.name) for one in fields(self)}

    @classmethod
    def _all(cls, place: Path) -> Iterator[Record]:
        file, kind = cls.path(place), cls.first()
        text = file.read_text("utf-8", errors="replace") if file.exists() else ""
        for number, found in lines.numbered(text):
            if why := kind.unfit(found):
                log.warning(f"{file}, line {number}, is left out: {why}")
            else:
                yield kind.from_json(found or {})
            kind = cls


# -- what a result was measured with ---------------------------------------------------------------


class Gpu(TypedDict):
    """As its driver describes it, with clocks, memory and limits besides."""

    name: str
    driver_version: str


class Pool(TypedDict):
    """A thread pool, as threadpoolctl describes it."""

    internal_api: str


class Availability(TypedDict):
    """Whether a backend can be used; its version and more besides."""

    backend: str
    unavailable: str | None
    """Why it can't be."""


class Cache(TypedDict):
    """One of the caches of a CPU, as Linux describes it."""

    level: int
    kind: str
    """``Data``, ``Instruction`` or ``Unified``."""
    size: int
    """In bytes."""
    shared_by: int
    """How many CPUs it serves."""


class Context(TypedDict, total=False):
    """What the environment of a result really had, and some facts besides."""

    threads_setting: str
    """A number, or ``all``."""
    installed: dict[str, str]
    """Distribution -> version."""
    backends: list[Availability]
    python: str
    build: dict[str, str] | None
    """Of the compiled sources: compiler, flags, libraries."""
    gpus: list[Gpu]
    pools: list[Pool]
    cpu_features: dict[str, list[str]] | None
    """As NumPy tells them: ``baseline``, ``found``, ``not found``."""
    caches: list[Cache]
    """Of the first CPU; missing where its system tells none, and in what is older."""
    governor: str | None
    allocator: str | None


@dataclass(frozen=True, kw_only=True)
class State(Record):
    """A context, and since when it has been so."""

    FILE = ".context.jsonl"
    since: str = ""
    context: dict[str, Any]
    """A `Context`. Where one of its facts is spoiled the others stay true."""


# -- the tables of ``claims`` and ``speed`` --------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Facts(Record):
    """What a table was measured with: the first line of its file."""

    KEYS: ClassVar = {"unit_of_times": "unit of times"}
    commit: str
    date: str
    python: str
    installed: dict[str, str]
    build: dict[str, str] | None = None
    cpu_features: dict[str, list[str]] | None = None
    gpus: list[Gpu] | None = None
    unit_of_times: str = "seconds, or that of the target"


@dataclass(frozen=True, kw_only=True)
class Line(Record):
    """A line of a table. What is None is not written."""

    what: str
    target: str
    """``<= 1.2``, ``>= 30``, ``about 5``, with a unit where it is no ratio; ``none``."""
    source: str | None = None
    note: str | None = None
    measured: float | None = None
    """In the unit of the target, the median over processes; None where it was not measured."""
    low: float | None = None
    """The least and the greatest of them; None where they are too few for an interval."""
    high: float | None = None
    verdict: str
    times: dict[str, float] | None = None
    """Name of a call -> what was measured of it, in seconds, ulp or bytes."""

    @classmethod
    def first(cls) -> type[Record]:
        """Return what the first line of the file is."""
        return Facts

    @classmethod
    def tables(cls, results: Path) -> Iterator[tuple[str, Facts, list[Self]]]:
        """Yield machine, facts and lines, of each machine that has a table."""
        for file in sorted(results.glob(f"*/{cls.FILE}")):
            facts = next(cls._all(file.parent), None)
            if isinstance(facts, Facts):
                yield file.parent.name, facts, cls.read(file.parent)

    def to_json(self) -> dict[str, Any]:
        """Return what is written."""
        return {key: value for key, value in super().to_json().items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class Claim(Line):
    """What the sources claim."""

    FILE = "claims.jsonl"
    source: str
    note: str


@dataclass(frozen=True, kw_only=True)
class Target(Line):
    """What the fastest kernels should reach."""

    FILE = "speed.jsonl"


# -- the machine -----------------------------------------------------------------------------------


class Check(TypedDict):
    """One question about how a machine is tuned, and the answer."""

    name: str
    found: str
    state: Literal["bad", "unknown", "good"]
    why: str
    """It matters."""
    fix: str
    """The command that mends it."""


class Scatter(TypedDict):
    """Of code that never changes, as shares of its time."""

    within: float
    """One process."""
    between: float
    """Processes."""
    paired: NotRequired[float]
    """The ratios of two processes in turn."""
    beside: NotRequired[float]
    """The same while another such pair runs on another core; only where a third core is free."""
    visible: NotRequired[float]
    """The smallest change that the gate finds in four of five runs."""


class Noise(TypedDict):
    """The noise floor, and how it was measured."""

    kernels: dict[str, Scatter]


@dataclass(frozen=True, kw_only=True)
class Tuning(Record):
    """How a machine was tuned, and how much noise it had."""

    FILE = "tuning.jsonl"
    checked: str
    machine: str = ""
    kernel: str = ""
    """Release of the operating system's."""
    checks: list[Check]
    noise: Noise


@dataclass(frozen=True, kw_only=True)
class Night(Record):
    """How far a nightly run is; one without an outcome that is hours old was killed."""

    FILE = "heartbeat.jsonl"
    started: str
    updated: str
    process: int = 0
    stage: str
    outcome: str | None
    seconds: int = 0
    """Since the start."""
    failed: list[str]
    notes: list[str] = field(default_factory=list)


# -- slowdowns -------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Incident(Record):
    """A step up in the history that was measured again and confirmed."""

    FILE = "incidents.jsonl"
    benchmark: str
    parameters: list[str]
    environment: str
    before: str
    """The last commit at the old level, in full."""
    after: str
    ratio: float | None
    """The new level over the old; its 95 % interval is None where only the history shows it."""
    low: float | None
    high: float | None
    cause: str
    """``code``, ``library`` or ``machine``."""
    confirmed: str
    verdict: dict[str, Any] = field(default_factory=dict)
    """Figures of the gate's row."""


@dataclass(frozen=True, kw_only=True)
class MeasuredPair(Record):
    """What a pair of processes of the gate has measured; kept in the folder of the comparison."""

    FILE = "pairs.jsonl"
    row: str
    """Benchmark, parameters and environment."""
    stage: str
    ruler: str
    """Hash of all that measures."""
    base: float | None
    """Seconds, or the benchmark's value."""
    head: float | None
    ratio: float | None
    mean: float | None = None
    """Head over base: of the means over the turns, and of the slowest tenth's fastest."""
    tail: float | None = None
    states: dict[str, str]
    """Side -> why it has no value."""


class JudgedRow(TypedDict):
    """A timed benchmark in a run of the gate."""

    name: str
    """Benchmark and parameters."""
    seconds: float
    """A call of the base's."""
    verdict: str
    screen: list[list[float]]
    """Head over base of each pair: of the median of the turns, their mean, their slowest tenth."""
    confirm: list[list[float]]


@dataclass(frozen=True, kw_only=True)
class PowerRun(Record):
    """A run of the gate on a change of known effect."""

    FILE = "gate-power.jsonl"
    case: str
    place: str
    """The backend that was slowed down, if one was."""
    rows: list[JudgedRow]
    """What was measured."""
    minutes: float
    limit: float
    """Minutes that it was given."""
    ruler: str
    """Hash of what decides which pairs are measured, and how they scatter."""
    commit: str
    date: str


def published(file: str) -> type[Record] | None:
    """Return what the lines are of a file that the pages show; None for other files."""
    if file.endswith(State.FILE):
        return State
    kinds: tuple[type[Record], ...] = (Tuning, Night, Incident, Claim, Target)
    return next((kind for kind in kinds if file == kind.FILE), None)
