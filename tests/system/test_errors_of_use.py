"""What is wrong with a command is said at once, before anything is made or measured."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def say(root, tmp_path):
    """Run a command of ours in the repository; return its exit code and what it says."""

    def run(*command):
        before = set(Path(root, ".asv").rglob("*")) if Path(root, ".asv").exists() else set()
        done = subprocess.run(
            [sys.executable, "-m", "lsebench", *command], cwd=root, capture_output=True, text=True
        )
        after = set(Path(root, ".asv").rglob("*")) if Path(root, ".asv").exists() else set()
        assert after == before, "an environment was made"
        assert "Traceback" not in done.stderr
        return done.returncode, done.stderr

    return run


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--bench", "no_such_benchmark"], "nothing in profile quick matches 'no_such_benchmark'"),
        (["--bench", "warm(("], "'warm((' is no regular expression: missing )"),
        (["qick"], "invalid choice: 'qick' (choose from"),
        (["--tier", "some"], "invalid choice: 'some' (choose from"),
        (["--machine", "../elsewhere"], "machine '../elsewhere': it names a folder"),
        (["--machine", "a/b"], "machine 'a/b': it names a folder"),
        (["--machine", ".."], "machine '..': it names a folder"),
        (["--hours", "x"], "argument --hours: invalid float value"),
        (["--commits", "nowhere..HEAD"], "git knows no range 'nowhere..HEAD'"),
    ],
)
def test_measure(say, arguments, said):
    code, text = say("run", *arguments)
    assert code == 4, text
    assert said in text
    assert len(text.splitlines()) <= 12


@pytest.mark.parametrize(
    "command", ["machine", "store", "nightly", "claims", "speed", "heap", "power"]
)
def test_a_machine_is_a_folder_of_results(say, command):
    found, text = say(command, "--machine", "../elsewhere")
    assert found == 4, text
    assert "machine '../elsewhere': it names a folder" in text


def test_an_unknown_command_is_an_error_of_use(say):
    code, text = say("mesure")
    assert code == 4
    assert "there is no command 'mesure'" in text


def test_every_command_has_help_with_its_exit_codes(root):
    from lsebench.__main__ import COMMANDS

    for name in COMMANDS:
        done = subprocess.run(
            [sys.executable, "-m", "lsebench", name, "--help"],
            cwd=root, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert f"usage: python -m lsebench {name}" in done.stdout
