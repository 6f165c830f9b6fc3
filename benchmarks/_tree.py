"""lsekernels of the working tree, beside the installed one."""

import importlib
import importlib.util
import sys
from pathlib import Path

_NAME = "lsekernels_working_tree"


def tree(module):
    """Return a module of the working tree's lsekernels, under a package name of its own."""
    if _NAME not in sys.modules:
        folder = Path(__file__).resolve().parent.parent / "lsekernels"
        spec = importlib.util.spec_from_file_location(
            _NAME, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        sys.modules[_NAME] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[_NAME])
    return importlib.import_module(f"{_NAME}.{module}")


registry = tree("registry")
