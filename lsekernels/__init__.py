"""logsumexp in every accelerator for NumPy code, behind one call.

Importing this package loads no numerical library; a backend's library is imported when it is
first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import backends as _folder  # noqa: F401  # now, or it would replace the function below
from .backend import Unavailable

if TYPE_CHECKING:
    import numpy

__version__ = "0.1.0"
__all__ = ["Unavailable", "__version__", "backends", "logsumexp"]


def logsumexp(x: Any, *, backend: str = "numpy") -> numpy.floating[Any]:
    """Return log(sum(exp(x))) without overflow.

    Parameters
    ----------
    x : array_like, shape (n,)
        float32, float64 or integers (taken as float64); strided, read-only and big-endian arrays
        and lists are accepted.
    backend : str
        One of :func:`backends`.

    Returns
    -------
    numpy.float32 or numpy.float64
        Of the dtype of `x`. -inf for an empty array, nan where there is a nan.

    Raises
    ------
    TypeError, ValueError
        `x` is not a 1-D array of real numbers, or `backend` is not known.
    Unavailable
        The backend cannot work here; the message says why.

    Examples
    --------
    >>> float(logsumexp([1000.0, 1000.0]))
    1000.6931471805599
    """
    from . import registry
    from .kernels import logsumexp as kernel

    implementation = registry.load(backend)
    array = kernel.as_input(x)
    scalar: type[numpy.floating[Any]] = array.dtype.type
    if array.size == 0:
        return scalar("-inf")
    result = implementation.logsumexp(implementation.to_device(array))  # type: ignore[attr-defined]
    return scalar(implementation.to_host(result))


def backends(kernel: str | None = None) -> tuple[str, ...]:
    """Return the names of all backends, or of those that have `kernel`.

    All are listed, available here or not; ``python -m lsekernels`` says which are.
    """
    from . import kernels, registry

    if kernel is not None and kernel not in kernels.names():
        raise ValueError(f"kernel {kernel!r} is not known. Known: {', '.join(kernels.names())}")
    return registry.names(kernel)
