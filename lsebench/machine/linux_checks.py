"""How a Linux machine is tuned: one check for each thing that makes times scatter.

What ``pyperf system show`` tells is shown in its words. What it does not ask is read from files
below a root folder (``/``, or a made-up tree in a test). Nothing is changed: a check says what was
found, whether that is good, and the command that would mend it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from lsebench.records.context import cpu_list

GOOD, BAD, UNKNOWN = "good", "bad", "unknown"
HERE = Path(sys.executable)
PYTHON = HERE.relative_to(Path.cwd()) if HERE.is_relative_to(Path.cwd()) else HERE
TUNE = f"sudo {PYTHON} -m pyperf system tune"
CPUS = "sys/devices/system/cpu"
HOT = 85.0
"""Degrees Celsius; most processors lower their clock between 90 and 105."""
BUSY, BUSIEST = 0.1, 0.5
"""Of one processor, all other programs together: all the time, and in any second of it."""
LOADED = 1.0
"""Programs that ran or waited for a disk, on average over the last minute."""
STOLEN = 1.0
"""Per cent of the time that a host may take while something is measured."""
WAKING = 20
"""Microseconds that a processor may take to wake: deeper sleeps show in what waits for others."""
SCHEDULER, INTERRUPTS, GOVERNOR = "Linux scheduler", "IRQ affinity", "CPU scaling governor"
"""Names that pyperf has for what it tells."""
BY_HAND = ("Power supply", "Check nohz_full")
"""What pyperf advises on and cannot tune."""
CLOCKS = ("tsc", "arch_sys_counter", "kvm-clock", "hyperv_clocksource_tsc_page", "timebase")
"""Read without asking the kernel, in some 20 ns."""

Processes = Mapping[int, tuple[str, int]]
"""Process -> name, and the ticks of processor time it has used."""
Answers = Mapping[str, list[str]]
"""Name -> pyperf's sentences."""


@dataclass(frozen=True)
class Check:
    """What was found of one setting."""

    name: str
    found: str
    state: str
    """``good``, ``bad``, or ``unknown`` where it cannot be seen from here."""
    why: str = ""
    fix: str = ""
    """A command, or what to do where no command does it."""
    private: str = ""
    """Shown, but not stored with the results, which everybody can read."""


@dataclass(frozen=True)
class Activity:
    """What the processors had done when it was read, in ticks since the start."""

    busy: int
    stolen: int
    total: int
    processes: Processes


def checks(root: Path, seen: Sequence[Activity], pyperf: str | None) -> list[Check]:
    """Return all checks of the machine whose ``/sys`` and ``/proc`` are below `root`.

    Parameters
    ----------
    root : Path
    seen : sequence of Activity
        Each a second after the one before, in which this program slept.
    pyperf : str or None
        What ``pyperf system show`` has said, if it ran.
    """
    states = answers(pyperf or "", "System state")
    return [
        *asked(root, pyperf),
        *turbo(root, states),
        smt(root),
        isolation(root, states),
        *interrupts(root, states),
        load(root, seen),
        quota(root),
        timers(root),
        swap(root),
        virtualization(root, seen[-1]),
        temperature(root),
        energy(root),
        idle_states(root),
        clock(root),
        huge_pages(root),
        same_pages(root),
        numa_balancing(root),
        mitigations(root),
    ]


def read(root: Path, name: str) -> str | None:
    """Return a file's text without its last line break; None where it cannot be read."""
    try:
        return (root / name).read_text("utf-8", "replace").strip()
    except OSError:
        return None


def cpu_text(cpus: Iterable[int]) -> str:
    """Return a list of processors as the kernel writes it."""
    parts: list[list[int]] = []
    for cpu in sorted(cpus):
        if parts and cpu == parts[-1][-1] + 1:
            parts[-1].append(cpu)
        else:
            parts.append([cpu])
    return ",".join(f"{p[0]}-{p[-1]}" if len(p) > 1 else str(p[0]) for p in parts)


