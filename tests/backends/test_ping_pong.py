"""A rally leaves nothing behind."""

import gc

import pytest

from lsekernels.kernels import ping_pong as kernel


@pytest.mark.backend("greenlet")
@pytest.mark.parametrize("n", [0, 1, 2, 3, 100])
def test_no_greenlet_is_left_waiting(load, n):
    def count():
        # By type(), as isinstance() asks an object for its class, and some libraries' warn.
        return sum(issubclass(type(thing), greenlet.greenlet) for thing in gc.get_objects())

    backend = load("greenlet")
    import greenlet

    backend.ping_pong(1)  # makes the greenlet of the thread itself
    gc.collect()
    before = count()
    for _ in range(20):
        assert backend.ping_pong(n) == kernel.reference(n)
    gc.collect()
    assert count() == before
