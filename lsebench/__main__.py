"""``python -m lsebench``: one command around asv, with a sub-command for each job."""

from __future__ import annotations

import importlib
import sys
import traceback

from asv.util import UserError

from .cli import FAILED, INTERRUPTED, USAGE
from .signals import heeded

COMMANDS = {
    "run": ("run.run", "measure commits with asv, a profile at a time, stored as it goes"),
    "publish": ("site.publish", "make the site in html/ from results/"),
    "gate": ("gate.compare_commits", "is HEAD slower than BASE? measured side by side"),
    "history": ("history.history", "find steps and trends in the stored results, and their commit"),
    "machine": ("machine.machine", "check how this machine is tuned, and measure its noise"),
    "nightly": ("machine.nightly", "what a dedicated machine does in a night"),
    "store": ("machine.store", "commit this machine's results onto a branch of their own"),
    "claims": ("run.claims", "measure the claims of the talk and its companion texts"),
    "speed": ("run.targets", "measure and judge the targets of the fastest kernels"),
    "heap": ("run.heap", "what the state of the heap does to a call"),
    "power": ("gate.power", "how often is the gate wrong on this machine?"),
    "pictures": ("site.pictures", "renew the findings in README and their charts"),
    "check-timing": ("run.check_timing", "compare what is recorded with timeit"),
    "instructions": ("gate.instructions", "count the instructions of a call with valgrind"),
}
"""Name -> the module whose ``main(arguments)`` it is, and what it does. Where that is
interrupted, it says what the module calls ``WHEN_INTERRUPTED``."""
EXAMPLE = """\
example, a first page of this machine's numbers and then the same for one backend:
  python -m lsebench run quick --site
  python -m lsebench run quick --bench "warm.Logsumexp.*'numba'"

python -m lsebench COMMAND --help says more. Exit codes of all: 0 good, 1 the answer is bad (slower,
a step up, not stored), 2 something failed, 3 nothing to do or no time left, 4 error of use,
130 interrupted."""


def usage() -> str:
    """Return the help: every command in a line."""
    lines = [f"  {name:14}{what}" for name, (_, what) in COMMANDS.items()]
    return "\n".join(["usage: python -m lsebench COMMAND ...", "", *lines, "", EXAMPLE])


def main(arguments: list[str] | None = None) -> int:
    """Run the command named first; return its exit code."""
    name, *rest = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if name in ("-h", "--help"):
        print(usage())
        return 0
    if name not in COMMANDS:
        print(f"{usage()}\n\nerror: there is no command {name!r}", file=sys.stderr)
        return USAGE
    said = ""
    try:
        module = importlib.import_module(f"lsebench.{COMMANDS[name][0]}")
        said = getattr(module, "WHEN_INTERRUPTED", "")
        with heeded():
            return int(module.main(rest))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        print(f"\nInterrupted. {said}".rstrip(), file=sys.stderr)
        return INTERRUPTED
    except Exception:  # Python would end with 1, which means that the answer is bad
        traceback.print_exc()
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
