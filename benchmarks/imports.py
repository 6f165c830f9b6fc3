"""Clock 4: importing a backend's library in a fresh process."""

from . import _call
from ._tree import registry


class Imports:
    """What every script pays before its first line of work.

    Timed: ``registry.load(name)`` in a fresh interpreter: the import of the library and, where
    there is one, of the extension module. Not timed: the start of the interpreter.
    """

    version = "1"
    timeout = 300
    params = (list(registry.names()),)
    param_names = ("backend",)
    rounds = 1  # each sample is a process of its own
    repeat = 5

    def setup(self, backend):
        _call.load(backend)

    def timeraw_import(self, backend):
        return f"registry.load({backend!r})", "from lsekernels import registry"

    timeraw_import.fresh_process = True
