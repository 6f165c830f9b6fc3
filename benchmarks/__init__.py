"""asv suites: what is timed, on which data, and by which rule. Libraries load only inside setup.

asv imports these files from the working tree, but ``import lsekernels`` gives the package as
installed for the measured commit. So parameters, data, references and errors come from the
working tree (``tree``), today's ruler for every commit, and only backends from ``lsekernels``.
"""

import os
import sys
from importlib.util import find_spec

from ._tree import tree


def _limit_threads(setting):
    """Let every library use `setting` threads, and return their number.

    asv depends on Pympler, which asv_runner imports where it is installed, and that imports NumPy:
    before any suite, in the Python that asv runs in. Such a process starts itself again, with what
    NumPy should have read.
    """
    threads = tree("threads")
    try:
        return threads.limit(setting)
    except RuntimeError as late:
        # A process that another program shares, such as asv's forkserver, can't be started again.
        alone = sys.argv[1:2] in (["discover"], ["check"], ["run"])
        if not alone or sys.orig_argv[-len(sys.argv) :] != sys.argv:
            raise RuntimeError(f"{late}: let asv start processes (--launch-method spawn)") from None
        number = str(threads._cores() if setting == "all" else setting)
        environ = {**os.environ, **dict.fromkeys(threads.VARIABLES, number)}
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environ)


def _check_installed():
    """Raise ImportError where what is measured, or what checks it, is not installed."""
    lacking = [name for name in ("lsekernels", "numpy", "mpmath") if find_spec(name) is None]
    if lacking:
        raise ImportError(
            f"{', '.join(lacking)} not installed: {sys.executable} -m pip install '.[reference]'"
        )


_check_installed()
THREADS = _limit_threads(os.environ.get("LSEKERNELS_THREADS", "1"))
