"""What is fit to be published of the stored results, and why the rest is not.

Anything may lie in ``results/``: half a file, a copy, a time of "fast". asv ends at most of that
with an error, and draws the rest. So asv and our pages read a copy that has been looked through.
In it a number that is none is n/a, and what has not its shape is not there. The publication prints
how much of each kind is left out, and the machine's section of machines.html has all of it.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from asv.benchmarks import Benchmarks
from asv.console import log
from asv.machine import Machine
from asv.results import Results, get_filename
from asv.util import UserError

from . import lines, shapes, stored
from .asv_files import BENCHMARKS, MACHINE
from .shapes import LEAST, MOST, few, fits, moment, number, settings, unfit

MOST_VALUES = 1_000_000
"""Of one benchmark in one file."""

BENCHMARK = {
    "name": lambda found: fits(found, str) and re.fullmatch(r"[\w]+\.\w+\.\w+", found, re.ASCII),
    "params": [[str]],
    "param_names": [str],
    "unit": str,
    "version": str,
    "pretty_name?": str,
}
INTERVAL = ("stats_ci_99_a", "stats_ci_99_b")
SAMPLES = "stats_repeat"
USED = ("result", "params", "version", "started_at", *INTERVAL, SAMPLES)
"""Columns that publishing has a use for; without the others it loads faster."""
COLUMNS = (
    *(*USED, "duration", "samples", "profile"),
    *(f"stats_{name}" for name in ("q_25", "q_75", "number")),
)
RESULT = {
    "version": Results.api_version,
    "commit_hash": lambda found: fits(found, str) and re.fullmatch("[0-9a-f]{40,64}", found),
    "env_name": str,
    "date": moment,
    "python": str,
    "params": lambda found: settings(found) and fits(found, {"machine": str, "python": str}),
    "requirements": {str: str},
    "env_vars?": lambda found: settings(found) and fits(found, {str: str}),
    "durations?": {},
    "result_columns": [COLUMNS],
    "results": {},
}
CONTEXT = shapes.of(stored.Context)


@dataclass(frozen=True)
class LeftOut:
    """One thing that is stored and not published."""

    machine: str
    """The name of its folder."""
    file: str
    what: str
    """Of the file; "" where it is all."""
    why: str


class Unfit(Exception):
    """Why something is left out."""


def copy(results: Path, clean: Path) -> list[LeftOut]:
    """Copy what is fit to be published into the new folder `clean`; return what is left out.

    Raises
    ------
    asv.util.UserError
        Where the list of benchmarks is none: no number has a meaning without it.
    """
    try:
        listed, damaged = _benchmarks(results / BENCHMARKS)
    except Unfit as why:
        hint = "`asv run --bench just-discover` makes it anew"
        raise UserError(f"{results / BENCHMARKS}: {why}\n{hint}") from None
    clean.mkdir(parents=True)
    _write(clean / BENCHMARKS, {**listed, "version": Benchmarks.api_version})
    left = []
    for source in sorted(results.iterdir()):
        if source.is_dir():
            folder = _Folder(source, clean / source.name, listed, damaged)
            folder.copy()
            left += folder.left
    return left


def strangers(results: Iterable[Any], repo: Any) -> list[LeftOut]:
    """Return what has no place in the history: results of commits that the repository lacks."""
    results = list(results)
    known = repo.get_revisions({result.commit_hash for result in results})
    return [
        LeftOut(result.params["machine"], Path(result._filename).name, "", "git lacks its commit")
        for result in results
        if result.commit_hash not in known
    ]


def warn(left: Iterable[LeftOut]) -> None:
    """Print how much is left out of each machine, a line for each kind."""
    for (machine, why), count in Counter((one.machine, one.why) for one in left).items():
        log.warning(f"{machine}: {count} left out, see machines.html: {why}")


def _load(file: Path) -> dict[str, Any]:
    found = lines.parse(_text(file))
    if found is None:
        raise Unfit("it is no JSON as asv writes it: cut off?")
    return found


def _text(file: Path, errors: str = "strict") -> str:
    try:
        if not file.is_file():  # a pipe would never end
            raise Unfit("it is not there, or no file")
        return file.read_text("utf-8", errors)
    except OSError as error:
        raise Unfit(f"it cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Unfit("it is no text in UTF-8") from None


def _write(file: Path, found: Mapping[str, Any]) -> None:
    file.write_text(json.dumps(found), "utf-8")


def _benchmarks(file: Path) -> tuple[dict[str, Any], set[str]]:
    """Return the benchmarks that are described as asv does it, and the names of the others."""
    found = _load(file)
    version = found.pop("version", None)
    if version != Benchmarks.api_version:
        raise Unfit(f"its format is {version!r}, that of this asv {Benchmarks.api_version}")
    listed = {
        name: benchmark
        for name, benchmark in found.items()
        if fits(benchmark, BENCHMARK)
        and benchmark["name"] == name
        and len(benchmark["params"]) == len(benchmark["param_names"])
    }
    return listed, set(found) - set(listed)


@dataclass
class _Folder:
    """The folder of one machine."""

    source: Path
    target: Path
    benchmarks: Mapping[str, Any]
    damaged: set[str]
    """Names of benchmarks whose description is of no use."""
    left: list[LeftOut] = field(default_factory=list)

    def note(self, file: str, why: object, what: str = "") -> None:
        """Write down what is left out; the name of a file need be no text."""
        texts = (self.source.name, file, what, str(why))
        self.left.append(LeftOut(*(t.encode(errors="replace").decode() for t in texts)))

    def copy(self) -> None:
        """Copy what is fit, file by file."""
        try:
            if not settings({"machine": self.source.name}):
                raise Unfit("its name is too long")
            files = sorted(self.source.iterdir())
        except UnicodeEncodeError:
            return self.note("", "its name is no text in UTF-8")
        except OSError as error:
            return self.note("", f"it cannot be read: {error.strerror}")
        except Unfit as why:
            return self.note("", why)
        self.target.mkdir()
        machine = self.source / MACHINE
        results = {f for f in files if (f.suffix == ".json" or f.is_dir()) and f != machine}
        if results or machine in files:
            _write(self.target / MACHINE, self.machine(machine))
        for file in files:
            try:
                if file in results:
                    _write(self.target / file.name, self.result(file))
                elif kind := stored.published(file.name):
                    lines.replace(self.target / file.name, self.records(file, kind))
            except Unfit as why:
                self.note(file.name, why)
        return None

    def machine(self, file: Path) -> dict[str, Any]:
        """Return what is fit of the description; without one asv would look at no result."""
        known = {"machine": self.source.name, "version": Machine.api_version}
        try:
            found = _load(file)
            if wrong := unfit(found, known):
                raise Unfit(f"it is not as asv writes it: {few(wrong)}")
        except Unfit as why:
            self.note(file.name, why)
            return known
        for key in unfit(found, {**known, str: str}):
            self.note(file.name, "it is no text", f"{key}: {_short(found.pop(key))}")
        return found

    def result(self, file: Path) -> dict[str, Any]:
        """Return what is fit of a result file."""
        found = _load(file)
        if wrong := unfit(found, RESULT):
            raise Unfit(f"it is not as asv writes it: {few(wrong)}")
        if (machine := found["params"]["machine"]) != self.source.name:
            raise Unfit(f"it is of another machine: {machine}")
        if file.name != Path(get_filename("", found["commit_hash"], found["env_name"])).name:
            raise Unfit("asv names a file of its commit and environment otherwise: a copy?")
        rows = {}
        for name, row in found["results"].items():
            try:
                rows[name] = self.row(file.name, name, found["result_columns"], row)
            except Unfit as why:
                self.note(file.name, why, name)
        return {**found, "result_columns": USED, "results": rows}

    def row(self, file: str, name: str, columns: list[str], stored: Any) -> list[Any]:
        """Return what is fit of one benchmark's columns."""
        if name in self.damaged:
            raise Unfit("its description in benchmarks.json is of no use")
        if name not in self.benchmarks:
            raise Unfit("it is no longer in benchmarks.json")
        if not fits(stored, list):
            raise Unfit("it is not as asv writes it")
        listed = self.benchmarks[name]
        row: dict[str, Any] = dict(zip(columns, stored, strict=False))
        if row.get("version") not in (None, listed["version"]):
            raise Unfit("it is of another version of the benchmark")
        params, values = row.setdefault("params", []), row.get("result")
        if not fits(params, [[str]]) or len(params) != len(listed["params"]):
            raise Unfit("its parameters are not those of benchmarks.json")
        count = math.prod(map(len, params))
        if values is None and count <= MOST_VALUES:  # all have failed
            values = [None] * count
        if not isinstance(values, list) or len(values) != count:
            raise Unfit("it has not one value for each combination of its parameters")
        self.numbers(file, name, row, values)
        return [row.get(column) for column in USED]

    def numbers(self, file: str, name: str, row: dict[str, Any], values: list[Any]) -> None:
        """Take out of the columns of a benchmark what is no number that means something."""

        def note(why: str, found: Any, key: tuple[str, ...] = ()) -> None:
            self.note(file, why, f"{name}({', '.join(key)}): {_short(found)}")

        if not fits(row.get("started_at"), (moment, None)):
            note("it is no time of measurement", row.pop("started_at"))
        for column in INTERVAL:
            ends = row.get(column) or [None] * len(values)
            if not isinstance(ends, list) or len(ends) != len(values):
                note("it has not one interval for each value", ends)
                ends = [None] * len(values)
            row[column] = ends
        counts = row.get(SAMPLES) or [None] * len(values)
        if not fits(counts, [(number, None)]) or len(counts) != len(values):
            note("it has not one number of samples for each value", counts)
            counts = [None] * len(values)
        row[SAMPLES] = counts
        row["result"] = values
        lows, highs = (row[column] for column in INTERVAL)
        listed = self.benchmarks[name]
        unknown = _unknown(listed, row["params"])
        for place, key in enumerate(product(*row["params"])):
            value, interval = values[place], (lows[place], highs[place])
            if any(map(set.__contains__, unknown, key)):
                why = "its parameters are no longer in benchmarks.json"
            else:
                why = _no_value(value, listed["unit"])
            if why:
                note(why, value, key)
                values[place] = value = math.nan
            if interval != (None, None) and not _is_interval(*interval, value):
                note("it is no interval around its value", interval, key)
                lows[place] = highs[place] = None

    def records(self, file: Path, kind: type[stored.Record]) -> list[dict[str, Any]]:
        """Return the records of one of our own files that have their shape."""
        first = kind.first()
        kept: list[dict[str, Any]] = []
        for place, record in lines.numbered(_text(file, "replace")):
            what = f"line {place}"
            if why := (kind if kept else first).unfit(record):
                self.note(file.name, why, what)
            elif record is not None:
                kept.append(record)
                # Of a state the rest stays true: without it an older one would be the newest.
                for key in unfit(record["context"], CONTEXT) if kind is stored.State else []:
                    self.note(file.name, f"it is not as we write it: {key}", what)
                    del record["context"][key]
            if not kept and first is not kind:
                raise Unfit("its first line, which says of what the others are, is not fit")
        return kept


