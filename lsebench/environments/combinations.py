"""How the environments run asv's combinations: those of one backend share a process.

asv hands a combination to its environment's ``run``. Here those that can only be n/a start no
process, and the others go to one that is already there (:mod:`lsebench.environments.living`).
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

from asv import util
from asv.environment import Environment

from lsebench.records import asv_files
from lsebench.records.context import ASK

from .living import Living

THREADS = "LSEKERNELS_THREADS"
FRESH, HUGE = "LSEKERNELS_FRESH", "LSEKERNELS_HUGE"
"""Environment variables: a process for each combination, and the largest sizes, where set."""
WITH_ALL_THREADS = "warm.", "limits."
"""What is measured with all threads, too: the rest would be the same again, or another question."""
HUGE_SIZE = 100_000_000
"""Elements: some tools take 8 GB of memory for as many, and ten seconds."""


LIVING = Living()


class Combinations(Environment):  # type: ignore[misc]  # asv has no annotations
    """An environment that measures all sizes of a backend in one process.

    A subclass says how Python is started in it: ``start`` and ``environ``.
    """

    def __init__(self, conf: Any, python: str, requirements: Any, tagged_env_vars: Any) -> None:
        self._results = Path(conf.results_dir)
        self._listed: tuple[float, dict[str, Any]] = (0.0, {})
        self._asked: dict[str | None, dict[str, Any]] = {}
        self._requirements = requirements  # asv asks for the folder's name before it sets it
        super().__init__(conf, python, requirements, tagged_env_vars)

    def start(self, args: list[str], **kwargs: Any) -> Any:
        """Run Python in a process of its own, as asv does."""
        return super().run(args, **kwargs)

    def environ(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return the environment variables of a process, as asv's ``run_executable`` sets them."""
        kept = {k: v for k, v in environ.items() if k not in ("PYTHONPATH", "ASV_PYTHONPATH")}
        if "ASV_PYTHONPATH" in environ:
            kept["PYTHONPATH"] = environ["ASV_PYTHONPATH"]
        folder = str(Path(self.find_executable("python")).parent)
        path = os.pathsep.join([folder, kept.get("PATH", os.defpath)])
        return {**kept, **self._global_env_vars, "PIP_USER": "false", "PATH": path}

    def run(self, args: list[str], **kwargs: Any) -> Any:
        """Run Python; a combination of a benchmark where the one before it was run."""
        if args[1:2] != ["run"] or args[5] != "None":  # a profile needs a process of its own
            return self.start(args, **kwargs)
        script, _, root, name, *_, result = args
        benchmark, index = self._benchmark(name)
        parameters = list(product(*benchmark.get("params", [])))[index]
        if reason := self.cannot(benchmark, parameters):
            Path(result).write_text(json.dumps(math.nan))  # as asv_runner writes what is skipped
            return f"asv: skipped: {reason}", "", 0
        if not parameters or benchmark.get("fresh_process") or os.environ.get(FRESH):
            self.rest()
            return self.start(args, **kwargs)
        out, code = LIVING.run(
            [self.find_executable("python"), script, root],
            (self.name, self.installed_commit_hash, benchmark["name"], backend_of(parameters)),
            index,
            args[3:],
            kwargs["cwd"],
            self.environ(kwargs["env"]),
            kwargs["timeout"],
        )
        return out, "", code

    def rest(self) -> None:
        """End the process that is kept: nothing of it may run beside other work."""
        LIVING.end()

    def install_project(self, conf: Any, repo: Any, commit_hash: str) -> None:
        """Install a commit, when nothing of the one before it runs."""
        self.rest()
        super().install_project(conf, repo, commit_hash)

    def _benchmark(self, name: str) -> tuple[dict[str, Any], int]:
        """Return what asv knows of a benchmark, and which of its combinations `name` means."""
        file = asv_files.benchmarks(self._results)
        changed = file.stat().st_mtime if file.exists() else 0.0
        if self._listed[0] != changed:  # asv writes it at the start of every run
            self._listed = changed, util.load_json(str(file))
        listed = self._listed[1]
        plain, _, index = name.rpartition("-")
        return (listed[plain], int(index)) if plain in listed else (listed.get(name, {}), 0)

    def facts(self) -> dict[str, Any]:
        """Return what the installed commit has and can here, and what it runs on.

        Asked once for each commit, because every library is imported for it.

        Raises
        ------
        asv.util.UserError
            The process that was asked has died: a library may kill it.
        """
        # Not ASV_COMMIT: asv installs into the first of two environments that share a folder.
        key = self.installed_commit_hash
        threads = self.env_vars.get(THREADS, "1")
        if key not in self._asked:
            said, errors, code = self.start(
                ["-c", ASK, threads],
                # Not in the working tree, whose lsekernels would be imported.
                cwd=self._path,
                env={**os.environ, **self.env_vars},
                timeout=600,
                return_stderr=True,
                valid_return_codes=None,
                dots=False,
                display_error=False,
            )
            reason = (errors.strip() or f"exit code {code}").splitlines()[-1]
            self._asked[key] = (
                json.loads(said.splitlines()[-1]) if code == 0 else {"reason": reason}
            )
        if reason := self._asked[key].get("reason"):
            raise util.UserError(f"{self.name} does not say what it has: {reason}")
        return self._asked[key]

    def cannot(self, benchmark: dict[str, Any], parameters: tuple[str, ...]) -> str | None:
        """Return why a combination can only be n/a, or None."""
        row = self._rows().get(backend_of(parameters), {})
        if row.get("unavailable"):
            return f"backend {row['backend']!r} is not available: {row['unavailable']}"
        if self.env_vars.get(THREADS, "1") != "1":
            if row and not row["parallel"]:
                return f"backend {row['backend']!r} uses one thread; see {THREADS}=1"
            if not benchmark["name"].startswith(WITH_ALL_THREADS):
                return f"it is measured with one thread: see {THREADS}=1"
        if (
            row.get("device") != "gpu"
            and not os.environ.get(HUGE)
            and is_huge(benchmark, parameters)
        ):
            return f"{HUGE_SIZE:.0e} elements take up to 8 GB: only with {HUGE}=1"
        return None

    def _rows(self) -> dict[str, dict[str, Any]]:
        try:
            return {row["backend"]: row for row in self.facts()["backends"]}
        except util.UserError:  # then each combination says by itself what it cannot
            return {}


