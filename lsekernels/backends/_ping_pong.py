"""The forms of the kernel ping_pong in plain Python, and what the others share."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

PRIME = 2**31 - 1
DEPTH = 400  # calls; Python allows 1000. Even: each piece begins with the same player


def _ping(ball: int, left: int) -> int:
    return _pong((3 * ball + 1) % PRIME, left - 1) if left else ball


def _pong(ball: int, left: int) -> int:
    return _ping((5 * ball + 1) % PRIME, left - 1) if left else ball


def _hit(factor: int) -> Generator[int, int, None]:
    ball = yield 0
    while True:
        ball = yield (factor * ball + 1) % PRIME


def _play(factor: int, hits: int, own: Any, other: Any) -> None:
    for _ in range(hits):
        other.put((factor * own.get() + 1) % PRIME)


async def _play_async(factor: int, hits: int, own: Any, other: Any) -> None:
    for _ in range(hits):
        other.put_nowait((factor * await own.get() + 1) % PRIME)


async def _rally_async(n: int) -> int:
    import asyncio

    first: Any = asyncio.Queue()
    second: Any = asyncio.Queue()
    first.put_nowait(1)
    await asyncio.gather(
        _play_async(3, n - n // 2, first, second), _play_async(5, n // 2, second, first)
    )
    return int((second if n % 2 else first).get_nowait())


class PingPong:
    """n -> the number on the ball after n passes."""

    def ping_pong_recursion(self, n: int) -> int:
        ball = 1
        for _ in range(n // DEPTH):
            ball = _ping(ball, DEPTH)
        return _ping(ball, n % DEPTH)

    def ping_pong_generators(self, n: int) -> int:
        ball, first, second = 1, _hit(3), _hit(5)
        next(first), next(second)
        for _ in range(n // 2):
            ball = second.send(first.send(ball))
        return first.send(ball) if n % 2 else ball

    def ping_pong_threads(self, n: int) -> int:
        from queue import SimpleQueue
        from threading import Thread

        first: SimpleQueue[int] = SimpleQueue()
        second: SimpleQueue[int] = SimpleQueue()
        players = [
            Thread(target=_play, args=(3, n - n // 2, first, second), daemon=True),
            Thread(target=_play, args=(5, n // 2, second, first), daemon=True),
        ]
        for player in players:
            player.start()
        first.put(1)
        for player in players:
            player.join()
        return (second if n % 2 else first).get()

    def ping_pong_asyncio(self, n: int) -> int:
        import asyncio

        return asyncio.run(_rally_async(n))
