"""Signals interrupt wherever they come."""

import signal
import subprocess
import sys
import time

import pytest

from lsebench.signals import BOTH, heeded

FORK = "os.register_at_fork(after_in_parent=come); os.fork() or os._exit(0)"
FINALIZER = "(type('', (), {'__del__': lambda self: come()})())"
SCRIPT = """
import os, signal, time
from lsebench.signals import heeded

def come():
    signal.raise_signal({number})

try:
    with heeded() as received:
        {where}
        time.sleep(60)
except KeyboardInterrupt:
    print("interrupted", set(received) == {{{number}}})
"""


def run(script):
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)


@pytest.mark.parametrize("number", BOTH)
@pytest.mark.parametrize("where", ["come()", FORK, FINALIZER], ids=["code", "fork", "finalizer"])
def test_a_signal_interrupts_wherever_it_comes(where, number):
    """Python prints and drops an exception that is raised in a hook of a fork or a finalizer."""
    script = SCRIPT.format(where=where, number=int(number))
    start = time.monotonic()
    done = run(script)
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted True\n", "")
    assert time.monotonic() - start < 30, "it slept on"


def test_after_the_block_all_is_as_before():
    handlers, hook = [signal.getsignal(n) for n in BOTH], sys.unraisablehook
    with heeded():
        assert signal.getsignal(signal.SIGTERM) not in handlers
    assert ([signal.getsignal(n) for n in BOTH], sys.unraisablehook) == (handlers, hook)


def test_what_else_python_drops_is_said():
    script = SCRIPT.format(where="print(type('', (), {'__del__': lambda s: 1 / 0})())", number=15)
    done = run(script.replace("sleep(60)", "sleep(0)"))
    assert "ZeroDivisionError" in done.stderr
