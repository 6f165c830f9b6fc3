"""Stackless: tasklets that pass the ball through channels, as the talk showed it; on PyPy."""

from __future__ import annotations

from typing import Any

from ..backend import Backend, python_version
from ._ping_pong import PRIME


class Stackless(Backend):
    title = "Stackless (tasklets)"
    requires = ("stackless",)
    interpreter = "PyPy"
    pypy = True
    dtypes = ("float64",)
    max_error = {"ping_pong": 0.5}

    @classmethod
    def missing(cls) -> str | None:
        if super().missing():
            return (
                "Stackless Python ended in 2025 (https://github.com/stackless-dev/stackless); "
                "PyPy still brings its module"
            )
        return None

    def load(self) -> None:
        import stackless

        self.stackless = stackless

    def version(self) -> str:
        return python_version()

    def ping_pong(self, n: int) -> int:
        tasklet, channel = self.stackless.tasklet, self.stackless.channel

        def play(factor: int, hits: int, own: Any, other: Any) -> None:
            for _ in range(hits):
                other.send((factor * own.receive() + 1) % PRIME)

        first, second = channel(), channel()
        tasklet(play)(3, n - n // 2, first, second)
        tasklet(play)(5, n // 2, second, first)
        tasklet(first.send)(1)
        self.stackless.run()  # until nobody is there to catch the ball
        return (second if n % 2 else first).receive()
