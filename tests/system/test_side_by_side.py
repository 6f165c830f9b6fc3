"""Pairs of processes: what they measure, and what becomes of benchmarks that misbehave."""

import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lsebench.gate import side_by_side
from lsebench.gate.side_by_side import Key, Side

SUITE = '''
import ctypes, math, os, signal, sys, time
import subject


def time_quick():
    subject.quick()


clock = [0.0]


def time_slow():
    clock[0] += 0.002 * subject.FACTOR


time_slow.timer = lambda: clock[0]  # of its own: no other work on this machine changes it


turns = [0]


def time_tail():
    """On the head every third call takes five times as long."""
    turns[0] += 1
    clock[0] += 0.02 if subject.FACTOR == 2 and turns[0] % 3 == 0 else 0.004


time_tail.timer = lambda: clock[0]


class Tracked:
    params = ([1, 2], ["a", "b"])

    def setup(self, n, text):
        if (n, text) == (2, "b"):
            raise NotImplementedError("not for 2 and b")
        self.calls = 0

    def call(self):
        self.calls += 1

    def track_time(self, n, text):
        """As the suites here: asv's timer gets the bare call."""
        from types import SimpleNamespace
        from asv_runner.benchmarks.time import TimeBenchmark
        attributes = SimpleNamespace(version="1", timeout=60.0, repeat=(5, 10, 1.0))
        return TimeBenchmark("call", self.call, [attributes]).run()

    track_time.type = "time"
    track_time.unit = "seconds"


def track_samples():
    return {"samples": [3.0 * subject.FACTOR, 1.0, 9.0], "number": 1}


track_samples.type = "time"
track_samples.unit = "seconds"


class Cached:
    def setup_cache(self):
        return {"value": 7.0}

    def track_cached(self, cache):
        return cache["value"] * subject.FACTOR


def track_nan():
    return math.nan


def track_none():
    return None


def time_prints():
    print("{}")
    os.write(1, b"no answer")


def time_raises():
    raise ValueError("of this kind")


def time_dies():
    os.kill(os.getpid(), signal.SIGSEGV)


def time_hangs():
    time.sleep(600)


def time_hangs_on_head():
    pass


def setup_hangs_on_head():
    if subject.FACTOR == 2:
        time.sleep(600)


time_hangs_on_head.setup = setup_hangs_on_head


def track_path():
    return float(subject.__file__.split(os.sep)[-2] == os.getcwd().split(os.sep)[-1])


def track_processor():
    return float(len(os.sched_getaffinity(0)))


def track_hash():
    return float(abs(hash("text")))


MEASURED = []


def track_count():
    """How many times this process has measured it, or its like."""
    MEASURED.append(1)
    return float(len(MEASURED))


def track_count_fresh(number):
    return track_count()


track_count_fresh.params = [1, 2, 3]
track_count_fresh.type = "time"  # as a first call is: that must not be made to see what it is


def track_place():
    """Where within a page of memory an array begins."""
    array = bytearray(80_000)
    return 1.0 + ctypes.addressof(ctypes.c_char.from_buffer(array)) % 4096
'''


@pytest.fixture(scope="module")
def sides(tmp_path_factory):
    folder = tmp_path_factory.mktemp("duet")
    root = folder / "benchmarks"
    root.mkdir()
    (root / "__init__.py").write_text("")
    (root / "suite.py").write_text(SUITE)
    made = {}
    for side, factor in (("base", 1), ("head", 2)):
        (folder / side).mkdir()
        text = f"FACTOR = {factor}\n\n\ndef quick():\n    return None\n"
        (folder / side / "subject.py").write_text(text)
        made[side] = Side(sys.executable, folder / side, {}, root)
    return made


@pytest.fixture(scope="module")
def measure(sides):
    def run(*asked, seed=1, cpu=None, seconds=0.25):
        keys = [Key(f"suite.{n}", i, (), timeout=1.0 if "hangs" in n else 30.0) for n, i in asked]
        pairs = side_by_side.measure(sides, dict.fromkeys(keys, seconds), cpu, random.Random(seed))
        found = {p.key.name[6:]: p for p in pairs}
        assert len(found) == len(asked)
        return found

    return run


def test_ratio_is_head_over_base(measure):
    pair = measure(("time_slow", None))["time_slow"]
    assert pair.states == {}
    assert pair.ratio == pytest.approx(pair.head / pair.base) == pytest.approx(2)
    assert pair.base == pytest.approx(0.002)


def test_some_slow_calls_show_in_the_mean_and_in_the_tail(measure):
    pair = measure(("time_tail", None))["time_tail"]
    assert pair.ratio == pytest.approx(1)
    assert pair.mean == pytest.approx(2.2, abs=0.3)
    assert pair.tail == pytest.approx(5)


def test_what_fails_is_tried_again_at_once(sides):
    keys = [Key(f"suite.{name}", None, (), timeout=30.0) for name in ("time_dies", "time_quick")]
    for seed in range(2):
        chance = random.Random(seed)
        pairs = list(side_by_side.measure(sides, dict.fromkeys(keys, 0.1), None, chance))
        names = [pair.key.name for pair in pairs]
        assert names.count("suite.time_dies") == 2
        assert names[names.index("suite.time_dies") + 1] == "suite.time_dies"
        assert names.count("suite.time_quick") == 1


