"""What a finding is: a sentence made from results, its chart, its numbers and where they are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from lsebench.site.families import described, featured
from lsebench.site.rows import words
from lsebench.site.rows.history import file_name
from lsebench.site.rows.results import MAIN, Row, Run, Series, day, newest, usual_first

KERNEL, DTYPE = "logsumexp", "float64"
WARM = "warm.Logsumexp.track_time"


@dataclass(frozen=True)
class Chart:
    """A chart of charts/findings.py and its rows."""

    name: str
    rows: list[dict[str, Any]]
    titles: Mapping[str, str]
    """Axis -> what is on it."""
    said: Sequence[str]
    """All marks in words, for who does not see them."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """What the chart's function is called with."""


@dataclass(frozen=True)
class Found:
    """What was found on one machine."""

    place: str
    """The machine, and the kind of environment where that is not the usual one."""
    date: str
    libraries: Sequence[str]
    sentence: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    """The table of its numbers, as text."""
    kind: str = MAIN
    """Of environment."""
    since: float = 0.0
    """When the machine first reported."""
    more: Sequence[str] = ()
    """Further sentences."""
    chart: Chart | None = None
    """None where the intervals do not tell what the finding is about."""
    links: Sequence[tuple[str, str, Mapping[str, str]]] = ()
    """Where the numbers are: words, page, state in its address."""

    @property
    def where(self) -> str:
        """Where and when it was measured, in words."""
        return f"{self.place}, {self.date}"

    @property
    def order(self) -> tuple[Any, ...]:
        """What sorts machines: that of all pages, with those behind that have nothing to draw."""
        run = {"kind": self.kind, "threads": "1", "since": self.since, "machine": self.place}
        return self.chart is None, *usual_first(run, len(self.rows))


@dataclass(frozen=True)
class Finding:
    """A question that results answer, on each machine that has the data."""

    id: str
    """Of its page and its pictures: it stays."""
    title: str
    about: str
    """What is compared, and how the chart is read."""
    missing: str
    """What is not measured where nothing is found, and how to measure it."""
    sources: Sequence[tuple[str, str]] = ()
    """Words and address of what others have written about it."""
    machines: Sequence[Found] = ()

    def on(self, found: Sequence[Found | None]) -> Finding:
        """Return it with what was found on machines, the one with most first: see `usual_first`."""
        there = sorted((one for one in found if one), key=lambda one: one.order)
        return replace(self, machines=there)

    @property
    def first(self) -> Found | None:
        """What was found on the machine with most."""
        return self.machines[0] if self.machines else None

    @property
    def sentence(self) -> str:
        """What it says first."""
        return self.first.sentence if self.first else self.missing

    @property
    def chart(self) -> Chart | None:
        """The chart of the machine with most."""
        return self.first.chart if self.first else None

    def alt(self, found: Found) -> str:
        """Return the chart of a machine in words."""
        said = found.chart.said if found.chart else []
        return f"{self.title}: {found.sentence} {found.where}. {'; '.join(said)}."

    def address(self, found: Found) -> str:
        """Return the page of what was found on a machine, which stays that with more machines."""
        return address(f"findings/{self.id}.html", {"machine": found.place})

    def picture(self, found: Found) -> str:
        """Return the name of the chart of a machine, in the folder of findings, without its end."""
        return file_name(found.place, self.id)


def address(page: str, state: Mapping[str, str]) -> str:
    """Return a page with a state in its address, as ``Site.address`` does."""
    return f"{page}#{urlencode(state)}"


def single(runs: Mapping[Run, Series]) -> Iterator[tuple[Run, Series]]:
    """Yield the newest run of each machine with one thread."""
    return ((run, series) for run, series in newest(runs).items() if run.threads == "1")


def origin(run: Run, series: Series) -> dict[str, Any]:
    """Return where and when a run was measured, and with what."""
    return {
        "place": run.place,
        "kind": run.kind,
        "since": series.since,
        "date": day(series.reported()),
        "libraries": [f"Python {run.python}", *(f"{k} {v}" for k, v in run.versions)],
    }


def warm(series: Series, tool: str, size: str) -> Row | None:
    """Return the time of one warm call on float64 in a settled heap, where it was measured."""
    return value(series, WARM, (tool, DTYPE, size))


def value(series: Series, benchmark: str, key: tuple[str, ...]) -> Row | None:
    """Return a value with its interval; None where there is none, or it failed."""
    found = series.values.get(benchmark, {}).get(key)
    return found.row() if found and found.value is not None else None


def drawn(row: Row) -> dict[str, float | None]:
    """Return a value and its interval for a logarithmic axis, which has no 0 and no end."""
    value, low, high = row[:3]
    whole = low is not None and high is not None and low > 0 and math.isfinite(high)
    return {"value": value, "low": low if whole else None, "high": high if whole else None}


def known(tools: Iterable[str]) -> list[str]:
    """Return the tools that most people know, what they have already before compilers.

    They are the plain ones of those that pages show first; all where there are none.
    """
    all_of_them = list(tools)
    order = {"no": 0, "jit": 1, "ahead": 2}
    plain = [
        t for t in featured() if t in all_of_them and "_" not in t and not described(t)["ours"]
    ]
    return sorted(plain, key=lambda tool: order[described(tool)["compiled"]]) or all_of_them


def colour(tool: str) -> str:
    """Return the colour of a tool's library."""
    return str(described(tool.partition(":")[0])["colour"])


def numbers(size: str) -> str:
    """Return how many numbers a call is given, ``100,000 numbers``."""
    return f"{words.size(size)} numbers"


def times(found: Row) -> str:
    """Return a ratio: ``7.1`` and the sign."""
    return f"{words.digits(found[0] or 0.0)}{words.TIMES}"


def much(found: Row) -> str:
    """Return a ratio in a sentence, in two digits: more are rarely told."""
    return f"{float(f'{found[0] or 0.0:.2g}'):,.12g}"


def seconds(found: Row | None) -> str:
    """Return a time, or that there is none."""
    return "not measured" if found is None or found[0] is None else words.seconds(found[0])


def between(found: Row | None, unit: str = "seconds") -> str:
    """Return an interval in words."""
    if found is None or found[0] is None:
        return ""
    if found[1] is None or found[2] is None:
        return "too few samples"
    if unit == "seconds":
        return f"{words.seconds(found[1])} to {words.seconds(found[2])}"
    return words.span(found[1], found[2])


def job(place: str, size: str, **others: str) -> dict[str, str]:
    """Return the state of the front page that has a number."""
    return {
        "kernel": KERNEL,
        "n": size,
        "dtype": DTYPE,
        "calls": "1000",
        "process": "warm",
        "heap": "settled",
        "data": "numpy",
        "machine": place,
        "threads": "1",
        **others,
    }
