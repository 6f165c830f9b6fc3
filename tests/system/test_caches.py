"""Compile caches: where none can be written, and where several processes fill one at a time."""

import os
import shutil
import subprocess
import sys

import pytest

from lsekernels import registry

NUMBA = [
    name
    for name in registry.names()
    if "numba" in registry.declaration(name).requires and registry.declaration(name).device == "cpu"
]
CALL = """
import sys
sys.path[:0] = {paths!r}
import lsekernels
assert lsekernels.__file__.startswith({paths[0]!r})
for name in {names}:
    print(lsekernels.logsumexp([0.0, 0.0], backend=name))
"""


@pytest.mark.backend("numba")
@pytest.mark.parametrize("setting", ["", "NUMBA_CACHE_DIR"])
def test_numba_says_once_that_it_cannot_cache(root, tmp_path, load, setting):
    """Not even root can make a folder where there is a file."""
    load("numba")
    package = tmp_path / "lsekernels"
    shutil.copytree(root / "lsekernels", package, ignore=shutil.ignore_patterns("__pycache__"))
    cache = package / "backends/__pycache__"
    cache.touch()
    variables = {"HOME": str(cache / "home"), setting or "UNUSED": str(cache / "set")}
    left_out = ("XDG_CACHE_HOME", "NUMBA_CACHE_DIR")
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    # -S and the path by hand: the editable install would answer for the repository.
    paths = [str(tmp_path), *[path for path in sys.path if path.endswith("site-packages")]]
    code = CALL.format(paths=paths, names=NUMBA)
    done = subprocess.run(
        [sys.executable, "-S", "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        cwd="/",
        env=kept | variables,
    )
    assert done.stdout.split() == ["0.6931471805599453"] * len(NUMBA), done.stderr
    (line,) = done.stderr.splitlines()
    assert f"it cannot write to {cache / 'set' if setting else cache}" in line
    assert "set NUMBA_CACHE_DIR to a folder where it can" in line


COMPILED = """
import sys
import numba

for n in range(int(sys.argv[1])):  # what is compiled later has other names then
    numba.njit(lambda x: x + 1)(n)
from lsekernels import registry

registry.load("numba_guvectorize")
"""
CALLED = """
import numpy as np
from lsekernels import registry

backend = registry.load("numba_guvectorize")
for dtype in "f4", "f8":
    x = np.ones((2, 3), dtype)
    for rows in (backend.logsumexp_rows, backend.softmax_rows, backend.log_softmax_rows):
        assert np.isfinite(rows(x)).all()
    backend.moving_average(np.ones(9, dtype), np.ones(3, dtype))
"""


@pytest.mark.backend("numba_guvectorize")
def test_what_several_processes_compile_at_the_same_time_fits_together(tmp_path):
    environ = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    started = [
        subprocess.Popen([sys.executable, "-c", COMPILED, str(2 * n)], env=environ)
        for n in range(4)
    ]  # fmt: skip
    assert [process.wait() for process in started] == [0] * 4
    later = subprocess.run([sys.executable, "-c", CALLED], env=environ)
    assert later.returncode == 0, "it was linked with what another process has left"
