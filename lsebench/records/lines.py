"""Files of JSON, a line for each record: how a line is read, and how one is added.

A machine that goes down leaves half a line. The next record begins a line of its own.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


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


def append(file: Path, record: dict[str, Any]) -> None:
    """Add `record` as a line, at once and whole, whoever else does so at the same time."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+b", buffering=0) as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)  # until it is closed
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
