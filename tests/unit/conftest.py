"""What a unit test costs: it starts no process."""

import os
import subprocess
from importlib.util import find_spec

import pytest

# An editable install looks once, in a process, whether extensions have to be built anew.
find_spec("lsekernels._compiled.no_such_module")


@pytest.fixture(autouse=True)
def no_process(monkeypatch):
    """Starting a process is an error here: such a test belongs to tests/system."""

    def refuse(*_, **__):
        raise AssertionError("a test in tests/unit starts a process; move it to tests/system")

    monkeypatch.setattr(subprocess.Popen, "__init__", refuse)
    monkeypatch.setattr(os, "fork", refuse)
