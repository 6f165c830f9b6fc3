"""The machines: what each is, how it is tuned, how much noise it has, when it last reported.

``make machine`` stores its answers, ``make nightly`` how far it is; the newest of each is shown.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lsebench.machine.frozen_calls import NAMES as FROZEN
from lsebench.records import asv_files
from lsebench.records.checked import LeftOut
from lsebench.records.stored import Night, Tuning
from lsebench.run import noise as noise_of

from .raw import THREADS
from .results import MAIN, Run, Series, Value, day, newest

UNKNOWN = "unknown"
FEW_SAMPLES = "none: too few samples"
KINDS = {
    "pinned": "pinned versions",
    "here": "the libraries it had",
    "source": "a Python from source",
}
SETTINGS = {"1": "one thread", "all": "all cores"}
COMPARISONS = {
    "EmptyCall": "an empty call",
    "Read": "reading an array once",
    "Exp": "exp of each number",
    "Copy": "copying an array",
    "GpuCopy": "copying an array on the GPU",
}
"""Suites of `limits`, whose code is always the same: what changes in them is the machine."""
GPU = {
    "driver_version": "driver",
    "memory.total": "memory",
    "clocks.sm": "clock of the processors when asked",
    "clocks.max.sm": "at most",
    "clocks.mem": "clock of the memory when asked",
    "clocks.max.mem": "at most",
    "power.limit": "limit of the power",
    "temperature.gpu": "temperature (°C)",
}

FEW = 5
"""Places in one file that are listed; how many there are besides is said."""

Facts = list[tuple[str, str]]


def tables(
    runs: Mapping[Run, Series], graphs: Any, folder: Path, left_out: Iterable[LeftOut] = ()
) -> list[dict[str, Any]]:
    """Return what the page says of each machine that has a description or a result.

    Parameters
    ----------
    runs : mapping
        As :func:`lsebench.site.rows.results.collect` returns it.
    graphs : asv.graph.GraphSet
        For the spread over commits.
    folder : Path
        The results folder, in which asv has described each machine.
    left_out : iterable of LeftOut
        What is stored there, too, and is not published.
    """
    out: dict[str, list[LeftOut]] = {}
    for one in left_out:
        out.setdefault(one.machine, []).append(one)
    described = {found["machine"]: found for found in asv_files.descriptions(folder)}
    names = sorted({*described, *(run.machine for run in runs), *out})
    return [
        _machine(
            name,
            described.get(name, {}),
            {run: series for run, series in runs.items() if run.machine == name},
            graphs,
        )
        | {
            "check": check(Tuning.last(folder / name)),
            "night": night(Night.last(folder / name)),
            "left_out": kinds(out.get(name, [])),
        }
        for name in names
    ]


def kinds(left_out: Iterable[LeftOut]) -> list[dict[str, Any]]:
    """Return what is left out by reason and file; of many places in a file the first few."""
    found: dict[tuple[str, str], list[str]] = {}
    for one in left_out:
        found.setdefault((one.why, one.file), []).append(one.what)
    return [
        {"why": why, "file": file, "count": len(places), "places": list(filter(None, places))[:FEW]}
        for (why, file), places in sorted(found.items())
    ]


def marks(described: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return what all pages say of each machine that has measured.

    That is when it last did, seconds since 1970, and what its newest check has found bad: None
    where it never was checked.
    """
    return {
        found["name"]: {
            "reported": found["reported"],
            "bad": found["check"]["bad"] if found["check"] else None,
        }
        for found in described
        if found["reported"]
    }


def check(found: Tuning | None) -> dict[str, Any] | None:
    """Return what the newest check of a machine says, the bad first; None where there is none."""
    if found is None:
        return None
    order = ["bad", "unknown", "good"]
    kernels = found.noise["kernels"]
    return {
        "day": found.checked[:10],
        "bad": [row["name"] for row in found.checks if row["state"] == "bad"],
        "rows": sorted(found.checks, key=lambda row: order.index(row["state"])),
        "noise": [
            {
                "what": FROZEN.get(name, name),
                "within": _percent(kernel["within"]),
                "between": _percent(kernel["between"]),
                # Checks of before have none.
                "paired": _percent(kernel["paired"]) if "paired" in kernel else "",
                "visible": f"{100 * kernel['visible']:.2g} %" if "visible" in kernel else "",
            }
            for name, kernel in kernels.items()
        ],
    }


