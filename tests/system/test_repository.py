"""Rules of the design that git and make know."""

import os
import re
import subprocess
import sys

import pytest


def test_html_is_no_package_and_stays_out_of_git(root):
    """A package named html would shadow the standard library's."""
    assert not (root / "html/__init__.py").exists()
    tracked = subprocess.run(
        ["git", "ls-files", "html"], cwd=root, capture_output=True, text=True, check=True
    ).stdout.split()
    assert tracked == ["html/README.md"]
    ignored = ["git", "check-ignore", "--quiet", "html/index.html"]
    assert subprocess.run(ignored, cwd=root).returncode == 0


def test_make_help_lists_every_target(root):
    text = (root / "Makefile").read_text()
    targets = re.findall(r"^\.PHONY: ([a-z-]+)$", text, re.M)
    shown = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=root, capture_output=True, text=True
    ).stdout
    assert [line.split()[0] for line in shown.splitlines()] == targets
    wanted = "bench test bench-full bench-commits bench-libraries publish preview lint clean help"
    assert set(wanted.split()) <= set(targets)


def test_results_stay_small(root):
    files = [p for p in (root / "results").rglob("*") if p.is_file()]
    tracked = subprocess.run(
        ["git", "ls-files", "results"], cwd=root, capture_output=True, text=True, check=True
    ).stdout.split()
    assert sum(p.stat().st_size for p in files if str(p.relative_to(root)) in tracked) < 5e6


@pytest.mark.parametrize(
    "package", ["lsebench", "lsebench.environments.pinned", "lsebench.site.plugin"]
)
def test_the_repository_of_a_calling_hook_is_forgotten(package):
    """git sets GIT_DIR in hooks: asv's checkout would change the user's branch and index."""
    from lsebench import git

    known = subprocess.run(["git", "rev-parse", "--local-env-vars"], capture_output=True, text=True)
    local = {name for name in known.stdout.split() if "CONFIG" not in name}  # a user's own settings
    assert local <= set(git.WHERE)
    set_by_git = {**os.environ, **dict.fromkeys(git.WHERE, "/nowhere"), "GIT_SSH_COMMAND": "ssh"}
    code = f"import os, {package}; print(*(n for n in os.environ if n.startswith('GIT_')))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=set_by_git, capture_output=True, text=True, check=True
    )
    left = set(done.stdout.split())
    assert "GIT_SSH_COMMAND" in left
    assert not left & set(git.WHERE)
