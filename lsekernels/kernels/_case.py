"""An edge case of a kernel, and how its result is judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

WELL, CANCELS, SPECIAL = "well conditioned", "nearly cancelling", "special values"

EXACT_CASES_ERROR = 8.0
"""Where a form that is wrong at all is wrong by far more."""


@dataclass(frozen=True)
class Case:
    """One input by name: how it is made, and how its result is judged."""

    make: Callable[[str], Any]
    """dtype -> the kernel's argument, or a tuple of its arguments."""
    kind: str = WELL
    """WELL: within the backend's ``max_error``. CANCELS: the result is tiny beside the terms, and
    a form that adds them to 1 loses it; at most 8 ulp. SPECIAL: infinite or nan, exactly."""

    def arguments(self, dtype: str) -> tuple[Any, ...]:
        """Return the kernel's arguments."""
        made = self.make(dtype)
        return made if isinstance(made, tuple) else (made,)