def night(found: Night | None) -> str:
    """Return how the newest nightly run went; nothing where there was none."""
    if found is None:
        return ""
    start, last = (time[:16].replace("T", " ") for time in (found.started, found.updated))
    if not found.outcome:
        return f"of {start} (UTC) has not ended; at {last} it was at: {found.stage}"
    said = "; ".join([*found.failed, *found.notes])
    return f"of {start} (UTC): {found.outcome}" + (f" ({said})" if said else "")


def _machine(
    name: str, described: Mapping[str, str], runs: Mapping[Run, Series], graphs: Any
) -> dict[str, Any]:
    latest = sorted(newest(runs).items(), key=lambda item: (item[0].kind != MAIN, item[0]))
    last = max((series.reported() for series in runs.values()), default=0.0)
    newest_one = max(runs.values(), key=Series.reported, default=None)
    context = newest_one.context if newest_one else {}
    return {
        "name": name,
        "reported": last,
        "day": day(last) if last else "",
        "results": sum(len(series.commits) for series in runs.values()),
        "environments": len(runs),
        "commits": len({commit for series in runs.values() for commit in series.commits}),
        "described": description(described),
        "tuned": tuning(context, [series.context for _, series in latest]),
        "caches": caches(runs.values()),
        "gpus": _gpus(runs),
        "between": between(newest_one.noise if newest_one else None),
        "noise": [row for run, series in latest for row in noise(run, series, graphs)],
        "runs": [_run(run, series) for run, series in sorted(runs.items(), key=_newest_first)],
        "installed": sorted(context.get("installed", {}).items(), key=lambda item: item[0].lower()),
    }


def caches(series: Iterable[Series]) -> list[dict[str, str]]:
    """Return level, kind, size and sharing of each cache, as last noted; none where they are not.

    Older results, and those of other systems than Linux, have none.
    """
    contexts = (one.context for one in sorted(series, key=Series.reported, reverse=True))
    known: list[dict[str, Any]] = next(
        (found["caches"] for found in contexts if found.get("caches")), []
    )
    return [
        {
            "level": f"L{one['level']}",
            "kind": {"Unified": "data and instructions"}.get(one["kind"], one["kind"].lower()),
            "size": in_bytes(one["size"]),
            "shared": "one CPU" if one["shared_by"] == 1 else f"{one['shared_by']} CPUs",
        }
        for one in known
    ]


def in_bytes(count: int) -> str:
    """Return a size in memory for people: ``48 KiB``."""
    return f"{count / 2**20:.3g} MiB" if count >= 2**20 else f"{count / 2**10:.3g} KiB"


def between(noise: float | None) -> dict[str, Any]:
    """Return what the pages take for the scatter between processes, and what that makes of it.

    It is that of the times that were measured last: see `noise.near`.
    """
    taken = noise_of.ASSUMED if noise is None else noise
    return {
        "measured": noise is not None,
        "noise": f"{100 * taken:.2g} %",
        "interval": _percent(noise_of.NORMAL_99 * taken),
    }


def _newest_first(item: tuple[Run, Series]) -> tuple[Any, ...]:
    return -item[1].reported(), item[0]


def description(found: Mapping[str, str]) -> Facts:
    """Return what asv has noted of a machine."""
    memory = found.get("ram", "")
    if memory.isdigit():
        memory = f"{int(memory) / 2**30:.3g} GiB"
    facts = {
        "processor": found.get("cpu"),
        "cores": found.get("num_cpu"),
        "memory": memory,
        "architecture": found.get("arch"),
        "system": found.get("os"),
    }
    return [(word, value or UNKNOWN) for word, value in facts.items()]


def tuning(context: Mapping[str, Any], others: Iterable[Mapping[str, Any]]) -> Facts:
    """Return what was really there when it last measured, and the thread pools of each setting."""
    features = context.get("cpu_features") or {}
    build = context.get("build") or {}
    # The governor is asked for with all the rest: where it is null, the system has told none.
    governor = context.get("governor", UNKNOWN) or f"{UNKNOWN}: the system tells none"
    compiler = " ".join(filter(None, (build.get("compiler"), build.get("flags"))))
    facts = [
        ("vector instructions", " ".join(_of(features, "baseline") + _of(features, "found"))),
        ("not among them", " ".join(_of(features, "not found"))),
        ("frequency governor", governor),
        ("compiled by", compiler),
        ("malloc", context.get("allocator", "")),
        ("Python", context.get("python", "")),
    ]
    for other in others:
        if "pools" in other:
            threads = str(other.get("threads_setting", "1"))
            word = f"thread pools, {SETTINGS.get(threads, threads)}"
            facts.append((word, _pools(other["pools"])))
    if not any(word.startswith("thread pools") for word, _ in facts):
        facts.append(("thread pools", ""))
    return [(word, value or UNKNOWN) for word, value in dict(facts).items()]


