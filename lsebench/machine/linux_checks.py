"""How a Linux machine is tuned: one check for each thing that makes times scatter.

Each check reads files below a root folder (``/``, or a made-up tree in a test) and changes nothing:
it says what was found, whether that is good, and the command that would mend it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

GOOD, BAD, UNKNOWN = "good", "bad", "unknown"
HERE = Path(sys.executable)
PYTHON = HERE.relative_to(Path.cwd()) if HERE.is_relative_to(Path.cwd()) else HERE
TUNE = f"sudo {PYTHON} -m pyperf system tune"
CPUS = "sys/devices/system/cpu"
HOT = 85.0
"""Degrees Celsius; most processors lower their clock between 90 and 105."""
BUSY = 0.1
"""Of one processor, all other programs together."""
COVERED = (
    "ASLR",
    "CPU scaling governor",
    "Linux scheduler",
    "Power supply",
    "Turbo Boost (MSR)",
    "Turbo Boost (intel_pstate)",
)
"""What of pyperf's advice a check of our own says too; the rest is passed on."""
CLOCKS = ("tsc", "arch_sys_counter", "kvm-clock", "hyperv_clocksource_tsc_page", "timebase")
"""Read without asking the kernel, in some 20 ns."""

Processes = Mapping[int, tuple[str, int]]
"""Process -> name, and the ticks of processor time it has used."""


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


def checks(root: Path, before: Activity, after: Activity, pyperf: str | None) -> list[Check]:
    """Return all checks of the machine whose ``/sys`` and ``/proc`` are below `root`.

    Parameters
    ----------
    root : Path
    before, after : Activity
        A second apart, in which this program slept.
    pyperf : str or None
        What ``pyperf system show`` has said, if it ran.
    """
    return [
        governor(root),
        turbo(root, pyperf or ""),
        smt(root),
        isolation(root),
        *interrupts(root),
        aslr(root),
        load(root, before, after),
        swap(root),
        virtualization(root, after),
        temperature(root),
        clock(root),
        huge_pages(root),
        power(root),
        *advice(pyperf),
    ]


def read(root: Path, name: str) -> str | None:
    """Return a file's text without its last line break; None where it cannot be read."""
    try:
        return (root / name).read_text("utf-8", "replace").strip()
    except OSError:
        return None


def cpu_list(text: str | None) -> list[int]:
    """Return the processors of a list as the kernel writes it: ``"0-2,5"`` -> [0, 1, 2, 5]."""
    found: list[int] = []
    for part in re.findall(r"\d+(?:-\d+)?", text or ""):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


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


def governor(root: Path) -> Check:
    """Check that the frequency does not follow the load."""
    name = "frequency governor"
    found: dict[str, list[int]] = {}
    for cpu in online(root):
        if text := read(root, f"{CPUS}/cpu{cpu}/cpufreq/scaling_governor"):
            found.setdefault(text, []).append(cpu)
    if not found:
        return Check(name, "not to be seen", UNKNOWN, _hidden(root, "cpufreq"))
    text = ", ".join(f"{governor} on CPU {cpu_text(cpus)}" for governor, cpus in found.items())
    if set(found) == {"performance"}:
        return Check(name, text, GOOD)
    return Check(name, text, BAD, "the frequency follows the load, and times follow it", TUNE)


def turbo(root: Path, pyperf: str) -> Check:
    """Check that the frequency does not rise while few cores work and all are cool."""
    name = "turbo"
    why = "the frequency depends on temperature and on how many cores work"
    for file, off in (("intel_pstate/no_turbo", "1"), ("cpufreq/boost", "0")):
        text = read(root, f"{CPUS}/{file}")
        if text == off:
            return Check(name, "off", GOOD)
        if text:
            return Check(name, "on", BAD, why, f"echo {off} | sudo tee /{CPUS}/{file}")
    # Neither file: pyperf asks the processor itself, where it may.
    states = re.findall(r"^Turbo Boost \(MSR\): (CPU .*abled)$", pyperf, re.M)
    if any("enabled" in state for state in states):
        return Check(name, states[0], BAD, why, TUNE)
    if states:
        return Check(name, states[0], GOOD)
    why = _hidden(root, "switch for it")
    if not hypervisor(root):
        return Check(name, "not to be seen", UNKNOWN, why, "sudo modprobe msr, then as root again")
    return Check(name, "not to be seen", UNKNOWN, why)


