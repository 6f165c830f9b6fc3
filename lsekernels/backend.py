"""The contract every backend fulfils: what it declares, whether it can run, and how it is called.

Declarations are class attributes, so that tables, tests and the dashboard can read them on a
machine where none of the libraries is installed.
"""

from __future__ import annotations

import importlib.machinery
import importlib.metadata
import importlib.util
import math
import platform
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, final

if TYPE_CHECKING:  # NumPy is not imported for its types, and PyPy has not all of them
    from typing import TypeAlias

    import numpy as np
    from numpy.typing import NDArray

Array: TypeAlias = "NDArray[np.floating[Any]]"
"""Any shape, in one of the backend's ``dtypes``; it is only read. In a backend with arrays of its
own (:meth:`Backend.to_device`) the name stands for one of those, of the same shape and dtype."""
Vector: TypeAlias = Array
"""Shape (n,), n > 0."""
Matrix: TypeAlias = Array
"""Shape (m, n), m > 0 and n > 0, one row after the other in memory."""
Scalar: TypeAlias = "np.floating[Any] | float"
"""A number in the dtype of the arguments, or Python's; of a library's own arrays one of no axis."""
Factors: TypeAlias = "tuple[Matrix, NDArray[np.integer[Any]]]"
"""L, without its ones, and U in one matrix, shape (n, n); and the row with which each row was
interchanged, counted from 0, in that order, shape (n,)."""
DeviceArray: TypeAlias = Any
"""What :meth:`Backend.to_device` makes: NumPy's array or the library's, which share no type."""
HostResult: TypeAlias = "Array | Scalar"
"""A result as NumPy's array, or as a number."""
Call = Callable[..., Any]
CLONE = "in a clone of lsekernels"
"""Where pip finds this package, and what its extras name: it is on no index."""
Failures = dict[tuple[str, ...], str]
"""(kernel, case) or (kernel, case, dtype) -> the reason, with a link."""


class Unavailable(RuntimeError):
    """A backend cannot work here; the message says why (a missing library, no CUDA device)."""


