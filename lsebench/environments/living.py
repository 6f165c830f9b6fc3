"""One process for all sizes of a backend, where asv would start one for each combination.

Python, asv_runner, NumPy, the kernel's reference and the backend's library take longer to start
than a combination to be measured. asv starts a combination by the environment's ``run``; an
environment type hands it to :class:`Living` instead, which keeps the process as long as benchmark,
backend and round stay the same. Rounds are still in different processes, and functions with the
attribute ``fresh_process`` still get one for each combination.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from asv import util

SCRIPT = Path(__file__).with_name("living_process.py")
GRACE = 20.0
"""Seconds that a process has to end by itself: some end others that they have started."""


class Living:
    """The process that measured last, if it is still there.

    There is one for all environments: nothing of another one may run beside what is measured.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._group: tuple[Any, ...] = ()
        self._index = -1
        # What it prints outside of combinations, at its start and its end.
        self._said = tempfile.TemporaryFile()  # noqa: SIM115
        atexit.register(self.end)

    def run(
        self,
        command: Sequence[str],
        group: tuple[Any, ...],
        index: int,
        arguments: Sequence[str],
        cwd: str,
        environ: Mapping[str, str],
        timeout: float | None,
    ) -> tuple[str, int]:
        """Run a combination; return its output and exit code.

        Parameters
        ----------
        command : sequence of str
            Python, asv's script for benchmarks, and the folder of the benchmarks.
        group : tuple
            What shares a process; another group ends it.
        index : int
            Of the combination. asv counts up within a round: one that does not is another round's.
        arguments : sequence of str
            Those of asv's script behind the folder.
        timeout : float or None
            Seconds that the combination may take (asv's own limit is one of silence); then the
            process is killed, and the exit code is asv's for that.
        """
        if group != self._group or index <= self._index or not self._alive():
            self.end()
            self._said.seek(0)
            self._said.truncate()
            self._process = subprocess.Popen(
                [command[0], str(SCRIPT), *command[1:]],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                text=True,
                env=dict(environ),
                start_new_session=True,  # so that whatever it starts can be ended with it
            )
        self._group, self._index = group, index
        handle, output = tempfile.mkstemp()
        os.close(handle)
        try:
            code = self._ask({"arguments": arguments, "cwd": cwd, "output": output}, timeout)
            said = Path(output).read_bytes()
            if code and self._process is None:  # it may not even have come to the combination
                self._said.seek(0)
                said += self._said.read()
            return said.decode(errors="replace"), code
        except BaseException:
            self._kill()
            raise
        finally:
            os.unlink(output)

    def _ask(self, request: dict[str, Any], timeout: float | None) -> int:
        process = self._process
        assert process
        assert process.stdin
        assert process.stdout
        try:
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
        except BrokenPipeError:
            return self._died()
        if not select.select([process.stdout], [], [], timeout)[0]:
            self._kill()
            return int(util.TIMEOUT_RETCODE)
        line = process.stdout.readline()
        if not line:
            return self._died()
        code: int = json.loads(line)
        return code

    def _died(self) -> int:
        """Return the exit code of a process that no longer answers: it has ended, as a rule."""
        assert self._process
        with suppress(subprocess.TimeoutExpired):  # or it has closed what it answers by
            self._process.wait(GRACE)
        code = self._process.poll()
        self._kill()  # what it has started, too
        return code or 1

    def _alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def end(self) -> None:
        """Let the process end, and wait until it has: nothing runs beside the next."""
        if self._process is None:
            return
        assert self._process.stdin
        try:
            self._process.stdin.close()
            self._process.wait(GRACE)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            pass
        except BaseException:
            self._kill()
            raise
        self._kill()

    def _kill(self) -> None:
        """End the process and whatever of its own is left of it."""
        if self._process is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._process.pid, number)
            except ProcessLookupError:
                break
            deadline = time.monotonic() + 1
            while self._process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.01)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream
            with suppress(BrokenPipeError):
                stream.close()
        self._process = None
