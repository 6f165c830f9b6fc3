"""Adding a backend with a new library takes two files, and a kernel its own and the backends'."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

LIBRARY = """
import numpy

__version__ = "1.2.3"

def logsumexp(x):
    m = x.max()
    return m + numpy.log(numpy.exp(x - m).sum()) if numpy.isfinite(m) else m
"""
BACKEND = '''
"""A library that exists in this test only."""

from ..backend import Backend, Scalar, Vector
from ._known_failures import LOSES_TINY_TERMS


class MadeUp(Backend):
    title = "Made up"
    tier = "all"
    requires = ("madeup",)
    distribution = "made-up"
    thread_variables = ("MADEUP_THREADS",)
    slow_start = True
    max_error = {"logsumexp": 4.0, "cube": 2.0}
    known_failures = LOSES_TINY_TERMS

    def load(self) -> None:
        import madeup

        self.madeup = madeup

    def logsumexp(self, x: Vector) -> Scalar:
        return self.madeup.logsumexp(x)
'''.lstrip()
KERNEL = '''
"""x**3 of each element."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._case import Case
from ._elementwise import DTYPES, SIZES, UNIT, error, exact, repeated
from ._ulp import Pair

__all__ = ["DTYPES", "SIZES", "UNIT", "error"]

TITLE = "cube of each element"
MAX_ERROR = 16.0


def make_data(size: int, dtype: str, seed: int = 0) -> tuple[np.ndarray]:
    """Return (x,): `size` numbers between 1 and 2."""
    numbers = 1 + np.random.RandomState(seed).random_sample(min(size, 10_000))
    return (repeated(numbers.astype(dtype), size),)


def reference(x: np.ndarray) -> Pair:
    """Return the true values for `x`, shape (n,): two arrays of that shape, to be added."""
    return exact(_cube, x)


def _cube(value: Any) -> Any:
    return value**3


CASES = {"between_1_and_2": Case(lambda dtype: make_data(1000, dtype)[0])}
PROBES = ("between_1_and_2",)


def bytes_moved(size: int, dtype: str) -> int:
    """Return the bytes that must cross the memory bus: each element in, and out."""
    return 2 * size * np.dtype(dtype).itemsize


def flops(size: int) -> int:
    """Return the operations."""
    return 2 * size
