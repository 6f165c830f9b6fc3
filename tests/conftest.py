"""Fixtures: every backend by name, and one scratch clone in which asv really runs."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lsekernels import Unavailable, registry

ROOT = Path(__file__).resolve().parent.parent
REQUIRED = os.environ.get("LSEKERNELS_REQUIRE", "").split()

# What a shell runs in the background ignores SIGINT, and so do its children; ours are interrupted.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(params=registry.names())
def name(request):
    """Each backend's name."""
    return request.param


@pytest.fixture
def backend(name):
    """Each backend, loaded; skipped with its reason where it cannot run, unless it is required."""
    return loaded(name)


def loaded(name):
    """Return backend `name`, or skip; a backend in LSEKERNELS_REQUIRE must be there."""
    try:
        return registry.load(name)
    except Unavailable as error:
        if name in REQUIRED:
            pytest.fail(f"required by LSEKERNELS_REQUIRE, but {error}")
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def load():
    """:func:`loaded`, for tests that choose the backend themselves."""
    return loaded


@pytest.fixture(scope="session")
def root():
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def python():
    """Run code in a fresh process, outside the repository; return what it prints."""

    def run(code, *args, cwd="/", **env):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", code, *args],
            capture_output=True,
            text=True,
            cwd=cwd,
            env={**os.environ, **env},
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    return run
