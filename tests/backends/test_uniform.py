"""Random numbers: no method begins its stream again."""

import numpy as np
import pytest

from lsekernels import registry
from lsekernels.kernels import uniform as kernel


@pytest.fixture(params=registry.implementations("uniform"))
def implementation(request):
    return request.param


@pytest.fixture
def call(implementation, load):
    """A prepared call of each implementation for 100,000 numbers; its result on the host."""
    name, method = registry.split(implementation, "uniform")
    backend = load(name)
    prepared = backend.prepare(method, 100_000)
    return lambda: np.asarray(backend.fetch(prepared()))


def test_each_call_gives_new_numbers(call):
    first, second = call(), call()
    assert not np.isin(second, first).any()
    # Together they are one sample too: no number of the first occurs again.
    assert kernel.error(np.concatenate([first, second]), 200_000, "float64") <= kernel.MAX_ERROR


def test_neighbours_of_successive_calls_are_unrelated(call):
    numbers = np.stack([call() for _ in range(4)], axis=1).ravel()
    assert kernel.error(numbers, numbers.size, "float64") <= kernel.MAX_ERROR
