"""The ruler of random numbers refuses wrong ones."""

import math

import numpy as np
import pytest

from lsekernels.kernels import uniform as kernel

SIZES = 1000, 100_000  # of the probes


def _random(n):
    return np.random.RandomState(n).random_sample(n)


def _changed(at, value):
    def make(n):
        x = _random(n)
        x[at] = value
        return x

    return make


def _sawtooth(n):
    """Each number close above the last, with the right histogram and random bits."""
    return (np.arange(n) * 0.01 + 0.001 * _random(n)) % 1


def _antithetic(n):
    """x and 1 - x in turn: right mean and histogram."""
    x = _random(n)
    x[1::2] = 1 - x[::2]
    return x


WRONG = {
    "constant": lambda n: np.full(n, 1 / 3),
    "linspace": lambda n: np.linspace(0, 1, n, endpoint=False),
    "sorted": lambda n: np.sort(_random(n)),
    "shuffled_linspace": lambda n: np.random.RandomState(0).permutation(np.arange(n) / n),
    "golden_ratio": lambda n: np.arange(n) * (math.sqrt(5) - 1) / 2 % 1,
    "normal": lambda n: np.random.RandomState(0).standard_normal(n),
    "minus_one_to_one": lambda n: 2 * _random(n) - 1,
    "half": lambda n: _random(n) / 2,
    "squared": lambda n: _random(n) ** 2,
    "sum_of_two": lambda n: (_random(n) + np.random.RandomState(0).random_sample(n)) / 2,
    "bits_of_float32": lambda n: np.float64(np.random.default_rng(0).random(n, np.float32)),
    "rounded_to_float32": lambda n: np.float64(np.float32(_random(n))),
    "bits_of_rand": lambda n: np.random.RandomState(0).randint(2**31 - 1, size=n) / 2**31,
    "32_bits": lambda n: np.floor(_random(n) * 2**32) / 2**32,
    "repeated_block": lambda n: np.resize(_random(n // 4), n),
    "repeated_far_apart": lambda n: np.concatenate([_random(n)[:-10], _random(n)[:10]]),
    "each_twice": lambda n: np.repeat(_random(n // 2), 2),
    "same_in_reverse": lambda n: np.concatenate([_random(n // 2), _random(n // 2)[::-1]]),
    "sawtooth": _sawtooth,
    "antithetic": _antithetic,
    "one": _changed(-1, 1.0),
    "negative": _changed(3, -1e-300),
    "nan": _changed(5, math.nan),
    "infinite": _changed(5, math.inf),
    "zeros_at_the_end": _changed(slice(-20, None), 0.0),
    "too_few": lambda n: _random(n - 1),
    "a_column": lambda n: _random(n)[:, None],
    "float32": lambda n: np.float32(_random(n)),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_numbers_are_refused(wrong, size):
    assert kernel.error(WRONG[wrong](size), size, "float64") > kernel.MAX_ERROR


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("wrong", ["constant", "negative", "bits_of_float32", "too_few"])
def test_few_wrong_numbers_are_refused(wrong, size):
    few = {"constant": np.full(size, 0.1), "negative": np.array([0.1, 0.2, -0.3])[-size:]}
    x = few[wrong] if wrong in few else WRONG[wrong](size)
    assert kernel.error(x, size, "float64") > kernel.MAX_ERROR


@pytest.mark.parametrize("kind", ["MT19937", "PCG64", "Philox", "SFC64"])
@pytest.mark.parametrize("size", [1, 2, 3, 64, 100, 1000, 4097, 100_000, 3_000_001])
def test_right_numbers_pass(kind, size):
    generator = np.random.Generator(getattr(np.random, kind)(size))
    for _ in range(3):
        assert kernel.error(generator.random(size), size, "float64") <= kernel.MAX_ERROR
    assert kernel.error(list(generator.random(size)), size, "float64") <= kernel.MAX_ERROR


def test_statistics_have_the_spread_they_claim():
    """Their mean square is 1 in many samples: the unit is the standard deviation."""
    generator = np.random.default_rng(0)
    samples = generator.random((400, 2000))
    moments = np.array([kernel._moments(x) for x in samples])
    chi_square = np.array([kernel._histogram(x)[1:] for x in samples])
    bits = np.array([kernel._bits(x) for x in samples])
    for found in (*moments.T, *chi_square.T, *bits.T):
        assert abs(found.mean()) < 0.25
        assert 0.75 < found.std() < 1.25
    distances = np.array([kernel._histogram(x)[0] for x in samples])
    for z in (2.0, 2.5, 3.0):
        bound = 2 * math.exp(-(z**2) / 2)
        assert (distances > z).mean() <= bound + 3 * math.sqrt(bound / len(samples))


def test_correlation_is_found_across_blocks(monkeypatch):
    x = _random(1000)
    whole = kernel._moments(x)
    monkeypatch.setattr(kernel, "BLOCK", 7)
    np.testing.assert_allclose(kernel._moments(x), whole)


def test_repeats_are_found_far_apart_in_a_large_array():
    x = _random(3_000_000)
    assert not kernel._repeats(x)
    x[2_990_000:] = x[:10_000]
    assert kernel._repeats(x)
