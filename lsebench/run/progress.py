"""How far a run is, for a person: one line a benchmark, with a terminal and without."""

from __future__ import annotations

import sys
import time

EVERY = 15.0
"""Seconds after which a line says how far it is, where there is no terminal."""


def minutes(seconds: float) -> str:
    """Return a time as 1:05."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


class Progress:
    """Prints what is measured, how much of all is done, and how long the rest will take."""

    def __init__(self, limit: float) -> None:
        self._start, self._limit = time.monotonic(), limit
        self._terminal = sys.stdout.isatty()
        self.done = self._total = 0
        self._measuring = 0.0
        """Seconds in which the combinations that are done were measured."""
        self._began = self._group_began = self._said = self._start
        self._group, self._backend, self._in_group = "", "", 0

    @property
    def spent(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._start

    @property
    def time_is_up(self) -> bool:
        """Whether nothing more may begin."""
        return self.spent >= self._limit

    def plan(self, number: int) -> None:
        """Expect so many combinations more."""
        self._total = self.done + number

    def begin(self, name: str, backend: str, threads: str) -> None:
        """Say what is measured now."""
        group = f"{name}, {threads}" if threads else name
        if group != self._group:
            self.end()
            self._group, self._in_group, self._group_began = group, 0, time.monotonic()
        self._began, self._backend = time.monotonic(), backend
        self._show()

    def count(self, number: int) -> None:
        """Add what has been measured since it began."""
        self._measuring += time.monotonic() - self._began
        self.done += number
        self._in_group += number

    def end(self) -> None:
        """Finish the line of a benchmark."""
        if self._in_group:
            took = time.monotonic() - self._group_began
            self.interject(
                f"  {self._group}: {self._in_group} in {took:.0f} s  ({self._how_far()})"
            )
        elif self._terminal:
            print("\r\033[K", end="", flush=True)
        self._group, self._in_group = "", 0

    def interject(self, text: str) -> None:
        """Print a line, or something between the lines."""
        self._said = time.monotonic()
        print(f"\r\033[K{text}" if self._terminal else text, flush=True)

    def _how_far(self) -> str:
        left = self._total - self.done
        text = f"{self.done} of {self._total}, {minutes(self.spent)} so far"
        if self.done and left:
            text += f", about {minutes(left * self._measuring / self.done)} left"
        return text

    def _show(self) -> None:
        text = f"  {self._group}{f', {self._backend}' if self._backend else ''} ({self._how_far()})"
        if self._terminal:
            print(f"\r\033[K{text}", end="", flush=True)
        elif time.monotonic() - self._said > EVERY:
            self.interject(text)
