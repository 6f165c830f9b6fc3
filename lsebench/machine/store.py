"""``python -m lsebench store``: commit this machine's results onto a branch of their own.

Neither the working tree nor its index is touched, whatever is checked out. The branch shares no
history with the code, and holds nothing but ``results/``: a folder for each machine.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from asv.config import Config
from asv.util import UserError

from lsebench import git
from lsebench.cli import BAD, Parser, machine_name
from lsebench.records.asv_files import written_by

TRIES = 4
"""To push, while other machines push as well."""


def main(arguments: Sequence[str]) -> int:
    """Commit, push where asked to, and return the exit code."""
    parser = Parser(
        prog="python -m lsebench store",
        description="Commit the results of this machine onto a branch of their own; the working "
        "tree and its index stay as they are.",
        epilog="exit codes: 0 stored, or nothing new, 1 not stored, or not pushed, 4 error of use",
    )
    parser.add_argument("--push", metavar="REMOTE", help="push the branch there, too")
    parser.add_argument("--branch", default="results", help="default: %(default)s")
    parser.add_place()
    options = parser.parse_args(arguments)
    name = machine_name(options.machine)
    path = Path(options.config)
    results = Path(Config.load(str(path)).results_dir)
    branch = Branch(path.resolve().parent, options.branch)
    paths = list(map(str, written_by(results, name)))
    try:
        print(branch.store(paths, f"Add results of {name}", name, options.push))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return BAD
    return 0


class Branch:
    """A branch that is written without being checked out."""

    def __init__(self, root: Path, name: str) -> None:
        self.root, self.name, self.ref = root, name, f"refs/heads/{name}"

    def store(self, paths: Sequence[str], message: str, author: str, remote: str | None) -> str:
        """Commit `paths` as they are in the working tree; return in words what was done.

        Parameters
        ----------
        paths : sequence of str
            Relative to the root; the branch's other files stay as they are.
        message : str
        author : str
            Where git knows none.
        remote : str or None
            Where to push; what others have pushed there is merged first.
        """
        if f"branch {self.ref}" in self.git("worktree", "list", "--porcelain").splitlines():
            raise UserError(f"{self.name} is checked out: git switch to the branch of the code")
        there = [path for path in paths if (self.root / path).exists()]
        if paths[0] not in there:
            raise UserError(f"{paths[0]} is not there: nothing was measured on this machine")
        said = self._commit(there, message, author, None)
        if not remote:
            return said
        for _ in range(TRIES):
            theirs = self._fetch(remote)
            if theirs:
                self._commit(there, message, author, theirs)
            pushed = self._run("push", "--quiet", remote, f"{self.ref}:{self.ref}")
            if pushed.returncode == 0:
                return f"{said}; pushed to {remote}"
        raise UserError(f"git push {remote} {self.name}: {pushed.stderr.strip()}")

    def _commit(self, paths: Sequence[str], message: str, author: str, theirs: str | None) -> str:
        """Commit on top of the branch, and of `theirs` where that is not in it yet."""
        ours = self._tip(self.ref)
        if ours and theirs and self._run("merge-base", "--is-ancestor", ours, theirs).returncode:
            if self._run("merge-base", "--is-ancestor", theirs, ours).returncode == 0:
                theirs = None
        elif theirs:  # they have all of ours
            ours, theirs = theirs, None
            self.git("update-ref", self.ref, ours)
        parents = [commit for commit in (ours, theirs) if commit]
        with TemporaryDirectory(prefix="lsekernels-") as folder:
            index = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
            if parents:
                self.git("read-tree", self._merged(parents, paths), **index)
            self.git("add", "--all", "--force", "--", *paths, **index)
            tree = self.git("write-tree", **index)
        if len(parents) == 1 and tree == self.git("rev-parse", f"{ours}^{{tree}}"):
            return f"branch {self.name} has it all already"
        who = (
            {} if self._run("var", "GIT_COMMITTER_IDENT").returncode == 0 else git.identity(author)
        )
        above = [argument for commit in parents for argument in ("-p", commit)]
        commit = self.git("commit-tree", tree, *above, "-m", message, **who)
        # Fails where another process has moved the branch since it was read.
        self.git("update-ref", self.ref, commit, ours or "0" * 40)
        return f"committed {commit[:8]} on branch {self.name}"

    def _merged(self, parents: Sequence[str], paths: Sequence[str]) -> str:
        """Return a tree with all that is on `parents`; conflicts in `paths` are no matter."""
        if len(parents) == 1:
            return parents[0]
        done = self._run(
            "merge-tree", "--write-tree", "--allow-unrelated-histories", "--name-only",
            "--no-messages", *parents,
        )  # fmt: skip
        tree, *conflicts = done.stdout.split("\n")[:-1] or [""]
        ours = tuple(f"{path}/" for path in paths)
        others = [name for name in conflicts if name not in paths and not name.startswith(ours)]
        if not tree or others:
            raise UserError(
                f"{self.name} here and there contradict each other: "
                f"{', '.join(others) or done.stderr.strip()}; merge them by hand"
            )
        return tree

    def _fetch(self, remote: str) -> str | None:
        """Return the newest commit of the branch there; None where it has none yet."""
        listed = self.git("ls-remote", "--heads", remote, self.ref)
        if not listed:
            return None
        self.git("fetch", "--quiet", "--no-tags", remote, self.ref)
        return listed.split()[0]

    def _tip(self, ref: str) -> str | None:
        done = self._run("rev-parse", "--verify", "--quiet", ref)
        return done.stdout.strip() or None

    def git(self, *arguments: str, **variables: str) -> str:
        """Run git, and return what it prints."""
        return git.git(*arguments, cwd=self.root, **variables)

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return git.run(*arguments, cwd=self.root)
