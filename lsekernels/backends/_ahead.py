"""What the backends compiled when the package is built have in common."""

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import ClassVar

from ..backend import Backend, Call, Failures
from . import _cpu
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
        modules = self.modules()
        for kernel in self.kernels():
            for method in self.methods(kernel):
                module = next((m for m in modules if hasattr(m, method)), None)
                if module is None:
                    raise ImportError(f"{modules[0].__name__} has no {method}")
                setattr(self, method, getattr(module, method))
        if hasattr(modules[0], "instruction_set"):
            self.instruction_set = modules[0].instruction_set()

    def modules(self) -> list[ModuleType]:
        """Return the modules that the functions are taken from."""
        return [import_module(name) for name in self.requires]


class AheadTuned(Ahead):
    """A backend whose module was built for several instruction sets, too."""

    builds: ClassVar[dict[str, str]]
    """Instruction set -> the module that was built for it, best first; see meson.build, `tuned`."""
    ours = True
    max_error = {
        "logsumexp": 4.0,
        "logsumexp_rows": 4.0,
        "softmax_rows": 8.0,
        "log_softmax_rows": 8.0,
    }
    known_failures: ClassVar[Failures] = {}

    logsumexp_rows: Call
    softmax_rows: Call
    log_softmax_rows: Call

    def modules(self) -> list[ModuleType]:
        self.instruction_set = self.instruction_sets()[0]
        return [import_module(self.builds.get(self.instruction_set, self.requires[0]))]

    @classmethod
    def instruction_sets(cls) -> list[str]:
        """Return those that it was built for and this CPU has, best first; "" is any CPU's."""
        here = _cpu.instruction_sets()
        return [s for s, name in cls.builds.items() if s in here and find_spec(name)] + [""]
