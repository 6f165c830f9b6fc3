"""The lines of what is compiled ahead of time: of Cython, Pythran and C++ files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TypeAlias

from lsekernels import derived
from lsekernels.backend import Backend

COMPILED = "lsekernels._compiled."
SIMD = ("module.cpp", "variant.hpp", "kernel.hpp", "exp.hpp", "avx2.hpp", "avx512.hpp")
"""The sources of the C++ backends, from Python inward."""
TABLES = frozenset({"Functions", "functions"})
"""Of functions, in these: what is called is named where it is called."""

Lines: TypeAlias = tuple[Path, int, int]
"""A file, and the first and the last line of a part of it, counted from 1."""


@cache
def read(path: Path) -> list[str]:
    """Return the lines of a file."""
    return path.read_text("utf-8").splitlines()


def found(declared: type[Backend], method: str) -> tuple[tuple[Path, ...], str] | None:
    """Return the files in which a backend's compiled method is, and its name there."""
    for module in declared.requires:
        if not module.startswith(COMPILED):
            continue
        files = _sources(module.removeprefix(COMPILED))
        name = _entry(files[0], method) if files and files[0].suffix == ".cpp" else method
        if any(name in names for names, _ in _parts(files)):
            return files, name
    return None


def _entry(file: Path, method: str) -> str:
    """Return the function that a C++ module's table has for a method of Python's."""
    entry = re.search(rf'{{"{method}", (?:FAST\()?(\w+)', "\n".join(read(file)))
    return entry[1] if entry else method


def _sources(stem: str) -> tuple[Path, ...]:
    """Return the files of an extension module; meson.build makes two of some."""
    folder = derived.ROOT / "lsekernels" / "_compiled"
    for name in (stem, stem.removesuffix("_openmp")):
        for suffix in (".pyx", ".py"):
            if (file := folder / (name + suffix)).exists():
                return (file,)
    simd = tuple(folder / "simd" / name for name in SIMD)
    return simd if "simd" in stem and all(file.exists() for file in simd) else ()


def lines_of(files: tuple[Path, ...], method: str) -> list[Lines]:
    """Return the lines of a function and of all that it names, as far as they are in `files`."""
    parts = _parts(files)
    found: list[Lines] = []
    asked = [method]
    while asked:
        name = asked.pop(0)
        for names, lines in parts:
            if name in names and lines not in found:
                found.append(lines)
                asked += [] if names & TABLES else _named(lines)
    return found


def _named(lines: Lines) -> list[str]:
    """Return the names in some lines, without comments."""
    path, first, last = lines
    mark = "//" if path.suffix in (".cpp", ".hpp") else "#"
    text = "\n".join(line.split(mark)[0] for line in read(path)[first - 1 : last])
    text = re.sub(r"\b(std|xsimd)::\w+", "", text)
    return list(dict.fromkeys(re.findall(r"(?<![\w:])[A-Za-z_]\w*", text)))


@cache
def _parts(files: tuple[Path, ...]) -> tuple[tuple[frozenset[str], Lines], ...]:
    """Return the parts that files are made of: the names each defines, and its lines."""
    found: list[tuple[frozenset[str], Lines]] = []
    for file in files:
        paragraphs = _braced(file) if file.suffix in (".cpp", ".hpp") else _indented(file)
        for first, last in paragraphs:
            names = _defines("\n".join(read(file)[first - 1 : last]), file.suffix)
            if names:
                found.append((names, (file, first, last)))
    return tuple(found)


def _indented(file: Path) -> Iterator[tuple[int, int]]:
    """Give the statements of a Python or Cython file, with the comments right above."""
    lines = read(file)
    first = last = 0
    quoted = False
    for number, line in enumerate(lines, 1):
        begins = bool(line) and not line[0].isspace() and not quoted and line[0] not in ")]}"
        quoted ^= line.count('"""') % 2 == 1
        if not begins:
            if line.strip():
                last = number
            continue
        above = lines[last - 1] if last == number - 1 and last else ""
        if first and not (above.startswith(("#", "@")) and above != ""):
            yield first, last
            first = number
        first, last = first or number, number
    if first:
        yield first, last


def _braced(file: Path) -> Iterator[tuple[int, int]]:
    """Give the paragraphs of a C++ file whose braces are closed; a large struct's one by one."""
    first = depth = last = 0
    for number, line in enumerate(read(file), 1):
        code = re.sub(r'"(\\.|[^"\\])*"', '""', line.split("//")[0])
        if re.match(r"namespace\b|struct (Kernel|Exp)\b|}  // namespace", code) or (
            line.startswith("};") and not depth
        ):
            first = 0
            continue
        if not line.strip() or re.match(r"\s*// -- ", line):
            if first and not depth:
                yield first, last
                first = 0
            continue
        first, last = first or number, number
        depth += code.count("{") - code.count("}")
    if first:
        yield first, last


def _defines(text: str, suffix: str) -> frozenset[str]:
    """Return the names that a part of a file defines."""
    if suffix in (".cpp", ".hpp"):
        margin = re.match(r" *", text)[0]  # type: ignore[index]  # it always matches
        found = re.findall(rf"^{margin}(?:struct|using|#define) +(\w+)", text, re.M)
        for line in text.splitlines():
            plain = re.match(margin + r"(?!//|#|template\b|struct\b|using\b)\S", line)
            head = line.split("=")[0].split("//")[0]
            if plain and (call := re.search(r"(\w+)\(", head)):
                found.append(call[1])
            elif plain and "constexpr" in head:
                found += re.findall(r"(\w+)\W*$", head)
        return frozenset(found)
    found = re.findall(r"^(?:cdef |cpdef |def |class )[^\n(]*?(\w+)\(", text, re.M)
    found += re.findall(r"^(?:ctypedef \w+ )?(\w+)(?: = |:$)", text, re.M)
    if re.match(r"(?:cdef|ctypedef) (?:enum|extern)", text):
        found += re.findall(r"\b([A-Z][A-Z0-9_]+|\w+(?=\(\) nogil))\b", text)
        found += re.findall(r"^ctypedef enum (\w+)", text)
    return frozenset(found)
