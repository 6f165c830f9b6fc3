"""How a machine is tuned, read from made-up trees of files; and the scatter of known numbers."""

import json
import random
import signal

import pytest

from lsebench import cli
from lsebench.__main__ import main as command
from lsebench.machine import frozen_calls, linux_checks, machine, noise_floor
from lsebench.machine.linux_checks import BAD, GOOD, UNKNOWN, Activity, Check
from lsebench.records.stored import Tuning

from ..tuned import CLOCK, CPU, HUGE, ISOLATED, SAID, TUNED, found, made_up, tree

LAPTOP = {
    f"{CPU}/online": "0-3",
    f"{CPU}/nohz_full": "(null)",
    f"{CPU}/cpufreq/boost": "1",
    f"{CPU}/smt/active": "1",
    f"{CPU}/cpu1/thermal_throttle/core_throttle_count": "7",
    "sys/class/hwmon/hwmon0/name": "k10temp",
    "sys/class/hwmon/hwmon0/temp1_input": "91000",
    HUGE: "[always] madvise never",
    f"{CLOCK}/current_clocksource": "hpet",
    f"{CLOCK}/available_clocksource": "hpet tsc acpi_pm",
    "proc/cpuinfo": "flags\t\t: fpu sse2\n",
    "proc/loadavg": "1.90 1.02 0.90 3/90 1234",
    "proc/swaps": "Filename Type Size Used Priority\n/dev/sda2 partition 4194304 204800 -2",
}
VIRTUAL = {
    f"{CPU}/online": "0-1",
    f"{CPU}/smt/active": "0",
    f"{CPU}/smt/control": "notsupported",
    "sys/class/dmi/id/sys_vendor": "QEMU",
    "sys/class/dmi/id/product_name": "Standard PC",
    HUGE: "always madvise [never]",
    f"{CLOCK}/current_clocksource": "kvm-clock",
    "proc/cpuinfo": "processor\t: 0\nflags\t\t: fpu hypervisor sse2\n",
    "proc/loadavg": "0.00 0.00 0.00 1/90 1234",
    "proc/swaps": "Filename Type Size Used Priority\n/swap file 4096 0 -2",
}
BUSY = (
    Activity(1000, 0, 2000, {1: ("init", 5), 7: ("browser", 900)}),
    Activity(1150, 0, 2400, {1: ("init", 5), 7: ("browser", 990), 8: ("make", 55)}),
)
ADVISED = """Show the system configuration

System state
============

CPU: use 4 logical CPUs: 0-3
Perf event: Maximum sample rate: 100000 per second
Linux scheduler: No CPU is isolated
IRQ affinity: Default IRQ affinity: CPU 0-3
CPU scaling governor: 0=performance; 1-3=powersave
Power supply: the power cable is unplugged

Advices
=======

Perf event: Set max sample rate to 1
Linux scheduler: Use isolcpus=<cpu list> kernel parameter to isolate CPUs
CPU scaling governor: Use CPU scaling governor 'performance'
Power supply: The power cable must be plugged

Warnings
========

Turbo Boost (MSR): Failed to read MSR 0x1a0

"""
GUEST = """System state
============

Linux scheduler: No CPU is isolated

"""


def test_a_tuned_machine_has_nothing_bad(tmp_path):
    checks = found(tmp_path, TUNED)
    assert {c.state for c in checks.values()} == {GOOD}
    assert checks["isolated CPUs"].found.startswith(
        "Isolated CPUs (2/4): 2-3; RCU disabled on CPUs (2/4): 2-3; nohz_full: 2-3; "
        "this program may use CPU 0-1"
    )
    assert checks["temperature"].found == "43 °C", "of the processor, and not of a disk"
    assert checks["interrupts"].found == "Default IRQ affinity: CPU 0-1"
    assert machine.verdict(checks.values()) == "Tuned."


def test_a_laptop_says_what_is_bad_and_how_to_mend_it(tmp_path):
    checks = found(tmp_path, LAPTOP, BUSY, ADVISED)
    bad = {name: check for name, check in checks.items() if check.state == BAD}
    assert set(checks) - set(bad) == {"virtualization", "interrupts"}
    assert all(check.why for check in bad.values())
    assert {name for name, check in bad.items() if not check.fix} == {"Power supply"}
    assert checks["CPU scaling governor"].found == "0=performance; 1-3=powersave"
    assert checks["turbo"].fix == f"echo 0 | sudo tee /{CPU}/cpufreq/boost"
    assert "nohz_full=1-3 rcu_nocbs=1-3 irqaffinity=0" in checks["isolated CPUs"].fix
    assert checks["load"].found == (
        "1.50 of 4 CPUs busy in a second of doing nothing, average load 1.90"
    )
    assert checks["load"].private == "browser 90 % (process 7), make 55 % (process 8)"
    assert checks["swap"].found == "200 MiB used"
    assert checks["temperature"].found == "91 °C, slowed down 7 times since the start"
    assert checks["clock source"].fix == f"echo tsc | sudo tee /{CLOCK}/current_clocksource"
    advised = checks["Perf event"]
    assert advised.found == "Maximum sample rate: 100000 per second"
    assert advised.why == "Set max sample rate to 1"
    assert not [name for name in checks if "scheduler" in name or "MSR" in name], "said once"
    assert machine.verdict(checks.values()).startswith(
        "Not tuned: Perf event, CPU scaling governor, Power supply, turbo, SMT"
    )


