"""The contract of backends."""

from inspect import isfunction
from typing import Any

from lsekernels import kernels, registry
from lsekernels.backend import Backend


def test_declarations_are_complete(name):
    declared = registry.declaration(name)
    assert issubclass(declared, Backend)
    assert declared.name == name
    assert declared.__module__.endswith(f".{name}")
    assert declared.title
    assert declared.device in ("cpu", "gpu")
    assert declared.compiled in ("no", "jit", "ahead")
    assert set(declared.dtypes) <= {"float32", "float64"}
    assert declared.kernels(), "a backend without a kernel"
    for kernel in declared.kernels():
        assert declared.max_error[kernel] > 0
    for kernel, case, *_dtype in declared.known_failures:
        assert case in kernels.load(kernels.of(kernel)).CASES
    assert all("https://" in reason for reason in declared.known_failures.values())


def test_methods_say_what_they_take_and_return(name):
    declared = registry.declaration(name)
    methods = [m for kernel in declared.kernels() for m in declared.methods(kernel)]
    for method in (getattr(declared, m, None) for m in methods):
        if isfunction(method):  # not what `load` binds
            said = method.__annotations__
            assert len(said) == method.__code__.co_argcount, f"{method.__qualname__}: {said}"
            assert not {Any, "Any"} & set(said.values()), f"{method.__qualname__}: {said}"


def test_titles_are_unique():
    titles = [registry.declaration(name).title for name in registry.names()]
    assert len(set(titles)) == len(titles)


def test_prepared_call_waits_for_the_result():
    waited = []

    class Lazy(Backend):
        title = "Lazy"

        def logsumexp(self, x):
            return ("promise", x)

        def synchronize(self, result):
            waited.append(result)
            return result

    call = Lazy().prepare("logsumexp", 7)
    assert len(waited) == 1, "one warm-up call"
    assert call() == ("promise", 7)
    assert len(waited) == 2
