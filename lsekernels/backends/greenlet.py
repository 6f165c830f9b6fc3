"""greenlet: tasks of one thread that switch to each other by name; what gevent is made of."""

from ..backend import Backend
from ._ping_pong import PRIME


class Greenlet(Backend):
    title = "greenlet"
    tier = "all"
    requires = ("greenlet",)
    distribution = "greenlet"
    extra = ("greenlet>=3",)
    pypy = True
    dtypes = ("float64",)
    max_error = {"ping_pong": 0.5}

    def load(self) -> None:
        from greenlet import __version__, greenlet

        self.greenlet, self.loaded = greenlet, __version__

    def version(self) -> str:
        return str(self.loaded)  # PyPy brings it without a distribution

    def ping_pong(self, n: int) -> int:
        def play(ball: int, factor: int, hits: int, turn: int) -> int:
            other = players[1 - turn]
            for _ in range(hits):
                ball = other.switch((factor * ball + 1) % PRIME)
            return ball  # to whoever has started the rally

        first = self.greenlet(lambda ball: play(ball, 3, n - n // 2, 0))
        second = self.greenlet(lambda ball: play(ball, 5, n // 2, 1))
        players = [first, second]
        ball = first.switch(1)
        for player in players:  # one waits for the ball; the collector does not see it
            if player:
                player.throw()
        return ball