def online(root: Path) -> list[int]:
    """Return the processors that are on."""
    return cpu_list(read(root, f"{CPUS}/online")) or [0]


def hypervisor(root: Path) -> str:
    """Return what this machine is virtual in; nothing where it is a real one."""
    product = " ".join(
        filter(None, (read(root, f"sys/class/dmi/id/{n}") for n in ("sys_vendor", "product_name")))
    )
    kind = read(root, "sys/hypervisor/type")
    flagged = re.search(r"^flags\b.*\bhypervisor\b", read(root, "proc/cpuinfo") or "", re.M)
    if kind or flagged or "QEMU" in product:
        return " ".join(filter(None, (kind, product))) or "a hypervisor that gives no name"
    return ""


def _hidden(root: Path, what: str) -> str:
    """Return why a setting is not to be seen."""
    if hypervisor(root):
        return f"a virtual machine has no {what}: its host decides, and does not tell"
    return f"this kernel shows no {what}"


def _unseen(name: str, why: str = "this kernel does not tell") -> Check:
    return Check(name, "not to be seen", UNKNOWN, why)


def answers(pyperf: str, section: str) -> Answers:
    """Return what a section of ``pyperf system show`` says."""
    text = re.search(rf"^{section}\n=+\n\n((?:.+\n)*)", pyperf, re.M)
    found: dict[str, list[str]] = {}
    for line in text[1].splitlines() if text else []:
        name, _, sentence = line.partition(": ")
        found.setdefault(name, []).append(sentence)
    return found


def asked(root: Path, pyperf: str | None) -> list[Check]:
    """Return what pyperf tells and no check here judges; what it advises to change is bad."""
    if pyperf is None:
        return [_unseen("pyperf", "pyperf does not run here: python -m pyperf system show")]
    states, advices = answers(pyperf, "System state"), answers(pyperf, "Advices")
    found = []
    for name in dict.fromkeys([*states, *advices]):
        if name not in ("CPU", SCHEDULER, INTERRUPTS):
            text = "; ".join(states.get(name, ["as it is"]))
            why = "; ".join(advices.get(name, []))
            fix = TUNE if why and name not in BY_HAND else ""
            found.append(Check(name, text, BAD if why else GOOD, why, fix))
    if GOVERNOR not in states:
        found.append(_unseen(GOVERNOR, _hidden(root, "cpufreq")))
    return found


def turbo(root: Path, states: Answers) -> list[Check]:
    """Check that the frequency does not follow the temperature, unless pyperf has told."""
    if any(name.startswith("Turbo Boost") for name in states):
        return []
    name = "turbo"
    why = "the frequency depends on temperature and on how many cores work"
    for file, off in (("intel_pstate/no_turbo", "1"), ("cpufreq/boost", "0")):
        text = read(root, f"{CPUS}/{file}")
        if text == off:
            return [Check(name, "off", GOOD)]
        if text:
            return [Check(name, "on", BAD, why, f"echo {off} | sudo tee /{CPUS}/{file}")]
    unseen = _unseen(name, _hidden(root, "switch for it"))
    if hypervisor(root):
        return [unseen]
    return [replace(unseen, fix="sudo modprobe msr, then as root again")]


def smt(root: Path) -> Check:
    """Check that no two threads share a core."""
    name = "SMT"
    active, control = (read(root, f"{CPUS}/smt/{n}") for n in ("active", "control"))
    if hypervisor(root) and active != "1":
        return _unseen(name, "its host decides what shares a core")
    if active is None:
        return _unseen(name, _hidden(root, "topology of threads"))
    if active == "0":
        return Check(name, f"off ({control})" if control else "off", GOOD)
    fix = f"echo off | sudo tee /{CPUS}/smt/control"
    return Check(name, "on", BAD, "two threads share a core: one slows the other down", fix)


def _kept(root: Path, states: Answers) -> set[int]:
    """Return the processors that the kernel keeps for what is put there."""
    isolated = re.search(r"Isolated CPUs.*: (.+)", "\n".join(states.get(SCHEDULER, [])))
    return {*cpu_list(isolated and isolated[1]), *_without_ticks(root)}