class Backend:
    """One implementation of one or more kernels.

    A subclass lives in a file of its own in ``lsekernels/backends``; the file's stem is its name.
    It declares the attributes below, and has one method (or, where :meth:`load` binds a compiled
    function, one annotation ``kernel: Call``) for each kernel that it implements; for a kernel that
    can be written in several forms, a method ``kernel_form`` for each of them (the kernel's
    ``FORMS`` says what they are). A method takes what the kernel's ``make_data`` makes, moved by
    :meth:`to_device`, and its result is what the kernel's ``reference`` describes, in the dtype of
    the arguments: :data:`Vector`, :data:`Matrix`, :data:`Scalar`.
    """

    title: ClassVar[str]
    """The name shown to people."""
    tier: ClassVar[str] = "core"
    """Which commands install its library: ``"core"`` (all of them), ``"all"`` or ``"gpu"``."""
    requires: ClassVar[tuple[str, ...]] = ()
    """Importable names, probed without importing them."""
    distribution: ClassVar[str] = ""
    """The distribution whose version is recorded; empty for Python itself."""
    extra: ClassVar[tuple[str, ...]] = ()
    """What its extra asks pip for; empty: as the backend named after its distribution does, or that
    distribution in any version."""
    thread_variables: ClassVar[tuple[str, ...]] = ()
    """Environment variables from which its library reads the number of threads, at import."""
    device: ClassVar[str] = "cpu"
    """Where it computes: ``"cpu"`` or ``"gpu"``."""
    dtypes: ClassVar[tuple[str, ...]] = ("float32", "float64")
    """The dtypes it computes in."""
    compiled: ClassVar[str] = "no"
    """When its code is compiled: ``"no"``, ``"jit"`` (at the first call) or ``"ahead"``."""
    cache: ClassVar[str] = ""
    """The environment variable that names the folder of its compile cache, where it has one.

    Where no folder can be written to, the backend works without, or says that it needs one."""
    parallel: ClassVar[bool] = False
    """Whether it uses more than one thread where the thread setting allows it."""
    in_process: ClassVar[bool] = True
    """Whether it computes in this process, where its threads and its memory can be seen."""
    temporaries: ClassVar[bool] = False
    """Whether a call of logsumexp fills blocks of 128 KiB or more that it frees again, in this
    process: its time then depends on the state of the heap (:mod:`lsekernels.heap`)."""
    forks: ClassVar[bool] = True
    """Whether it works in a forked child of a process that has loaded it. Threads, and what belongs
    to them, are not in the child: where a library waits for them, the child is refused."""
    interpreter: ClassVar[str] = ""
    """Whose Python it needs, where that is not CPython."""
    pypy: ClassVar[bool] = False
    """Whether PyPy measures it, too."""
    slow_start: ClassVar[bool] = False
    """Whether it takes longer to start or to compile than others to be measured."""
    featured: ClassVar[bool] = False
    """Whether the dashboard shows it before anything is chosen; not inherited by variants."""
    ours: ClassVar[bool] = False
    """Whether its kernels were written and tuned here, or it hands parts to those: they come with
    this package, and the library that it needs only compiles or distributes them."""
    preference: ClassVar[int] = 0
    """The public functions take the available one-thread CPU backend with the largest; 0: never."""
    max_error: ClassVar[dict[str, float]] = {}
    """Kernel, or method -> largest error on well-conditioned input, in the kernel's unit."""
    largest: ClassVar[dict[str, int]] = {}
    """Kernel, or method -> the largest size worth waiting for, where a call would take minutes."""
    known_failures: ClassVar[Failures] = {}
    """What this backend gets wrong; tested as strict xfail."""

    name: ClassVar[str]
    """The file's stem; set by the registry."""
    instruction_set: str = ""
    """What :meth:`load` has chosen for this CPU, where it was built for several."""
    _has: ClassVar[tuple[str, ...]]

    # -- availability ---------------------------------------------------------------------------

    @classmethod
    def missing(cls) -> str | None:
        """Return why the backend cannot be loaded, or None; nothing is imported."""
        for module in cls.requires:
            try:
                found = _find(module)
            except Exception as error:  # a damaged parent package, or an import hook
                return cls.broken(error)
            if found:
                continue
            if module.startswith("lsekernels."):
                return f"{module} was not built (it is compiled when lsekernels is installed)"
            return f"{module} is not installed (pip install '.[{cls.name}]' {CLONE})"
        return None

    @classmethod
    def broken(cls, error: BaseException) -> str:
        """Return in a sentence that the library, which is there, does not load, and what to do."""
        ours = any(module.startswith("lsekernels.") for module in cls.requires)
        what = cls.title if ours or not cls.requires else cls.requires[0]
        here = ours or not cls.distribution
        again = "." if ours else cls.distribution or f"'.[{cls.name}]'"
        advice = f"pip install --force-reinstall {again}{f' {CLONE}' if here else ''}"
        if isinstance(error, OSError) and error.errno and cls.cache:  # not of the dynamic linker
            advice = f"let it write there, or set {cls.cache} to another folder"
        elif "cannot open shared object file" in str(error):
            advice = f"install what brings that file, or {advice}"
        return f"{what} does not load: {one_line(error)} ({advice})"

    def load(self) -> None:
        """Import the library and bind the compiled functions.

        A library that can be imported and yet not compute on this machine (its compiler does not
        know the CPU, there is no device) shows it here, in one call as small as can be. Where its
        import has shown it, nothing is called: that would be counted as import, and what it
        compiles would be missing in the time of the first call.

        Raises
        ------
        Unavailable
            The library is there but cannot work, for instance without a CUDA device.
        Exception
            Any other, which the registry turns into `Unavailable`, too.
        """

    def version(self) -> str:
        """Return the version of the library that was really loaded, or "unknown"."""
        try:
            return importlib.metadata.version(self.distribution)
        except importlib.metadata.PackageNotFoundError:  # copied, or installed without metadata
            module = sys.modules.get(self.requires[0])
            return str(getattr(module, "__version__", "unknown"))

    # -- data -----------------------------------------------------------------------------------

    def to_device(self, array: Array) -> DeviceArray:
        """Return `array` (NumPy) as the array this backend computes on."""
        return array

    def synchronize(self, result: DeviceArray) -> DeviceArray:
        """Return `result` once it has been computed."""
        return result

    def to_host(self, result: DeviceArray) -> HostResult:
        """Return `result` as a NumPy array or scalar."""
        return result

    @final
    def fetch(self, result: DeviceArray) -> HostResult | tuple[Any, ...]:
        """Return `result` on the host: :meth:`to_host` of it, or of each part of a tuple."""
        if isinstance(result, tuple):
            return tuple(map(self.fetch, result))
        return self.to_host(result)

    # -- what is timed --------------------------------------------------------------------------

    @final
    def prepare(self, method: str, *arrays: Array | int) -> Callable[[], DeviceArray]:
        """Return a zero-argument call of `method` on `arrays`, warmed up: this is what is timed.

        Parameters
        ----------
        method : str
            A kernel of :meth:`kernels`, or one of its :meth:`methods`.
        *arrays : numpy.ndarray or int
            Input as the kernel's ``make_data`` makes it; arrays are moved to the device here.

        Returns
        -------
        callable
            Returns the result only when it has been computed. The result stays on the device.
        """
        moved = [a if isinstance(a, int) else self.to_device(a) for a in arrays]
        compute = partial(getattr(self, method), *moved)

        def wait() -> DeviceArray:
            return self.synchronize(compute())

        # Where nothing is waited for, no Python frame is added to the call.
        asynchronous = type(self).synchronize is not Backend.synchronize
        call: Call = wait if asynchronous else compute
        call()  # compiles, loads caches, touches the output pages
        return call

    # -- parts of an array ----------------------------------------------------------------------

    def sum_exp(self, x: Vector) -> tuple[float, int]:
        """Return (s, k) with s * 2**k = sum(exp(x)): what parts of an array are combined by.

        Source: of the pair: M. Dukhan and A. Ablavatski, "The two-pass softmax algorithm",
        arXiv:2001.04438 (2020); of log(2) in two parts: W. J. Cody and W. Waite, "Software manual
        for the elementary functions" (1980).
        """
        result = float(self.to_host(self.logsumexp(x)))  # type: ignore[attr-defined]
        if not math.isfinite(result):
            return math.exp(result), 0
        # Halves, as result / log(2) may overflow; log(2) in two parts: k times the first is exact.
        k = round(result / 2 / math.log(2))
        rest = 2 * (result / 2 - k * 0.693147180369123816490 - k * 1.90821492927058770002e-10)
        return math.exp(max(-1.0, min(rest, 1.0))), 2 * k  # beyond 1, `result` is coarser than that

    # -- what it has ----------------------------------------------------------------------------

    @classmethod
    def methods(cls, kernel: str) -> tuple[str, ...]:
        """Return the methods that compute `kernel`: one of its name, and one for each form."""
        from lsekernels import kernels

        annotated = {n for base in cls.__mro__ for n in getattr(base, "__annotations__", ())}
        return tuple(sorted(n for n in {*dir(cls), *annotated} if kernels.of(n) == kernel))

    @classmethod
    def kernels(cls) -> tuple[str, ...]:
        """Return the names of the kernels this backend has."""
        if "_has" not in vars(cls):  # every call of a public function asks
            from lsekernels import kernels

            cls._has = tuple(name for name in kernels.names() if cls.methods(name))
        return cls._has

    @classmethod
    def moves_data(cls) -> bool:
        """Return whether a call needs a transfer: the backend has arrays of its own."""
        return cls.to_device is not Backend.to_device


def one_line(error: BaseException, most: int = 200) -> str:
    """Return the class and the message of `error` as one line of about `most` characters."""
    text = " ".join(str(error).split())
    if len(text) > most:
        text = f"{text[:most]} ..."
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def python_version() -> str:
    """Return Python's version, and whose Python it is where it is not CPython."""
    made_by = sys.implementation
    if made_by.name == "cpython":
        return platform.python_version()
    return "{} ({} {}.{}.{})".format(
        platform.python_version(), platform.python_implementation(), *made_by.version[:3]
    )


def _find(module: str) -> bool:
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:  # a parent package is missing
        return False
    if spec and module.startswith("lsekernels."):
        # In a tree that was not built Pythran's sources lie there, and would run as plain Python.
        return str(spec.origin).endswith(tuple(importlib.machinery.EXTENSION_SUFFIXES))
    return spec is not None
