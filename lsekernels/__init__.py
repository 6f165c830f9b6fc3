"""logsumexp in every accelerator for NumPy code, behind one call.

Importing this package loads no numerical library: NumPy is imported with the first use of one of
the functions, a backend's library when that backend is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import backends as _folder  # noqa: F401  # now, or it would replace the function below
from .backend import Unavailable

if TYPE_CHECKING:
    from .functions import log_softmax, logsumexp, softmax

__version__ = "0.1.0"
__all__ = [
    "Unavailable",
    "__version__",
    "backends",
    "log_softmax",
    "logsumexp",
    "softmax",
]


def __getattr__(name: str) -> Any:
    if name in ("log_softmax", "logsumexp", "softmax"):
        from . import functions

        globals()[name] = getattr(functions, name)  # from now on without this function
        return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def backends(kernel: str | None = None) -> tuple[str, ...]:
    """Return the names of all backends, or of those that have `kernel`.

    All are listed, available here or not; ``python -m lsekernels`` says which are.
    """
    from . import kernels, registry

    if kernel is not None and kernel not in kernels.names():
        raise ValueError(f"kernel {kernel!r} is not known. Known: {', '.join(kernels.names())}")
    return registry.names(kernel)
