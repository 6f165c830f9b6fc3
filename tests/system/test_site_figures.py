"""Figures and marks of the pages, computed again from the result files by code of their own."""

import json
import math
import random
import re
from collections import Counter
from datetime import datetime
from itertools import product
from typing import NamedTuple

import pytest
from packaging.version import Version
from playwright.sync_api import expect

from .browser import matrix

UNITS = {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1.0}


class Stored(NamedTuple):
    """A number of a result file, its interval, and what it was measured with."""

    machine: str
    kind: str
    threads: str
    python: str
    versions: dict[str, str]
    commit: str
    suite: str
    key: tuple[str, ...]
    value: float | None
    low: float | None
    high: float | None


def checks(folder):
    """Return machine -> (when it was checked, what its processes differ by), the oldest first."""
    found = {}
    for file in folder.glob("*/tuning.jsonl"):
        for line in map(json.loads, file.read_text().splitlines()):
            when = datetime.fromisoformat(line["checked"]).timestamp()
            scatter = max(kernel["between"] for kernel in line["noise"]["kernels"].values())
            found.setdefault(file.parent.name, []).append((when, scatter))
    return found


def noise(checked, when):
    """Return what the check nearest to `when` says, or the newest; 5 % where nobody has checked."""
    if not checked:
        return 0.05
    return min(reversed(checked), key=lambda one: abs(one[0] - when) if when else 0)[1]


def widened(value, low, high, scatter):
    """Return an interval with what the processes of the machine differ by, in quadrature."""
    between = 2.576 * scatter * value
    below = math.hypot(max(0.0, value - low), between)
    above = math.hypot(max(0.0, high - value), between)
    return max(0.0, value - below), value + above


def numbers(folder):
    """Yield all that is stored of today's suites, by the date of the commit."""
    known = checks(folder)
    version = {
        name: suite["version"]
        for name, suite in json.loads((folder / "benchmarks.json").read_text()).items()
        if isinstance(suite, dict)
    }
    results = [json.loads(file.read_text()) for file in folder.glob("*/*-py3*.json")]
    for result in sorted(results, key=lambda result: result["date"]):
        machine = result["params"]["machine"]
        about = (
            machine, result["env_name"].split("-")[0], result["env_vars"]["LSEKERNELS_THREADS"],
            result["python"], result["requirements"], result["commit_hash"],
        )  # fmt: skip
        for name, row in result["results"].items():
            row = dict(zip(result["result_columns"], row, strict=False))
            if row.get("version") != version.get(name):
                continue
            scatter = noise(known.get(machine), (row.get("started_at") or 0) / 1000)
            for i, key in enumerate(product(*row["params"])):
                value = row["result"][i] if row["result"] else None
                if value is not None and value != value:
                    continue  # not asked for
                ends = None, None
                if value and row.get("stats_repeat") and (row["stats_repeat"][i] or 0) >= 5:
                    low, high = row["stats_ci_99_a"][i], row["stats_ci_99_b"][i]
                    if low is not None and math.isfinite(high - low):
                        ends = widened(value, low, high, scatter)
                yield Stored(*about, name, tuple(k.strip("'") for k in key), value, *ends)


def stored(folder):
    """Return (machine, threads, suite, parameters) -> time, low, high, of the newest libraries.

    The newest commit that has a value gives it, as for every page.
    """
    found = {}
    for one in numbers(folder):
        if one.kind != "pinned" or one.value is None:
            continue
        numpy = Version(one.versions["numpy"])
        there = found.setdefault((one.machine, one.threads), {})
        known = there.get((one.suite, one.key))
        if known is None or numpy >= known[3]:
            there[one.suite, one.key] = (one.value, one.low, one.high, numpy)
    newest = {}
    for run, rows in found.items():
        last = max(row[3] for row in rows.values())
        newest[run] = {key: row[:3] for key, row in rows.items() if row[3] == last}
    return newest


def seconds(text):
    value, unit = text.split()
    return float(value) * UNITS[unit]


def suite(kernel):
    return "".join(word.capitalize() for word in kernel.split("_"))


def timed(rows, kernel, dtype):
    """Return (tool, size) -> time, low, high, of a kernel's warm calls."""
    name = f"warm.{suite(kernel)}.track_time"
    return {
        (key[0], key[2]): row for (of, key), row in rows.items() if of == name and key[1] == dtype
    }


