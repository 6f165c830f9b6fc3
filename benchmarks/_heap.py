"""In which state of the heap a call is timed, brought about on purpose: see lsekernels/heap.py."""

import ctypes
import os
import resource
import tempfile
import time

from ._tree import tree

heap = tree("heap")

_SET = {"settled": heap.settle, "tuned": heap.tune, "counted": heap.return_all}
"""State -> what brings it about; ``counted``: no temporary escapes, see `return_all`."""
_REUSED = {"settled": 16 * 2**20, "tuned": 64 * 2**20}
"""State -> bytes of a block that is used again without a page fault."""
_USERS = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_MAX_", "GLIBC_TUNABLES")
_state = None


def settle(*_):
    """Bring about ``settled``, the standard: the `setup` of a module, so before data are made.

    Of an allocator other than glibc's nothing is set: what is timed is what it does.

    Raises
    ------
    RuntimeError
        A block that was freed costs page faults all the same.
    """
    bring_about("settled")


def bring_about(state):
    """Bring this process into a state of the heap, unless it is in it.

    Raises
    ------
    NotImplementedError
        asv shows n/a: it can't be had from this allocator, or no more in this process.
    RuntimeError
        It is not what it should be.
    """
    global _state
    if state == _state:
        return
    if state in ("young", "counted"):
        _expect_untouched()
    brought = state in _SET and _SET[state]()
    if state in _SET and not brought and state != "settled":
        raise NotImplementedError(f"{heap.allocator()} has no limits that could be set")
    if brought and state in _REUSED and (faults := heap.faults_again(_REUSED[state])) > 16:
        raise RuntimeError(f"the heap is not {state}: a block used again costs {faults} faults")
    _state = state


def _expect_untouched():
    """Raise NotImplementedError where blocks freed before, or a setting, would be in the way."""
    if _state is not None:
        raise NotImplementedError(f"this process's heap is {_state}: a fresh one is needed")
    if found := [name for name in _USERS if name in os.environ]:
        raise NotImplementedError(f"{found[0]} is set: then no heap is young")
    if not heap.allocator().startswith("glibc"):
        raise NotImplementedError(f"{heap.allocator()} has rules of its own")


def made_elsewhere(make):
    """Return the arrays and numbers that `make` returns; what it frees, a forked process frees.

    To be called before libraries are loaded that start threads.
    """
    import numpy as np

    with tempfile.TemporaryFile() as file:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                arrays = make()
                np.save(file, len(arrays))
                for array in arrays:
                    np.save(file, array)
                file.flush()
                code = 0
            finally:
                os._exit(code)
        if os.waitpid(child, 0)[1]:
            raise RuntimeError("the data could not be made")
        file.seek(0)
        arrays = [np.load(file) for _ in range(int(np.load(file)))]
    return tuple(array if array.ndim else array.item() for array in arrays)


def faults(call, calls=3):
    """Return the page faults of one of several calls of `call`, which is warmed up.

    Pages are small while they are counted: whether the system has a large one at hand is chance.
    """
    small_pages = getattr(ctypes.CDLL(None), "prctl", lambda *_: None)  # only Linux has it
    option = 41  # PR_SET_THP_DISABLE
    small_pages(option, 1, 0, 0, 0)
    try:
        call()
        before = heap.faults()
        for _ in range(calls):
            call()
        return round((heap.faults() - before) / calls)
    finally:
        small_pages(option, 0, 0, 0, 0)


def kernel_share(call, seconds=1.0):
    """Return the share of the processors' time that `call` spends in the operating system."""
    call()
    before = resource.getrusage(resource.RUSAGE_SELF)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        call()
    after = resource.getrusage(resource.RUSAGE_SELF)
    system = after.ru_stime - before.ru_stime
    return system / (system + after.ru_utime - before.ru_utime)
