"""A tuned machine as a tree of files, and what is found in such trees."""

from types import SimpleNamespace

from lsebench.machine import linux_checks, machine, noise_floor
from lsebench.machine.linux_checks import Activity

CPU = "sys/devices/system/cpu"
CLOCK = "sys/devices/system/clocksource/clocksource0"
HUGE = "sys/kernel/mm/transparent_hugepage/enabled"
TUNED = {
    f"{CPU}/online": "0-3",
    f"{CPU}/nohz_full": "2-3",
    f"{CPU}/smt/active": "0",
    f"{CPU}/smt/control": "off",
    f"{CPU}/cpu0/thermal_throttle/core_throttle_count": "0",
    "sys/class/dmi/id/sys_vendor": "Amazon EC2",  # it rents real ones too
    "sys/class/dmi/id/product_name": "m5.metal",
    "sys/class/hwmon/hwmon0/name": "nvme",
    "sys/class/hwmon/hwmon0/temp1_input": "99000",
    "sys/class/hwmon/hwmon1/name": "coretemp",
    "sys/class/hwmon/hwmon1/temp1_input": "41000",
    "sys/class/hwmon/hwmon1/temp2_input": "43000",
    "sys/class/hwmon/hwmon1/temp2_crit": "100000",
    HUGE: "always [madvise] never",
    f"{CLOCK}/current_clocksource": "tsc",
    "proc/cpuinfo": "processor\t: 0\nflags\t\t: fpu vme sse2\n",
    "proc/loadavg": "0.01 0.02 0.00 1/90 1234",
    "proc/self/status": "Name:\tcat\nCpus_allowed_list:\t0-1\n",
    "proc/swaps": "Filename Type Size Used Priority",
    "proc/self/cgroup": "0::/system.slice/ours.service",
    "sys/fs/cgroup/system.slice/cpu.max": "max 100000",
    "etc/systemd/system/timers.target.wants/lsekernels-nightly.timer": "",
    f"{CPU}/cpu0/cpufreq/energy_performance_preference": "performance",
    f"{CPU}/cpu0/cpuidle/state2/disable": "0",
    f"{CPU}/cpu0/cpuidle/state2/latency": "10",
    f"{CPU}/cpu0/cpuidle/state2/name": "C1E",
    f"{CPU}/cpu0/cpuidle/state3/disable": "1",
    f"{CPU}/cpu0/cpuidle/state3/latency": "133",
    f"{CPU}/cpu0/cpuidle/state3/name": "C6",
    f"{CPU}/vulnerabilities/meltdown": "Not affected",
    f"{CPU}/vulnerabilities/spectre_v1": "Mitigation: usercopy barriers",
    "sys/kernel/mm/ksm/run": "0",
    "sys/devices/system/node/online": "0-1",
    "proc/sys/kernel/numa_balancing": "0",
    "proc/cmdline": "quiet mitigations=auto",
}
IDLE = Activity(0, 0, 0, {1: ("init", 5)}), Activity(4, 100, 400, {1: ("init", 6)})
SAID = """Show the system configuration

System state
============

CPU: use 4 logical CPUs: 0-3
Perf event: Maximum sample rate: {rate} per second
ASLR: Full randomization
Linux scheduler: {isolated}
IRQ affinity: Default IRQ affinity: CPU {interrupts}
IRQ affinity: IRQ affinity: IRQ 0-8=CPU 0-1; IRQ 9=CPU 2
CPU scaling governor: 0-3=performance
Turbo Boost (intel_pstate): Turbo Boost disabled

{advices}Run "python -m pyperf system tune" to tune the system configuration to run benchmarks
"""
ISOLATED = "Isolated CPUs (2/4): 2-3\nLinux scheduler: RCU disabled on CPUs (2/4): 2-3"
FINE = SAID.format(rate=1, isolated=ISOLATED, interrupts="0-1", advices="")


def tree(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text + "\n")
    return folder


def found(folder, files, activity=IDLE, said=FINE):
    return {c.name: c for c in linux_checks.checks(tree(folder, files), activity, said)}


def made_up(tmp_path, monkeypatch):
    """Let the whole command look at a made-up machine, in a moment; return its folder."""
    (tmp_path / "asv.conf.json").write_text(
        '{"version": 1, "project": "p", "repo": ".", "results_dir": "results"}'
    )
    root = tree(tmp_path / "root", TUNED | {"proc/stat": "cpu 0 0 0 0"})
    monkeypatch.setattr(machine, "ROOT", root)
    monkeypatch.setattr(machine, "ask_pyperf", lambda: FINE)
    monkeypatch.setattr(noise_floor, "array_bytes", lambda root: 2**16)
    monkeypatch.setattr(noise_floor, "floor", real_floor := noise_floor.floor)
    monkeypatch.setattr(
        noise_floor, "floor", lambda root, processes, say: real_floor(root, 2, 0.0, say)
    )
    monkeypatch.setattr(machine, "time", SimpleNamespace(sleep=lambda seconds: None))
    monkeypatch.setattr(noise_floor, "MOST", 1e9)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path
