"""What the gate says: progress, a table, a comment for a pull request, numbers for programs."""

from __future__ import annotations

import argparse
import json
import math
import shlex
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from lsebench.cli import BAD, FAILED, NOTHING, columns, in_words, progress

from . import statistics
from .rows import TAIL, TAILS
from .side_by_side import SIDES, Key

if TYPE_CHECKING:
    from .builds import NotBuilt
    from .rows import Row, State

ORDER = ("slower", "grown", "faster", "undecided", "same")
BROKEN = "failed", "n/a"
"""Findings that only the head has."""
COLUMNS = ("base", "head", "ratio", "interval")
MOST = 10
"""Undecided benchmarks that the terminal shows, those that differ most."""
MEMORY = "bytes", "pages", "page faults"
"""Units whose growth is one of memory, not of an error."""
IDENTICAL = "the same (identical code)"
NEVER = "never reached"
LAYOUT = "perhaps by layout: it runs the same instructions, which lie elsewhere"
"""What is true of the binary, and need not be of the change: no verdict on that."""
NO_LIMIT = 10
"""Ratio from which on the smallest visible change is none."""
Found = dict[str, Any]


class Progress:
    """A line for the terminal that changes in place; elsewhere one line a minute."""

    def __init__(self, minutes: float) -> None:
        self._start, self._minutes, self._said = time.monotonic(), minutes, 0.0
        self._in_place = sys.stderr.isatty()

    def show(self, verdicts: Mapping[str, str], deadline: float) -> None:
        """Show how many benchmarks are decided, and how much time is left at most."""
        now = time.monotonic()
        if now - self._said < (0.5 if self._in_place else 60):
            return
        self._said = now
        count = Counter(verdicts.values())
        left = max(0.0, deadline - now) / 60
        decided = sum(n for verdict, n in count.items() if verdict not in ("open", "suspect"))
        line = (
            f"{(now - self._start) / 60:4.1f} min, at most {left:.1f} left: "
            f"{decided} of {len(verdicts)} decided, {count['suspect']} suspected"
        )
        progress(line, lines=True)

    def end(self) -> None:
        """Leave the line."""
        if self._in_place:
            print(file=sys.stderr)


def collect(
    state: State,
    commits: Mapping[str, str],
    options: argparse.Namespace,
    building: float,
    measuring: float,
) -> Found:
    """Return all that is known, ready for JSON."""
    verdicts, typical = state.verdicts(), state.typical()
    suspects = sum(bool(row.ratios("confirm")) for row in state.rows)
    rows, others, findings = [], [], []
    for built in {row.built.name: row.built for row in state.rows}.values():
        findings += [
            {"kind": "environment", "what": built.name, "reason": change}
            for change in built.changed()
        ]
    for row in state.rows:
        finding = _finding(row)
        if finding:
            findings.append(finding)
        if row.states() and not (row.values("base") and row.values("head")):
            kind = finding["kind"] if finding else "no value"
            others.append(_facts(row) | {"outcome": _no_value(row), "kind": kind})
            continue
        rows.append(_row(row, verdicts[row.name], options, typical, suspects))
        if rows[-1]["verdict"] == "grown":
            kind = "memory" if row.key.unit in MEMORY else "error"
            reason = f"{_value(rows[-1], 'base')} -> {_value(rows[-1], 'head')} {row.key.unit}"
            findings.append({"kind": kind, "what": str(row.key), "reason": reason})
        reason = rows[-1]["outcome"]
        if reason.endswith(LAYOUT):
            findings.append({"kind": "layout", "what": str(row.key), "reason": reason})
        elif verdicts[row.name] == TAIL:
            findings.append({"kind": "slow tail", "what": str(row.key), "reason": reason})
    rows.sort(key=lambda r: (ORDER.index(r["verdict"]), -abs(math.log(r["ratio"] or 1))))
    found = {
        **commits,
        "machine": options.machine,
        "minutes": round(measuring / 60, 2),
        "minutes building": round(building / 60, 2),
        "min effect": options.min_effect / 100,
        "rate": statistics.RATE,
        "command": _command(commits, options),
        "bench": options.bench,
        "profile": options.profile,
        "rows": rows,
        "others": others,
        "findings": findings,
        "absent": sum(row.nowhere() for row in state.rows),
    }
    return found | {"exit code": exit_code(found)}


