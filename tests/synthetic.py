"""Results that nobody measured, stored as asv stores them: for tests of the site.

A scratch git repository with the benchmarks of this one: several machines and environments, tools
that are missing or fail, a step in the history, and names that would be markup.
"""

import json
import math
import os
import subprocess
import sys
from itertools import product

from asv.benchmarks import Benchmarks
from asv.config import Config
from asv.results import Results
from asv.runner import BenchmarkResult

from lsebench.site.write import README

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"
MACHINE = HOSTILE.replace("/", "")  # it names a folder
TOOLS = {
    "numpy": (5e-6, 8e-9), "scipy": (1e-4, 3e-8), "numba": (5e-7, 6e-9), "pythran": (4e-7, 9e-9),
    "cython": (3e-7, 7e-9), "cython_openmp": (2e-6, 4e-9), "python": (1e-7, 1e-7),
    "cupy": (math.nan, math.nan), HOSTILE: (1e-6, 5e-9),
}  # fmt: skip
"""Backend -> seconds of a call, and of an element more; nan is a tool that is not there."""
LARGEST = 1_000_000
IGNORED = ".asv\n/html/*\n!/html/README.md\n"
FIRST_COMMIT = 1_767_225_600
ENVIRONMENTS = (
    # machine, kind, NumPy, threads, how many of the newest commits it has, how slow it is
    (MACHINE, "pinned", "2.4.6", "1", 24, 1.0),
    (MACHINE, "pinned", "2.4.6", "all", 2, 1.0),
    (MACHINE, "pinned", "1.26.4", "1", 1, 1.4),
    ("other", "pinned", "2.4.6", "1", 2, 2.0),
    ("other", "source", "2.4.6", "1", 1, 9.0),
)


def repository(folder, messages, plugins=(".lsebench.site.plugin",), project="synthetic"):
    """Make a git repository with a commit a day and asv's configuration; return the commits."""
    conf = {
        "version": 1, "project": project, "project_url": "#", "repo": ".", "branches": ["main"],
        "plugins": list(plugins), "environment_type": "virtualenv", "results_dir": "results",
        "html_dir": "html",
    }  # fmt: skip
    stream = b"".join(_commit(n, message.encode()) for n, message in enumerate(messages))
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    git(folder, "fast-import", "--quiet", text=stream)
    git(folder, "reset", "-q", "--hard")
    (folder / "asv.conf.json").write_text(json.dumps(conf))
    return git(folder, "rev-list", "--reverse", "main").decode().split()


def _commit(number, message):
    who = b"committer Test <test@localhost> %d +0000\n" % (FIRST_COMMIT + 86400 * number)
    start = b"commit refs/heads/main\n" + who + b"data %d\n%s\n" % (len(message), message)
    files = {} if number else {".gitignore": IGNORED, "html/README.md": README}
    files["number"] = f"{number:3}"
    return start + b"".join(
        b"M 644 inline %s\ndata %d\n%s\n" % (name.encode(), len(text), text.encode())
        for name, text in files.items()
    )


def git(folder, *arguments, text=b""):
    command = ["git", *arguments]
    return subprocess.run(command, cwd=folder, input=text, capture_output=True, check=True).stdout


def measure(root, folder, commits, environments=ENVIRONMENTS):
    """Store results of each environment for its newest commits."""
    conf = Config.load(folder / "asv.conf.json")
    conf.results_dir = str(folder / "results")
    suites = benchmarks(root)
    (folder / "results").mkdir()
    Benchmarks(conf, suites).save()
    for machine, kind, numpy, threads, newest, factor in environments:
        info = {"machine": machine, "arch": "x86_64", "cpu": HOSTILE, "num_cpu": "2", "os": "Linux",
                "ram": "8000000000"}  # fmt: skip
        place = folder / "results" / machine
        place.mkdir(exist_ok=True)
        (place / "machine.json").write_text(json.dumps({**info, "version": 1}))
        for number in range(len(commits))[-newest:]:
            found = Results(
                {**info, "python": "3.11", "numpy": numpy},
                {"numpy": numpy},
                commits[number],
                (FIRST_COMMIT + 86400 * number) * 1000,
                "3.11",
                f"{kind}-py3.11-numpy{numpy}-LSEKERNELS_THREADS{threads}",
                {"LSEKERNELS_THREADS": threads},
            )
            # A tool becomes slower in the middle, and stays so.
            slower = {"numba": 1.5 if number >= len(commits) / 2 else 1.0}
            for suite in suites:
                # Only the newest commits have all suites: quicker to make.
                if number < len(commits) - 2 and suite["name"] != "warm.Logsumexp.track_time":
                    continue
                found.add_result(suite, _values(suite, threads, factor, slower))
            found.save(conf.results_dir)
            (folder / "results" / found._filename).with_suffix(".context.jsonl").write_text(
                json.dumps({"since": "2026-01-01T00:00:00+00:00", "context": context(threads)})
            )


