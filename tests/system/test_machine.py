"""How this machine is tuned, really asked; and the whole command, in processes of its own."""

import json
import os
import re
import subprocess
import sys
import time

import pytest

from lsebench.__main__ import main as command
from lsebench.machine import linux_checks, machine, noise_floor

from ..tuned import CPU, made_up, tree


def test_the_load_of_this_very_process_is_seen():
    """Real files of real time: a busy process is named with what it took."""
    code = "print(1, flush=True)\nfor i in range(10**9): pass"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as busy:
        busy.stdout.readline()
        before, end = linux_checks.activity(machine.ROOT), time.monotonic() + 60
        while True:  # on a busy machine it may have to wait for a processor
            time.sleep(0.1)
            after = linux_checks.activity(machine.ROOT)
            took = after.processes[busy.pid][1] - before.processes[busy.pid][1]
            if (took > 0 and after.busy > before.busy) or time.monotonic() > end:
                break
        busy.kill()
    assert took > 0
    assert after.busy > before.busy


def test_two_pairs_at_a_time_where_a_third_core_is_free(quick, monkeypatch, capsys):
    monkeypatch.setattr(noise_floor, "room", lambda: 2)
    assert command(["machine", "--machine", "m", "--json", "found.json"]) == 0
    assert "pairs 1 to 2 of 2" in capsys.readouterr().err
    found = json.loads((quick / "found.json").read_text())
    assert all(one["beside"] > 0 for one in found["noise"]["kernels"].values())


@pytest.fixture
def quick(tmp_path, monkeypatch):
    """The whole command, over a made-up machine, and in a moment."""
    return made_up(tmp_path, monkeypatch)


def test_the_whole_command(quick, capsys):
    assert command(["machine", "--machine", "m", "--json", "found.json"]) == 0
    said = capsys.readouterr()
    assert "How machine m is tuned" in said.out
    assert said.out.rstrip().endswith("Tuned (not to be seen: load, while it measured).")
    assert "process 2 of 2" in said.err
    assert "pair 2 of 2" in said.err
    found = json.loads((quick / "found.json").read_text())
    assert found["machine"] == "m"
    assert {check["name"] for check in found["checks"]} >= {"SMT", "noise floor"}
    assert set(found["noise"]["kernels"]) == {"loop", "exp", "read"}
    assert all(len(one["ratios"]) == 2 for one in found["noise"]["kernels"].values())
    (line,) = (quick / "results/m/tuning.jsonl").read_text().splitlines()
    for check in found["checks"]:
        assert "private" in check
        del check["private"]  # names of programs: not for everybody
    assert json.loads(line) == found

    tree(quick / "root", {f"{CPU}/smt/active": "1"})
    assert command(["machine", "--machine", "m"]) == 1
    assert "Not tuned: SMT (" in capsys.readouterr().out
    assert len((quick / "results/m/tuning.jsonl").read_text().splitlines()) == 2
    assert command(["machine", "--machine", "n", "--no-store"]) == 1
    assert not (quick / "results/n").exists()


def test_pyperf_is_really_asked():
    """Its words are read here: what a newer pyperf says otherwise must be noticed."""
    said = machine.ask_pyperf()
    assert said is not None
    assert re.search(r"^CPU: use \d+ logical CPUs", said, re.M)
    checks = {check.name: check for check in linux_checks.asked(machine.ROOT, said)}
    assert checks["ASLR"].found.endswith("randomization")
    states = linux_checks.answers(said, "System state")
    if os.cpu_count() > 1:
        assert any("isolated" in sentence.lower() for sentence in states["Linux scheduler"])
    if os.access("/proc/irq/default_smp_affinity", os.R_OK):
        assert "Default IRQ affinity" in linux_checks.interrupts(machine.ROOT, states)[0].found