def _without_ticks(root: Path) -> list[int]:
    return cpu_list(read(root, f"{CPUS}/nohz_full"))  # "(null)" where there are none


def isolation(root: Path, states: Answers) -> Check:
    """Check that the kernel keeps its own work, or all other programs, off some processors."""
    name, cpus, said = "isolated CPUs", online(root), [*states.get(SCHEDULER, [])]
    if _kept(root, states):
        if without := _without_ticks(root):
            said.append(f"nohz_full: {cpu_text(without)}")
        status = read(root, "proc/self/status") or ""
        if allowed := re.search(r"^Cpus_allowed_list:\s*(\S+)", status, re.M):
            said.append(f"this program may use CPU {allowed[1]}")
        return Check(name, "; ".join(said), GOOD)
    if len(cpus) == 1:
        why = "the only processor has to do everything else as well"
        return Check(name, "none of 1", BAD, why, "use a machine with two cores or more")
    if not said:
        return _unseen(name, "pyperf does not tell")
    rest = cpu_text(cpus[1:])
    fix = (
        f"add nohz_full={rest} rcu_nocbs={rest} irqaffinity={cpus[0]} to GRUB_CMDLINE_LINUX in "
        "/etc/default/grub, sudo update-grub, reboot"
    )
    why = "the kernel's clock and other programs interrupt what is measured"
    return Check(name, "; ".join(said), BAD, why, fix)


def interrupts(root: Path, states: Answers) -> list[Check]:
    """Check that devices do not interrupt the processors that are kept."""
    # Without the line that lists them one by one.
    said = "; ".join(s for s in states.get(INTERRUPTS, []) if not s.startswith(INTERRUPTS))
    default = re.search(r"Default IRQ affinity: CPU (\S+)", said)
    if not default:
        return []
    taken = cpu_text(_kept(root, states).intersection(cpu_list(default[1])))
    why = f"devices interrupt CPU {taken}, which should be kept free" if taken else ""
    return [Check("interrupts", said, BAD if taken else GOOD, why, TUNE if taken else "")]


def activity(root: Path, but: int = 0) -> Activity:
    """Return what the processors have done so far; process `but` is left out of the list."""
    first = (read(root, "proc/stat") or "cpu 0 0 0 0").splitlines()[0].split()[1:]
    ticks = [*map(int, first), *[0] * 8][:8]  # further columns are counted in these already
    user, nice, system, idle, wait, irq, soft, stolen = ticks
    processes = {}
    for file in (root / "proc").glob("[0-9]*/stat"):
        text = read(root, str(file.relative_to(root)))
        if text and int(file.parent.name) != but:  # else it has just ended
            name, _, fields = text.partition("(")[2].rpartition(") ")
            values = fields.split()
            processes[int(file.parent.name)] = (name, int(values[11]) + int(values[12]))
    busy = user + nice + system + irq + soft
    return Activity(busy, stolen, busy + idle + wait + stolen, processes)


def load(root: Path, seen: Sequence[Activity]) -> Check:
    """Check that nothing else runs, and that nothing did a moment ago."""
    before, after = seen[0], seen[-1]
    if after.total <= before.total:
        return _unseen("load")
    cpus = len(online(root))
    share = cpus / (after.total - before.total)  # of one processor, for each tick
    busy = (after.busy - before.busy) * share
    busiest = max(
        (b.busy - a.busy) / (b.total - a.total) for a, b in pairwise(seen) if b.total > a.total
    )
    used = {
        pid: (ticks - before.processes.get(pid, ("", 0))[1]) * share
        for pid, (_, ticks) in after.processes.items()
    }
    most = sorted((pid for pid in used if used[pid] >= 0.02), key=lambda p: -used[p])[:4]
    names = [f"{after.processes[p][0]} {100 * used[p]:.0f} % (process {p})" for p in most]
    average = (read(root, "proc/loadavg") or "?").split()[0]
    found = (
        f"{busy:.2f} of {cpus} CPUs busy in {len(seen) - 1} s of doing nothing, "
        f"{cpus * busiest:.2f} in the busiest; average load of the last minute {average}"
    )
    listed = ", ".join(names)
    quiet = average == "?" or float(average) < LOADED
    if busy < BUSY and cpus * busiest < BUSIEST and quiet:
        return Check("load", found, GOOD, private=listed)
    why = "what else runs takes caches, memory and processor time"
    fix = "stop what runs (top shows it), or measure when it has ended"
    return Check("load", found, BAD, why, fix, listed)


