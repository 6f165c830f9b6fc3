"""The process side of :mod:`lsebench.environments.living`: runs one combination after another.

It runs in asv's environment, where asv_runner is but asv is not. asv's own script does all that it
does for a process of one combination; only its command ``run`` is answered here, a line of JSON
on standard input for each combination and an exit code on standard output.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import traceback
from collections.abc import Iterable
from typing import TextIO


def serve(root: str, asked: Iterable[str], answers: TextIO) -> None:
    """Run each combination that is asked for, its output in the file that is named."""
    from asv_runner._aux import posix_redirect_output
    from asv_runner.run import _run

    own = os.getpid()
    for line in asked:
        request = json.loads(line)
        os.chdir(request["cwd"])
        code: object = 0
        with posix_redirect_output(request["output"], permanent=False):
            try:
                _run([root, *request["arguments"]])
            except BaseException as error:  # as in a process of its own
                traceback.print_exc()
                code = error.code if isinstance(error, SystemExit) else 1
            if os.getpid() != own:  # a forked child must not answer for its parent
                sys.stdout.flush()
                os._exit(1)
        # asv removes that folder now; a library may ask where it is while nothing runs.
        os.chdir(root)
        answers.write(json.dumps(code) + "\n")
        answers.flush()


def main() -> None:
    """Answer until standard input ends."""
    del sys.path[0]  # this folder: its modules are not the environment's, nor Python's
    script, root = sys.argv[1:]
    spec = importlib.util.spec_from_file_location("asv_benchmark", script)
    assert spec
    assert spec.loader
    asv = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(asv)
    # Whatever a benchmark or its children print must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    asked = os.fdopen(os.dup(0), "r")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    asv.commands["run"] = lambda arguments: serve(arguments[0], asked, answers)
    sys.argv = [script, "run", root]
    asv.main()


if __name__ == "__main__":
    main()
