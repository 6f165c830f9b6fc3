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


STORED = """
import os, pathlib, sys, time
import numpy as np
from numba.core.caching import IndexDataCacheFile
from lsekernels import registry

dtypes = sys.argv[1:]
save = IndexDataCacheFile._save_index

def slowly(cache, overloads):
    file = pathlib.Path(cache._index_path)
    if overloads and not file.with_suffix(f".{dtypes[0]}").exists():
        file.with_suffix(f".{dtypes[0]}").touch()
        end = time.monotonic() + 3
        while time.monotonic() < end and not file.with_suffix(f".{dtypes[1]}").exists():
            time.sleep(0.01)  # until the other has read the index, too, if it can
    # One names its own last, and the other stores last.
    time.sleep(dtypes[0] == "f8" and 0.5)
    save(cache, overloads)
    time.sleep(dtypes[0] == "f4")

if dtypes:
    IndexDataCacheFile._save_index = slowly
backend = registry.load("numba")
for dtype in dtypes[:1] or ("f4", "f8"):
    assert 7.9 < backend.logsumexp(np.ones(1000, dtype)) < 8
"""


@pytest.mark.backend("numba")
def test_what_several_processes_store_for_several_dtypes_is_each_of_its_own(tmp_path):
    """Without a lock the index of one names what the other has stored: each call is an error."""
    environ = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", STORED]
    orders = ("f4", "f8"), ("f8", "f4")
    started = [subprocess.Popen([*command, *dtypes], env=environ) for dtypes in orders]
    assert [process.wait() for process in started] == [0] * 2
    assert subprocess.run(command, env=environ).returncode == 0
