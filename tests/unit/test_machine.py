"""How a machine is tuned, read from made-up trees of files; and the scatter of known numbers."""

import json
import math
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
    "proc/self/cgroup": "0::/user.slice/app",
    "sys/fs/cgroup/user.slice/cpu.max": "150000 100000",
    "sys/fs/cgroup/user.slice/app/cpu.max": "max 100000",
    "etc/systemd/system/timers.target.wants/man-db.timer": "",
    "usr/lib/systemd/system/timers.target.wants/fstrim.timer": "",
    f"{CPU}/cpu0/cpufreq/energy_performance_preference": "performance",
    f"{CPU}/cpu1/cpufreq/energy_performance_preference": "balance_power",
    f"{CPU}/cpu0/cpuidle/state3/disable": "0",
    f"{CPU}/cpu0/cpuidle/state3/latency": "133",
    f"{CPU}/cpu0/cpuidle/state3/name": "C6",
    f"{CPU}/vulnerabilities/spectre_v1": "Vulnerable",
    "sys/kernel/mm/ksm/run": "1",
    "sys/devices/system/node/online": "0-1",
    "proc/sys/kernel/numa_balancing": "1",
    "proc/cmdline": "quiet mitigations=off",
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
    "proc/self/cgroup": "3:cpu,cpuacct:/\n2:memory:/x",
    "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1",
    "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
    "etc/systemd/system/timers.target.wants/man-db.timer": "",
    "sys/fs/cgroup/system.slice/cpuset.cpus": "0",
    f"{CPU}/cpuidle/current_driver": "none",
    f"{CPU}/vulnerabilities/spectre_v1": "Mitigation: usercopy barriers",
    "sys/kernel/mm/ksm/run": "2",
    "sys/devices/system/node/online": "0",
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
        "1.50 of 4 CPUs busy in 1 s of doing nothing, 1.50 in the busiest; "
        "average load of the last minute 1.90"
    )
    assert checks["load"].private == "browser 90 % (process 7), make 55 % (process 8)"
    assert checks["swap"].found == "200 MiB used"
    assert checks["CPU quota"].found == "1.5 of 4 CPUs"
    assert checks["timers"].found == "2 that start other programs"
    assert checks["timers"].private == "fstrim.timer, man-db.timer"
    assert checks["energy preference"].found == "balance_power, performance"
    assert checks["C-states"].found == "C6, 133 µs to wake"
    assert checks["NUMA balancing"].found == "on, nodes 0-1"
    assert checks["mitigations"].found == "0 on, 1 missing, 0 not needed (mitigations=off)"
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
    assert unknown == {
        "CPU scaling governor", "turbo", "SMT", "temperature", "energy preference", "C-states"
    }  # fmt: skip
    assert checks["timers"].found == "1 that start other programs, on CPU 0 alone"
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
        ({"sys/fs/cgroup/system.slice/ours.service/cpu.max": "5 10"}, "CPU quota", BAD),
        ({"proc/self/cgroup": "0::/../out"}, "CPU quota", GOOD),
        ({"usr/lib/systemd/system/timers.target.wants/a.timer": ""}, "timers", BAD),
        ({f"{CPU}/cpu0/cpuidle/state3/disable": "0"}, "C-states", BAD),
        ({f"{CPU}/cpu1/cpufreq/energy_performance_preference": "power"}, "energy preference", BAD),
        ({"sys/kernel/mm/ksm/run": "1"}, "same-page merging", BAD),
        ({"proc/sys/kernel/numa_balancing": "2"}, "NUMA balancing", BAD),
        ({"proc/cmdline": "mitigations=off"}, "mitigations", BAD),
        ({"proc/loadavg": "3.60 1 1 1/2 3"}, "load", BAD),
    ],
)
def test_one_thing_changes_one_check(tmp_path, change, name, state):
    checks = found(tmp_path, TUNED | change)
    assert checks[name].state == state
    if name != "virtualization":
        assert {n for n, c in checks.items() if c.state != GOOD} == (
            {name} if state == BAD else set()
        )


def seconds(*busy):
    """Return what is seen of 4 CPUs, a second apart, of which so many were busy in each."""
    seen = [Activity(0, 0, 0, {})]
    for one in busy:
        last = seen[-1]
        seen.append(Activity(last.busy + round(100 * one), 0, last.total + 400, {}))
    return seen


@pytest.mark.parametrize(
    ("busy", "state"),
    [([0.05] * 10, GOOD), ([0] * 9 + [0.6], BAD), ([0.2] * 10, BAD), ([0] * 9 + [0.4], GOOD)],
)
def test_what_runs_now_and_then_is_seen(tmp_path, busy, state):
    assert found(tmp_path, TUNED, seconds(*busy))["load"].state == state


def test_what_others_took_while_it_measured(tmp_path):
    root = tree(tmp_path, {f"{CPU}/online": "0-3"})
    before = Activity(0, 0, 0, {})

    def check(busy, stolen, own):
        return linux_checks.meanwhile(root, before, Activity(busy, stolen, 4000, {}), own)

    assert check(1050, 0, 1000).found == "0.05 of 4 CPUs busy with other programs"
    assert check(1050, 0, 1000).state == check(900, 0, 1000).state == GOOD
    assert check(1200, 0, 1000).state == BAD
    assert check(1000, 40, 1000).state == BAD
    assert "1.0 % of the time taken by the host" in check(1000, 40, 1000).found


def test_masked_timers_do_not_count(tmp_path):
    root = tree(tmp_path, {"usr/lib/systemd/system/timers.target.wants/a.timer": ""})
    (root / "etc/systemd/system").mkdir(parents=True)
    (root / "etc/systemd/system/a.timer").symlink_to("/dev/null")
    assert linux_checks.timers(root).found == "none"


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


def test_pairs_say_what_the_gate_sees():
    draw = random.Random(3)
    ratios = [math.exp(draw.gauss(0.0, 0.04)) for _ in range(4000)]
    assert noise_floor.scatter(ratios) == pytest.approx(0.04, rel=0.05)
    assert noise_floor.visible(0.0) == pytest.approx(0.02)
    assert noise_floor.visible(0.01) == pytest.approx(0.022, abs=0.001), "2 %, and to be found"
    assert noise_floor.visible(0.1) == pytest.approx(0.084, abs=0.001)
    kernel = {"between": 0.001, "visible": 0.034}
    check = noise_floor.check({"kernels": {"loop": kernel}, "switches": 3.0})
    assert "in pairs changes from 3.4 % on are seen" in check.found


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
