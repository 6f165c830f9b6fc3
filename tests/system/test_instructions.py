"""Counting instructions: known loops under valgrind, and what is said where it cannot count."""

import os
import shutil
import subprocess
import sys

import pytest

from lsebench.gate import instructions
from lsebench.gate.instructions import Count, Unavailable

NOPS = 1000
WORKER = f"""
#include <cstdlib>
#include <cstring>
#include <unistd.h>

int main(int, char **argv) {{
    if (!std::strcmp(argv[1], "trap")) __builtin_trap();
    if (!std::strcmp(argv[1], "sleep")) sleep(60);
    if (!std::strcmp(argv[1], "fork") && !fork()) return 0;
    if (!std::strcmp(argv[1], "fail")) return write(2, "no such kernel\\n", 15), 3;
    for (long calls = std::atol(argv[2]); calls--;)
        asm volatile(".rept {NOPS}\\nnop\\n.endr");
}}
"""


@pytest.fixture(scope="module")
def worker(tmp_path_factory):
    """Compile a worker whose call has a known number of instructions, and ways to fail."""
    if not shutil.which("valgrind"):
        pytest.skip("valgrind is not installed (apt install valgrind)")
    folder = tmp_path_factory.mktemp("worker")
    (folder / "worker.cpp").write_text(WORKER)
    command = ["c++", "-O1", "-o", folder / "worker", folder / "worker.cpp"]
    subprocess.run(command, check=True)
    return str(folder / "worker")


@pytest.fixture
def valgrind(tmp_path, monkeypatch):
    """Put a valgrind of our own, a shell script, before all others."""

    def install(script):
        file = tmp_path / "valgrind"
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    return install


def test_difference_leaves_the_start_out():
    assert instructions.difference([(1100, 1200), (1100, 1200)], 10) == Count(10, 0.1, 10, 2)


def test_difference_is_uncertain_where_repeats_differ():
    count = instructions.difference([(1100, 1200), (1104, 1200), (1101, 1206)], 10)
    assert count.instructions == pytest.approx((1200 - 1101) / 10)
    assert count.uncertainty == pytest.approx((4 + 6) / 2 / 10)


@pytest.mark.parametrize(("calls", "repeats"), [(0, 3), (10, 1)])
def test_count_asks_for_calls_and_repeats(calls, repeats):
    with pytest.raises(ValueError, match="repeats at least 2"):
        instructions.count(["true"], calls, repeats)


def test_count_is_true(worker):
    count = instructions.count([worker, "run"], calls=100, repeats=2)
    assert NOPS < count.instructions < NOPS + 10  # the loop's own
    assert count.uncertainty < 5


def test_count_repeats_to_the_instruction(worker):
    first, second = (instructions.total([worker, "run", "10"]) for _ in range(2))
    assert first == second


def test_total_is_of_the_process_alone(worker):
    assert instructions.total([worker, "fork", "1000"]) > 1000 * NOPS


@pytest.mark.parametrize(
    ("mode", "timeout", "reason"),
    [
        ("trap", 60, r"does not know an instruction .*\(SIGILL\)"),
        ("fail", 60, r"ended with 3 under valgrind: no such kernel"),
        ("sleep", 0.5, r"not done under valgrind after 0.5 s"),
    ],
)
def test_total_says_why_not(worker, mode, timeout, reason):
    with pytest.raises(Unavailable, match=reason):
        instructions.total([worker, mode, "1"], timeout=timeout)


def test_available_where_valgrind_works(worker):
    assert instructions.available() is None


def test_unavailable_where_valgrind_is_missing(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert instructions.available() == "valgrind is not installed (apt install valgrind)"


def test_unavailable_where_valgrind_does_not_work(valgrind):
    valgrind("echo 'cannot find its library' >&2; exit 1")
    assert instructions.available().endswith("under valgrind: cannot find its library")


COUNTING = r"""
for log; do case $log in --log-file=*) log=${log#*=}; break;; esac; done
for calls; do :; done
calls=$(echo "$calls" | sed "s/^0*//")
echo "==1== I   refs:      $((1000 + 7 * calls))" > "${log%/*}/$$"
"""
"""A valgrind that counts 7 instructions for each call, and 1,000 beside."""


def test_worker_gets_equal_lengths_and_a_fixed_environment(valgrind, tmp_path):
    valgrind(f'echo "$PYTHONHASHSEED $OMP_NUM_THREADS $EXTRA" "$@" >> {tmp_path}/runs' + COUNTING)
    count = instructions.count(["worker", "kernel"], 60, 2, environ={"EXTRA": "here"})
    assert count == Count(7, 1 / 60, 60, 2)
    runs = (tmp_path / "runs").read_text().splitlines()
    assert [run.rpartition(" ")[2] for run in runs] == ["060", "060", "120", "060", "120"]
    assert all(run.startswith("0 1 here ") and " worker kernel " in run for run in runs)


def gate_instructions(*arguments):
    command = [sys.executable, "-m", "lsebench", "instructions", *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def test_command_line(valgrind):
    valgrind(COUNTING)
    done = gate_instructions("--calls=10", "--repeats=2", "worker", "kernel")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "7.0 ± 0.1 instructions a call\n"


def test_command_line_says_why_not(valgrind):
    valgrind("exit 1")
    done = gate_instructions("worker")
    assert done.returncode == 3
    assert done.stderr.startswith("nothing counted: the worker ended with 1 under valgrind")
    assert gate_instructions("--repeats=1", "worker").returncode == 4
