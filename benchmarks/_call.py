"""What every suite does: load the measured backend, check it, and sample a call."""

from contextlib import contextmanager
from types import SimpleNamespace

from asv_runner.benchmarks import benchmark_types
from asv_runner.benchmarks.time import TimeBenchmark
from asv_runner.benchmarks.track import TrackBenchmark

from . import THREADS
from ._tree import tree


def load(name):
    """Return backend `name` of the measured commit; of ``"name:form"`` the form is left away.

    Raises
    ------
    NotImplementedError
        asv shows n/a: as :func:`registry_with`, or the backend cannot run here.
    """
    name = name.partition(":")[0]
    registry = registry_with(name)
    from lsekernels.backend import Unavailable

    try:
        return registry.load(name)
    except Unavailable as error:
        raise NotImplementedError(str(error)) from None


def registry_with(name):
    """Return the registry of the measured commit, in which backend `name` is; it is not loaded.

    Raises
    ------
    NotImplementedError
        asv shows n/a: the commit lacks this backend, or more than one thread is allowed and it
        uses only one.
    """
    try:
        from lsekernels import registry
    except ImportError as error:
        raise NotImplementedError(f"this commit has no registry of backends ({error})") from None
    if name not in registry.names():
        raise NotImplementedError(f"this commit has no backend {name!r}")
    if THREADS > 1 and not registry.declaration(name).parallel:
        raise NotImplementedError(f"backend {name!r} uses one thread; see LSEKERNELS_THREADS=1")
    return registry


def prepare(backend, method, arrays, dtype, size=0):
    """Return the warmed-up call of `method` by `backend` on `arrays`, checked against the truth.

    Raises
    ------
    NotImplementedError
        The backend does not have this kernel, form or dtype, or not for so large a size.
    AssertionError
        The result is wrong, on the data or on one of the kernel's probes: it must not be timed.
    """
    expect(backend, method, dtype, size)
    truth = tree(f"kernels.{tree('kernels').of(method)}")
    if (backend, method, dtype) not in _probed:  # once a process: they are the same for all sizes
        for name in getattr(truth, "FORM_PROBES", {}).get(method, truth.PROBES):
            check(backend, method, truth.CASES[name].arguments(dtype), dtype, name)
        _probed.add((backend, method, dtype))
    call = check(backend, method, arrays, dtype, f"the timed data of size {size}")
    tree("heap").trim()  # what was made and freed for the check is not there for the calls
    return call


_probed = set()


def expect(backend, method, dtype, size):
    """Raise NotImplementedError where `backend` has no such method, or not for so large a size."""
    if not hasattr(backend, method) or dtype not in backend.dtypes:
        raise NotImplementedError(f"backend {backend.name!r} has no {method} for {dtype}")
    limits = getattr(backend, "largest", {})  # older commits do not declare it
    largest = limits.get(method) or limits.get(tree("kernels").of(method))
    if largest and str(size).isdigit() and int(size) > largest:
        raise NotImplementedError(f"{backend.name!r} would take minutes for {method} of {size}")


def check(backend, method, arrays, dtype, what):
    """Return the warmed-up call of `method` on `arrays`, whose result is right.

    Raises
    ------
    AssertionError
        It is wrong; the message says of `what`.
    """
    truth = tree(f"kernels.{tree('kernels').of(method)}")
    call = backend.prepare(method, *arrays)
    result = getattr(backend, "fetch", backend.to_host)(call())  # older commits have no `fetch`
    what = f"its {method} of {what} ({dtype})"
    compare(truth, result, truth.reference(*arrays), dtype, backend.name, what)
    return call


def compare(truth, result, expected, dtype, who, what="it"):
    """Raise AssertionError where a result is not what is `expected`; `truth` is its kernel."""
    error = truth.error(result, expected, dtype)
    if not error <= truth.MAX_ERROR:
        raise AssertionError(
            f"{who} is not timed: {what} is off by {error:.3g} {truth.UNIT}; "
            f"{truth.MAX_ERROR:g} are allowed"
        )


class _Track(TrackBenchmark):
    """asv's ``track_`` benchmark, which lets :func:`sample` see what asv asks of it.

    Those are ``asv run -a repeat=3``, ``--quick``, and in a later round the number of calls in a
    batch of the first. asv_runner gives them to the benchmark, not to its function.
    """

    def run(self, *params):
        with _asked_by(self._attr_sources):
            return super().run(*params)

    def do_profile(self, filename=None):
        one_call = SimpleNamespace(number=1, repeat=1, warmup_time=0)
        with _asked_by([one_call]):
            super().do_profile(filename)


benchmark_types.insert(0, _Track)  # the first that fits a function's name is taken

_ATTRIBUTES = (
    "min_run_count",
    "number",
    "repeat",
    "rounds",
    "sample_time",
    "timeout",
    "timer",
    "warmup_time",
)
_asked = []


@contextmanager
def _asked_by(sources):
    """Let the first of `sources` that has an attribute decide it."""
    _asked[:] = sources
    try:
        yield
    finally:
        _asked.clear()


def sample(call):
    """Return samples of the time of `call`, taken by asv's own timer, as asv was asked for.

    asv_runner 0.3 times one call at a time wherever a suite has a ``setup``, two clock reads and
    two Python frames each: far too coarse for calls of a microsecond. Here its timer gets the bare
    call instead, calibrates the number of calls in a batch, and takes the same samples as for a
    ``time_`` benchmark; asv's side computes the same statistics from them.
    """
    # version: nothing to hash. repeat: 5 to 10 samples, no more than 5 after 1 s; with two
    # processes that is what an interval needs. warmup_time: `prepare` has warmed up.
    attributes = SimpleNamespace(version="1", timeout=300.0, repeat=(5, 10, 1.0), warmup_time=0.02)
    for source in reversed(_asked):
        found = {name: getattr(source, name, None) for name in _ATTRIBUTES}
        vars(attributes).update({k: v for k, v in found.items() if v is not None})
    return TimeBenchmark("call", call, [attributes]).run()
