"""What the gate has measured, as a comment and a check for a pull request.

The numbers come from a machine that has run a stranger's code, so they are data: what has not the
shape of the gate's is left out, texts stand as code in which nothing is markup, and every word
around them is ours. It runs on GitHub with the right to write, hence alone: ``python3 -I`` and the
standard library, nothing installed.
"""

from __future__ import annotations

import argparse
import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

LARGEST = 5_000_000
"""Bytes of the numbers."""
LONGEST = 60_000
"""GitHub takes 65,536 characters."""
TEXT = 300
"""Of a benchmark's name, or a reason."""
MOST = 1e30
BAD = {"slower": "slower", "grown": "with a larger error or more memory"}
GOOD = {"faster": "faster", "same": "the same"}
OPEN = "undecided"
"""Whatever else the gate may say: silence is not green."""
IDENTICAL = "the same (identical code)"
"""The outcome of what was not measured, for it is the same on both sides: that is no answer."""
BROKEN = "failed", "n/a"
"""Findings that only the head has."""
MARK = "<!-- gate -->"
NOTHING = "Nothing was measured; the log says why."
PREFIXES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


class Unfit(Exception):
    """Why the numbers are none of the gate's."""


def load(archive: Path) -> dict[str, Any] | None:
    """Return what the artifact has of the gate's numbers, unpacked nowhere; None for nothing."""
    try:
        with zipfile.ZipFile(archive) as files, files.open("gate.json") as file:
            text = file.read(LARGEST + 1)
    except (OSError, KeyError, RuntimeError, NotImplementedError, zipfile.BadZipFile):
        return None
    except Exception as error:  # of what unpacks: zlib, lzma, an end that comes too early
        raise Unfit(f"it cannot be unpacked ({type(error).__name__})") from None
    if len(text) > LARGEST:
        raise Unfit("it is too long")
    try:
        found = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Unfit("it is no JSON") from None
    if not isinstance(found, dict):
        raise Unfit("it is not as the gate writes it")
    return {"rows": _each(found, "rows", _row), "findings": _each(found, "findings", _finding)}


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)


def _each(found: Mapping[str, Any], name: str, check: Any) -> list[dict[str, Any]]:
    try:
        return [check(one) for one in found[name]]
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError):
        raise Unfit(f"its {name} are not as the gate writes them") from None


def _row(found: Mapping[str, Any]) -> dict[str, Any]:
    parameters = [_text(one) for one in found["parameters"]]
    name = _text(found["benchmark"]) + (f"({', '.join(parameters)})" if parameters else "")
    verdict = _text(found["verdict"])
    numbers = ("base", "head", "ratio", "low", "high", "smallest")
    return {
        "name": name,
        "unit": _text(found["unit"]),
        "verdict": verdict if verdict in BAD or verdict in GOOD else OPEN,
        "measured": found.get("outcome") != IDENTICAL,
        **{key: _number(found.get(key)) for key in numbers},
    }


def _finding(found: Mapping[str, Any]) -> dict[str, str]:
    return {key: _text(found[key]) for key in ("kind", "what", "reason")}


def _text(found: Any) -> str:
    if not isinstance(found, str):
        raise TypeError
    return found


def _number(found: Any) -> float | None:
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int | float) or not abs(found) <= MOST:
        raise TypeError
    return float(found)


def conclusion(found: Mapping[str, Any] | None) -> str:
    """Return what the check on the commit is: ``success``, ``failure``, or ``neutral``."""
    if found is None:
        return "neutral"
    verdicts = {row["verdict"] for row in found["rows"]}
    if verdicts & BAD.keys() or any(one["kind"] in BROKEN for one in found["findings"]):
        return "failure"
    measured = {row["verdict"] for row in found["rows"] if row["measured"]}
    # Where all code is identical there was nothing to measure.
    return "success" if measured & GOOD.keys() or (verdicts and not measured) else "neutral"


def summary(found: Mapping[str, Any]) -> str:
    """Return the answer in a line."""
    count = Counter(row["verdict"] for row in found["rows"] if row["measured"])
    identical = sum(not row["measured"] for row in found["rows"])
    words = {**BAD, "faster": GOOD["faster"], OPEN: OPEN, "same": GOOD["same"]}
    parts = [f"{count[verdict]} {word}" for verdict, word in words.items() if count[verdict]]
    broken = sum(one["kind"] in BROKEN for one in found["findings"])
    parts += [f"{broken} without a value on the head only"] if broken else []
    parts += [f"{identical} of identical code"] if identical else []
    if not parts:
        return "nothing was measured"
    answer = ", ".join(parts)
    return f"no answer: {answer}" if set(count) == {OPEN} and not broken else answer


