"""Files of JSON, a line for each record: how ours are read, and how one is added.

A machine that goes down leaves half a line. It is left out by every reader, and the next record
begins a line of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from asv.console import log


def read(file: Path) -> list[dict[str, Any]]:
    """Return the records of `file`, oldest first; none where it is not there.

    A line that is none is left out, with a warning that names the file and the line.
    """
    found = []
    text = file.read_text("utf-8", errors="replace") if file.exists() else ""
    for number, record in numbered(text):
        if record is None:
            log.warning(f"{file}, line {number}, is no record (cut off?) and is left out")
        else:
            found.append(record)
    return found


def numbered(text: str) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """Yield the number of each line that is not empty, and its record; None where it is none."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, parse(line)


def parse(text: str) -> dict[str, Any] | None:
    """Return the record that `text` is, or None; half a pair of UTF-16 can't be written again."""
    try:
        found = json.loads(text)
        if "\\u" in text:
            json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def last(file: Path) -> dict[str, Any]:
    """Return the last record of `file`; an empty one where there is none."""
    found = read(file)
    return found[-1] if found else {}


def append(file: Path, record: dict[str, Any]) -> None:
    """Add `record` as a line, at once, so that none is lost."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+b") as stream:
        start = b""
        if stream.seek(0, 2):
            stream.seek(-1, 2)
            start = b"" if stream.read() == b"\n" else b"\n"
        stream.write(start + json.dumps(record, allow_nan=False).encode() + b"\n")


def replace(file: Path, records: list[dict[str, Any]]) -> None:
    """Write `records` as the whole of `file`, all or none of them."""
    file.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    beside = file.with_suffix(".new")
    beside.write_text(text, "utf-8")
    beside.replace(file)
