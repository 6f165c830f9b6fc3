"""What a unit test costs: it starts no process."""

import os
import subprocess

import pytest

import lsekernels._compiled  # noqa: F401  an editable install may build it anew, once, in a process


@pytest.fixture(autouse=True)
def no_process(monkeypatch):
    """Starting a process is an error here: such a test belongs to tests/system."""

    def refuse(*_, **__):
        raise AssertionError("a test in tests/unit starts a process; move it to tests/system")

    monkeypatch.setattr(subprocess.Popen, "__init__", refuse)
    monkeypatch.setattr(os, "fork", refuse)
