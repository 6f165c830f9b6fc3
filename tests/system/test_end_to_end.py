"""asv really runs: environment, build, runs, interruption, history, site. In a scratch clone."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from ..scratch import git

MACHINE = "scratch"


@pytest.fixture(scope="module")
def clone(root, tmp_path_factory):
    """A clone of the working tree as it is, with one commit that lacks the cython backend."""
    folder = tmp_path_factory.mktemp("clone") / "repo"
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    files = subprocess.run(listed, cwd=root, capture_output=True, check=True).stdout
    names = [n for n in files.decode().split("\0") if n and not n.startswith("results/")]
    for name in names:
        if (root / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((root / name).read_bytes())
    git(folder, "init", "-q", "-b", "main")
    # Only what is looked at below: all of it takes minutes to compile, and was compiled for the
    # tests of backends.
    build = folder / "meson.build"
    needless = (
        r"^  '\w*(tuned|pythran_openmp)': \[.*\n",
        r"^# Explicit SIMD(?s:.*?)(?=^# What it was built with)",
    )
    text, cut = re.subn("|".join(needless), "", build.read_text(), flags=re.M)
    assert cut == 4
    build.write_text(text)
    late = folder / "lsekernels/backends/cython_openmp.py"
    kept = late.read_text()
    late.unlink()
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "Start")
    late.write_text(kept)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "Add cython_openmp <script>alert(1)</script>")
    return folder


def start(clone, *args, profile="smoke", **env):
    command = [sys.executable, "-u", "-m", "lsebench", "run", profile, "--machine", MACHINE, *args]
    return subprocess.Popen(
        command,
        cwd=clone,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "HOME": str(clone.parent), **env},  # asv's file of machines
        start_new_session=True,
    )


def measure(clone, *args, **more):
    with start(clone, *args, **more) as process:
        output, _ = process.communicate(timeout=900)
    return process.returncode, output


def results(clone, threads="1"):
    """Return benchmark -> {parameters: value}, all commits together, newest last."""
    from itertools import product

    found = []
    for commit in git(clone, "rev-list", "--reverse", "HEAD").split():
        for file in (clone / "results" / MACHINE).glob(f"{commit[:8]}-*.json"):
            stored = json.loads(file.read_text())
            if stored["env_vars"]["LSEKERNELS_THREADS"] != threads:
                continue  # asv puts a hash into the file's name where that would be too long
            stored["file"] = file
            rows = {
                name: dict(zip(product(*row[1]), row[0] or [], strict=False))
                for name, row in stored["results"].items()
            }
            found.append((stored, rows))
    return found


WARM = "warm.Logsumexp.track_time"


def test_whole_way(clone):
    """One test, because each step needs what the one before it left."""
    # Interrupted after the first part: what was measured stays.
    seen = ""
    with start(clone) as process:
        for line in process.stdout:
            seen += line
            if line.startswith(f"  {WARM}, 1 thread: 4 in"):
                process.terminate()  # as systemd does; Ctrl-C goes the same way
    assert process.returncode == 130, seen
    assert "What was measured is stored; the same command goes on" in seen
    assert "Traceback" not in seen, seen
    assert "making the environment (only once" in seen
    ((stored, rows),) = results(clone)
    times = [v for v in rows[WARM].values() if v == v]
    assert len(times) == 4

    # The next run goes on: only what is missing is run.
    code, output = measure(clone)
    assert code == 0, output
    assert f"{WARM}, 1 thread" not in output
    ((stored, rows),) = results(clone)
    assert rows["limits.EmptyCall.track_time"][()] < 1e-6
    assert [v for v in rows[WARM].values() if v == v] == times
    ((_, many),) = results(clone, "all")
    assert sum(v == v for v in many[WARM].values()) == 1

    # And the third has nothing to do.
    code, output = measure(clone)
    assert code == 0, output
    assert output.count("nothing is missing") == 2
    assert output.rstrip().splitlines()[-1].startswith("0 combination(s) measured")

    # Results say what was asked for, the context beside them what was really there.
    commit = git(clone, "rev-parse", "HEAD")
    assert stored["commit_hash"] == commit
    file = stored["file"].with_suffix(".context.jsonl")
    context = json.loads(file.read_text().splitlines()[-1])["context"]
    for name, version in stored["requirements"].items():
        assert context["installed"][name.lower()] == version
    versions = {b["backend"]: b["version"] for b in context["backends"]}
    for backend, name in ("numpy",) * 2, ("scipy",) * 2, ("numba",) * 2, ("cython", "Cython"):
        assert versions[backend] == stored["requirements"][name], "named and loaded"
    assert versions["pythran"] == stored["requirements"]["pythran"]
    assert context["threads"] == 1
    assert "asv-runner" in context["installed"]

    # The older commit lacks a backend: n/a, and never another backend's number.
    code, output = measure(clone, "--commits", "HEAD~1^!", "--bench", "openmp|numpy")
    assert code == 0, output
    (_, old), _ = results(clone)
    measured = {key[0] for key, value in old[WARM].items() if value == value}
    assert measured == {"'numpy'"}
    ((_, many),) = [r for r in results(clone, "all") if r[0]["commit_hash"] != commit]
    assert not any(value == value for value in many[WARM].values())

    # A commit that cannot be built is said so, and has no results at all.
    build = clone / "meson.build"
    kept = build.read_text()
    for text, message in ((kept + "nonsense(\n", "Break the build"), (kept, "Mend the build")):
        build.write_text(text)
        git(clone, "commit", "-q", "-a", "-m", message)
    code, output = measure(clone, "--commits", "HEAD~1^!")
    assert code == 2, output
    assert "(not built)" in output
    broken = git(clone, "rev-parse", "--short=8", "HEAD~1")
    assert not list((clone / "results" / MACHINE).glob(f"{broken}*"))

    # The site: asv's pages, ours, and nothing for git to see.
    subprocess.run([sys.executable, "-m", "asv", "publish"], cwd=clone, check=True)
    assert 'href="claims.html"' in (clone / "html/index.html").read_text("utf-8")
    text = (clone / "html/data/home.js").read_text("utf-8")
    assert '"NumPy"' in text
    assert commit in text
    graphs = json.loads((clone / "html/index.json").read_text())
    assert graphs["machines"].keys() == {MACHINE}
    assert git(clone, "status", "--porcelain", "html") == ""


def test_gpu_profile_in_the_simulator(clone):
    """The whole way of `make bench-gpu`, in this Python: nothing is built, results are stored."""
    args = "--config", "asv.gpu.json", "--bench", r"warm.Logsumexp.*'numba_cuda', 'float64', 10\)"
    code, output = measure(clone, *args, profile="gpu", NUMBA_ENABLE_CUDASIM="1")
    assert code == 0, output
    assert re.search(r"not measured: .*\bcupy\b.* \(no GPU, see make bench-gpu\)", output)
    (file,) = (clone / "results" / MACHINE).glob("*-here-*THREADS1.json")
    assert file.name.startswith(git(clone, "rev-parse", "--short=8", "HEAD"))
    context = json.loads(file.with_suffix(".context.jsonl").read_text().splitlines()[-1])["context"]
    versions = {b["backend"]: b["version"] for b in context["backends"]}
    assert "simulator" in versions["numba_cuda"]
    stored = json.loads(file.read_text())["results"][WARM]
    assert sum(v is not None and v == v for v in stored[0]) == 1


def test_gpu_profile_without_a_gpu_says_so(clone):
    code, output = measure(clone, "--config", "asv.gpu.json", profile="gpu")
    assert code == 4, output
    assert "error: no GPU backend can run here: nothing is measured" in output


PURE = """
import sys
from lsekernels import kernels, registry

