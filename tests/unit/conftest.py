"""What a unit test costs: it starts no process."""

import os
import subprocess

import asv  # noqa: F401  # asks `uname` when it is imported, whoever imports it first
import pytest


@pytest.fixture(autouse=True)
def no_process(monkeypatch):
    """Starting a process is an error here: such a test belongs to tests/system."""
    start = subprocess.Popen.__init__

    def refuse(self=None, command=(), *more, **options):
        # An editable install looks whether its extensions have to be built anew.
        if command and os.path.basename(str(command[0])) == "ninja":
            return start(self, command, *more, **options)
        raise AssertionError("a test in tests/unit starts a process; move it to tests/system")

    monkeypatch.setattr(subprocess.Popen, "__init__", refuse)
    monkeypatch.setattr(os, "fork", refuse)
