"""What compiling ahead of time costs."""

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

from ._tree import registry


class Build:
    """Seconds a developer waits after each edit of a compiled kernel.

    Timed: from the source to the extension module, one job. Not timed: configuring.
    """

    version = "1"
    timeout = 600
    params = ([n for n in registry.names() if registry.declaration(n).compiled == "ahead"],)
    param_names = ("backend",)

    def setup(self, backend):
        self.module = registry.declaration(backend).requires[0].rpartition(".")[2]
        self.source = Path(os.environ["ASV_ENV_DIR"], "project")
        self.folder = tempfile.TemporaryDirectory()
        if not (self.source / "meson.build").exists():
            raise NotImplementedError("this commit is not built by meson")
        self._run("meson", "setup", self.folder.name, str(self.source), "-Dbuildtype=release")
        targets = json.loads(self._run("meson", "introspect", "--targets", self.folder.name))
        # The target is called after the file: module.cpython-311-x86_64-linux-gnu
        found = [t["filename"][0] for t in targets if t["name"].split(".")[0] == self.module]
        if not found:
            raise NotImplementedError(f"this commit does not build {self.module}")
        self.target = os.path.relpath(found[0], self.folder.name)

    def teardown(self, backend):
        if hasattr(self, "folder"):
            self.folder.cleanup()

    def track_seconds(self, backend):
        start = time.perf_counter()
        self._run("ninja", "-j1", "-C", self.folder.name, self.target)
        return {"samples": [time.perf_counter() - start], "number": 1}

    @staticmethod
    def _run(*command):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    track_seconds.type = "time"
    track_seconds.unit = "seconds"
    track_seconds.fresh_process = True
