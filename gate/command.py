"""What the gate's commands have in common: exit codes, progress, the name of the machine."""

from __future__ import annotations

import argparse
import re
import sys
from typing import NoReturn

from asv.machine import Machine, MachineCollection
from asv.util import UserError

SLOWER, FAILED, NOTHING, USAGE, INTERRUPTED = 1, 2, 3, 4, 130


class Parser(argparse.ArgumentParser):
    """Ends with the gate's exit code for an error of use; argparse's own would mean a failure."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and end."""
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: error: {message}\n")


def machine_name(wanted: str | None) -> str:
    """Return this machine's name in the results, as asv has it.

    Raises
    ------
    asv.util.UserError
        It cannot be the name of a folder in `results/`.
    """
    name = str(wanted or Machine.get_unique_machine_name())
    if not re.fullmatch(r"[^\W.][\w.+ -]*", name):
        raise UserError(f"machine {name!r}: it names a folder, of letters, digits and any of _.+-")
    try:
        return str(MachineCollection.load(name)["machine"])
    except UserError:  # it has measured nothing yet
        return name


def progress(text: str, lines: bool = False) -> None:
    """Show how far it is: in one place on a terminal; elsewhere a line each, if `lines`."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
    elif lines and text:
        print(text, file=sys.stderr, flush=True)