def meanwhile(root: Path, before: Activity, after: Activity, own: float) -> Check:
    """Check what else took time while something was measured, which itself took `own` ticks."""
    name, total = "while it measured", after.total - before.total
    if total <= 0:
        return _unseen(name)
    cpus = len(online(root))
    others = max(0.0, after.busy - before.busy - own) * cpus / total
    stolen = 100 * (after.stolen - before.stolen) / total
    found = f"{others:.2f} of {cpus} CPUs busy with other programs"
    if stolen or hypervisor(root):
        found += f", {stolen:.1f} % of the time taken by the host"
    if others < BUSY and stolen < STOLEN:
        return Check(name, found, GOOD)
    why = "a change of this size in the times is theirs"
    return Check(name, found, BAD, why, "stop what runs, or take a machine without neighbours")


def quota(root: Path) -> Check:
    """Check that no group of processes that this one is in has its time rationed."""
    name, groups = "CPU quota", read(root, "proc/self/cgroup") or ""
    found, seen = [], False
    for kind, place in re.findall(r"^\d+:(.*):(/.*)$", groups, re.M):
        if kind and "cpu" not in kind.split(","):
            continue
        top = root / "sys/fs/cgroup" / kind
        seen |= top.is_dir()
        folder = top / place.lstrip("/")
        while True:  # each group around it may have one, too
            limit = read(folder, "cpu.max") or (
                f"{read(folder, 'cpu.cfs_quota_us')} {read(folder, 'cpu.cfs_period_us')}"
            )
            if numbers := re.fullmatch(r"(\d+) (\d+)", limit):
                found.append(int(numbers[1]) / int(numbers[2]))
            if folder == top or top not in folder.parents:
                break
            folder = folder.parent
    if not seen:
        return _unseen(name, "the groups of processes are not to be seen")
    cpus = len(online(root))
    if min(found, default=cpus) >= cpus:
        return Check(name, "none", GOOD)
    why = "what has used its share is stopped for the rest of a tenth of a second"
    fix = "set no CPUQuota=, no --cpus and no limit on CPUs where this program is started"
    return Check(name, f"{min(found):g} of {cpus} CPUs", BAD, why, fix)


def timers(root: Path) -> Check:
    """Check that systemd starts nothing in the middle, or starts it where nothing is measured."""
    name, folders = "timers", ("etc/systemd/system", "usr/lib/systemd/system")
    wanted = [root / folder / "timers.target.wants" for folder in folders]
    if not any(folder.is_dir() for folder in wanted):
        return _unseen(name, "no systemd, or it does not tell")
    files = {file.name for folder in wanted for file in folder.glob("*.timer")}
    masked = {file for file in files if (root / folders[0] / file).resolve() == Path("/dev/null")}
    others = sorted(file for file in files - masked if not file.startswith("lsekernels-"))
    kept = cpu_list(read(root, "sys/fs/cgroup/system.slice/cpuset.cpus"))
    if not others:
        return Check(name, "none", GOOD)
    found, listed = f"{len(others)} that start other programs", ", ".join(others)
    if kept and set(kept) < set(online(root)):
        return Check(name, f"{found}, on CPU {cpu_text(kept)} alone", GOOD, private=listed)
    why = "updates, indexes and backups begin while something is timed"
    fix = "keep system.slice to one CPU (docs/machine.md), or sudo systemctl disable --now each"
    return Check(name, found, BAD, why, fix, listed)