def is_huge(benchmark: dict[str, Any], parameters: tuple[str, ...]) -> bool:
    """Return whether a combination is of the largest size."""
    sizes = (v for k, v in zip(benchmark["param_names"], parameters, strict=True) if k == "size")
    return any(value.isdigit() and int(value) >= HUGE_SIZE for value in sizes)


def backend_of(parameters: tuple[str, ...]) -> str:
    """Return whose process a combination shares: ``numpy`` of ``'numpy:power'``."""
    return parameters[0].strip("'").partition(":")[0] if parameters else ""


def python_path(folder: str) -> dict[str, str]:
    """Return the variables by which Python finds the package in `folder`, in asv's script, too.

    asv offers ASV_PYTHONPATH for this, makes it PYTHONPATH, and its script for benchmarks then
    removes those folders again, unless both are set.
    """
    paths = os.pathsep.join(filter(None, [folder, os.environ.get("PYTHONPATH", "")]))
    return {"PYTHONPATH": paths, "ASV_PYTHONPATH": paths}


def start_here(env: Any, args: list[str], /, **kwargs: Any) -> Any:
    """Run the Python of `env`, its variables as they are: asv's way would take PYTHONPATH away."""
    environ = env.environ(kwargs.pop("env", os.environ))
    return util.check_output([env.find_executable("python"), *args], env=environ, **kwargs)
