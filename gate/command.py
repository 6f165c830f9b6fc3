"""What the gate's commands have in common: their exit codes."""

from __future__ import annotations

import argparse
import sys
from typing import NoReturn

SLOWER, FAILED, NOTHING, USAGE, INTERRUPTED = 1, 2, 3, 4, 130


class Parser(argparse.ArgumentParser):
    """Ends with the gate's exit code for an error of use; argparse's own would mean a failure."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and end."""
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: error: {message}\n")
