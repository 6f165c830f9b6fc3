"""Fixtures and options: which backends are tested, and every backend by name.

An item concerns a backend where a parameter says so (``name``, ``implementation``, ``backend``), or
where ``pytest.mark.backend`` does. What concerns one backend runs in one process, so that what is
compiled for it is compiled once.
"""

import os
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from lsekernels import Unavailable, registry

ROOT = Path(__file__).resolve().parent.parent
TIERS = {
    "core": "backends of the core tier; those of the others are skipped (the default)",
    "all": "all backends",
    "rest": "what `--tier core tests/unit tests/backends` leaves: the other backends, tests/system",
}
PARAMETERS = "name", "implementation", "backend"
SLOW = (
    "system/test_gate_end_to_end.py", "system/test_end_to_end.py", "system/test_plain_asv.py",
    "system/test_suites.py", "site", "dask", "numba_cuda", "jax", "torch_compile",
    "tensorflow_xla", "numba_tuned_parallel", "numba_tuned", "unit/test_statistics.py",
    "backends/test_loading.py", "numba", "numba_parallel",
)  # fmt: skip
"""Groups that take longest, the longest first: begun last, they would run alone at the end."""

# What a shell runs in the background ignores SIGINT, and so do its children; ours are interrupted.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


# -- which tests run -------------------------------------------------------------------------------


def pytest_addoption(parser):
    group = parser.getgroup("backends")
    group.addoption(
        "--tier",
        choices=TIERS,
        default="core",
        help="; ".join(f"{tier}: {what}" for tier, what in TIERS.items()),
    )
    group.addoption(
        "--backend",
        metavar="NAME",
        help="only tests that concern this backend, whatever its tier",
    )


def pytest_configure(config):
    config.addinivalue_line("markers", "backend(name): the test concerns this backend")
    name = config.getoption("--backend")
    try:
        for each in [*required(), *([name] if name else [])]:
            registry.declaration(each)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None


def pytest_report_header(config):
    name = config.getoption("--backend")
    return f"backend: {name}" if name else f"tier: {config.getoption('--tier')}"


@cache
def required():
    """Return the backends that must be there; ``core`` and ``all`` are those of a tier."""
    cpu = {
        name: registry.declaration(name).tier
        for name in registry.names()
        if registry.declaration(name).device == "cpu" and not registry.declaration(name).interpreter
    }
    tiers = {"core": [n for n, tier in cpu.items() if tier == "core"], "all": list(cpu)}
    words = os.environ.get("LSEKERNELS_REQUIRE", "").split()
    return {name for word in words for name in tiers.get(word, [word])}


def backend_of(item):
    """Return the name of the backend that a test concerns, or None."""
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    for key in PARAMETERS:
        name = str(parameters.get(key)).partition(":")[0]
        if name in registry.names():
            return name
    marker = item.get_closest_marker("backend")
    return marker.args[0] if marker else None


def is_rest(item):
    folder = item.path.relative_to(ROOT / "tests").parts[0]
    name = backend_of(item)
    return folder == "system" or (
        folder == "backends" and name is not None and registry.declaration(name).tier != "core"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    only, tier = config.getoption("--backend"), config.getoption("--tier")
    if only:
        kept = [item for item in items if backend_of(item) == only]
    elif tier == "rest":
        kept = [item for item in items if is_rest(item)]
    else:
        kept = list(items)
    config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
    for item in kept:
        item.add_marker(pytest.mark.xdist_group(group(item)))
    order = {name: place for place, name in enumerate(SLOW)}
    items[:] = sorted(kept, key=lambda item: order.get(group(item), len(order)))


def group(item):
    """Return what runs in one process: what concerns a backend; else a file, for its fixtures."""
    file = item.path.relative_to(ROOT / "tests").as_posix()
    # All that look at pages share the sites, which take a while to make.
    return backend_of(item) or ("site" if file.startswith("system/test_site") else file)


# -- backends --------------------------------------------------------------------------------------


@pytest.fixture(params=registry.names())
def name(request):
    """Each backend's name."""
    return request.param


@pytest.fixture
def backend(name, load):
    """Each backend, loaded; skipped with its reason where it cannot run, unless it is required."""
    return load(name)


@pytest.fixture(scope="session")
def leave_out():
    """Skip a test of a backend for a reason; fail where the backend is required."""

    def skip(name, reason):
        if name in required():
            pytest.fail(f"required by LSEKERNELS_REQUIRE, but {reason}")
        pytest.skip(reason)

    return skip


@pytest.fixture(scope="session")
def load(pytestconfig, leave_out):
    """Load a backend by its name, or skip; one that is required must be there."""
    asked = ("core",) if pytestconfig.getoption("--tier") == "core" else ("core", "all", "gpu")
    only = pytestconfig.getoption("--backend")

    unavailable = {}  # name -> reason: some take long to say so

    def loaded(name):
        tier = registry.declaration(name).tier
        if tier not in asked and name != only:
            pytest.skip(f"tier {tier}: make test-all")
        if name not in unavailable:
            try:
                return registry.load(name)
            except Unavailable as error:
                unavailable[name] = str(error)
        return leave_out(name, unavailable[name])

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
