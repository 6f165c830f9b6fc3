"""The forms of the kernel python_idioms: plain Python, which PyPy runs as well."""

from __future__ import annotations


class _Box:
    def __init__(self, step: int) -> None:
        self.step = step


def _shifted(i: int) -> int:
    return i + 1


def _sum_of_shifted(items: list[int]) -> int:
    total = 0
    for i in items:
        total += i + 1
    return total


class Idioms:
    """n -> the sum, or the text, of the items 0, 1, ... n - 1."""

    def python_idioms_len_called(self, n: int) -> int:
        items = list(range(n))
        i = total = 0
        while i < len(items):
            total += items[i]
            i += 1
        return total

    def python_idioms_len_cached(self, n: int) -> int:
        items = list(range(n))
        i = total = 0
        length = len(items)
        while i < length:
            total += items[i]
            i += 1
        return total

    def python_idioms_concat_plus(self, n: int) -> str:
        text = ""
        for i in range(n):
            text += str(i) + ","
        return text

    def python_idioms_concat_fstring(self, n: int) -> str:
        text = ""
        for i in range(n):
            text += f"{i},"
        return text

    def python_idioms_concat_join(self, n: int) -> str:
        return "".join([f"{i}," for i in range(n)])

    def python_idioms_sum_loop(self, n: int) -> int:
        total = 0
        for i in list(range(n)):
            total += i
        return total

    def python_idioms_sum_builtin(self, n: int) -> int:
        return sum(list(range(n)))

    def python_idioms_call_per_item(self, n: int) -> int:
        total = 0
        for i in list(range(n)):
            total += _shifted(i)
        return total - n

    def python_idioms_call_per_container(self, n: int) -> int:
        return _sum_of_shifted(list(range(n))) - n

    def python_idioms_attribute_looked_up(self, n: int) -> int:
        box = _Box(1)
        i = total = 0
        while i < n:
            total += i
            i += box.step
        return total

    def python_idioms_attribute_cached(self, n: int) -> int:
        box = _Box(1)
        step = box.step
        i = total = 0
        while i < n:
            total += i
            i += step
        return total
