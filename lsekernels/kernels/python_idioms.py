"""Small choices in plain Python that texts on speed give advice on, one form each.

The work of each form is defined by the number of items n alone, so its result can be checked: a
form that skips work is refused. Where a text's example returns the last element instead of the sum,
the sum is what is measured here.
"""

from __future__ import annotations

from typing import Any

from ._case import Case

TITLE = "Python idioms"
SIZE_IS = "items"
UNIT = "wrong results"
DTYPES = ("float64",)
"""Without meaning: the items are Python's own whole numbers and strings."""
SIZES = (100, 10_000, 1_000_000)
MAX_ERROR = 0.0

FORMS = {
    "len_called": "A while loop that asks for len(items) each time; the sum of the items.",
    "len_cached": "The same with the length in a local variable.",
    "concat_plus": "Text made by str(i) + ',' for each item and joined by +=.",
    "concat_fstring": "The same with an f-string for each item, and +=.",
    "concat_join": "The same by ','.join over all items at once.",
    "sum_loop": "The sum of the items by a for loop.",
    "sum_builtin": "The sum of the items by the builtin sum.",
    "call_per_item": "A function called for each item, which adds 1; the sum of them, less n.",
    "call_per_container": "A function called once, which does the same for all items.",
    "attribute_looked_up": "A loop that looks up an attribute of an object each time; the sum.",
    "attribute_cached": "The same with the attribute in a local variable.",
}
TASKS = {
    "length in a loop": ("len_called", "len_cached"),
    "text of many numbers": ("concat_plus", "concat_fstring", "concat_join"),
    "sum": ("sum_loop", "sum_builtin"),
    "calls of a function": ("call_per_item", "call_per_container"),
    "attribute in a loop": ("attribute_looked_up", "attribute_cached"),
}
"""Each advice has a task of its own: only the forms of one are compared."""

CASES = {f"items_{n}": Case(lambda dtype, n=n: (n,)) for n in (0, 1, 2, 10, 1000)}  # type: ignore[misc]
PROBES = ("items_1000",)


def make_data(size: int, dtype: str = "float64", seed: int = 0) -> tuple[int]:
    """Return (n,), the number of items."""
    return (size,)


def reference(n: int) -> tuple[int, str]:
    """Return the sum and the text of the items 0, 1, ... n - 1: each form gives one of them."""
    return n * (n - 1) // 2, "".join(f"{i}," for i in range(n))


def error(result: Any, expected: tuple[int, str], dtype: Any) -> float:
    """Return 0 for the right sum or text, otherwise 1."""
    return 0.0 if result in expected and type(result) in (int, str) else 1.0


def bytes_moved(size: int, dtype: str) -> int:
    """Return 0: what the interpreter does has nothing to do with memory."""
    return 0


def flops(size: int) -> int:
    """Return the additions."""
    return size
