"""What the backends compiled when the package is built have in common."""

from importlib import import_module
from typing import ClassVar

from ..backend import Backend, Call, Failures
from ._known_failures import LOSES_TINY_TERMS


class Ahead(Backend):
    """A backend whose functions lie in extension modules of ``lsekernels._compiled``."""

    tool: ClassVar[str]
    """What compiled it: a key of ``build_info.BUILD``."""
    compiled = "ahead"
    max_error = {"logsumexp": 8.0, "lu": 1.0, "power8": 8.0}
    known_failures: ClassVar[Failures] = LOSES_TINY_TERMS

    logsumexp: Call

    def version(self) -> str:
        from .._compiled.build_info import BUILD

        return str(BUILD[self.tool])

    def load(self) -> None:
        modules = [import_module(name) for name in self.requires]
        for kernel in self.kernels():
            for method in self.methods(kernel):
                module = next((m for m in modules if hasattr(m, method)), None)
                if module is None:
                    raise ImportError(f"{modules[0].__name__} has no {method}")
                setattr(self, method, getattr(module, method))
