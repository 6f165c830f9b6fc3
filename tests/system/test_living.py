"""Combinations of a backend share a process, under asv's own runner."""

import math
import os
import sys
import time
from itertools import product
from pathlib import Path

import pytest
from asv import runner, util
from asv.benchmarks import Benchmarks
from asv.config import Config
from asv.results import Results

from lsebench.environments.combinations import Combinations
from lsebench.run import run as measure

SUITE = """
import os
import subprocess
import sys
import time

def note(*what):
    with open(os.environ["NOTES"], "a") as notes:
        print(*what, os.getpid(), file=notes)

class Suite:
    params = (["one", "other:form", "other:more", "gone", "serial"], [1, 2, 3])
    param_names = ("backend", "size")
    timeout = 2

    def track_shared(self, backend, size):
        note("shared", backend, size)
        return size

    def track_fresh(self, backend, size):
        note("fresh", backend, size)
        return size

    def track_trouble(self, backend, size):
        note("trouble", backend, size)
        print("says", backend, size)
        if (backend, size) == ("one", 1):
            time.sleep(60)
        if (backend, size) == ("one", 2):
            os._exit(3)
        if (backend, size) == ("other:form", 2):
            raise ValueError("wrong")
        if (backend, size) == ("other:more", 1):
            raise SystemExit(5)
        return size

    def track_fork(self, backend, size):
        note("fork", backend, size)
        pid = os.fork()
        if not pid and size == 2:
            raise ValueError("in a child")
        if pid:
            os.waitpid(pid, 0)
        return size  # a child that comes here must not answer

    def track_child(self, backend, size):
        return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid

    track_shared.rounds = 2
    track_fresh.fresh_process = True
"""
FACTS = [
    {"backend": "one", "unavailable": None, "parallel": True, "device": "cpu"},
    {"backend": "other", "unavailable": None, "parallel": True, "device": "cpu"},
    {"backend": "gone", "unavailable": "it is not installed", "parallel": True, "device": "cpu"},
    {"backend": "serial", "unavailable": None, "parallel": False, "device": "cpu"},
]


class Scratch(Combinations):
    """The Python that runs now, with a suite of the test's."""

    tool_name = "scratch"

    def find_executable(self, executable):
        return sys.executable

    def start(self, args, **kwargs):
        kwargs["env"] = {**kwargs["env"], **self._global_env_vars}
        return util.check_output([sys.executable, *args], **kwargs)

    def facts(self):
        return {"backends": FACTS}


@pytest.fixture
def run(root, tmp_path, monkeypatch):
    """Run a function of the suite; return its results and a (backend, size, process) a call."""
    suite = tmp_path / "benchmarks"
    suite.mkdir()
    (suite / "__init__.py").write_text("")
    (suite / "warm.py").write_text(SUITE)
    conf = Config.load(str(root / "asv.conf.json"))
    conf.benchmark_dir, conf.results_dir = str(suite), str(tmp_path)
    conf.env_dir = str(tmp_path / "env")
    monkeypatch.setenv("NOTES", str(tmp_path / "notes"))

    def measured(name, threads="1"):
        listed = measure.discover(conf)
        listed.save()
        env = Scratch(conf, "3", {}, {("nobuild", "LSEKERNELS_THREADS"): threads})
        chosen = Benchmarks(conf, list(listed.values()), rf"\.track_{name}\(")
        results = runner.run_benchmarks(chosen, env, results=Results.unnamed())
        env.rest()
        (key,) = chosen
        notes = Path(os.environ["NOTES"])
        lines = notes.read_text().splitlines() if notes.exists() else []
        calls = [tuple(line.split()[1:]) for line in lines]
        params = chosen[key]["params"]
        values = dict(zip(product(*params), results.get_result_value(key, params), strict=True))
        return values, calls, results.stderr.get(key, "")

    return measured


def test_one_process_measures_all_sizes_of_a_backend(run):
    values, calls, said = run("shared")
    assert values["'one'", "2"] == 2
    assert len(calls) == 2 * 4 * 3, "what is gone is not run"
    # Forms of a backend share its process; the second round has processes of its own.
    rounds = calls[:12], calls[12:]
    for each in rounds:
        processes = {}
        for backend, _, process in each:
            processes.setdefault(backend.partition(":")[0], set()).add(process)
        assert {name: len(found) for name, found in processes.items()} == {
            "one": 1, "other": 1, "serial": 1
        }  # fmt: skip
    assert not {call[2] for call in rounds[0]} & {call[2] for call in rounds[1]}
    assert math.isnan(values["'gone'", "1"])
    assert "'gone' is not available: it is not installed" in said


def test_a_backend_of_one_thread_starts_no_process_with_all(run):
    values, calls, said = run("shared", threads="all")
    assert {call[0] for call in calls} == {"one", "other:form", "other:more"}
    assert math.isnan(values["'serial'", "3"])
    assert "'serial' uses one thread" in said


def test_only_warm_calls_and_limits_are_measured_with_all_threads(run, tmp_path):
    (tmp_path / "benchmarks/warm.py").rename(tmp_path / "benchmarks/memory.py")
    values, calls, said = run("shared", threads="all")
    assert calls == []
    assert all(math.isnan(value) for value in values.values())
    assert "it is measured with one thread: see LSEKERNELS_THREADS=1" in said


def test_functions_that_ask_for_it_get_fresh_processes(run):
    _, calls, _ = run("fresh")
    assert len({call[2] for call in calls}) == len(calls) == 12


def test_a_process_for_each_combination_on_demand(run, monkeypatch):
    monkeypatch.setenv("LSEKERNELS_FRESH", "1")
    _, calls, _ = run("shared")
    assert len({call[2] for call in calls}) == len(calls) == 24


def test_what_fails_ends_nothing_else(run):
    """Time-out, a process that dies, an exception, an exit: as in a process of its own."""
    values, _, said = run("trouble")
    failed = {key for key, value in values.items() if value is None}
    assert failed == {
        ("'one'", "1"), ("'one'", "2"), ("'other:form'", "2"), ("'other:more'", "1")
    }  # fmt: skip
    assert values["'one'", "3"] == 3
    assert values["'other:form'", "3"] == 3
    assert "asv: benchmark timed out (timeout 2.0s)" in said.replace("timeout 2s", "timeout 2.0s")
    assert "ValueError: wrong" in said
    assert "For parameters: 'other:form', 3\nsays other:form 3" in said


def test_a_forked_child_does_not_answer_for_its_parent(run):
    values, calls, _ = run("fork")
    assert {value for value in values.values() if value == value} == {1, 2, 3}
    assert None not in values.values()
    assert len(calls) == 12


def test_what_a_benchmark_has_started_ends_with_its_process(run):
    values, _, _ = run("child")
    for pid in (int(value) for value in values.values() if value == value):
        deadline = time.monotonic() + 30
        while Path(f"/proc/{pid}").exists() and _runs(pid):
            assert time.monotonic() < deadline, f"{pid} still runs"
            time.sleep(0.05)


def _runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