def comment(found: Mapping[str, Any] | None, commit: str, log: str, guide: str, why: str) -> str:
    """Return the comment, in Markdown, of which only what stands as code is not ours."""
    head = f"{commit[:12]}: [log]({log}), [how to read this]({guide})"
    if found is None:
        return f"{MARK}\n### Speed: no answer\n\n{head}\n\n{why}\n"
    lines = [MARK, f"### Speed: {summary(found)}", "", head, ""]
    rows = {verdict: [r for r in found["rows"] if r["verdict"] == verdict] for verdict in
            (*BAD, "faster", OPEN, "same")}  # fmt: skip
    lines += _table(row for verdict in BAD for row in rows[verdict])
    lines += [f"- {code(one['kind'])} {code(one['what'])} {code(one['reason'])}"
              for one in found["findings"]]  # fmt: skip
    for verdict in ("faster", OPEN, "same"):
        if rows[verdict]:
            lines += ["", f"<details><summary>{len(rows[verdict])} {GOOD.get(verdict, OPEN)}"]
            lines[-1] += "</summary>"
            lines += ["", *_table(rows[verdict]), "", "</details>"]
    return _shortened(lines)


def _shortened(lines: list[str]) -> str:
    """Return what fits of the lines; a block that was begun is ended."""
    end = "\n</details>\n\nShortened: the whole is an artifact of the run.\n"
    kept: list[str] = []
    length = 0
    for line in lines:
        length += len(line) + 1
        if length > LONGEST - len(end):
            open_block = kept.count("</details>") < sum(k.startswith("<details>") for k in kept)
            return "\n".join(kept) + (end if open_block else end.replace("</details>\n", ""))
        kept.append(line)
    return "\n".join(kept) + "\n"


def _table(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    cells = [_cells(row) for row in rows]
    if not cells:
        return []
    head = ["| | base | head | ratio | interval | smallest visible | benchmark |"]
    return [*head, "|---|--:|--:|--:|---|--:|---|", *(f"| {' | '.join(c)} |" for c in cells), ""]


def _cells(row: Mapping[str, Any]) -> list[str]:
    low, high, ratio = row["low"], row["high"], row["ratio"]
    return [
        row["verdict"],
        *(value(row[side], row["unit"]) for side in ("base", "head")),
        "" if ratio is None else f"{ratio:.3f}",
        "" if low is None or high is None else f"{low:.3f} to {high:.3f}",
        "" if not row["smallest"] else f"{100 * (row['smallest'] - 1):.2g} %",
        code(row["name"]),
    ]


def value(found: float | None, unit: str) -> str:
    """Return a number with its unit, where that is a word."""
    if found is None:
        return ""
    if unit == "seconds":
        for size, name in PREFIXES:
            if found >= size:
                return f"{found / size:.3g} {name}"
        return f"{found / 1e-9:.3g} ns"
    return f"{found:.4g} {unit}" if re.fullmatch(r"[A-Za-z]{1,20}( [A-Za-z]{1,20})?", unit) else (
        f"{found:.4g}"
    )  # fmt: skip


def code(text: str) -> str:
    """Return a stranger's text as code on one line: nothing in it can end the code, or the cell."""
    seen = "".join(sign for sign in " ".join(text.split()) if sign.isprintable())
    safe = seen.translate({ord("`"): "'", ord("|"): "¦", ord("\\"): "/"})[:TEXT].strip()
    return f"`{safe or '-'}`"


def main(arguments: list[str] | None = None) -> None:
    """Write the comment, and the check of the commit as GitHub's API takes it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add = parser.add_argument
    add("archive", type=Path, help="the artifact")
    add("commit", help="that was measured; what the artifact says of it does not count")
    add("--log", required=True)
    add("--guide", required=True)
    add("--comment", type=Path, required=True, metavar="FILE")
    add("--check", type=Path, required=True, metavar="FILE")
    options = parser.parse_args(arguments)
    if not re.fullmatch("[0-9a-f]{40}", options.commit):
        parser.error("the commit is none")
    found, why = None, NOTHING
    try:
        found = load(options.archive)
    except Unfit as error:
        why = f"What was measured is not shown: {error}."
    text = comment(found, options.commit, options.log, options.guide, why)
    options.comment.write_text(text, "utf-8")
    check = {
        "name": "Gate",
        "head_sha": options.commit,
        "status": "completed",
        "conclusion": conclusion(found),
        "details_url": options.log,
        "output": {"title": "no answer" if found is None else summary(found), "summary": text},
    }
    options.check.write_text(json.dumps(check), "utf-8")


if __name__ == "__main__":
    main()
