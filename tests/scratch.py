"""Scratch repositories of the tests in which asv really runs."""

import os
import subprocess


def git(folder, *args):
    """Run git there, as nobody; return what it prints."""
    identity = {f"GIT_{who}_{what}": "test@localhost" for who in ("AUTHOR", "COMMITTER")
                for what in ("NAME", "EMAIL")}  # fmt: skip
    command = ["git", *args]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env={**os.environ, **identity}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
