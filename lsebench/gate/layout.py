"""Has the code that a benchmark runs changed, or only where it lies in the binary?

Functions that nobody calls, put before others in a compiled file, move these: `lu` by Cython became
3.2 % slower by such a change, in every run. That is true of the binary and false of the change.
binutils' objdump shows the instructions of both sides. What depends on their place is not compared:
addresses, and the line numbers in Cython's tracebacks. Nor is what Cython adds to every file, which
the compiler shapes by all that is in the file.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

OBJDUMP = "objdump", "--disassemble", "--no-show-raw-insn", "--demangle", "--wide"
AT_IMPORT = "PyInit", "pymod", "moduledef", "methoddef"
"""Parts of the names of what is run once."""
ELSEWHERE = "@plt"
"""The end of the name of what lies in another library."""
TRACEBACK = "__Pyx_AddTraceback"
FUNCTION = re.compile(r"^[0-9a-f]+ <(.+)>:$")
ADDRESS = re.compile(r"\b[0-9a-f]+ (?=<)|-?0x[0-9a-f]+(?=\(%rip\))|(?<=[^<])\+0x[0-9a-f]+(?=>)")
CALL = re.compile(r"^(?:call|jmp)q? <(.+)>$")
FILLING = re.compile(r"^(?:data16 |cs )*(?:nop|xchg %ax,%ax)")
"""Instructions up to where a loop or a function begins; they do nothing."""
LINE = re.compile(r"^(mov )\$0x[0-9a-f]+(,%(?:e\w\w|r\d+d))$")
"""A number into a register of 32 bits; beside a traceback perhaps the line that it names."""
Code = Mapping[str, Sequence[str]]


def available() -> str:
    """Return why binaries cannot be compared here, or ""."""
    return "" if shutil.which(OBJDUMP[0]) else "objdump is not installed (apt install binutils)"


def only_moved(base: Path, head: Path, method: str) -> bool | None:
    """Return whether all that `method` runs in a library has the same instructions on both sides.

    That is the base's functions with its name in theirs, and those of its module that they call by
    name. None: it has none, or there is no objdump.
    """
    if available():
        return None
    module = base.name.partition(".")[0]
    before, after = (_functions(file) for file in (base, head))
    own = {name: lines for name, lines in before.items() if module in name} or before
    reached = _reached(own, [name for name in own if method in name.replace(module, "")])
    return all(after.get(name) == own[name] for name in reached) if reached else None


def _reached(code: Code, entries: Iterable[str]) -> set[str]:
    """Return the functions that `entries` may run."""
    waiting, found = list(entries), set()
    while waiting:
        name = waiting.pop()
        if name in code and name not in found:
            found.add(name)
            waiting += [called[1] for line in code[name] if (called := CALL.match(line))]
    return found


@cache
def _functions(file: Path) -> Code:
    """Return the instructions of each function of a library, wherever it lies."""
    done = subprocess.run([*OBJDUMP, str(file)], capture_output=True, text=True, check=True)
    code: defaultdict[str, list[str]] = defaultdict(list)
    name = ""
    for line in done.stdout.splitlines():
        if begins := FUNCTION.match(line):
            name = _uncounted(begins[1])
        elif line.startswith(" "):
            text = _uncounted(ADDRESS.sub("", line.partition(":")[2]))
            if not FILLING.match(text):
                code[name].append(text)
    once = (*AT_IMPORT, ELSEWHERE)
    return {
        name: [LINE.sub(r"\1line\2", line) for line in lines] if _may_fail(lines) else lines
        for name, lines in code.items()
        if not any(part in name for part in once)
    }


def _may_fail(lines: Iterable[str]) -> bool:
    return any(TRACEBACK in line for line in lines)


def _uncounted(text: str) -> str:
    """Return text whose names have no numbers, by which Cython and compilers count them."""
    named = re.sub(r"<.*>|^\S+$", lambda name: re.sub(r"\d+", "", name[0]), text.strip())
    return " ".join(named.split())