def smt(root: Path) -> Check:
    """Check that no two threads share a core."""
    name = "SMT"
    active, control = (read(root, f"{CPUS}/smt/{n}") for n in ("active", "control"))
    if hypervisor(root) and active != "1":
        return Check(name, "not to be seen", UNKNOWN, "its host decides what shares a core")
    if active is None:
        return Check(name, "not to be seen", UNKNOWN, _hidden(root, "topology of threads"))
    if active == "0":
        return Check(name, f"off ({control})" if control else "off", GOOD)
    fix = f"echo off | sudo tee /{CPUS}/smt/control"
    return Check(name, "on", BAD, "two threads share a core: one slows the other down", fix)


def _kept(root: Path) -> dict[str, list[int]]:
    """Return the processors that the kernel keeps for what is put there: setting -> list."""
    given = dict(re.findall(r"\b(isolcpus|rcu_nocbs)=(\S+)", read(root, "proc/cmdline") or ""))
    found = {
        "isolcpus": read(root, f"{CPUS}/isolated") or given.get("isolcpus"),
        "nohz_full": read(root, f"{CPUS}/nohz_full"),  # "(null)" where there are none
        "rcu_nocbs": given.get("rcu_nocbs"),
    }
    return {name: cpus for name, text in found.items() if (cpus := cpu_list(text))}


def isolation(root: Path) -> Check:
    """Check that the kernel keeps its own work, or all other programs, off some processors."""
    name, cpus, kept = "isolated CPUs", online(root), _kept(root)
    if "isolcpus" in kept or "nohz_full" in kept:
        text = ", ".join(f"{setting} {cpu_text(found)}" for setting, found in kept.items())
        allowed = re.search(
            r"^Cpus_allowed_list:\s*(\S+)", read(root, "proc/self/status") or "", re.M
        )
        here = f"; this program may use CPU {allowed[1]}" if allowed else ""
        return Check(name, text + here, GOOD)
    if len(cpus) == 1:
        why = "the only processor has to do everything else as well"
        return Check(name, "none of 1", BAD, why, "use a machine with two cores or more")
    rest = cpu_text(cpus[1:])
    fix = (
        f"add nohz_full={rest} rcu_nocbs={rest} irqaffinity={cpus[0]} to GRUB_CMDLINE_LINUX in "
        "/etc/default/grub, sudo update-grub, reboot"
    )
    why = "the kernel's clock and other programs interrupt what is measured"
    return Check(name, f"none of {len(cpus)}", BAD, why, fix)


def interrupts(root: Path) -> list[Check]:
    """Check that devices do not interrupt the processors that are kept; nothing where none is."""
    kept = {cpu for name, cpus in _kept(root).items() if name != "rcu_nocbs" for cpu in cpus}
    mask = read(root, "proc/irq/default_smp_affinity")
    if not kept or not mask:
        return []
    bits = int(mask.replace(",", ""), 16)
    taken = [cpu for cpu in kept if bits >> cpu & 1]
    every = cpu_text(cpu for cpu in range(bits.bit_length()) if bits >> cpu & 1)
    if not taken:
        return [Check("interrupts", f"on CPU {every}", GOOD)]
    why = f"devices interrupt CPU {cpu_text(taken)}, which should be kept free"
    return [Check("interrupts", f"on CPU {every}", BAD, why, TUNE)]


