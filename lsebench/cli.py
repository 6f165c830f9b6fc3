"""What the commands have in common: exit codes, options, progress, tables, the machine's name."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NoReturn

from asv.machine import Machine, MachineCollection
from asv.util import UserError, human_float, human_value
from tabulate import tabulate

BAD, FAILED, NOTHING, USAGE, INTERRUPTED = 1, 2, 3, 4, 130
"""The answer is bad; something failed; nothing to do, or no time left; an error of use; Ctrl-C."""


class Parser(argparse.ArgumentParser):
    """Ends with the exit code of an error of use; argparse's own means that something failed."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and end."""
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: error: {message}\n")

    def add_place(self) -> None:
        """Add the options that say with which configuration, and as which machine."""
        self.add_argument(
            "--config", metavar="FILE", default="asv.conf.json", help="asv's (%(default)s)"
        )
        self.add_argument("--machine", metavar="NAME", help="name of this machine in the results")


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


def register_machine(name: str | None) -> str:
    """Return this machine's name in the results; asv's file of machines is made without asking."""
    wanted = machine_name(name)
    try:
        MachineCollection.load(wanted)
    except UserError:
        facts = {**Machine.get_defaults(), "machine": wanted, "version": 1}
        try:
            MachineCollection.save(wanted, facts)
        except OSError as error:
            raise UserError(f"asv's file of machines cannot be written: {error}") from None
    return wanted


def regular_expression(text: str) -> re.Pattern[str]:
    """Return the regular expression that `text` is.

    Raises
    ------
    asv.util.UserError
        It is none.
    """
    try:
        return re.compile(text)
    except re.error as error:
        raise UserError(f"{text!r} is no regular expression: {error}") from None


def progress(text: str, lines: bool = False) -> None:
    """Show how far it is: in one place on a terminal; elsewhere a line each, if `lines`."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
    elif lines and text:
        print(text, file=sys.stderr, flush=True)


def now() -> str:
    """Return the time as records have it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def columns(
    rows: Iterable[Sequence[str]],
    headers: Sequence[str] = (),
    align: str = "",
    style: str = "simple",
) -> str:
    """Return rows of text as a table.

    Parameters
    ----------
    rows : iterable of sequences of str
    headers : sequence of str, optional
    align : str
        ``l`` or ``r`` for each column.
    style : str
        tabulate's: ``pipe`` is Markdown, in which nothing is escaped.
    """
    sides = [{"l": "left", "r": "right"}[side] for side in align]
    return str(tabulate(rows, headers, style, colalign=sides, disable_numparse=True))


def in_words(value: float, unit: str) -> str:
    """Return a value as asv writes it, with the unit of a time or of memory."""
    if unit in ("seconds", "bytes"):
        return str(human_value(float(f"{value:.3g}"), unit))  # else 0.9999 ms would be 1000 μs
    return str(human_float(value, 4))
