"""The measuring process of ``measure.speed``: times the calls it is given, in turn.

It runs in asv's environment, where this repository is not installed but the measured commit is.
"""

from __future__ import annotations

import json
import sys
import timeit
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path[0] = ""  # not this folder
sys.path.append(str(Path(__file__).resolve().parent.parent))  # last: only for the suites

import lsekernels  # noqa: E402
from benchmarks import _call, inputs, limits, memory  # noqa: E402  # sets the threads
from benchmarks._tree import tree  # noqa: E402
from lsekernels import registry  # noqa: E402

BATCH = 5e-3
"""Seconds that a batch of calls takes at least."""
ROUNDS = 5, 30
SECONDS = 4.0
"""After the first number of rounds no more are begun once so much time is spent."""


def _vector(dtype: str, size: int) -> Any:
    return tree("kernels.logsumexp").make_data(size, dtype)[0]


def _backend(name: str, method: str, dtype: str, size: Any) -> Callable[[], Any]:
    kernel = tree("kernels").of(method)
    data = tree(f"kernels.{kernel}").make_data(size, dtype)
    return _call.prepare(registry.load(name), method, data, dtype)  # type: ignore[no-any-return]


def _public(size: int) -> Callable[[], Any]:
    x = _vector("float64", size)
    return lambda: lsekernels.logsumexp(x)


CALLS: dict[str, Callable[..., Callable[[], Any]]] = {
    "backend": _backend,
    "public": _public,
    "empty": lambda: lambda: None,
    "read": lambda dtype, size: limits.read(_vector(dtype, size)),
    "exp": lambda dtype, size: limits.exp(_vector(dtype, size), size),
    "copy": lambda dtype, size: _vector(dtype, size).copy,
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


VALUES: dict[str, Callable[..., float]] = {
    "memory": _memory,
    "accuracy": _accuracy,
    "accuracy_of_float32": _accuracy_of_float32,
}


def main() -> None:
    """Print a line of JSON: the name of each call, and its fastest time or its value."""
    asked: dict[str, list[Any]] = json.loads(sys.argv[1])
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