def told_apart(a, b):
    if a[1] is None or b[1] is None:
        return False
    return a[1] > b[2] or b[1] > a[2]


@pytest.mark.parametrize("site", ["own", "synthetic"])
def test_matrix(visit, sites, root, site):
    folder = root / "results" if site == "own" else sites.parent / site / "results"
    runs = stored(folder)
    page = visit(f"{site}/index.html")
    home = page.evaluate("Site.data.home")
    shown = [
        (run["machine"], run["threads"], kernel, dtype)
        for run in home["runs"]
        if run["kind"] == "pinned"
        for kernel, times in run["times"].items()
        for dtype in sorted({dtype for tool in times["settled"].values() for dtype in tool})
    ]
    assert shown
    figures = []
    for state in shown:
        asked = dict(zip(("machine", "threads", "kernel", "dtype"), state, strict=True))
        more = {"data": "own", "unfold": "all", "n": "1000"}
        page.evaluate("state => { location.hash = Site.address('', state); }", asked | more)
        for field, value in asked.items():
            expect(page.locator(f"#{field}")).to_have_value(value)
        machine, threads, kernel, dtype = state
        rows = [row for row in matrix(page) if row["timed"]]
        # With all cores, what was not measured so does what it does with one thread.
        measured = runs.get((machine, "1"), {}) | runs[machine, threads]
        true = timed(measured, kernel, dtype)
        tools = Counter(size for _, size in true)  # a size of few has a column where it is N
        true = {
            key: row
            for key, row in true.items()
            if key[1] == "1000" or 4 * tools[key[1]] >= max(tools.values())
        }
        assert {(row["tool"], row["size"]) for row in rows} == set(true)
        forms, unsafe = home["kernels"][kernel]["tasks"], home["kernels"][kernel]["unsafe"]

        def group(tool, forms=forms):
            form = tool.partition(":")[2]
            return next((task for task, some in forms.items() if form in some), "")

        for row in rows:
            time = true[row["tool"], row["size"]]
            figures.append((row["text"], time[0]))
            rivals = [
                other
                for (tool, size), other in true.items()
                if size == row["size"] and group(tool) == group(row["tool"])
                and tool.partition(":")[2] not in unsafe
            ]  # fmt: skip
            least = min(rivals)
            if row["tool"].partition(":")[2] in unsafe or time[1] is None or least[1] is None:
                assert row["grade"] == "", row
            elif not told_apart(time, least):
                assert row["grade"] == "grade-0", row
            else:
                assert row["grade"] in ("grade-1", "grade-2", "grade-3", "grade-4"), row
                assert row["ratio"] == pytest.approx(time[0] / least[0], rel=6e-3)
    for text, true in random.Random(7).sample(figures, min(50, len(figures))):
        assert seconds(text) == pytest.approx(true, rel=6e-3)


@pytest.mark.parametrize("site", ["own", "synthetic"])
def test_answer_names_what_nothing_installable_is_told_to_beat(visit, sites, root, site):
    folder = root / "results" if site == "own" else sites.parent / site / "results"
    runs = stored(folder)
    page = visit(f"{site}/index.html#data=own")
    backends = page.evaluate("Site.data.home.backends")
    ours = [name for name, backend in backends.items() if backend["ours"]]
    names = {name: backend["title"] for name, backend in backends.items()}
    machine = page.input_value("#machine")
    sizes = page.locator("#matrix thead button").all_inner_texts()
    for size in sizes:
        page.fill("#n", size)
        true = {
            tool: row
            for (tool, of), row in timed(runs[machine, "1"], "logsumexp", "float64").items()
            if of == size.replace(",", "") and tool not in ours
        }
        least = min(true.values())
        best = {tool for tool, row in true.items() if not told_apart(row, least) and row[1]}
        said = page.inner_text("#answer .answer")
        longest_first = sorted(true, key=lambda tool: -len(names[tool]))
        top = next(tool for tool in longest_first if said.startswith(f"{names[tool]} "))
        assert top in best, (size, said)
        assert ("numpy" in best) == (top == "numpy"), "of those that nothing tells apart, NumPy"
        rest = re.search(r"Not told apart from it: (.*)\.", page.inner_text("#answer"))
        assert (rest is not None) == (len(best) > 1)
        if rest:
            others = best - {top}
            told = [tool for tool in others if names[tool] in rest[1]]
            assert len(told) >= min(3, len(others))
            assert len(others) <= 3 or f"{len(others) - 3} more" in rest[1]