def _unknown(listed: Mapping[str, Any], params: list[list[str]]) -> list[set[str]]:
    """Return for each parameter the values of which a page knows no place on its axes.

    Backends come and go, and are shown by their names.
    """
    return [
        set() if name == "backend" else set(own) - set(today)
        for name, today, own in zip(listed["param_names"], listed["params"], params, strict=True)
    ]


def _no_value(found: Any, unit: str) -> str:
    """Return why it is no value; "" where it is one, or where asv says that there is none."""
    if found is None or found != found:  # it has failed, or it is n/a
        return ""
    if not number(found):
        return f"it is no number up to {MOST:g}"
    if found < 0 or (unit == "seconds" and found < LEAST):
        return "nothing takes so little"
    return ""


def _is_interval(low: Any, high: Any, value: Any) -> bool:
    """Return whether both are ends of an interval around `value`, as far as there are any."""
    if not _is_end(low) or not _is_end(high):
        return False
    if low is None or high is None or value is None or value != value:
        return True
    rounding = 1e-4 * value  # asv stores five digits
    return bool(low - rounding <= value <= high + rounding)


def _is_end(found: Any) -> bool:
    """Return whether it may be the end of an interval; of too few samples it is infinite."""
    if found in (None, math.inf, -math.inf, 0):
        return found is not False
    return number(found) and abs(found) >= LEAST  # asv divides by the width


def _short(found: Any) -> str:
    text = json.dumps(found)
    return text if len(text) <= 40 else f"{text[:40]}\N{HORIZONTAL ELLIPSIS}"