def aslr(root: Path) -> Check:
    """Check that each process has its own layout of memory, so that their mean has none."""
    name, text = "ASLR", read(root, "proc/sys/kernel/randomize_va_space")
    if text is None:
        return Check(name, "not to be seen", UNKNOWN, "this kernel does not tell")
    if text == "2":
        return Check(name, "full", GOOD)
    why = "one layout of memory is measured as if it were the code; many processes average over it"
    found = {"0": "off", "1": "in part"}.get(text, text)
    return Check(name, found, BAD, why, "echo 2 | sudo tee /proc/sys/kernel/randomize_va_space")


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


def load(root: Path, before: Activity, after: Activity) -> Check:
    """Check that nothing else runs."""
    total = after.total - before.total
    if total <= 0:
        return Check("load", "not to be seen", UNKNOWN, "this kernel does not tell")
    cpus = len(online(root))
    share = cpus / total  # of one processor, for each tick
    busy = (after.busy - before.busy) * share
    used = {
        pid: (ticks - before.processes.get(pid, ("", 0))[1]) * share
        for pid, (_, ticks) in after.processes.items()
    }
    most = sorted((pid for pid in used if used[pid] >= 0.02), key=lambda p: -used[p])[:4]
    names = [f"{after.processes[p][0]} {100 * used[p]:.0f} % (process {p})" for p in most]
    average = (read(root, "proc/loadavg") or "?").split()[0]
    found = f"{busy:.2f} of {cpus} CPUs busy in a second of doing nothing, average load {average}"
    listed = ", ".join(names)
    if busy < BUSY:
        return Check("load", found, GOOD, private=listed)
    why = "what else runs takes caches, memory and processor time"
    fix = "stop what runs (top shows it), or measure when it has ended"
    return Check("load", found, BAD, why, fix, listed)


def swap(root: Path) -> Check:
    """Check that no memory was moved to a disk."""
    text = read(root, "proc/swaps")
    if text is None:
        return Check("swap", "not to be seen", UNKNOWN, "this kernel does not tell")
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
        return Check(name, "not to be seen", UNKNOWN, _hidden(root, "sensor of the processor"))
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
        return Check(name, "not to be seen", UNKNOWN, "this kernel does not tell")
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
        return Check(name, "not to be seen", UNKNOWN, "this kernel has none, or does not tell")
    if found[1] != "always":
        return Check(name, found[1], GOOD)
    why = "whether an array gets large pages depends on what ran before (NumPy asks for its own)"
    return Check(name, found[1], BAD, why, f"echo madvise | sudo tee /{file}")


def power(root: Path) -> Check:
    """Check that no battery is in use."""
    supplies = sorted((root / "sys/class/power_supply").glob("*"))
    kinds = {supply: read(supply, "type") for supply in supplies}
    mains = [read(supply, "online") for supply, kind in kinds.items() if kind == "Mains"]
    if "1" in mains or "Battery" not in kinds.values():
        found = "plugged in" if "1" in mains else "no battery"
        return Check("power", found, GOOD)
    if "0" not in mains and all(
        read(supply, "status") != "Discharging" for supply in supplies if kinds[supply] == "Battery"
    ):
        return Check("power", "a battery that is not in use", GOOD)
    return Check("power", "on battery", BAD, "it saves power by going slower", "plug it in")


def advice(pyperf: str | None) -> list[Check]:
    """Return what ``pyperf system show`` advises beyond the checks here."""
    if pyperf is None:
        why = "pyperf does not run here: python -m pyperf system show"
        return [Check("pyperf", "not to be asked", UNKNOWN, why)]
    section = re.search(r"^Advices\n=+\n\n((?:.+\n?)*)", pyperf, re.M)
    found: dict[str, list[str]] = {}
    for line in section[1].splitlines() if section else []:
        name, _, sentence = line.partition(": ")
        if name not in COVERED:
            found.setdefault(name, []).append(sentence)
    # "Perf event: Maximum sample rate: 100000 per second" is the state of what is advised on.
    states = dict(re.findall(r"^([^:\n]+): (.+)$", pyperf.partition("Advices")[0], re.M))
    return [
        Check(f"pyperf: {name}", states.get(name, "as it is"), BAD, "; ".join(sentences), TUNE)
        for name, sentences in found.items()
    ]
