"""What a fresh process sees: importing costs nothing, and one file is all a backend takes."""

import json
import shutil
import subprocess
import sys

import pytest

import lsekernels
from lsekernels import registry

LIBRARIES = "numpy", "scipy", "numba", "cupy", "pythran", "Cython", "mpmath", "asv"
NEW = """
from ..backend import Backend
import math

class Extra(Backend):
    title = "Extra"
    max_error = {"logsumexp": 8.0}

    def version(self):
        return "1"

    def logsumexp(self, x):
        return float(__import__("numpy").logaddexp.reduce(x))
"""


def test_import_and_declarations_load_no_numerical_library(python):
    code = (
        "import sys, lsekernels.chunked; from lsekernels import registry\n"
        "for n in lsekernels.backends(): registry.declaration(n).missing(), "
        "registry.declaration(n).kernels()\n"
        f"print([m for m in {LIBRARIES} if m in sys.modules])"
    )
    assert python(code) == "[]"


WITHOUT = "import sys; sys.modules.update(dict.fromkeys(('mpmath', 'scipy', 'numba', 'dask')))\n"


def test_numpy_is_enough(python):
    """What a user runs needs none of the libraries of the reference, or of other backends."""
    code = (
        "import lsekernels, numpy as np\n"
        "x = np.ones(100_000)\n"
        "print(*(lsekernels.logsumexp(x, backend=b) for b in (None, 'threads', 'processes')))\n"
        "from lsekernels.chunked import *; print(reduce_chunk(x, 'numpy').log)"
    )
    assert {round(float(v), 9) for v in python(WITHOUT + code).split()} == {12.512925465}
    code = "import runpy; sys.argv[1:] = []; runpy.run_module('lsekernels', run_name='__main__')"
    rows = python(WITHOUT + code).splitlines()
    (scipy,) = (row for row in rows if row.startswith("scipy "))
    assert "no: " in scipy


def test_dir_shows_the_functions():
    assert {"logsumexp", "softmax", "log_softmax", "backends"} <= set(dir(lsekernels))


def test_importing_the_declarations_loads_no_numba(python):
    code = (
        "import sys; from lsekernels import registry\n"
        "[registry.declaration(name) for name in sys.argv[1:]]; print('numba' in sys.modules)"
    )
    names = [name for name in registry.names() if "numba" in name]
    assert python(code, *names) == "False"


BOTH = """
import runpy, sys
for arguments in ([], ["--json"]):
    sys.argv[1:] = arguments
    runpy.run_module("lsekernels", run_name="__main__", alter_sys=True)
    print("\\0", flush=True)
"""


def test_table_and_json_list_every_backend():
    """By one process: every library is imported."""
    done = subprocess.run([sys.executable, "-c", BOTH], capture_output=True, text=True, check=True)
    text, found, _ = done.stdout.split("\0\n")
    facts = json.loads(found)
    assert [row["backend"] for row in facts["backends"]] == list(registry.names())
    for row in facts["backends"]:
        assert row["backend"] in text
        assert bool(row["version"]) != bool(row["unavailable"])
    assert facts["build"]["pythran"]
    assert facts["threads"] == 1


def test_slow_forms_are_not_run_for_long(root, python):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from benchmarks import _call; from lsekernels import registry\n"
        "try: _call.prepare(registry.load('python'), 'ping_pong_threads', (9,), 'float64', 10**6)\n"
        "except NotImplementedError as error: print(error)"
    )
    said = python(code, str(root), LSEKERNELS_THREADS="1")
    assert said == "'python' would take minutes for ping_pong_threads of 1000000"


@pytest.fixture
def copy(root, tmp_path):
    """Copy the Python sources, so that a file can be dropped in."""
    for folder in ("lsekernels", "benchmarks", "tests"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(root / folder, tmp_path / folder, ignore=ignore)
    shutil.copy(root / "pyproject.toml", tmp_path)
    return tmp_path


def test_a_new_backend_is_one_new_file(copy):
    def ask(code, *more):
        # -S and the path by hand: the editable install would answer for the repository.
        paths = [str(copy), *[p for p in sys.path if p.endswith("site-packages")]]
        code = f"import sys; sys.path[:0] = {paths!r}\n{code}"
        command = [sys.executable, "-S", "-c", code, *more]
        done = subprocess.run(command, capture_output=True, text=True, cwd=copy)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    suites = (
        "import benchmarks.warm, benchmarks.imports\n"
        "print(benchmarks.warm.Logsumexp.params[0], benchmarks.imports.Imports.params[0])"
    )
    collect = (
        "import pytest, sys; pytest.main(['--collect-only', '-q', '-p', 'no:cacheprovider', "
        "'tests/backends', 'tests/system/test_floating_point.py', *sys.argv[1:]])"
    )
    registered = "import lsekernels; print(lsekernels.backends('logsumexp'))"
    assert "extra" not in ask(registered) + ask(suites) + ask(collect)
    (copy / "lsekernels/backends/extra.py").write_text(NEW)
    assert "'extra'" in ask(registered)
    assert ask(suites).count("'extra'") == 2
    ids = ask(collect, "--backend", "extra")
    assert "test_right[extra-float64]" in ids
    assert "test_leaves_the_floating_point_mode_alone[extra]" in ids


def test_sources_that_were_not_built_are_not_taken_for_extensions(copy):
    """Pythran's would run as plain Python, and be timed as Pythran."""
    code = (
        f"import sys; sys.path[:0] = {[str(copy), *map(str, sys.path)]!r}\n"
        "from lsekernels import registry\n"
        "print(registry.declaration('pythran').missing())"
    )
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True)
    assert "logsumexp_pythran was not built" in done.stdout, done.stderr
