"""What a result was measured with, stored beside it.

asv records which versions were asked for. This adds what a run really had: every installed
distribution, the backends and why one was missing, thread pools, CPU features and caches, the
governor.
A state that stays the same is not written again.
"""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import asv_files
from .stored import Cache, State

ASK = """
import contextlib, io, json, sys
from pathlib import Path
try:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        import runpy
        sys.argv = ["lsekernels", "--json", "--threads", sys.argv[1]]
        runpy.run_module("lsekernels", run_name="__main__")
    facts = json.loads(out.getvalue())
except (Exception, SystemExit):  # a commit from before there was such a command
    facts = {"backends": []}
import numpy, threadpoolctl
governor = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
facts["pools"] = sorted(  # in an order that does not change
    (
        {key: pool.get(key) for key in ("internal_api", "version", "num_threads", "architecture")}
        for pool in threadpoolctl.threadpool_info()
    ),
    key=str,
)
facts["cpu_features"] = numpy.show_config(mode="dicts").get("SIMD Extensions", {})
with contextlib.suppress(ImportError):  # as above
    from lsekernels import heap
    facts["allocator"] = heap.allocator()
facts["governor"] = governor.read_text().strip() if governor.exists() else None
print(json.dumps(facts))
"""


GPU_FACTS = (
    "name",
    "driver_version",
    "compute_cap",
    "memory.total",
    "clocks.sm",
    "clocks.mem",
    "clocks.max.sm",
    "clocks.max.mem",
    "power.limit",
    "temperature.gpu",
)


def ask_gpus() -> list[dict[str, str]]:
    """Return name, driver, clocks and limits of each NVIDIA GPU; none where there is no driver."""
    command = ["nvidia-smi", f"--query-gpu={','.join(GPU_FACTS)}", "--format=csv,noheader"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return []
    return [dict(zip(GPU_FACTS, line.split(", "), strict=False)) for line in said.splitlines()]


CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
KIBI = {"K": 2**10, "M": 2**20, "G": 2**30}


def ask_caches(folder: Path = CACHES) -> list[Cache]:
    """Return the caches of the first CPU as Linux tells them; none where there is no such folder.

    In a virtual machine they are what its host tells; it may share the last level with others.
    """
    found = []
    for place in sorted(folder.glob("index*")):
        try:
            level, kind, size, shared = (
                (place / name).read_text().strip()
                for name in ("level", "type", "size", "shared_cpu_list")
            )
            whole = size.rstrip("KMG")
            count = int(whole) * KIBI.get(size[len(whole) :], 1)
            if cpus := len(cpu_list(shared)):
                found.append(Cache(level=int(level), kind=kind, size=count, shared_by=cpus))
        except (OSError, ValueError):  # some hosts tell one half of it
            continue
    return found


def cpu_list(text: str | None) -> list[int]:
    """Return the processors of a list as the kernel writes it: ``"0-2,5"`` -> [0, 1, 2, 5]."""
    found: list[int] = []
    for part in re.findall(r"\d+(?:-\d+)?", text or ""):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def record(conf: Any, env: Any, machine: str, commit: str) -> dict[str, Any]:
    """Store what `env` has, in which `commit` is installed, and return it."""
    context: dict[str, Any] = {
        "threads_setting": env.env_vars.get("LSEKERNELS_THREADS", "1"),
        "installed": env.installed(),
        **env.facts(),
    }
    if gpus := ask_gpus():
        context["gpus"] = gpus
    if caches := ask_caches():
        context["caches"] = caches
    result = asv_files.result(Path(conf.results_dir), machine, commit, env.name)
    last = State.last(result)
    if last is None or last.context != context:
        State(since=datetime.now(UTC).isoformat(timespec="seconds"), context=context).append(result)
    return context