def test_one_that_hangs_is_not_waited_for_as_long_as_the_suite_allows(sides, monkeypatch):
    """The other side has shown how long it takes."""
    monkeypatch.setattr(side_by_side, "PATIENCE", (1.0, 5))
    key = Key("suite.time_hangs_on_head", None, (), timeout=600.0)
    first, second = side_by_side.measure(sides, {key: 0.1}, None, random.Random(1))
    for pair in (first, second):  # how long it waited follows from how long base took
        assert pair.states["head"].startswith("failed: no answer within")


def test_what_is_installed_elsewhere_is_not_measured(sides, tmp_path):
    """A part that lacks in the copy of a commit would be found in the environment."""
    (tmp_path / "copy").mkdir()
    environ = {"PYTHONPATH": str(sides["head"].path)}
    lacking = replace(sides["head"], path=tmp_path / "copy", packages=("subject",))
    there = {**sides, "head": lacking}
    key = Key("suite.time_quick", None, ())
    script = tmp_path / "python"
    script.write_text(f"#!/bin/sh\nPYTHONPATH={environ['PYTHONPATH']} exec {sys.executable} $@\n")
    script.chmod(0o755)
    there["head"] = replace(lacking, python=str(script))
    pair = next(iter(side_by_side.measure(there, {key: 0.1}, None, random.Random(1))))
    assert "subject is not this commit's but" in pair.states["head"]


def test_bare_call_is_timed(measure):
    found = measure(("Tracked.track_time", 0), ("time_quick", None))
    for pair in found.values():
        assert pair.ratio, pair.states
        # The call, not asv's whole measurement of a tenth of a second.
        assert pair.base < 1e-3


def test_values_that_are_no_calls(measure):
    found = measure(("track_samples", None), ("Cached.track_cached", None))
    samples, cached = found["track_samples"], found["Cached.track_cached"]
    assert (samples.base, samples.head) == (3.0, 6.0)
    assert (cached.base, cached.head, cached.ratio) == (7.0, 14.0, 2.0)


def test_each_side_has_its_own_project(measure):
    pair = measure(("track_path", None))["track_path"]
    assert (pair.base, pair.head) == (1.0, 1.0)


def test_absent_says_why(measure):
    pair = measure(("Tracked.track_time", 3))["Tracked.track_time"]
    assert set(pair.states) == {"base", "head"}
    assert pair.states["head"].startswith("absent: ")
    assert "not for 2 and b" in pair.states["head"]
    assert measure(("track_nan", None))["track_nan"].states["base"] == "absent: its value is nan"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("time_raises", "failed: ValueError: of this kind"),
        ("track_none", "failed: ValueError: it returned None"),
        ("time_dies", "failed: its process ended (SIGSEGV)"),
        ("time_hangs", "failed: no answer within 1 s"),
        ("no_such_thing", "failed: ValueError: Could not find benchmark 'suite.no_such_thing'"),
    ],
)
def test_failure_says_why_and_ends_nothing_else(measure, name, reason):
    found = measure((name, None), ("time_quick", None))
    assert reason in found[name].states.values()
    assert found["time_quick"].ratio


def test_what_is_printed_is_no_answer(measure):
    assert measure(("time_prints", None))["time_prints"].ratio


def test_both_run_on_one_processor_while_they_are_timed(measure):
    import os

    cpu = max(os.sched_getaffinity(0))
    pair = measure(("track_processor", None), cpu=cpu)["track_processor"]
    assert (pair.base, pair.head) == (1.0, 1.0)
    pair = measure(("track_processor", None))["track_processor"]
    assert pair.base == len(os.sched_getaffinity(0))


def test_what_needs_a_fresh_process_gets_one(sides):
    fresh = [Key("suite.track_count_fresh", i, (str(i),), fresh=True) for i in range(3)]
    keys = [*fresh, Key("suite.track_count", None, ()), Key("suite.track_hash", None, ())]
    for seed in range(4):
        found = list(
            side_by_side.measure(sides, dict.fromkeys(keys, 0.1), None, random.Random(seed))
        )
        assert len(found) == len(keys)
        assert [p.base for p in found if p.key.fresh] == [1.0, 1.0, 1.0]


def test_pairs_differ_where_processes_differ_and_are_alike_inside(measure):
    one, two = (measure(("track_hash", None), seed=seed)["track_hash"] for seed in (1, 2))
    assert one.base == one.head
    assert one.base != two.base


def test_arrays_begin_anywhere_in_each_process(measure):
    """Or where a commit's source is longer would be an effect of all its processes."""
    pairs = [measure(("track_place", None), seed=1)["track_place"] for _ in range(2)]
    assert len({value for pair in pairs for value in (pair.base, pair.head)}) > 1


def test_worker_makes_calls_for_a_count_of_instructions(sides):
    side = sides["base"]
    environ = {"PYTHONPATH": str(side.path), "PATH": "/usr/bin:/bin"}

    def run(name, index):
        command = [side.python, str(side_by_side.WORKER), str(side.root), name, index, "0005"]
        return subprocess.run(command, env=environ, capture_output=True, text=True)

    assert run("suite.time_quick", "").returncode == 0
    assert run("suite.Tracked.track_time", "0").returncode == 0
    assert "its calls are not in this process" in run("suite.track_samples", "").stderr


def test_worker_needs_nothing_of_ours():
    """In asv's environment only asv_runner is beside the project."""
    text = Path(side_by_side.WORKER).read_text()
    assert "from ." not in text
    assert "import gate" not in text
