"""The number on the ball shows who hit it, how often and in which order."""

import pytest

from lsekernels import registry
from lsekernels.backends import _ping_pong
from lsekernels.kernels import ping_pong as kernel

FIRST, SECOND = kernel.FACTORS
N = kernel.SIZES[0]


def rally(factors, ball=1):
    for factor in factors:
        ball = (factor * ball + 1) % kernel.PRIME
    return ball


def in_turn(n):
    return [FIRST, SECOND] * (n // 2) + [FIRST] * (n % 2)


@pytest.mark.parametrize("n", [*range(40), 399, 400, 401, 10_000, 99_999])
def test_reference_is_what_a_loop_gives(n):
    assert kernel.reference(n) == rally(in_turn(n))


def test_backends_use_the_prime_of_the_kernel():
    assert _ping_pong.PRIME == kernel.PRIME


def swapped(place):
    factors = in_turn(N)
    factors[place], factors[place + 1] = factors[place + 1], factors[place]
    return factors


WRONG = {
    "no_pass": [],
    "one_too_few": in_turn(N - 1),
    "one_too_many": in_turn(N + 1),
    "a_pair_too_few": in_turn(N - 2),
    "the_other_begins": in_turn(N + 1)[1:],
    "one_plays_alone": [FIRST] * N,
    "all_of_one_then_all_of_the_other": sorted(in_turn(N)),
    "one_hits_twice": [*in_turn(N - 1), FIRST],
}


@pytest.mark.parametrize("how", WRONG)
def test_wrong_rallies_are_refused(how):
    assert kernel.error(rally(WRONG[how]), kernel.reference(N), "float64") == 1
    assert kernel.error(rally(in_turn(N)), kernel.reference(N), "float64") == 0


@pytest.mark.parametrize("place", range(N - 1))
def test_any_two_hits_in_the_wrong_order_are_refused(place):
    assert kernel.error(rally(swapped(place)), kernel.reference(N), "float64") == 1


def test_another_type_is_refused():
    right = kernel.reference(N)
    for result in (float(right), None, [right]):
        assert kernel.error(result, right, "float64") == 1


def test_stackless_says_why_it_is_missing(monkeypatch):
    monkeypatch.setattr(registry.declaration("stackless"), "requires", ("no_such_module",))
    reason = registry.declaration("stackless").missing()
    assert reason.startswith("Stackless Python ended in 2025 (https://")
    assert "PyPy" in reason
