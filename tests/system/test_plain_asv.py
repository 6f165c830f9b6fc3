"""asv's own commands in a clone, with no more than ``pip install asv virtualenv``.

Only NumPy is installed and nothing is compiled, so that all of it takes two minutes.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
import urllib.request
from contextlib import contextmanager

import pytest

from ..scratch import git

WARM = "warm.Logsumexp.track_time"
ONE = rf"^{WARM}\('numpy', 'float64', 10\)$"
PROBE = """
def track_threads():
    import numpy
    from threadpoolctl import threadpool_info
    return max(pool["num_threads"] for pool in threadpool_info())
"""
IDENTITY = "[user]\nname = Test\nemail = test@localhost\n"
NO_TABLE = r"^(?!.* n/a *$).*"  # asv prints a row for each combination, selected or not


class Plain:
    """A clone, and a Python in which asv is installed."""

    def __init__(self, folder, home, *requirements):
        self.folder, self.home = folder, home
        subprocess.run([sys.executable, "-m", "venv", home / "venv"], check=True)
        self.python = home / "venv/bin/python"
        self.install(*requirements)
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("LSEKERNELS_")}
        self.env["HOME"] = str(home)  # where asv knows machines, and git who commits

    def install(self, *requirements):
        pip = [self.python, "-m", "pip", "install", "--quiet", *requirements]
        subprocess.run(pip, check=True, env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"})

    def __call__(self, *args, code=0, **env):
        """Run asv; return what it prints, without rows of a table that are n/a."""
        done = subprocess.run(
            [self.python, "-m", "asv", *args],
            cwd=self.folder,
            env={**self.env, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == code, done.stdout
        return "\n".join(re.findall(NO_TABLE, done.stdout, re.M))

    def samples(self, commit="HEAD"):
        """Return the stored samples of ONE and the number of calls in each."""
        (file,) = (self.folder / "results").glob(
            f"*/{git(self.folder, 'rev-parse', commit)[:8]}-*THREADS1.json"
        )
        stored = json.loads(file.read_text())
        row = dict(zip(stored["result_columns"], stored["results"][WARM], strict=False))
        (index,) = [n for n, value in enumerate(row["result"]) if value and value == value]
        return row["samples"][index], row["stats_number"][index]

    def commit(self, message):
        (self.folder / "notes").write_text(message)  # no part of the package: nothing is built
        git(self.folder, "add", "--", "notes")
        git(self.folder, "commit", "-q", "-m", message)


@pytest.fixture(scope="module")
def pins(root):
    groups = tomllib.loads((root / "pyproject.toml").read_text())["dependency-groups"]
    flat = [pin for group in groups.values() for pin in group if isinstance(pin, str)]
    return {re.match(r"[\w.-]+", pin)[0]: pin for pin in flat}


@pytest.fixture(scope="module")
def clone(root, tmp_path_factory):
    """A clone of the working tree as it is, without what takes long to install and to build."""
    folder = tmp_path_factory.mktemp("plain") / "repo"
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    files = subprocess.run(listed, cwd=root, capture_output=True, check=True).stdout
    for name in filter(None, files.decode().split("\0")):
        if (root / name).exists() and not name.startswith(("results/", "tests/")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((root / name).read_bytes())
    build, conf = folder / "meson.build", folder / "asv.conf.json"
    text = build.read_text().replace(", 'cython',", ",").partition("# Compiled sources")[0]
    package = (
        "py.install_sources('lsekernels/_compiled/__init__.py', subdir: 'lsekernels/_compiled')"
    )
    build.write_text(f"{text}{package}\n")
    axes = r',\s+"(scipy|numba|pythran|Cython)": \["[\d.]+"\]'
    text, cut = re.subn(axes, "", conf.read_text())
    assert cut == 4
    conf.write_text(text)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "Start")
    return folder


@pytest.fixture(scope="module")
def asv(clone, pins, tmp_path_factory):
    """Plain asv, by which the first commit was measured."""
    plain = Plain(clone, tmp_path_factory.mktemp("home"), pins["asv"], pins["virtualenv"])
    (plain.home / ".gitconfig").write_text(IDENTITY)
    assert not plain("machine", "--yes", "--machine", "scratch").count("Couldn't load")
    assert "No problems found" in plain("check")
    assert WARM in plain("run", "--record-samples", "--bench", ONE)
    return plain


def test_a_run_has_what_is_asked_for(asv):
    samples, number = asv.samples()
    assert len(samples) >= 10, "two rounds of at least five"
    assert number > 100

    run = "run", "--record-samples", "--bench", ONE, "HEAD^!"
    asv(*run, "--attribute", "repeat=3", "--attribute", "number=7")
    samples, number = asv.samples()
    assert (len(samples), number) == (6, 7)

    asv(*run, "-a", "repeat=(1,2,0.1)", "-a", "sample_time=1e-4", "-a", "rounds=1")
    samples, number = asv.samples()
    assert len(samples) <= 2
    assert 1 < number < 100

    asv(*run, "--quick")
    samples, number = asv.samples()
    assert (len(samples), number) == (1, 1)


def test_new_continuous_compare_show(asv):
    asv.commit("First")
    assert "(1 commits * 2 environments" in asv("run", "NEW", "--quick", "--bench", ONE)
    assert "No commit hashes selected" in asv("run", "NEW", code=1)

    asv.commit("Second")
    output = asv("continuous", "HEAD~1", "HEAD", "--bench", ONE, "--factor", "1000")
    assert "BENCHMARKS NOT SIGNIFICANTLY CHANGED" in output
    assert asv.samples("HEAD~1")[1] > 100, "measured anew, beside HEAD"
    compared = asv("compare", "HEAD~1", "HEAD")
    assert len(re.findall(r"\| +\d.*\d.s .*\('numpy', 'float64', 10\)", compared)) == 1
    assert git(asv.folder, "rev-parse", "--short=8", "HEAD") in asv("show")
    assert re.search("numpy +float64 +10 +[0-9.]+", asv("show", "HEAD"))

    # What docs/coming-from-asv.md says of results of another machine.
    other = asv.folder / "results/other/machine.json"
    other.parent.mkdir()
    other.write_text('{"machine": "other", "version": 1}')
    assert "with the --machine option" in asv("compare", "HEAD~1", "HEAD", code=1)
    assert asv("compare", "--machine", "scratch", "HEAD~1", "HEAD") == compared
    other.unlink()
    other.parent.rmdir()


def test_profile_takes_the_environment_in_which_there_is_one(asv):
    for revision in [], ["HEAD"]:
        output = asv("profile", ONE.strip("^$"), *revision)
        assert re.search(r"function calls.*logsumexp\)", output, re.S), "the call itself"
        calls = re.search(r"^ +(\S+) .*numpy\.py:\d+\(logsumexp\)", output, re.M)
        assert calls[1] == "1"
        absent = ONE.strip("^$").replace("numpy", "scipy")
        output = asv("profile", absent, *revision, code=1)
        assert "is n/a or failed" in output.splitlines()[-1]
        assert "Traceback" not in output


def test_the_python_that_is_there(clone, pins, tmp_path):
    requirements = "asv", "asv_runner", "numpy", "threadpoolctl"
    asv = Plain(clone, tmp_path, *(pins[name] for name in requirements))
    asv("machine", "--yes", "--machine", "scratch")
    output = asv("run", "-E", "existing", "--bench", ONE, code=1)
    assert f"lsekernels, mpmath not installed: {asv.python}" in output
    assert "-m pip install '.[reference]'" in output

    # What `pip install --editable '.[reference]'` comes to, where nothing is compiled.
    asv.install(pins["mpmath"])
    (site,) = tmp_path.glob("venv/lib/*/site-packages")
    (site / "lsekernels.pth").write_text(str(clone))
    probe = clone / "benchmarks/probe.py"
    probe.write_text(PROBE)
    try:
        cores = len(os.sched_getaffinity(0))
        run = "run", "--bench", "probe", "--bench", ONE, "--quick"
        output = asv(*run, "-E", "existing")
        assert re.search(r"probe.track_threads +1$", output, re.M)
        assert re.search("numpy +float64 +10 +[0-9.]+", output)
        output = asv(*run, "-E", "existing", LSEKERNELS_THREADS="all")
        assert re.search(rf"probe.track_threads +{cores}$", output, re.M)
        output = asv(*run, "--python=same")  # with both settings of the matrix
        assert re.findall(r"probe.track_threads +(\d+)$", output, re.M) == ["1", str(cores)]
        # Where they cannot be set any more it says so.
        output = asv(
            *run, "-E", "existing", "--launch-method", "forkserver", "--show-stderr", code=2
        )
        assert "before numpy is imported: let asv start processes (--launch-method spawn)" in output
    finally:
        probe.unlink()
    assert "No problems found" in asv("check", "-E", "existing")


def test_publish_preview_and_gh_pages(asv):
    html = asv.folder / "html"
    (html / "old.html").write_text("old")
    for command in ["publish"], ["gh-pages", "--no-push"]:
        (line,) = asv(*command, code=1).splitlines()
        assert (html / "old.html").exists()
    program, command, *packages = shlex.split(line.partition(": ")[2])
    assert (program, command) == ("pip", "install")
    assert all("==" in package for package in packages)

    asv.install(*packages)  # nothing else
    asv("publish")
    assert 'href="claims.html"' in (html / "index.html").read_text("utf-8")
    assert not (html / "old.html").exists()
    asv("gh-pages", "--no-push")
    published = set(git(asv.folder, "ls-tree", "-r", "--name-only", "gh-pages").splitlines())
    written = {str(p.relative_to(html)) for p in html.rglob("*") if p.is_file()}
    assert published == written
    assert {"index.html", "data/home.js", "static/vega.js", "index.json"} <= published
    assert any(name.startswith("graphs/") for name in published)
    assert git(asv.folder, "status", "--porcelain", "--", "html") == ""
    with preview(asv) as address:
        assert b'href="claims.html"' in urllib.request.urlopen(f"{address}index.html").read()

    (asv.folder / "results/benchmarks.json").write_text("{")
    assert "benchmarks.json" in asv("publish", code=1)
    assert 'href="claims.html"' in (html / "index.html").read_text("utf-8")


@contextmanager
def preview(asv):
    """Serve the site; the address."""
    command = [asv.python, "-u", "-m", "asv", "preview"]
    with subprocess.Popen(
        command, cwd=asv.folder, env=asv.env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield re.search(rb"http://\S+", process.stdout.readline())[0].decode()
        finally:
            process.terminate()