def test_a_virtual_machine_says_what_cannot_be_known(tmp_path):
    checks = found(tmp_path, VIRTUAL, said=GUEST)
    unknown = {name for name, check in checks.items() if check.state == UNKNOWN}
    assert unknown == {"CPU scaling governor", "turbo", "SMT", "temperature"}
    assert all("host decides" in checks[name].why for name in unknown)
    assert {name for name, c in checks.items() if c.state == BAD} == {
        "isolated CPUs",
        "virtualization",
    }
    assert checks["virtualization"].found == (
        "QEMU Standard PC, 25.0 % of the time taken by its host so far"
    )
    assert checks["swap"].found == "there, and empty"
    assert "pyperf" not in checks


def test_nothing_is_good_where_nothing_is_to_be_read(tmp_path):
    checks = found(tmp_path, {}, (Activity(0, 0, 0, {}),) * 2, None)
    assert {n for n, c in checks.items() if c.state == GOOD} == {"virtualization"}
    assert checks["isolated CPUs"].found == "none of 1"
    assert checks["pyperf"].state == UNKNOWN


@pytest.mark.parametrize(
    ("change", "name", "state"),
    [
        ({f"{CPU}/smt/active": "1"}, "SMT", BAD),
        ({"proc/cpuinfo": "flags : fpu hypervisor"}, "virtualization", BAD),
        ({"sys/hypervisor/type": "xen"}, "virtualization", BAD),
        ({"sys/class/hwmon/hwmon1/temp2_input": "93000"}, "temperature", BAD),
        ({"sys/class/hwmon/hwmon1/temp2_crit": "50000"}, "temperature", BAD),
        ({f"{CPU}/cpu0/thermal_throttle/core_throttle_count": "1"}, "temperature", BAD),
        ({f"{CLOCK}/current_clocksource": "acpi_pm"}, "clock source", BAD),
        ({HUGE: "[always] never"}, "transparent huge pages", BAD),
    ],
)
def test_one_thing_changes_one_check(tmp_path, change, name, state):
    checks = found(tmp_path, TUNED | change)
    assert checks[name].state == state
    if name != "virtualization":
        assert {n for n, c in checks.items() if c.state != GOOD} == {name}


def test_interrupts_on_processors_that_are_kept(tmp_path):
    said = SAID.format(rate=1, isolated=ISOLATED, interrupts="0-2", advices="")
    check = found(tmp_path, TUNED, said=said)["interrupts"]
    assert (check.state, check.found) == (BAD, "Default IRQ affinity: CPU 0-2")
    assert check.why == "devices interrupt CPU 2, which should be kept free"
    said = SAID.format(rate=1, isolated="No CPU is isolated", interrupts="3", advices="")
    check = found(tmp_path, TUNED, said=said)["interrupts"]
    assert check.state == BAD, "kept by nohz_full alone"


def test_turbo_is_read_where_pyperf_does_not_tell(tmp_path):
    root = tree(tmp_path, {"proc/cpuinfo": "flags : fpu"})
    assert linux_checks.turbo(root, {"Turbo Boost (MSR)": ["CPU 0-3: enabled"]}) == []
    (check,) = linux_checks.turbo(root, {})
    assert (check.state, "modprobe msr" in check.fix) == (UNKNOWN, True)
    for text, state in (("1", BAD), ("0", GOOD)):
        tree(tmp_path, {f"{CPU}/cpufreq/boost": text})
        assert linux_checks.turbo(root, {})[0].state == state


@pytest.mark.parametrize(
    ("text", "cpus"),
    [("0-2,5", [0, 1, 2, 5]), ("", []), ("(null)", []), (None, []), ("nohz,domain,1,3", [1, 3])],
)
def test_lists_of_processors(text, cpus):
    assert linux_checks.cpu_list(text) == cpus
    assert linux_checks.cpu_list(linux_checks.cpu_text(cpus)) == cpus