def benchmarks(root):
    """Return the repository's benchmarks, with the tools and sizes of here."""
    stored = json.loads((root / "results/benchmarks.json").read_text())
    suites = [suite for suite in stored.values() if isinstance(suite, dict)]
    for suite in suites:
        for name, values in zip(suite["param_names"], suite["params"], strict=True):
            if name == "backend":
                values[:] = map(repr, TOOLS)
            elif name == "size":
                values[:] = [value for value in values if elements(value) <= LARGEST]
    return [suite for suite in suites if all(suite["params"])]


def elements(size):
    return math.prod(map(int, size.strip("'").split("x")))


def _values(suite, threads, factor, slower):
    keys = [dict(zip(suite["param_names"], key, strict=True)) for key in product(*suite["params"])]
    # Near each other, so that the texts at their ends have to be kept apart.
    factor *= {"limits.EmptyCall": 0.01, "limits.Exp": 0.3, "limits.Read": 0.29}.get(
        suite["name"].rpartition(".")[0], 1.0
    )
    values = [_value(suite["unit"], key, threads, factor, slower) for key in keys or [{}]]
    timed = suite["unit"] == "seconds"
    samples = [
        [value * (1 + 0.002 * (5 * n % 9)) for n in range(9)] if value and timed else None
        for value in values
    ]
    numbers = [None if sample is None else 1 for sample in samples]
    return BenchmarkResult(values, samples, numbers, 0, "", None)


def _value(unit, key, threads, factor, slower):
    name = key.get("backend", "'numpy'").strip("'")
    call, element = TOOLS[name]
    if math.isnan(call) or (threads == "all" and "openmp" not in name):
        return math.nan
    size = elements(key.get("size", "1000"))
    if name == "python" and size == LARGEST:
        return None  # it failed
    if unit == "seconds":
        return (call + element * size) * factor * slower.get(name, 1.0)
    return {"ulp": 0.5 + 1e6 * call, "bytes": 8000.0}.get(unit, 1.0)


def context(threads):
    backends = [
        {"backend": name, "title": name, "device": "cpu", "compiled": "no", "parallel": False,
         "dtypes": ["float32", "float64"], "kernels": ["logsumexp"], "version": "1.0",
         "unavailable": f"no CUDA device {HOSTILE}" if name == "cupy" else None}
        for name in TOOLS
    ]  # fmt: skip
    return {
        "threads_setting": threads, "installed": {"numpy": "2.4.6", "numba": HOSTILE},
        "lsekernels": "0.1.0", "python": "3.11.7", "threads": 1,
        "build": {"compiler": HOSTILE, "flags": "-O3", "openmp": "yes"}, "backends": backends,
        "pools": [], "cpu_features": {"baseline": [], "found": ["AVX2"], "not found": []},
        "governor": None,
        "caches": [{"level": 1, "kind": "Data", "size": 49152, "shared_by": 1},
                   {"level": 2, "kind": "Unified", "size": 1048576, "shared_by": 2}],
    }  # fmt: skip


def publish(root, folder, *arguments, module="asv", command=("publish",), **options):
    """Run ``python -m asv publish`` in a folder, with the pages of the working tree."""
    return subprocess.run(
        [sys.executable, "-m", module, *command, *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        **options,
    )