for name in ("python", "stackless", "numpy"):
    backend = registry.load(name)
    for kernel in backend.kernels():
        truth = kernels.load(kernel)
        for method in backend.methods(kernel):
            for probe in getattr(truth, "FORM_PROBES", {}).get(method, truth.PROBES):
                data = truth.CASES[probe].arguments("float64")
                result = backend.fetch(backend.prepare(method, *data)())
                error = truth.error(result, truth.reference(*data), "float64")
                assert error <= truth.MAX_ERROR, (name, method, probe, error)
            print(name, method)
"""


@pytest.mark.skipif(
    not (shutil.which("pypy3") or os.environ.get("LSEKERNELS_REQUIRE")),
    reason="no pypy3 here (Debian: apt install pypy3 pypy3-venv)",
)
def test_pypy(clone):
    """The whole way of `make bench-pypy`; then every kernel of the backends that run there."""
    code, output = measure(
        clone,
        *("--config", "asv.pypy.json", "--bench"),
        r"warm.PingPong.*'(stackless|python:generators)'|warm.Logsumexp.*'(python|scipy)'.* 10\)",
        profile="pypy",
    )
    assert code == 0, output
    assert "backend 'scipy'" not in output, "the profile has no other backends"
    (file,) = (clone / "results" / MACHINE).glob("*-source-pypy3-*THREADS1.json")
    results = json.loads(file.read_text())["results"]
    for name, count in (WARM, 1), ("warm.PingPong.track_time", 6):
        assert sum(v is not None and v == v for v in results[name][0]) == count, output
    context = json.loads(file.with_suffix(".context.jsonl").read_text().splitlines()[-1])["context"]
    versions = {b["backend"]: b["version"] for b in context["backends"]}
    assert "PyPy" in versions["python"]
    reasons = {b["backend"]: b["unavailable"] for b in context["backends"]}
    assert "lsekernels._compiled.logsumexp_cython was not built" in reasons["cython"]

    interpreter = next((clone / ".asv/env").glob("*/bin/pypy3"))
    done = subprocess.run(
        [interpreter, "-c", PURE], cwd=clone, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    ran = done.stdout.splitlines()
    assert {"python logsumexp", "python lu", "stackless ping_pong", "numpy power8_power"} <= {*ran}
