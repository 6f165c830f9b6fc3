"""The state of the heap: what the C library does with the memory that an array has left.

glibc takes a block of 128 KiB or more from the system, and gives it back when it is freed: the next
array must fault every page of it in again, which can take longer than to compute it. When such a
block is freed, glibc raises both of its limits, up to 32 MiB for what it takes from the system and
twice that for what it keeps: so the same call is several times as fast in a program that has once
freed a large array. Three states are told apart:

``young``
    A process in which nothing large was freed before.
``settled``
    The limits are where they end up by themselves in a longer-lived program, and stay there.
``tuned``
    All memory is kept. A program asks for it by :func:`tune`, a user by starting it with
    ``MALLOC_MMAP_THRESHOLD_=2147483647 MALLOC_TRIM_THRESHOLD_=2147483647`` in the environment.

Other allocators (musl, jemalloc, mimalloc, those of macOS and Windows) have rules of their own.

Sources: "Malloc Tunable Parameters" in the manual of the GNU C Library, and mallopt(3).
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

__all__ = ["STATES", "allocator", "faults", "return_all", "settle", "trim", "tune"]

STATES = ("young", "settled", "tuned")

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Numbers of the parameters in glibc's malloc.h."""
SMALLEST = 128 * 2**10
"""Bytes: the limit of a fresh process for what is taken from the system block by block."""
LARGEST = 32 * 2**20
"""Bytes: how far glibc raises it by itself, where an address has 64 bits."""
_ALL = 2**31 - 1
"""Bytes: the most that mallopt can be given."""


def allocator() -> str:
    """Return whose malloc this process has: ``"glibc 2.36"``, ``"libjemalloc.so.2"``, ``"musl"``.

    Another name is that of the file that malloc comes from, or of the platform.
    """
    if not sys.platform.startswith("linux"):
        return {"darwin": "macOS", "win32": "Windows"}.get(sys.platform, sys.platform)
    file = _file_of_malloc()
    libc = ctypes.CDLL(None)
    if "musl" in file:
        return "musl"
    if file.startswith("libc.so") and hasattr(libc, "gnu_get_libc_version"):
        libc.gnu_get_libc_version.restype = ctypes.c_char_p
        return f"glibc {libc.gnu_get_libc_version().decode()}"
    return file


def settle() -> bool:
    """Bring this process into the state ``settled``; return False where malloc is not glibc's.

    The state is the same whatever the process has loaded or freed before.
    """
    return _limit(LARGEST, 2 * LARGEST)


def tune() -> bool:
    """Keep all memory that this process frees; return False where malloc is not glibc's.

    Only blocks of 2 GiB and more go back to the system. What the process has once needed, it keeps:
    the price is memory, for at most as much as its arrays needed at one time.
    """
    return _limit(_ALL, _ALL)


def return_all() -> bool:
    """Give each block of 128 KiB and more back when it is freed; return False as the others.

    No program runs like this. Each page of a temporary array is a page fault then, which makes them
    countable.
    """
    return _limit(SMALLEST, SMALLEST)


def trim() -> None:
    """Give back what is free at this moment; later calls then reuse what they have freed alone."""
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # only glibc has it
    if malloc_trim:
        malloc_trim(0)


def faults() -> int:
    """Return how many pages the system has put into this process without reading a disk.

    Raises
    ------
    NotImplementedError
        This platform does not count them.
    """
    try:
        import resource
    except ImportError:  # Windows
        raise NotImplementedError(f"{sys.platform} does not count page faults") from None
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def faults_again(nbytes: int) -> int:
    """Return the faults of writing to a block of `nbytes`, when one as large was just freed."""
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    libc.malloc.argtypes = (ctypes.c_size_t,)
    libc.free.argtypes = (ctypes.c_void_p,)
    counted = 0
    for _ in range(2):
        before = faults()
        block = libc.malloc(nbytes)
        if not block:
            raise MemoryError(f"no block of {nbytes} bytes")
        ctypes.memset(block, 1, nbytes)
        counted = faults() - before
        libc.free(block)
    return counted


def _limit(from_system: int, kept: int) -> bool:
    if not allocator().startswith("glibc"):
        return False
    libc = ctypes.CDLL(None)
    # Each of them also ends glibc's raising of both.
    set_both = libc.mallopt(_MMAP_THRESHOLD, from_system) and libc.mallopt(_TRIM_THRESHOLD, kept)
    return bool(set_both)


class _Symbol(ctypes.Structure):
    """What dladdr(3) says of an address."""

    _fields_ = (
        ("file", ctypes.c_char_p),
        ("base", ctypes.c_void_p),
        ("name", ctypes.c_char_p),
        ("address", ctypes.c_void_p),
    )


def _file_of_malloc() -> str:
    libc, symbol = ctypes.CDLL(None), _Symbol()
    found = libc.dladdr(ctypes.cast(libc.malloc, ctypes.c_void_p), ctypes.byref(symbol))
    return Path((symbol.file or b"").decode()).name if found else "unknown"
