"""What a change can have touched: which benchmarks load a file that the commits do not share.

Compared is what is installed of both, byte by byte. What a benchmark loads follows from the imports
in the files themselves, wherever they stand in them, and from texts that name a module (as
backends' ``requires`` do) or a file. Whatever is not clear counts as loaded.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from .builds import Built
from .side_by_side import Key, Side

ABOUT = "RECORD", "METADATA", "direct_url.json"
"""Files about the distribution, which say of every build that it is another."""
DYNAMIC = {"__import__", "exec", "eval", "glob", "rglob", "iterdir", "listdir", "walk"}
"""What uses these may load whatever lies beside it."""
REGISTRY, BEST = "registry", "best"
"""The module that loads the backend it is asked for, and its function that chooses one. Who has
that loads the best one; who has the module without it, any."""
ASK = """
import json
import {package}
from {package} import kernels, registry
of_functions = [k for k in kernels.names() if k.removesuffix("_rows") in {package}.__all__]
print(json.dumps([registry.best(kernel).name for kernel in of_functions]))
"""
SOURCES = "ASV_ENV_DIR"
"""A suite that reads this variable measures more than what is installed."""


class Tree:
    """The files of one commit, and those of the suites, by what they load."""

    def __init__(
        self, installed: Mapping[str, Path], suites: Mapping[str, Path], best: set[str] | None
    ) -> None:
        self._suites, self._files = suites, {**installed, **suites}
        self._best = best
        files = self._files
        self._modules: dict[str, str] = {}
        for file in files:
            parts = PurePosixPath(file.partition(".")[0]).parts
            self._modules[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
        self._known: dict[str, set[str] | None] = {}

    def loaded(self, key: Key) -> set[str] | None:
        """Return the files that a benchmark loads; None: it may be any."""
        name = key.parameters[0].strip("'").partition(":")[0] if key.parameters else ""
        backends = self._backends([name]) or self._backends(self._best or ())
        suite = self._suite(key.name)
        packages = {file.partition("/")[0] for file in backends}
        if len(packages) != 1 or suite is None:
            return None
        (package,) = packages
        waiting = [suite, *backends, *self._of([f"{package}.{REGISTRY}", f"{package}.backend"])]
        found: set[str] = set()
        while waiting:
            file = waiting.pop()
            if file not in found:
                found.add(file)
                if file not in self._known:
                    self._known[file] = self._loads(file)
                more = self._known[file]
                if more is None:
                    return None
                waiting += more
        return found

    def _backends(self, names: Iterable[str]) -> list[str]:
        ends = tuple(f"/backends/{name}.py" for name in names)
        return [file for file in self._files if file.endswith(ends)]

    def _suite(self, benchmark: str) -> str | None:
        """Return the file of a benchmark, which asv names without the suites' package."""
        name = benchmark.replace(".", "/")
        fit = [f for f in self._suites if f"{name}/".startswith(f.partition("/")[2][:-3] + "/")]
        return max(fit, key=len, default=None)

    def _of(self, modules: Iterable[str]) -> Iterator[str]:
        """Yield the files of modules, and of the packages that they lie in."""
        for module in modules:
            parts = module.split(".")
            for end in range(1, len(parts) + 1):
                if file := self._modules.get(".".join(parts[:end])):
                    yield file

    def _loads(self, file: str) -> set[str] | None:
        """Return what one file loads."""
        if not file.endswith(".py"):
            return set()
        try:
            nodes = list(ast.walk(ast.parse(self._files[file].read_bytes())))
        except (OSError, SyntaxError, ValueError):
            return None
        folder = PurePosixPath(file).parent
        texts = {n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)}
        modules = {text for text in texts if text in self._modules}
        modules |= {name for node in nodes for name in _imported(node, folder)}
        found = set(self._of(modules))
        used = {getattr(node, "id", getattr(node, "attr", "")) for node in nodes}
        dynamic = used & DYNAMIC or ("import_module" in used and "requires" not in used)
        if file in self._suites:  # what they load by name is the working tree's, of both
            return None if SOURCES in texts else found
        found |= {f for f in self._files if PurePosixPath(f).name in texts}
        if folder.name == "backends":
            loads_others = any(module.endswith(f".{REGISTRY}") for module in modules)
            if dynamic or (loads_others and (BEST not in used or not self._best)):
                return None
            return found | set(self._backends(self._best or ()) if loads_others else ())
        if dynamic and PurePosixPath(file).stem != REGISTRY:
            found |= {f for f in self._files if PurePosixPath(f).is_relative_to(folder)}
        return found


def _imported(node: ast.AST, folder: PurePosixPath) -> Iterator[str]:
    """Yield the names of what a statement imports, modules or not."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        above = folder.parts[: len(folder.parts) - node.level + 1] if node.level else ()
        parts = [*above, *([node.module] if node.module else [])]
        yield from (".".join([*parts, alias.name]) for alias in node.names)


class Touched:
    """What differs between the two sides of an environment, and whom that concerns."""

    def __init__(self, built: Built) -> None:
        base, head = (built.files[side] for side in ("base", "head"))
        self.files = {
            file for file in {*base, *head}
            if base.get(file) != head.get(file)
            and not (".dist-info/" in file and file.endswith(ABOUT))
        }  # fmt: skip
        """Installed files that are not the same on both sides."""
        sides = built.sides.values()
        self.libraries = bool(built.changed()) or len({side.python for side in sides}) > 1
        """Whether the two have environments of their own."""
        self._trees = [
            Tree(
                {file: side.path / file for file in built.files[name]},
                _suites(side.root),
                None if self.libraries or not self.files else best(side),
            )
            for name, side in built.sides.items()
        ]

    def of(self, key: Key) -> set[str] | None:
        """Return the files that differ and that a benchmark loads; None: it may be any."""
        if self.libraries:
            return None
        found: set[str] = set()
        for tree in self._trees if self.files else ():
            loaded = tree.loaded(key)
            if loaded is None:
                return None
            found |= loaded & self.files
        return found


def best(side: Side) -> set[str] | None:
    """Return the backends that are chosen where none is asked for; None where nobody can say."""
    for package in side.packages:
        if (side.path / package / f"{REGISTRY}.py").exists():
            command = [side.python, "-c", ASK.format(package=package)]
            environ = {**os.environ, **side.environ, "PYTHONPATH": str(side.path)}
            said = subprocess.run(command, env=environ, capture_output=True, text=True, cwd="/")
            if said.returncode == 0:
                return set(json.loads(said.stdout.splitlines()[-1]))
    return None


def _suites(root: Path) -> dict[str, Path]:
    return {f"{root.name}/{file.relative_to(root).as_posix()}": file for file in root.rglob("*.py")}
