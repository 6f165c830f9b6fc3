"""A chunk, an array in memory, reduced to its part by a backend."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import registry
from ..functions import filled
from .part import EMPTY, Part, from_sum, merge

BLOCK = 2**16
"""Numbers that are converted to double at once: 512 KiB."""


def check(dtype: np.dtype[Any]) -> None:
    """Raise TypeError unless `dtype` is one of real numbers of at most 64 bits."""
    if dtype.kind not in "fiub" or dtype.itemsize > 8:
        raise TypeError(f"x must hold real numbers of at most 64 bits, not of {dtype}")


def as_input(x: Any) -> np.ndarray:
    """Return `x` as every backend takes it: 1-D, C-contiguous, aligned, native byte order.

    float16, integers, bool and lists of numbers become float64, masked numbers -inf: they add
    nothing. No copy is made where none is needed.

    Raises
    ------
    TypeError
        `x` does not hold real numbers of at most 64 bits.
    """
    array = without_masks(x).ravel(order="K")  # the order is of no importance
    check(array.dtype)
    kept = array.dtype.kind == "f" and array.itemsize >= 4
    return np.require(array, array.dtype.newbyteorder("=") if kept else np.float64, ["C", "A"])


def without_masks(x: Any) -> np.ndarray:
    """Return `x` as an array, with -inf where it is masked."""
    array = np.asarray(x)
    if isinstance(x, np.ma.MaskedArray) and array.dtype.kind != "f":
        array = array.astype(np.float64)
    return filled(x, array, -np.inf)


def reduce_chunk(x: Any, backend: str) -> Part:
    """Return the part of `x`, a NumPy array of any shape, computed by `backend` in its dtype."""
    if x.size == 0:
        return EMPTY
    computer: Any = registry.load(backend)
    array = computer.to_device(as_input(x))
    part = from_sum(*computer.sum_exp(array))
    if abs(part.log) < 1:  # here the backend may see more digits
        log = computer.to_host(computer.synchronize(computer.logsumexp(array)))
        part = part._replace(log=float(log))
    return part


def reduce_double(x: Any, backend: str) -> Part:
    """Return the part of `x` computed in double precision, whatever its dtype is.

    What is not float64 is converted in blocks that stay in the cache: beside `x`, that takes the
    memory of one block, and what `backend` needs for it.
    """
    if x.dtype == np.float64:
        return reduce_chunk(x, backend)
    check(x.dtype)
    x = x.ravel(order="K")
    blocks = (x[i : i + BLOCK] for i in range(0, x.size, BLOCK))
    return merge(
        [reduce_chunk(as_input(b).astype(np.float64, copy=False), backend) for b in blocks]
    )


def check_backend(name: str) -> None:
    """Raise ValueError unless backend `name` computes logsumexp in double, in one process."""
    declared, reason = registry.declaration(name), ""
    if "logsumexp" not in declared.kernels():
        reason = "it has no logsumexp"
    elif "float64" not in declared.dtypes:
        reason = "it has no float64"
    elif not declared.in_process:
        reason = "it starts workers itself"
    if reason:
        raise ValueError(f"backend {name!r} cannot compute a chunk: {reason}")