'''.lstrip()
METHOD = """
    def cube(self, x: Vector) -> Vector:
        return x * x * x
"""
SEEN = """
import json, os, re
from itertools import product
from types import SimpleNamespace as Names

from lsekernels import registry, threads
import benchmarks.imports, benchmarks.warm
from asv.config import Config
from lsebench.environments.pinned import Pinned
from lsebench.gate import compare_commits
from lsebench.gate.builds import Built
from lsebench.run.profiles import PROFILES

conf = Config.load("asv.conf.json")
listed = [
    {"name": f"warm.{name}.track_time", "params": [list(map(repr, p)) for p in suite.params],
     "version": "2"}
    for name, suite in vars(benchmarks.warm).items()
    if isinstance(suite, type) and not name.startswith("_")
]
keys = [f"{b['name']}({', '.join(p)})" for b in listed for p in product(*b["params"])]
built = Built("", {"LSEKERNELS_THREADS": "1"}, {}, {}, listed)
gate = {
    profile: [str(key) for key in
              compare_commits._select(conf, built, Names(bench=[], profile=profile, config=""))]
    for profile in ("quick", "full")
}
env = Pinned(conf, "3.11", {"numpy": "2.4.6"}, {})
print(json.dumps({
    "registry": registry.names(),
    "kernels": {name: registry.declaration(name).kernels() for name in ("made_up", "numpy")
                if name in registry.names()},
    "version": registry.load("made_up").version(),
    "threads": threads.VARIABLES,
    "tools": env._wanted_tools,
    "imports": benchmarks.imports.Imports.params[0],
    "profiles": {name: [k for k in keys if any(re.search(e, k) for e in profile.one)]
                 for name, profile in PROFILES.items()},
    "gate": gate,
}))
"""
COPIED = "lsekernels", "benchmarks", "lsebench", "tests", ".ci"


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """Copy the repository's sources; put the library beside them."""
    root, here = Path(__file__).resolve().parents[2], tmp_path_factory.mktemp("copy")
    place = here / "repository"
    for folder in COPIED:
        shutil.copytree(root / folder, place / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (place / "html").mkdir()
    for file in (*root.iterdir(), root / "html/README.md"):
        if file.is_file():
            shutil.copy(file, place / file.relative_to(root))
    (here / "libraries").mkdir()
    (here / "libraries/madeup.py").write_text(LIBRARY)
    return place


def run(copy, code, *arguments, **environ):
    # -S and the path by hand: the editable install would answer for the repository.
    paths = [str(copy), str(copy.parent / "libraries")]
    paths += [p for p in sys.path if p.endswith("site-packages")]
    code = f"import sys; sys.path[:0] = {paths!r}\n{code}"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code, *arguments],
        capture_output=True,
        text=True,
        cwd=copy,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environ},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def module(copy, name, *arguments, **environ):
    code = f"import runpy; runpy.run_module({name!r}, run_name='__main__', alter_sys=True)"
    return run(copy, code, *arguments, **environ)


def contents(copy):
    return {
        str(file.relative_to(copy)): file.read_bytes() for file in copy.rglob("*") if file.is_file()
    }


def edit(file, old, new):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


@pytest.fixture(scope="module")
def added(copy):
    """Add a backend with its library, and a kernel; return which files each step has changed."""
    assert module(copy, "lsekernels", "--write") == "nothing is stale\n"
    states = [contents(copy)]
    (copy / "lsekernels/backends/made_up.py").write_text(BACKEND)
    edit(copy / "asv.conf.json", '"jax": ', '"made-up": "1.2.3",\n            "jax": ')
    states.append(contents(copy))
    (copy / "lsekernels/kernels/cube.py").write_text(KERNEL)
    numpy = copy / "lsekernels/backends/numpy.py"
    edit(numpy, "    max_error = {\n", '    max_error = {\n        "cube": 2.0,\n')
    for file in numpy, copy / "lsekernels/backends/made_up.py":
        file.write_text(file.read_text() + METHOD)
    states.append(contents(copy))
    module(copy, "lsekernels", "--write")
    states.append(contents(copy))
    return [
        {name for name in after if after[name] != before.get(name)}
        for before, after in pairwise(states)
    ]


@pytest.fixture(scope="module")
def seen(copy, added):
    return json.loads(run(copy, SEEN, LSEKERNELS_TIER="all", LSEKERNELS_THREADS="1"))


def test_two_files_for_a_backend_and_for_a_kernel_its_own_and_the_backends(added):
    backend, kernel, written = added
    assert backend == {"lsekernels/backends/made_up.py", "asv.conf.json"}
    assert kernel == {
        f"lsekernels/{f}.py" for f in ("kernels/cube", "backends/numpy", "backends/made_up")
    }
    assert written == {"pyproject.toml", "README.md"}


def test_registry_and_threads_take_them_up(seen):
    assert "made_up" in seen["registry"]
    assert seen["version"] == "1.2.3"
    assert seen["kernels"]["made_up"] == ["cube", "logsumexp"]
    assert "cube" in seen["kernels"]["numpy"]
    assert "MADEUP_THREADS" in seen["threads"]


def test_what_is_installed_takes_them_up(copy, seen):
    project = tomllib.loads((copy / "pyproject.toml").read_text())
    assert project["project"]["optional-dependencies"]["made_up"] == ["made-up"]
    assert "made-up==1.2.3" in project["dependency-groups"]["tools"]
    assert "madeup.*" in project["tool"]["mypy"]["overrides"][-1]["module"]
    assert seen["tools"]["made-up"] == "1.2.3"


def test_suites_and_profiles_take_them_up(seen):
    assert "made_up" in seen["imports"]
    cube = "warm.Cube.track_time('{}', 'float64', 100000)"
    for profile in "wide", "full":
        assert {cube.format("made_up"), cube.format("numpy")} <= set(seen["profiles"][profile])
    assert any("'made_up'" in key for key in seen["profiles"]["quick"])


def test_the_gate_selects_them(seen):
    cube = "warm.Cube.track_time('{}', 'float64', 10000)"
    assert {cube.format("made_up"), cube.format("numpy")} <= set(seen["gate"]["full"])
    assert cube.format("numpy") in seen["gate"]["quick"]
    assert not any("'made_up'" in key for key in seen["gate"]["quick"]), "it has a slow start"


def test_the_readme_lists_them(copy, added):
    table = (copy / "README.md").read_text()
    assert "| `made_up` | CPU | no | x |" in table
    assert "`cube`" in table


def test_the_tests_take_them_up_and_pass(copy, added):
    tests = ["tests/backends/test_kernels.py", "tests/backends/test_logsumexp.py"]
    tests += ["tests/unit/test_registry.py", "tests/unit/test_kernels.py"]
    options = ["-p", "no:cacheprovider", "-n", "0"]
    said = module(
        copy, "pytest", *options, "-v", *tests, "--backend", "made_up", LSEKERNELS_REQUIRE="all"
    )
    for test in "test_right[made_up-cube-float64]", "test_declarations_are_complete[made_up]":
        assert f"{test} PASSED" in said
    module(
        copy, "pytest", *options, "tests/unit/test_repository.py", "tests/unit/test_environment.py"
    )


def test_what_is_stale_is_said_with_the_command(copy, added):
    pins = copy / "asv.conf.json"
    before = pins.read_text()
    pins.write_text(before.replace('"made-up": "1.2.3"', '"made-up": "1.2.4"'))
    code = (
        "from lsekernels import derived; print(*(f.name for f in derived.stale()), derived.COMMAND)"
    )
    assert run(copy, code).strip() == "pyproject.toml python -m lsekernels --write"
    pins.write_text(before)
