"""Transonic: a plain NumPy file, translated for Pythran and compiled at the first call."""

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from ..backend import Backend, Scalar, Unavailable, Vector
from ._known_failures import LOSES_TINY_TERMS

SOURCE = Path(__file__).with_name("_transonic.py")
FLAGS = "-O3 -march=native"


class Transonic(Backend):
    title = "Transonic (Pythran)"
    tier = "all"
    requires = ("transonic", "pythran")
    distribution = "transonic"
    extra = ("transonic>=0.7.2", "pythran>=0.15")
    slow_start = True
    compiled = "jit"
    cache = "TRANSONIC_DIR"
    max_error = {"logsumexp": 8.0}
    known_failures = LOSES_TINY_TERMS

    def load(self) -> None:
        import transonic  # noqa: F401  # so that its time counts as import

        if not shutil.which("c++"):
            raise Unavailable("no C++ compiler, which Pythran needs (apt install g++)")
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=self._root).close()
        except OSError as error:
            if not _compiled(self._folder):
                reason = f"no place for what it compiles ({error}): set {self.cache} to a folder"
                raise Unavailable(reason) from error

    def logsumexp(self, x: Vector) -> Scalar:
        return self._module.logsumexp(x)

    @cached_property
    def _root(self) -> Path:
        return Path(os.environ.get(self.cache) or "~/.transonic").expanduser().absolute()

    @cached_property
    def _folder(self) -> Path:
        """Where the compiled module is, or will be."""
        import pythran

        state = SOURCE.read_bytes() + f"{self.version()} {pythran.__version__} {FLAGS} ".encode()
        state += sys.implementation.cache_tag.encode()
        return self._root / f"lsekernels_{sha256(state).hexdigest()[:16]}"

    @cached_property
    def _module(self) -> Any:
        """The compiled module.

        Raises
        ------
        RuntimeError
            It was not compiled: it would run as plain NumPy, and be timed as Transonic.
        """
        from transonic.aheadoftime import modules

        folder, name = self._folder, self._folder.name
        if not _compiled(folder):
            _compile(folder)
        file = folder / f"{name}.py"
        spec = importlib.util.spec_from_file_location(name, file)
        module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
        sys.modules[name] = module  # where Transonic looks for it
        spec.loader.exec_module(module)  # type: ignore[union-attr]
        if not modules[name].is_compiled:
            raise RuntimeError(f"Transonic has not compiled {file}; delete {folder} to try again")
        return module


def _compiled(folder: Path) -> bool:
    return any(folder.rglob("*.so"))


def _compile(folder: Path) -> None:
    """Make `folder` with the compiled source; complete, or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as made:
        file = Path(made, f"{folder.name}.py")
        shutil.copy(SOURCE, file)
        # -I: not the folder of this file, where pythran.py and numpy.py are backends.
        command = [sys.executable, "-I", "-m", "transonic.run", str(file), "-af", FLAGS]
        # It calls pythran by name, and where there is none it says so and goes on.
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        env = {**os.environ, "PATH": path}
        done = subprocess.run(command, capture_output=True, text=True, cwd=made, env=env)
        if done.returncode or not any(Path(made).rglob(f"{folder.name}*.so")):
            raise RuntimeError(f"Transonic failed:\n{done.stdout}{done.stderr}")
        # Another process may have been faster; then its folder stays.
        shutil.copytree(made, folder, dirs_exist_ok=True)
