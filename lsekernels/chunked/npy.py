"""Chunks of a .npy file, which is memory-mapped where they are reduced."""

from __future__ import annotations

import math
import os
from typing import NamedTuple

import numpy as np

from .chunk import check, reduce_double
from .part import Part


class Layout(NamedTuple):
    """Where the numbers of a .npy file lie."""

    dtype: str
    size: int
    offset: int
    """Of the first number, in bytes."""


def layout(path: str) -> Layout:
    """Return the layout of the .npy file at `path`.

    Raises
    ------
    OSError, ValueError
        It cannot be read, is no .npy file, or is shorter than its header says.
    TypeError
        What it holds are not real numbers of at most 64 bits.
    """
    with open(path, "rb") as file:
        try:
            if np.lib.format.read_magic(file) == (1, 0):
                shape, _, dtype = np.lib.format.read_array_header_1_0(file)
            else:
                shape, _, dtype = np.lib.format.read_array_header_2_0(file)
        except ValueError as error:
            raise ValueError(f"{path} is no .npy file: {error}") from None
        check(dtype)
        offset, end = file.tell(), file.seek(0, os.SEEK_END)
    size = math.prod(shape)  # in C or in Fortran order: the sum is the same
    missing = offset + size * dtype.itemsize - end
    if missing > 0:
        raise ValueError(f"{path} is cut off: its last {missing} bytes are missing")
    return Layout(dtype.str, size, offset)


def reduce_file(start: int, path: str, lies: Layout, chunk: int, backend: str) -> Part:
    """Return the part of `chunk` numbers of a file from number `start` on."""
    dtype = np.dtype(lies.dtype)
    offset = lies.offset + start * dtype.itemsize
    x = np.memmap(path, dtype, "r", offset, (min(chunk, lies.size - start),))
    return reduce_double(x, backend)
