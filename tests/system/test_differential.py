"""Twenty thousand random calls, by all backends of the core tier, beside SciPy's and the truth."""

from collections import Counter

from lsekernels import Unavailable, registry

from .. import differential


def core():
    """Yield the backends of the core tier that work here; others have tests that say so."""
    for name in registry.names("logsumexp"):
        declared = registry.declaration(name)
        if declared.tier == "core" and declared.device == "cpu" and not declared.interpreter:
            try:
                yield registry.load(name).name
            except Unavailable:
                continue


def test_random_calls_differ_from_scipys_for_named_reasons_only():
    backends, found, wrong = list(core()), Counter(), []
    assert len(backends) > 10
    for number in range(20_000):
        call = differential.case(1, number, backends)
        try:
            found.update(differential.judge(call, thorough=number % 20 == 0))
        except AssertionError as error:
            wrong.append(f"{number}: {error}")
    assert not wrong, f"{len(wrong)} of 20,000\n" + "\n".join(wrong[:5])
    # What no longer differs is no difference any more.
    assert set(found) == set(differential.DIFFERENCES), found
    assert found.total() < 4_000
