"""asv's configuration, and the environments that it makes here."""

from __future__ import annotations

import sys
from typing import Any

from asv import environment, util
from asv.config import Config
from asv.plugin_manager import plugin_manager


def load(path: str) -> Any:
    """Return asv's configuration, with its plugins imported.

    Raises
    ------
    asv.util.UserError
        It is not there, or is none.
    """
    conf = Config.load(path)
    for plugin in conf.plugins:
        plugin_manager.import_plugin(plugin)
    return conf


def list_environments(conf: Any) -> list[Any]:
    """Return the environments of the configuration for the Python that runs now, and for PyPy."""
    python = "{}.{}".format(*sys.version_info)
    found = [
        e
        for e in environment.get_environments(conf, None, verbose=False)
        if e.python == python or e.python.startswith("pypy")
    ]
    if not found:
        wanted = ", ".join(conf.pythons)
        hint = " (Debian: apt install pypy3 pypy3-venv)" if "pypy3" in conf.pythons else ""
        raise util.UserError(f"no environment can be made: Python {wanted} is not here{hint}")
    return found