def _command(commits: Mapping[str, str], options: argparse.Namespace) -> str:
    """Return the command that measures the same again."""
    given = [f"--bench={bench}" for bench in options.bench or ()]
    given += [f"--profile={options.profile}"] * (options.profile != "quick" and not given)
    given += ["--same-environments"] * options.same_environments
    for name, value in (("minutes", 10), ("min_effect", 2), ("min_growth", 10)):
        if getattr(options, name) != value:
            given.append(f"--{name.replace('_', '-')}={getattr(options, name):g}")
    command = f"make gate BASE={commits['base'][:12]} HEAD={commits['head'][:12]}"
    if given:
        # Read by make, then by the shell.
        command += f" GATE_OPTIONS={shlex.quote(shlex.join(given).replace('$', '$$'))}"
    return command


def _facts(row: Row) -> Found:
    return {
        "benchmark": row.key.name,
        "parameters": list(row.key.parameters),
        "environment": row.built.name,
        "unit": row.key.unit,
    }


def _row(
    row: Row, verdict: str, options: argparse.Namespace, typical: float | None, suspects: int
) -> Found:
    base, head = row.values("base"), row.values("head")
    least = options.min_effect / 100
    facts = _facts(row) | {
        "base": sorted(base)[len(base) // 2] if base else None,
        "head": sorted(head)[len(head) // 2] if head else None,
        "pairs": len(base),
    }
    # What was chosen for looking different does not count in how different it is.
    confirmed = row.ratios("confirm")
    ratios = confirmed or row.ratios("screen")
    if row.key.unit == "seconds" and len(ratios) > 1:
        e = statistics.estimate(ratios) if confirmed else statistics.screened(ratios, typical)
        chance = statistics.alone(suspects) if confirmed else statistics.SUSPECT
        low, high = map(math.exp, e.interval())
        smallest = e.smallest(least, chance)  # of two pairs, beyond what numbers hold
        facts |= {
            "ratio": math.exp(e.mean), "low": low, "high": high, "scatter": math.expm1(e.scatter),
            "smallest": math.exp(smallest) if smallest < math.log(NO_LIMIT) else None,
            "confirmed": bool(confirmed),
        }  # fmt: skip
    else:
        ratio = facts["head"] / facts["base"] if facts["base"] else None
        facts |= {"ratio": ratio, "low": None, "high": None, "scatter": None, "smallest": None}
    for what in TAILS:
        tails = row.ratios("confirm" if confirmed else "screen", what)
        facts[what] = math.exp(statistics.estimate(tails).mean) if tails else None
    final = verdict if verdict in ORDER else "slower" if verdict == TAIL else "undecided"
    outcome = _outcome(row, verdict, final, facts, least)
    if final in ("slower", "faster") and row.only_moved():
        final, outcome = "undecided", f"{outcome}, {LAYOUT}"
    return facts | {"verdict": final, "outcome": outcome}


def _outcome(row: Row, verdict: str, final: str, facts: Found, least: float) -> str:
    """Return what became of a benchmark, with the reason where it is no plain verdict."""
    if row.identical:
        return IDENTICAL
    if verdict == TAIL:
        mean, tail, median = (facts[what] for what in (*TAILS, "ratio"))
        known = "the same" if abs(median - 1) < least else f"{median:.3g} times"
        return f"median {known}, mean {mean:.2g} times, slowest tenth {tail:.2g} times"
    if verdict == "no value":
        return _no_value(row)
    if not any(row.pairs.values()):
        return NEVER
    if verdict == "undecided":
        needed = statistics.estimate(row.ratios("confirm")).needed(least)
        return f"undecided: too noisy, it would take {needed} pairs or more"
    return final


def _no_value(row: Row) -> str:
    """Return why a benchmark has no value, on which side."""
    found = {side: next((s[side] for s in row.states() if side in s), "") for side in SIDES}
    kinds = {side: _kind(state) for side, state in found.items() if state}
    reason = (found["head"] or found["base"]).partition(": ")[2]
    if len(kinds) == len(SIDES) and len(set(kinds.values())) == 1:
        return f"{kinds['head']} on both: {reason}"
    return f"{', '.join(f'{kind} on {side}' for side, kind in kinds.items())}: {reason}"


def _kind(state: str) -> str:
    if state.startswith("failed: no answer within"):
        return "timed out"
    return "not here" if state.startswith("absent") else "failed"


def _finding(row: Row) -> Found | None:
    """Return what changed in whether there is a value, if anything."""
    states = row.states()
    base, head = ([s.get(side, "") for s in states] for side in SIDES)
    what = {"what": str(row.key)}
    if len(states) < 2:  # one alone may be chance
        once = any(head) and not any(base) and head[0].startswith("failed")
        return {"kind": "failed once", **what, "reason": _no_value(row)} if once else None
    if all(head) and not any(base):
        kind, _, reason = head[-1].partition(": ")
        return {"kind": "n/a" if kind == "absent" else "failed", **what, "reason": reason}
    if all(base) and not any(head):
        return {"kind": "new", **what, "reason": "a value on the head only"}
    if any(s.startswith("failed") for s in head) and all(base):
        return {"kind": "fails on both", **what, "reason": head[-1].partition(": ")[2]}
    return None


def exit_code(found: Found) -> int:
    """Return 1 if something is slower, grew, or fails on the head only, 3 if nothing is known."""
    if _broken(found) or any(row["verdict"] in ("slower", "grown") for row in found["rows"]):
        return BAD
    return 0 if found["rows"] and not _no_answer(found) else NOTHING


def _broken(found: Found) -> int:
    return sum(f["kind"] in BROKEN for f in found["findings"])


def _no_answer(found: Found) -> bool:
    """Return whether all that was to be measured is undecided."""
    measured = {row["verdict"] for row in found["rows"] if row["outcome"] != IDENTICAL}
    return measured == {"undecided"}


def summary(found: Found) -> str:
    """Return the verdict in a sentence."""
    count = Counter(row["verdict"] for row in found["rows"])
    broken = _broken(found)
    if not found["rows"] and not found["others"]:
        return "Nothing was measured."
    outcomes = Counter(row["outcome"] for row in found["rows"])
    words = {
        "slower": "slower", "grown": "with a larger error or more memory", "faster": "faster",
        "undecided": "undecided", "same": "the same",
    }  # fmt: skip
    if outcomes[NEVER]:
        words["undecided"] += f" ({outcomes[NEVER]} of them never reached)"
    if outcomes[IDENTICAL]:
        words["same"] += f" ({outcomes[IDENTICAL]} of them identical code, not measured)"
    parts = [f"{broken} without a value on the head only"] if broken else []
    parts += [f"{count[verdict]} {words[verdict]}" for verdict in ORDER if count[verdict]]
    without = sum(row["kind"] not in BROKEN for row in found["others"])
    parts += [f"{without} without a value on the base or on both"] if without else []
    sentence = f"Of {_benchmarks(len(found['rows']) + len(found['others']))}: {', '.join(parts)}."
    return f"No answer. {sentence}" if exit_code(found) == NOTHING else sentence


def table(found: Found) -> str:
    """Return what the terminal shows: what is not the same, and a line for all the rest."""
    lines = ["", f"{summary(found)} {found['minutes']:.1f} minutes."]
    lines += [f"{found['base'][:8]} -> {found['head'][:8]} on {found['machine']}"]
    lines += [*found.get("notes", ()), ""]
    undecided = [row for row in found["rows"] if row["verdict"] == "undecided"]
    shown = [row for row in found["rows"] if row["verdict"] not in ("same", "undecided")]
    shown += undecided[:MOST]
    if shown:
        rows = [[*_cells(row), name(row)] for row in shown]
        lines.append(columns(rows, ["verdict", *COLUMNS, "benchmark"], "lrrrll"))
    if len(undecided) > MOST:
        lines.append(f"{len(undecided) - MOST} more are undecided: --json has all of them")
    if seen := _seen(found):
        lines += ["", seen]
    lines += [f"{f['kind']}: {f['what']}: {f['reason']}" for f in found["findings"]]
    lines += [f"instructions of {name(row)}: {_counted(row)}" for row in _with_counts(found)]
    if found["absent"]:
        lines.append(f"N/a with both commits: {_benchmarks(found['absent'])}.")
    return "\n".join(lines)


def markdown(found: Found) -> str:
    """Return a comment for a pull request: the summary first, details folded."""
    bad = [row for row in found["rows"] if row["verdict"] in ("slower", "grown")]
    lines = [f"### Speed: {summary(found)}", "", *found.get("notes", ()), ""]
    if seen := _seen(found):
        lines += [seen, ""]
    if bad:
        lines += [_rows(bad), ""]
    shown = [f for f in found["findings"] if f["kind"] not in ("new", "fails on both")]
    lines += [f"- {f['kind']}: {_code(f['what'])}: {_code(f['reason'])}" for f in shown]
    for title, verdicts in (
        ("faster", ["faster"]),
        ("undecided: the noise is too large for the time there was", ["undecided"]),
        ("the same", ["same"]),
    ):
        rows = [r for r in found["rows"] if r["verdict"] in verdicts and r["outcome"] != IDENTICAL]
        if rows:
            lines += ["", f"<details><summary>{len(rows)} {title}</summary>", "", _rows(rows)]
            lines += ["", "</details>"]
    for title, rows in (
        ("without a value", found["others"]),
        (IDENTICAL, [row for row in found["rows"] if row["outcome"] == IDENTICAL]),
    ):
        if rows:
            lines += ["", f"<details><summary>{len(rows)} {title}</summary>", ""]
            lines += [f"- {_code(name(row))}: {_code(row['outcome'])}" for row in rows]
            lines += ["", "</details>"]
    counted = [f"- {_code(name(row))}: {_counted(row)}" for row in _with_counts(found)]
    if counted:
        lines += ["", "Instructions of a call, a second witness beside the time:", *counted]
    minor = [f for f in found["findings"] if f not in shown]
    if minor:
        lines += ["", "<details><summary>for information</summary>", ""]
        lines += [f"- {f['kind']}: {_code(f['what'])}: {_code(f['reason'])}" for f in minor]
        lines += ["", "</details>"]
    base, head = found["base"], found["head"]
    lines += [
        "",
        f"{base[:12]} → {head[:12]} on {_code(found['machine'])}, {found['minutes']:.1f} minutes "
        "of measuring side by side in fresh processes. A change counts from "
        f"{_percent(1 + found['min effect'])} on, and only if new processes confirm it "
        f"(false discovery rate {found['rate']:.0%}). To reproduce:",
        "",
        f"    {found['command']}",
    ]
    return "\n".join(lines) + "\n"


def not_built(error: NotBuilt, options: argparse.Namespace) -> None:
    """Write files that say that a commit cannot be built."""
    facts: Found = {
        "rows": [],
        "others": [],
        "exit code": FAILED,
        "findings": [{"kind": "failed", "what": f"build of {error.side}", "reason": error.reason}],
    }
    if options.json:
        options.json.write_text(json.dumps(facts, indent=1) + "\n")
    if options.markdown:
        fenced = error.reason.replace("```", "'''")
        text = f"### Speed: the {error.side} cannot be built\n\n```\n{fenced}\n```\n"
        options.markdown.write_text(text)


def name(row: Found) -> str:
    """Return the benchmark with its parameters, as asv selects it."""
    return str(Key(row["benchmark"], None, tuple(row["parameters"])))


def _seen(found: Found) -> str:
    """Return a sentence on what a change had to be to be seen, if any could."""
    smallest = sorted(size for row in found["rows"] if (size := _smallest(row)))
    if not smallest:
        return ""
    middle = smallest[len(smallest) // 2]
    return f"Smallest change that could be seen: {_percent(middle)} (median)."


def _benchmarks(count: int) -> str:
    return f"{count} benchmark{'s' * (count != 1)}"


def _with_counts(found: Found) -> list[Found]:
    return [row for row in found["rows"] if "instructions" in row]


def _counted(row: Found) -> str:
    counts = row["instructions"]
    if "reason" in counts:
        return str(counts["reason"])
    return f"{counts['base']:,.0f} -> {counts['head']:,.0f}, ratio {counts['ratio']:.4f}"


def _rows(rows: Iterable[Found]) -> str:
    """Return a table in Markdown."""
    lines = []
    for row in rows:
        size = _smallest(row)
        lines.append([*_cells(row), _percent(size) if size else "", _code(name(row))])
    headers = ["", *COLUMNS, "smallest visible", "benchmark"]
    return columns(lines, headers, "lrrrlrl", style="pipe")


def _cells(row: Found) -> list[str]:
    ratio = "" if row["ratio"] is None else f"{row['ratio']:.3f}"
    interval = "" if row["low"] is None else f"{row['low']:.3f} to {row['high']:.3f}"
    return [row["outcome"], _value(row, "base"), _value(row, "head"), ratio, interval]


def _code(text: str) -> str:
    """Return text from a commit as code, in which nothing is markup."""
    safe = " ".join(text.split()).replace("`", "'").replace("|", "\\|")
    return f"`{safe[:300]}`"


def _value(row: Found, side: str) -> str:
    return "" if row[side] is None else in_words(row[side], row["unit"])


def _smallest(row: Found) -> float | None:
    """Return the smallest visible change as a ratio; None for what is no time."""
    return None if row["low"] is None else row["smallest"] or math.inf


def _percent(ratio: float) -> str:
    return "no limit" if math.isinf(ratio) else f"{100 * (ratio - 1):.2g} %"
