"""Ways in which what is stored of a machine can be spoiled, for tests of what is published of it.

Each is a function of the machine's folder, which holds one result of one commit.
"""

import json
import math
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ALL, ROW, SOME, ONE, NOTHING = "all", "row", "some", "one", "nothing"
"""Of the numbers lost: those of the file, of the benchmark, of a size in it, one, none."""
NAME = "warm.Logsumexp.track_time"
DEEP = "[" * 100_000
BIG = "9" * 5000


@dataclass(frozen=True)
class Spoiled:
    """One way, what is said of it, and what it costs."""

    spoil: Callable[[Path], object]
    said: str
    lost: str = NOTHING


def stored(folder, end=".json"):
    """Return the result file of a machine's folder, or what is stored beside it."""
    return next(file for file in folder.glob(f"*-py*{end}") if "copy" not in file.name)


def changed(change, end=".json", name=""):
    """Return what changes the JSON of a file; of one of lines the last line."""

    def spoil(folder):
        file = folder / name if name else stored(folder, end)
        *before, last = (
            file.read_text().splitlines() if ".jsonl" in file.name else [file.read_text()]
        )
        found = json.loads(last)
        text = json.dumps(found if (new := change(found)) is None else new)
        file.write_text("\n".join([*before, text]))

    return spoil


def put(*path, to, end=".json", name=""):
    """Return what replaces one node of the JSON of a file."""

    def change(found):
        *way, last = path
        for step in way:
            found = found[step]
        found[last] = to

    return changed(change, end, name)


def without(*path, name=""):
    """Return what takes one node out of the JSON of a file."""

    def change(found):
        *way, last = path
        for step in way:
            found = found[step]
        del found[last]

    return changed(change, name=name)


def column(of, to):
    """Return what replaces a column of one benchmark, or with `to` a function, changes it."""

    def change(found):
        row = found["results"][NAME]
        place = found["result_columns"].index(of)
        row += [None] * (place + 1 - len(row))
        row[place] = to(row[place]) if callable(to) else to

    return changed(change)


def first(of, to):
    """Return what replaces the first value of a column that is one."""

    def change(values):
        place = next(n for n, v in enumerate(values) if v is not None and v == v)
        return [*values[:place], to, *values[place + 1 :]]

    return column(of, change)


def text(content, name="", end=".json"):
    """Return what replaces a whole file."""

    def spoil(folder):
        file = folder / name if name else stored(folder, end)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())

    return spoil