def energy(root: Path) -> Check:
    """Check that processors are told to be fast, not to save."""
    name, file = "energy preference", "cpufreq/energy_performance_preference"
    told = _of_cpus(root, file) or _of_cpus(root, "power/energy_perf_bias")
    if not told:
        return _unseen(name, _hidden(root, "energy preference"))
    text = ", ".join(sorted(told))
    if told <= {"performance", "0"}:
        return Check(name, text, GOOD)
    why = "the clock rises later, and less"
    if not _of_cpus(root, file):
        return Check(name, text, BAD, why, "sudo cpupower set --perf-bias 0")
    return Check(name, text, BAD, why, f"echo performance | sudo tee /{CPUS}/cpu*/{file}")


def _of_cpus(root: Path, file: str) -> set[str]:
    """Return what a file says, of all processors."""
    said = (read(folder, file) for folder in (root / CPUS).glob("cpu[0-9]*"))
    return {text for text in said if text}


def idle_states(root: Path) -> Check:
    """Check that no processor sleeps so deeply that waking it shows."""
    name, slow = "C-states", ("", 0)
    driver = read(root, f"{CPUS}/cpuidle/current_driver")
    there = [*(root / CPUS).glob("cpu[0-9]*/cpuidle/state[0-9]*")]
    for state in there:
        if read(state, "disable") == "0":
            title, took = read(state, "name") or state.name, int(read(state, "latency") or 0)
            slow = max(slow, (title, took), key=lambda one: one[1])
    if not there and (driver != "none" or hypervisor(root)):
        return _unseen(name, _hidden(root, "sleep of processors"))
    if slow[1] <= WAKING:
        return Check(name, f"{slow[0]}, {slow[1]} µs to wake" if slow[0] else "none", GOOD)
    why = "what waits for another thread, or has just begun, is slower by that"
    fix = f"sudo cpupower idle-set --disable-by-latency {WAKING + 1}"
    return Check(name, f"{slow[0]}, {slow[1]} µs to wake", BAD, why, fix)


def same_pages(root: Path) -> Check:
    """Check that the kernel does not look for pages that are alike."""
    name, file = "same-page merging", "sys/kernel/mm/ksm/run"
    text = read(root, file)
    if text is None:
        return _unseen(name, "this kernel has none, or does not tell")
    if text != "1":
        return Check(name, "off", GOOD)
    why = "it reads all memory, and a page that was merged is copied when it is written"
    return Check(name, "on", BAD, why, f"echo 2 | sudo tee /{file}")


def numa_balancing(root: Path) -> Check:
    """Check that pages stay where they are."""
    name, file = "NUMA balancing", "proc/sys/kernel/numa_balancing"
    nodes = read(root, "sys/devices/system/node/online")
    if nodes is None:
        return _unseen(name)
    if len(cpu_list(nodes)) == 1:
        return Check(name, "one node", GOOD)
    text = read(root, file)
    if text in (None, "0"):
        return Check(name, "off" if text else "this kernel has none", GOOD)
    why = "pages are taken away and moved while they are used"
    return Check(name, f"on, nodes {nodes}", BAD, why, "sudo sysctl kernel.numa_balancing=0")


def mitigations(root: Path) -> Check:
    """Check that what keeps programs apart is on, as it is for those who read the times."""
    name = "mitigations"
    told = [
        read(file.parent, file.name) or ""
        for file in sorted((root / CPUS / "vulnerabilities").glob("*"))
    ]
    if not told:
        return _unseen(name)
    chosen = re.search(r"\bmitigations=(\S+)", read(root, "proc/cmdline") or "")
    on, open_ = (sum(text.startswith(w) for text in told) for w in ("Mitigation", "Vulnerable"))
    found = f"{on} on, {open_} missing, {len(told) - on - open_} not needed"
    found += f" ({chosen[0]})" if chosen else ""
    if not chosen or not chosen[1].startswith("off"):
        return Check(name, found, GOOD)
    why = "few have such times, and programs can read each other's memory"
    fix = "take it out of GRUB_CMDLINE_LINUX in /etc/default/grub, sudo update-grub, reboot"
    return Check(name, found, BAD, why, fix)