def _of(features: Mapping[str, Any], which: str) -> list[str]:
    return list(features.get(which, []))


def _pools(pools: Iterable[Mapping[str, Any]]) -> str:
    texts = []
    for pool in pools:
        count = pool.get("num_threads") or 0
        kind = f" for {pool['architecture']}" if pool.get("architecture") else ""
        name = f"{pool['internal_api']} {pool.get('version') or ''}".strip()
        texts.append(f"{name}{kind}: {count} thread{'' if count == 1 else 's'}")
    return "; ".join(dict.fromkeys(texts)) or "none"


def _gpus(runs: Mapping[Run, Series]) -> list[dict[str, Any]] | None:
    """Return name and facts of each GPU when one was last seen; None where nothing is stored."""
    contexts = [
        s.context for s in sorted(runs.values(), key=Series.reported, reverse=True) if s.context
    ]
    if not contexts:
        return None
    seen: list[dict[str, str]] = next((c["gpus"] for c in contexts if c.get("gpus")), [])
    return [
        {
            "name": gpu["name"],
            "facts": "; ".join(f"{word} {gpu.get(key) or UNKNOWN}" for key, word in GPU.items()),
        }
        for gpu in seen
    ]


def noise(run: Run, series: Series, graphs: Any) -> list[dict[str, str]]:
    """Return a row for each comparison: its interval as pages show it, and noise over commits."""
    rows = []
    for suite, what in COMPARISONS.items():
        name = f"limits.{suite}.track_time"
        if not any(value.value for value in series.values.get(name, {}).values()):
            continue
        widths = half_widths(series.values[name].values())
        row = {
            "run": ", ".join(
                (SETTINGS.get(run.threads, run.threads), KINDS.get(run.kind, run.kind))
            ),
            "what": what,
            "interval": _percent(statistics.median(widths)) if widths else FEW_SAMPLES,
            "spread": "",
        }
        if suite == "EmptyCall":
            row["spread"] = _spread(levels(graphs, name, run))
        rows.append(row)
    return rows


def half_widths(values: Iterable[Value]) -> list[float]:
    """Return half of each 99 % interval over the median, of those that have an interval."""
    return [
        (v.high - v.low) / 2 / v.value
        for v in values
        if v.value and v.high is not None and v.low is not None
    ]


def levels(graphs: Any, benchmark: str, run: Run) -> list[float]:
    """Return the values of one benchmark over commits, of the run's environment with most."""
    found: list[list[float]] = [[]]
    for graph in graphs.get_graph_group(benchmark):
        if graph.params.get("machine") == run.machine and (
            graph.params.get(THREADS) or "1",
            graph.params.get("python"),
        ) == (run.threads, run.python):
            found.append([v for _, v, _ in graph.get_data() if v is not None and v == v])
    return max(found, key=len)


def spread(values: list[float]) -> float | None:
    """Return half of the range of the middle 90 %, over the median; None of fewer than two."""
    if len(values) < 2:
        return None
    parts = statistics.quantiles(values, n=20, method="inclusive")
    return (parts[-1] - parts[0]) / 2 / statistics.median(values)


def _spread(values: list[float]) -> str:
    found = spread(values)
    if found is None:
        return f"{UNKNOWN}: it takes two commits"
    return f"{_percent(found)} over {len(values)} commits"


def _percent(share: float) -> str:
    return f"± {100 * share:.2g} %"


def _run(run: Run, series: Series) -> dict[str, Any]:
    return {
        "kind": KINDS.get(run.kind, run.kind),
        "threads": SETTINGS.get(run.threads, run.threads),
        "python": run.python,
        "versions": ", ".join(f"{name} {version}" for name, version in run.versions),
        "commits": len(series.commits),
        "newest": series.newest,
        "day": day(series.reported()),
    }