def half(folder):
    file = stored(folder)
    file.write_text(file.read_text()[: file.stat().st_size // 2])


def in_place_of(make, name=""):
    """Return what puts something else where a file was, by itself that of the results."""

    def spoil(folder):
        file = folder / name if name else stored(folder)
        file.unlink(missing_ok=True)
        make(file)

    return spoil


def copied(folder):
    shutil.copy(stored(folder), stored(folder).with_name("copy of " + stored(folder).name))


def record(name, *lines):
    """Return what stores lines as one of our own files."""
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    return text("\n".join(texts), name)


def noise(within):
    return {"kernels": {"loop": {"within": within, "between": 0.02}}}


SWAP = {"name": "swap", "state": "good", "found": "none", "why": "", "fix": ""}
CHECK = {"checked": "2026-11-21T22:00:00+00:00", "checks": [SWAP], "noise": noise(0.01)}
NIGHT = {
    "started": "2026-11-21T22:00:00", "updated": "2026-11-21T23:00:00", "stage": "end",
    "outcome": "done", "failed": [],
}  # fmt: skip
INCIDENT = {
    "benchmark": NAME, "parameters": ["'numpy'", "'float64'", "10"], "environment": "e",
    "before": "a" * 40, "after": "b" * 40, "ratio": 1.5, "low": 1.4, "high": 1.6, "cause": "code",
    "confirmed": "2026-11-21T22:00:00+00:00",
}  # fmt: skip
FACTS = {
    "commit": "a" * 40, "date": "2026-11-21", "python": "3.11", "installed": {"numpy": "2.4.6"},
    "gpus": None,
}  # fmt: skip
CLAIM = {
    "what": "w", "source": "s", "target": "none", "note": "", "measured": 1.0, "verdict": "holds",
}  # fmt: skip
TARGET = {
    "what": "simd against scipy, 1e+06", "target": ">= 30", "verdict": "met", "measured": 31.0,
    "low": 30.5, "high": 32.0,
}  # fmt: skip

NO_NUMBER, LITTLE = "it is no number", "nothing takes so little"
INTERVAL, ASV, OURS = "it is no interval", "it is not as asv writes it", "it is not as we write it"
WAYS = {
    # values
    **{
        f"value {word}": Spoiled(first("result", value), NO_NUMBER, ONE)
        for word, value in {
            "inf": math.inf, "minus inf": -math.inf, "text": "fast", "digits": "1.0", "list": [1.0],
            "mapping": {"a": 1}, "true": True, "false": False, "huge": 10**400, "large": 1e308,
        }.items()
    },
    "value negative": Spoiled(first("result", -1.0), LITTLE, ONE),
    "value zero": Spoiled(first("result", 0), LITTLE, ONE),
    "value denormal": Spoiled(first("result", 5e-324), LITTLE, ONE),
    "value nan": Spoiled(first("result", math.nan), "", ONE),
    "value failed": Spoiled(first("result", None), "", ONE),
    # intervals
    **{
        f"interval {word}": Spoiled(first("stats_ci_99_a", value), INTERVAL)
        for word, value in {
            "text": "a", "true": True, "nan": math.nan, "huge": 10**400, "list": [], "above": 1e9,
            "1e308": -1e308, "denormal": 5e-324,
        }.items()
    },
    "interval infinite": Spoiled(first("stats_ci_99_a", -math.inf), ""),
    "intervals fewer": Spoiled(column("stats_ci_99_b", [1.0]), "it has not one interval"),
    "intervals a number": Spoiled(column("stats_ci_99_b", 7), "it has not one interval"),
    "samples fewer": Spoiled(column("stats_repeat", [9]), "it has not one number of samples"),
    "samples counted in text": Spoiled(
        column("stats_repeat", "many"), "it has not one number of samples"
    ),
    "samples text": Spoiled(column("samples", ["a", "b"]), ""),
    "number text": Spoiled(column("stats_number", "many"), ""),
    "profile a list": Spoiled(column("profile", [{}]), ""),
    "duration text": Spoiled(column("duration", "long"), ""),
    "started at text": Spoiled(column("started_at", "now"), "it is no time of measurement"),
    "started too late": Spoiled(column("started_at", 1e18), "it is no time of measurement"),
    # columns
    "values fewer": Spoiled(column("result", [1.0]), "it has not one value", ROW),
    "values a number": Spoiled(column("result", 1.0), "it has not one value", ROW),
    "params fewer": Spoiled(column("params", [["'numpy'"]]), "its parameters are not", ROW),
    "params text": Spoiled(column("params", "numpy"), "its parameters are not", ROW),
    "params numbers": Spoiled(column("params", lambda p: [*p[:2], [10]]), "its parameters", ROW),
    "params endless": Spoiled(
        column("params", lambda p: [["a"] * 2000] * 3), "it has not one value", ROW
    ),
    "params null": Spoiled(column("params", None), "its parameters are not", ROW),
    "another size": Spoiled(
        column("params", lambda p: [*p[:2], ["'abc'", *p[2][1:]]]),
        "its parameters are no longer",
        SOME,
    ),
    "another version": Spoiled(column("version", "0"), "it is of another version", ROW),
    "version a list": Spoiled(column("version", []), "it is of another version", ROW),
    "row a mapping": Spoiled(put("results", NAME, to={}), ASV, ROW),
    "row null": Spoiled(put("results", NAME, to=None), ASV, ROW),
    "row empty": Spoiled(put("results", NAME, to=[]), "its parameters", ROW),
    "benchmark gone": Spoiled(
        changed(lambda d: d["results"].update(gone=d["results"].pop(NAME))),
        "it is no longer in",
        ROW,
    ),
    # files
    "a list": Spoiled(text("[1]"), "it is no JSON as asv", ALL),
    "a number": Spoiled(text("1"), "it is no JSON as asv", ALL),
    "empty": Spoiled(text(""), "it is no JSON as asv", ALL),
    "half": Spoiled(half, "it is no JSON as asv", ALL),
    "deep": Spoiled(text(DEEP), "it is no JSON as asv", ALL),
    "digits": Spoiled(text(BIG), "it is no JSON as asv", ALL),
    "no UTF-8": Spoiled(text(b'{"a": "\xff"}'), "it is no text in UTF-8", ALL),
    "half a character": Spoiled(put("python", to="\ud800"), "it is no JSON as asv", ALL),
    "a folder": Spoiled(in_place_of(Path.mkdir), "it is not there, or no file", ALL),
    "a pipe": Spoiled(in_place_of(os.mkfifo), "it is not there, or no file", ALL),
    "a link to nothing": Spoiled(
        in_place_of(lambda file: file.symlink_to("nothing")), "it is not there, or no file", ALL
    ),
    "a link to itself": Spoiled(
        in_place_of(lambda file: file.symlink_to(file.name)), "it is not there, or no file", ALL
    ),
    "a copy": Spoiled(copied, "a copy?"),
    "other files": Spoiled(
        lambda folder: [(folder / n).write_bytes(b"\xff{") for n in ("a.txt", "b.jsonl", ".c")], ""
    ),
    "any.json": Spoiled(text("{}", "any.json"), ASV),
    **{
        f"file {key} {word}": Spoiled(put(key, to=value), ASV, ALL)
        for key, word, value in (
            ("version", "old", 1), ("version", "new", 3), ("version", "text", "2"),
            ("commit_hash", "short", "abc"), ("commit_hash", "option", "--all"),
            ("commit_hash", "null", None), ("date", "null", None), ("date", "text", "today"),
            ("date", "negative", -1), ("date", "far", 31557600000000000), ("date", "inf", math.inf),
            ("env_name", "null", None), ("env_name", "number", 3), ("python", "list", []),
            ("python", "null", None), ("requirements", "list", ["numpy"]),
            ("requirements", "null", None), ("requirements", "of null", {"numpy": None}),
            ("params", "null", None), ("params", "empty", {}), ("env_vars", "list", []),
            ("env_vars", "numbers", {"LSEKERNELS_THREADS": 1}), ("durations", "list", []),
            ("results", "list", []), ("results", "null", None), ("result_columns", "null", None),
            ("result_columns", "other", ["result", "other"]),
        )
    },
    "params long": Spoiled(put("params", "numpy", to="x" * 300), ASV, ALL),
    "params of list": Spoiled(put("params", "numpy", to=[]), ASV, ALL),
    "of another machine": Spoiled(put("params", "machine", to="else"), "it is of another", ALL),
    "of another commit": Spoiled(put("commit_hash", to="c" * 40), "a copy?", ALL),
    **{f"no {key}": Spoiled(without(key), ASV, ALL) for key in
       ("version", "commit_hash", "date", "env_name", "python", "params", "requirements", "results",
        "result_columns")},
    "no env_vars": Spoiled(without("env_vars"), ""),
    # the machine
    "machine missing": Spoiled(lambda f: (f / "machine.json").unlink(), "it is not there"),
    "machine half": Spoiled(text('{"machine', "machine.json"), "it is no JSON as asv"),
    "machine a list": Spoiled(text("[]", "machine.json"), "it is no JSON as asv"),
    "machine nameless": Spoiled(without("machine", name="machine.json"), ASV),
    "machine other name": Spoiled(put("machine", to="x", name="machine.json"), ASV),
    "machine number": Spoiled(put("num_cpu", to=2, name="machine.json"), "it is no text"),
    "machine ram": Spoiled(put("ram", to=[1], name="machine.json"), "it is no text"),
    "machine new": Spoiled(put("version", to=2, name="machine.json"), ASV),
    # the context
    **{
        f"context {key} {word}": Spoiled(put("context", key, to=value, end=".context.jsonl"), OURS)
        for key, word, value in (
            ("installed", "null", None), ("installed", "numbers", {"numpy": 2}),
            ("backends", "null", None), ("backends", "texts", ["x"]), ("backends", "empty", [{}]),
            ("python", "number", 3.11), ("build", "numbers", {"compiler": 12}),
            ("gpus", "null", None), ("gpus", "nameless", [{}]),
            ("pools", "null", None), ("pools", "empty", [{}]),
            ("cpu_features", "text", "AVX"), ("governor", "number", 1), ("allocator", "list", []),
            ("threads_setting", "number", 1), ("caches", "null", None), ("caches", "texts", ["L1"]),
            ("caches", "half", [{"level": 1}]),
        )
    },
    "context null": Spoiled(put("context", to=None, end=".context.jsonl"), OURS),
    "context half": Spoiled(text('{"context": {"inst', end=".context.jsonl"), "it is no record"),
    "context no UTF-8": Spoiled(text(b"\xff\xfe", end=".context.jsonl"), "it is no record"),
    # what else is ours
    **{
        f"{name} {word}": Spoiled(record(name, *lines), said)
        for name, word, lines, said in (
            ("tuning.jsonl", "empty", ({},), OURS),
            ("tuning.jsonl", "half", ('{"checked',), "it is no record"),
            ("tuning.jsonl", "state", (CHECK, {**CHECK, "checks": [{**SWAP, "state": "x"}]}), OURS),
            ("tuning.jsonl", "noise", (CHECK, {**CHECK, "noise": noise(math.nan)}), OURS),
            ("tuning.jsonl", "noise null", (CHECK, {**CHECK, "noise": None}), OURS),
            ("heartbeat.jsonl", "null", ({**NIGHT, "updated": None},), OURS),
            ("heartbeat.jsonl", "notes", ({**NIGHT, "notes": None},), OURS),
            ("heartbeat.jsonl", "failed", ({**NIGHT, "failed": [1]},), OURS),
            ("heartbeat.jsonl", "number", ("3", NIGHT), "it is no record"),
            ("incidents.jsonl", "inf", (INCIDENT, {**INCIDENT, "ratio": math.inf}), OURS),
            ("incidents.jsonl", "text", ({**INCIDENT, "ratio": "much"},), OURS),
            ("incidents.jsonl", "short", ({"benchmark": NAME},), OURS),
            ("incidents.jsonl", "list", ({**INCIDENT, "benchmark": []},), OURS),
            ("incidents.jsonl", "parameters", ({**INCIDENT, "parameters": [10]},), OURS),
            ("claims.jsonl", "facts", ({}, CLAIM), "its first line"),
            ("claims.jsonl", "no facts", (CLAIM, CLAIM), "its first line"),
            ("claims.jsonl", "half facts", ('{"commit', CLAIM), "its first line"),
            ("claims.jsonl", "text", (FACTS, {**CLAIM, "measured": "2"}, CLAIM), OURS),
            ("claims.jsonl", "inf", (FACTS, {**CLAIM, "measured": math.inf}, CLAIM), OURS),
            ("claims.jsonl", "verdict", (FACTS, {**CLAIM, "verdict": None}, CLAIM), OURS),
            ("speed.jsonl", "no facts", (TARGET, TARGET), "its first line"),
            ("speed.jsonl", "text", (FACTS, {**TARGET, "low": "2"}, TARGET), OURS),
            ("speed.jsonl", "date", ({**FACTS, "date": None}, TARGET), "its first line"),
            ("claims.jsonl", "half", (FACTS, CLAIM, '{"what'), "it is no record"),
        )
    },
    "claims.jsonl a folder": Spoiled(in_place_of(Path.mkdir, "claims.jsonl"), "it is not there"),
    "tuning.jsonl a link": Spoiled(
        in_place_of(lambda file: file.symlink_to("nothing"), "tuning.jsonl"), "it is not there"
    ),
}  # fmt: skip
"""Name -> the way. What is said is found among the reasons; nothing is said where it is ""."""