def swap(root: Path) -> Check:
    """Check that no memory was moved to a disk."""
    text = read(root, "proc/swaps")
    if text is None:
        return _unseen("swap")
    used = [int(line.split()[3]) for line in text.splitlines()[1:]]
    if not used:
        return Check("swap", "none", GOOD)
    if not sum(used):
        return Check("swap", "there, and empty", GOOD)
    why = "memory that was moved to the disk comes back while something is timed"
    return Check("swap", f"{sum(used) / 1024:.0f} MiB used", BAD, why, "sudo swapoff -a")


def virtualization(root: Path, now: Activity) -> Check:
    """Check that this is no virtual machine."""
    name, found = "virtualization", hypervisor(root)
    if not found:
        return Check(name, "none", GOOD)
    if now.total:
        found += f", {100 * now.stolen / now.total:.1f} % of the time taken by its host so far"
    why = "the host and its other guests take time and caches unseen"
    return Check(name, found, BAD, why, "use a real machine; nothing in here can mend it")


def temperature(root: Path) -> Check:
    """Check that no processor is or was too hot to keep its frequency."""
    name, hottest, limit = "temperature", -1.0, HOT
    for sensor in (root / "sys/class/hwmon").glob("hwmon*"):
        kind = read(sensor, "name") or ""
        if re.match(r"coretemp|k10temp|zenpower|cpu", kind):
            for file in sensor.glob("temp*_input"):
                degrees = _degrees(read(sensor, file.name))
                if degrees > hottest:
                    highest = _degrees(read(sensor, file.name.replace("_input", "_crit")))
                    hottest, limit = degrees, min(HOT, highest - 10) if highest > 0 else HOT
    for zone in (root / "sys/class/thermal").glob("thermal_zone*"):
        if hottest < 0 and re.search("cpu|x86_pkg|soc", read(zone, "type") or ""):
            hottest = _degrees(read(zone, "temp"))
    counts = (root / CPUS).glob("cpu[0-9]*/thermal_throttle/core_throttle_count")
    slowed = sum(int(read(file.parent, file.name) or 0) for file in counts)
    if hottest < 0:
        return _unseen(name, _hidden(root, "sensor of the processor"))
    text = f"{hottest:.0f} °C" + (f", slowed down {slowed} times since the start" if slowed else "")
    if hottest < limit and not slowed:
        return Check(name, text, GOOD)
    why = "a hot processor lowers its frequency"
    return Check(name, text, BAD, why, "mend the cooling, turn turbo off, then reboot")


def _degrees(text: str | None) -> float:
    return int(text) / 1000 if text and text.lstrip("-").isdigit() else -1.0


def clock(root: Path) -> Check:
    """Check that asking for the time costs nanoseconds."""
    name, folder = "clock source", "sys/devices/system/clocksource/clocksource0"
    text = read(root, f"{folder}/current_clocksource")
    if not text:
        return _unseen(name)
    if text in CLOCKS:
        return Check(name, text, GOOD)
    there = (read(root, f"{folder}/available_clocksource") or "").split()
    better = next((clock for clock in CLOCKS if clock in there), None)
    fix = (
        f"echo {better} | sudo tee /{folder}/current_clocksource"
        if better
        else "look for 'clocksource' in the kernel's log (sudo dmesg): it says why it took this one"
    )
    return Check(name, text, BAD, "the kernel reads it: about a microsecond each time", fix)


def huge_pages(root: Path) -> Check:
    """Check that pages of 2 MiB come only where they are asked for."""
    name, file = "transparent huge pages", "sys/kernel/mm/transparent_hugepage/enabled"
    found = re.search(r"\[(\w+)\]", read(root, file) or "")
    if not found:
        return _unseen(name, "this kernel has none, or does not tell")
    if found[1] != "always":
        return Check(name, found[1], GOOD)
    why = "whether an array gets large pages depends on what ran before (NumPy asks for its own)"
    return Check(name, found[1], BAD, why, f"echo madvise | sudo tee /{file}")
