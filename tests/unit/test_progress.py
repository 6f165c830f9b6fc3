"""What a run says while it goes on."""

import sys

import pytest

from lsebench.run import progress
from lsebench.run.progress import Progress, minutes


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])

    def wait(seconds):
        now[0] += seconds

    return wait


def test_minutes():
    assert minutes(5.9) == "0:05"
    assert minutes(3600) == "60:00"


def test_a_line_for_each_benchmark_and_the_time_left(clock, capsys):
    shown = Progress(limit=1000.0)
    shown.plan(4)
    clock(100)  # making the environment says nothing of what measuring takes
    for name, backend in ("one", "numpy"), ("one", "numba"), ("two", "numpy"):
        shown.begin(name, backend, "1 thread")
        clock(10)
        shown.count(1)
    shown.end()
    assert capsys.readouterr().out.splitlines() == [
        "  one, 1 thread, numpy (0 of 4, 1:40 so far)",
        "  one, 1 thread: 2 in 20 s  (2 of 4, 2:00 so far, about 0:20 left)",
        "  two, 1 thread: 1 in 10 s  (3 of 4, 2:10 so far, about 0:10 left)",
    ]


def test_a_long_benchmark_is_not_silent(clock, capsys):
    shown = Progress(limit=1000.0)
    shown.plan(100)
    for backend in range(10):
        shown.begin("one", f"b{backend}", "1 thread")
        clock(10)
        shown.count(1)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert lines[-1] == "  one, 1 thread, b8 (8 of 100, 1:20 so far, about 15:20 left)"


def test_a_terminal_has_one_line_that_changes(clock, capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    shown = Progress(limit=1000.0)
    shown.plan(2)
    for backend in "numpy", "numba":
        shown.begin("one", backend, "1 thread")
        clock(1)
        shown.count(1)
    shown.end()
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert said.endswith("\r\033[K  one, 1 thread: 2 in 2 s  (2 of 2, 0:02 so far)\n")


def test_nothing_begins_when_the_time_is_up(clock):
    shown = Progress(limit=60.0)
    assert not shown.time_is_up
    clock(60)
    assert shown.time_is_up
