"""asv's own files among the results: where they lie. asv's classes read and write them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from asv.results import get_filename
from asv.util import load_json

BENCHMARKS, MACHINE = "benchmarks.json", "machine.json"


def benchmarks(results: Path) -> Path:
    """Return the list of benchmarks, which every run writes anew."""
    return results / BENCHMARKS


def result(results: Path, machine: str, commit: str, env_name: str) -> Path:
    """Return the file of one commit in one environment."""
    return Path(results, get_filename(machine, commit, env_name))


def measured(folder: Path) -> set[str]:
    """Return the first eight digits of the commits that a machine's folder has results of."""
    return {file.name.partition("-")[0] for file in folder.glob("*-*.json")}


def descriptions(results: Path) -> Iterator[dict[str, Any]]:
    """Yield what asv has noted of each machine."""
    return map(load_json, map(str, results.glob(f"*/{MACHINE}")))


def written_by(results: Path, machine: str) -> list[Path]:
    """Return what the runs of a machine write: its folder, and the list of benchmarks."""
    return [results / machine, benchmarks(results)]
