"""asv's configuration, and the environments that it makes here."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from asv import environment, util
from asv.config import Config
from asv.plugin_manager import plugin_manager
from packaging.utils import canonicalize_name

LIST_INSTALLED = (
    "import importlib.metadata as m, json; "
    "print(json.dumps({d.metadata['Name']: d.version for d in m.distributions()}))"
)


def enter(path: str) -> str:
    """Go to the folder of asv's configuration, as asv does; return the name of the file.

    Raises
    ------
    asv.util.UserError
        It is not there.
    """
    file = Path(path).resolve()
    if not file.is_file():
        raise util.UserError(f"there is no {path} here")
    os.chdir(file.parent)
    return file.name


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


def list_installed(env: Any) -> dict[str, str]:
    """Return what is installed in `env`: canonical name -> version."""
    found = json.loads(env.run_executable("python", ["-c", LIST_INSTALLED]))
    # 2.13.0+cpu is a build of 2.13.0, and fulfils that pin.
    return {canonicalize_name(name): v.partition("+")[0] for name, v in found.items()}
