"""What stored JSON has to look like, written down as JSON is: ``{"name": str, "sizes": [number]}``.

A shape is a type, a value, a question, a list of one shape, a tuple of several of which one fits,
or a mapping: key -> shape. A key with ``?`` may be missing; `str` as key stands for all others.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Any, Literal, NotRequired, get_args, get_origin, get_type_hints, is_typeddict

Shape = Any

MOST = 1e30
"""No number that means something is larger; asv's search for steps fails at 1e308."""
LEAST = 1e-30
"""No time is shorter, nor a part of one: ratios of what lies between the two are finite."""
LATEST = 4_102_444_800_000
"""The year 2100 in milliseconds: no stored time is later, and Python's calendar knows them all."""
LONGEST = 240
"""Bytes of ``name-value``, which asv makes a file's name of."""


def of(hint: Any) -> Shape:
    """Return the shape of what is annotated so; of a TypedDict that of its keys."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is UnionType:
        return tuple(None if one is NoneType else of(one) for one in arguments)
    if origin is Literal:
        return arguments
    if origin is list:
        return [of(arguments[0])]
    if origin is dict:
        return {str: of(arguments[1])}
    if is_typeddict(hint):
        keys = get_type_hints(hint, include_extras=True).items()
        return {key + "?" * _may_be_missing(hint, one): of(one) for key, one in keys}
    if origin is NotRequired:
        return of(arguments[0])
    return {Any: object, int: number, float: number}.get(hint, hint)


def _may_be_missing(of_all: Any, hint: Any) -> bool:
    return not of_all.__total__ or get_origin(hint) is NotRequired


def fits(found: Any, shape: Shape) -> bool:
    """Return whether a value of JSON has a shape."""
    if isinstance(shape, tuple):
        return any(fits(found, one) for one in shape)
    if isinstance(shape, list):
        return isinstance(found, list) and all(fits(item, shape[0]) for item in found)
    if isinstance(shape, dict):
        return isinstance(found, dict) and not unfit(found, shape)
    if isinstance(shape, type):
        return isinstance(found, shape)
    return bool(shape(found) if callable(shape) else found == shape)


def unfit(found: Mapping[str, Any], shape: Mapping[Any, Shape]) -> list[str]:
    """Return the keys that are missing or whose values have not their shape."""
    keys = {key.rstrip("?"): key for key in shape if key is not str}
    missing = [name for name, key in keys.items() if name == key and name not in found]
    others = shape.get(str, object)
    return missing + [
        name
        for name, value in found.items()
        if not fits(value, shape[keys[name]] if name in keys else others)
    ]


def number(found: Any) -> bool:
    """Return whether it is a finite number that one can calculate with; True is none."""
    return isinstance(found, int | float) and not isinstance(found, bool) and abs(found) <= MOST


def moment(found: Any) -> bool:
    """Return whether it is a time as asv stores it, in milliseconds since 1970."""
    return number(found) and 0 <= found <= LATEST


def settings(found: Any) -> bool:
    """Return whether these are names and values that asv can make the name of a graph's file of."""
    return fits(found, {str: (str, number, None)}) and all(
        len(f"env-{name}-{value}".encode()) <= LONGEST for name, value in found.items()
    )


def few(keys: list[str]) -> str:
    """Return the first of several keys as text."""
    return ", ".join([*keys[:3], "\N{HORIZONTAL ELLIPSIS}"] if len(keys) > 3 else keys)
