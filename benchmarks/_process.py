"""The measuring process of ``lsebench.run.side_by_side``: times the calls it is given, in turn.

It runs in asv's environment, where this repository is not installed but the measured commit is.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import math
import subprocess
import sys
import timeit
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # asv imports every file here, too
    sys.path[0] = ""  # not this folder
    sys.path.append(str(Path(__file__).resolve().parent.parent))  # last: only for the suites

import lsekernels
from benchmarks import (  # sets the threads
    _call,
    _heap,
    first_call,
    heap,
    inputs,
    limits,
    many_small,
    memory,
    transfer,
)
from benchmarks._tree import tree
from lsekernels import registry

BATCH = 5e-3
"""Seconds that a batch of calls takes at least."""
ROUNDS = 5, 30
SECONDS = 3.0
"""After the first number of rounds no more are begun once so much time is spent."""


@cache
def _data(kernel: str, dtype: str, size: Any) -> Any:
    """Return the arguments of a kernel, the same for all calls: they are only read."""
    return tree(f"kernels.{kernel}").make_data(size, dtype)


def _vector(dtype: str, size: int) -> Any:
    return _data("logsumexp", dtype, size)[0]


def _backend(name: str, method: str, dtype: str, size: Any) -> Callable[[], Any]:
    data = _data(tree("kernels").of(method), dtype, size)
    return _call.prepare(registry.load(name), method, data, dtype)  # type: ignore[no-any-return]


def _public(
    library: str, function: str, shape: list[int], axis: int, dtype: str, weights: str = ""
) -> Callable[[], Any]:
    """Return the call that a user of `library` would write; a wrong result is not timed."""
    import numpy as np

    x, b = _vector(dtype, math.prod(shape)).reshape(shape), None
    expected = _plain(function, x, axis)
    if weights:
        b = np.random.RandomState(1).uniform(
            0.5 if weights == "positive weights" else -0.5, 1.5, x.shape
        )
        expected = np.log(np.abs(np.sum(b * np.exp(x), axis)))
    more = {"return_sign": True} if weights == "weights of both signs" else {}
    if library == "lsekernels":
        call = _written(getattr(lsekernels, function), x, axis, b, **more)
        return _right(call, lambda found: found, expected, library)
    backend = registry.load(library)
    x, b = backend.to_device(x), None if b is None else backend.to_device(b)
    right = partial(_right, to_host=backend.to_host, expected=expected, who=library)
    if library == "scipy":
        return right(_written(getattr(backend.special, function), x, axis, b, **more))
    if library == "torch":
        compute = getattr(backend.torch, function)
        return right(lambda: compute(x, dim=axis))
    of = backend.jax.scipy.special if function == "logsumexp" else backend.jax.nn
    compiled = backend.jax.jit(partial(getattr(of, function), axis=axis, **more))
    if b is None:
        return right(lambda: backend.synchronize(compiled(x)))
    return right(lambda: backend.synchronize(compiled(x, b=b)))


def _written(function: Any, x: Any, axis: int, b: Any, **more: Any) -> Callable[[], Any]:
    """Return the call as a user writes it: to put arguments together would take as long as it."""
    if b is None:
        return lambda: function(x, axis=axis)
    return lambda: function(x, axis=axis, b=b, **more)


def _plain(function: str, x: Any, axis: int) -> Any:
    """Return what NumPy gives for numbers near 0."""
    import numpy as np

    terms = np.exp(x.astype("float64"))
    total = np.sum(terms, axis, keepdims=True)
    if function == "logsumexp":
        return np.log(total).squeeze(axis)
    return terms / total if function == "softmax" else x - np.log(total)


def _right(
    call: Callable[[], Any], to_host: Callable[[Any], Any], expected: Any, who: str
) -> Callable[[], Any]:
    import numpy as np

    found = call()
    found = to_host(found[0] if isinstance(found, tuple) else found)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6, err_msg=who)
    return call


def _suite(suite: Any, *params: Any) -> Callable[[], Any]:
    """Return the call that a suite has made in its setup."""
    suite.setup(*params)
    return suite.call  # type: ignore[no-any-return]


CALLS: dict[str, Callable[..., Callable[[], Any]]] = {
    "backend": _backend,
    "public": _public,
    "empty": lambda: lambda: None,
    "read": lambda dtype, size: limits.read(_vector(dtype, size)),
    "exp": lambda dtype, size: limits.exp(_vector(dtype, size), size),
    "copy": lambda dtype, size: _vector(dtype, size).copy,
    "gpu_copy": lambda dtype, size: limits.gpu_copy(dtype, size),
    "many_small": lambda *params: _suite(many_small.Logsumexp(), *params),
    "round_trip": lambda *params: _suite(transfer.Logsumexp(), *params),
    "input": lambda name, kind: inputs.call(registry.load(name), kind),
}


def _memory(name: str, dtype: str) -> float:
    suite = memory.Logsumexp()
    suite.setup(name, dtype)
    return float(suite.track_added(name, dtype))


def _accuracy(name: str, kind: str) -> float:
    truth, backend = tree("kernels.logsumexp"), registry.load(name)
    errors = []
    for case in truth.CASES.values():
        for dtype in ("float32", "float64"):
            x = case.make(dtype)
            if case.kind == kind and x.size:
                result = backend.to_host(backend.prepare("logsumexp", x)())
                errors.append(truth.error(result, truth.reference(x), dtype))
    return max(errors)


def _accuracy_of_float32(name: str, size: int) -> float:
    truth, backend = tree("kernels.logsumexp"), registry.load(name)
    x = _vector("float32", size)
    result = backend.to_host(backend.prepare("logsumexp", x)())
    return float(truth.error(result, truth.reference(x), "float32"))


def _error(name: str, method: str, dtype: str, size: Any) -> float:
    truth, backend = tree(f"kernels.{tree('kernels').of(method)}"), registry.load(name)
    data = truth.make_data(size, dtype)
    result = backend.fetch(backend.prepare(method, *data)())
    return float(truth.error(result, truth.reference(*data), dtype))


def _first_call(name: str, track: str) -> float:
    suite = first_call.Logsumexp()
    suite.setup(name)
    try:
        return float(getattr(suite, track)(name)["samples"][0])
    finally:
        suite.teardown(name)


def _fresh(kind: str, *args: Any) -> float:
    """Return the value of `kind` in a process of its own, for what happens once in a process."""
    command = [sys.executable, __file__, json.dumps({"value": [kind, *args]})]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout.splitlines()[-1])["value"])


def _use(instruction_set: str) -> float:
    """Let the loops with explicit SIMD use an instruction set, in this process."""
    for name in ("logsumexp_simd", "logsumexp_simd_openmp"):
        with contextlib.suppress(ModuleNotFoundError):  # a compiler without OpenMP
            importlib.import_module(f"lsekernels._compiled.{name}").use(instruction_set)
    return 0.0


VALUES: dict[str, Callable[..., Any]] = {
    "error": _error,
    "first_call": _first_call,
    "fresh": _fresh,
    "heap": heap.observe,
    "memory": _memory,
    "accuracy": _accuracy,
    "accuracy_of_float32": _accuracy_of_float32,
    "use": _use,
}


def main() -> None:
    """Print a line of JSON: the name of each call, and its fastest time or its value."""
    asked: dict[str, list[Any]] = json.loads(sys.argv[1])
    if any(kind in CALLS for kind, *_ in asked.values()):
        _heap.settle()  # as the suites do
    found = {name: VALUES[kind](*args) for name, (kind, *args) in asked.items() if kind in VALUES}
    timers = {}
    for name, (kind, *args) in asked.items():
        if kind in CALLS:
            timer = timeit.Timer(CALLS[kind](*args))
            timer.timeit(1)  # what is loaded or compiled at the first call
            number = 1
            while (time := timer.timeit(number)) < BATCH:
                number = max(2 * number, int(BATCH / max(time, 1e-9) * number))
            timers[name] = timer, number
    start = timeit.default_timer()
    for turn in range(ROUNDS[1] if timers else 0):
        if turn >= ROUNDS[0] and timeit.default_timer() - start > SECONDS:
            break
        for name, (timer, number) in timers.items():
            time = timer.timeit(number) / number
            found[name] = min(found.get(name, time), time)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