def test_processes_whose_names_are_odd(tmp_path):
    fields = " ".join(map(str, range(4, 53)))
    root = tree(
        tmp_path,
        {
            "proc/stat": "cpu  1 2 3 40 5 6 7 8 100 100\ncpu0 0",
            "proc/12/stat": f"12 (a) b (c) S {fields}",
            "proc/13/stat": f"13 (me) S {fields}",
        },
    )
    seen = linux_checks.activity(root, but=13)
    assert (seen.busy, seen.stolen, seen.total) == (19, 8, 72)
    assert seen.processes == {12: ("a) b (c", 14 + 15)}


def test_scatter_of_normal_numbers_is_their_standard_deviation():
    draw = random.Random(1)
    values = [draw.gauss(50, 0.5) for _ in range(4000)]
    assert noise_floor.robust_cv(values) == pytest.approx(0.01, rel=0.05)
    assert noise_floor.robust_cv([*values, 1e9]) == pytest.approx(0.01, rel=0.05)
    assert noise_floor.robust_cv([3.0, 3.0, 3.0]) == 0


def test_scatter_within_and_between_processes_is_told_apart():
    draw = random.Random(2)

    def process(level):
        return {"a": [draw.gauss(level, 0.001 * level) for _ in range(200)]}

    found = noise_floor.summary([process(draw.gauss(1.0, 0.03)) for _ in range(300)])["a"]
    assert found["within"] == pytest.approx(0.001, rel=0.1)
    assert found["between"] == pytest.approx(0.03, rel=0.2)
    assert len(found["processes"]) == 300


@pytest.mark.parametrize(("between", "state"), [(0.001, GOOD), (0.021, BAD)])
def test_the_worst_kernel_is_judged(between, state):
    kernels = {"loop": {"between": 0.0}, "exp": {"between": between}}
    assert noise_floor.check({"kernels": kernels, "switches": 3.0}).state == state


def test_the_array_is_beyond_the_caches(tmp_path):
    cache = f"{CPU}/cpu0/cache"
    assert noise_floor.array_bytes(tmp_path) == 2**26
    tree(tmp_path, {f"{cache}/index0/size": "48K", f"{cache}/index3/size": "96M"})
    assert noise_floor.array_bytes(tmp_path) == 192 * 2**20
    tree(tmp_path, {f"{cache}/index3/size": "8192M"})
    assert noise_floor.array_bytes(tmp_path) == 2**30


def test_every_kernel_runs_and_has_a_name():
    found = frozen_calls.measure(0.0, 2**12)
    assert set(found) == set(frozen_calls.NAMES)
    assert {len(times) for times in found.values()} == {5}
    assert all(time > 0 for times in found.values() for time in times)


@pytest.fixture
def quick(tmp_path, monkeypatch):
    """The whole command, over a made-up machine, and in a moment."""
    return made_up(tmp_path, monkeypatch)


def test_the_name_is_the_one_that_asv_knows(quick):
    assert cli.machine_name("m") == "m"
    known = {"version": 1, "named": {"machine": "named", "cpu": ""}}
    (quick / ".asv-machine.json").write_text(json.dumps(known))
    assert cli.machine_name(None) == "named", "the only one in asv's file of machines"
    assert cli.machine_name("other") == "other"


@pytest.mark.parametrize(
    "arguments", [["--processes", "1"], ["--config", "none.json"], ["--machnie", "m"]]
)
def test_errors_of_use(quick, arguments, capsys):
    try:
        code = command(["machine", *arguments])
    except SystemExit as end:
        code = end.code
    assert code == 4
    assert "error" in capsys.readouterr().err


def test_interrupted_it_stores_nothing(quick, monkeypatch):
    def interrupt(*args, **more):
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(noise_floor, "floor", interrupt)
    assert command(["machine", "--machine", "m"]) == 130
    assert not (quick / "results").exists()


def test_what_is_stored_is_bounded(tmp_path):
    for number in range(60):
        found = Tuning(checked=str(number), checks=[], noise={"kernels": {}})
        file = machine.store(tmp_path / "m", found)
    kept = [json.loads(line)["checked"] for line in file.read_text().splitlines()]
    assert kept == [str(number) for number in range(10, 60)]
    assert [f.name for f in file.parent.iterdir()] == ["tuning.jsonl"]


def test_commands_in_the_table_are_whole():
    fix = "echo " + "x" * 300
    text = machine.table([Check("a", "found " * 50, BAD, "why " * 50, fix)])
    assert f"-> {fix}" in text.splitlines()[-1]
    assert max(len(line) for line in text.splitlines()[:-1]) <= 120
