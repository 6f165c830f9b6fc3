"""``python -m gate``: the verdict on two commits, and the commands beside it."""

from __future__ import annotations

import importlib
import sys
import traceback

from .command import FAILED

COMMANDS = {
    "history": "find steps in the stored results, and confirm them",
    "machine": "check how this machine is tuned, and measure its noise",
    "proof": "how often the gate is wrong here: false alarms, and changes that it finds",
}
"""Modules with a ``main(arguments)`` of their own; anything else asks for a verdict."""


def main() -> int:
    """Run the command named first, or compare two commits; return the exit code."""
    name, arguments = (sys.argv[1], sys.argv[2:]) if sys.argv[1:] else ("", [])
    if name not in COMMANDS:
        name, arguments = "verdict", sys.argv[1:]
    try:
        return int(importlib.import_module(f"gate.{name}").main(arguments))
    except Exception:  # Python would end with 1, which here means slower
        traceback.print_exc()
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
