"""``python -m lsebench store``: commit this machine's results onto a branch of their own.

Neither the working tree nor its index is touched, whatever is checked out. The branch shares no
history with the code, and holds nothing but ``results/``: a folder for each machine.

With ``--from`` the results are those of somebody who may have been taken over: another user, or the
artifact of a job. Only plain files of our names and shapes are taken, and nothing is removed.
"""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from asv.config import Config
from asv.util import UserError

from lsebench import git
from lsebench.cli import BAD, Parser, machine_name
from lsebench.records import asv_files, checked, stored

TRIES = 4
"""To push, while other machines push as well."""
LARGEST, ALL, FILES = 20_000_000, 500_000_000, 20_000
"""Bytes of one file that is taken from elsewhere, of all of them, and how many."""
SHOWN = 20
"""Lines on what is left out."""
PLAIN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
"""How a file of others is opened: no link is followed, no pipe waited for."""


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
    parser.add_argument(
        "--from",
        dest="source",
        type=Path,
        metavar="DIR",
        help="take what is fit of DIR instead of this checkout's results, as data: name --machine",
    )
    parser.add_place()
    options = parser.parse_args(arguments)
    name = machine_name(options.machine)
    if options.source and not options.machine:
        parser.error("--from needs --machine: what lies there does not say whose it is")
    path = Path(options.config)
    results = Path(Config.load(str(path)).results_dir)
    branch = Branch(path.resolve().parent, options.branch)
    paths = list(map(str, asv_files.written_by(results, name)))
    message = f"Add results of {name}"
    try:
        if options.source:
            with TemporaryDirectory(prefix="lsekernels-") as folder:
                branch.tree = Path(folder, "fit")
                left = take(options.source, name, branch.tree / results, Path(folder, "all"))
                for one in left[:SHOWN]:
                    print(f"left out: {one!r}", file=sys.stderr)  # on one line, whatever it has
                if len(left) > SHOWN:
                    print(f"{len(left) - SHOWN} more are left out", file=sys.stderr)
                print(branch.store(paths, message, name, options.push))
        else:
            print(branch.store(paths, message, name, options.push))
    except (UserError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return BAD
    return 0


def take(source: Path, machine: str, target: Path, aside: Path) -> list[str]:
    """Copy what is fit of a machine's results in `source` into the new folder `target`.

    Returns what is left out, and why. Files are looked at in `aside`, a new folder: whoever owns
    `source` may change them meanwhile.
    """
    left = [f"{name}: {why}" for name, why in _copied(source, machine, aside) if why]
    # The copy is made for publishing, without columns that asv has a use for: it says which files
    # are fit. asv's results stay whole; of the others what is not fit is taken out.
    spoiled = [
        one
        for one in checked.copy(aside, target)
        if not (one.what and one.file.endswith(".json") and one.file != asv_files.MACHINE)
    ]
    left += [f"{one.file}: {one.what or 'all'}: {one.why}" for one in spoiled]
    for file in target.rglob("*.*"):
        if file.is_file() and file.name not in {one.file for one in spoiled}:
            file.write_bytes((aside / file.relative_to(target)).read_bytes())
    return left


def _copied(source: Path, machine: str, target: Path) -> Iterator[tuple[str, str]]:
    """Copy plain files that have one of our names; yield each, and why it is not."""
    sizes: list[int] = []
    for part in ("", machine):
        (target / part).mkdir()
        try:
            top = os.open(source, PLAIN | os.O_DIRECTORY)
            place = os.open(part, PLAIN | os.O_DIRECTORY, dir_fd=top) if part else os.dup(top)
        except OSError as error:
            raise UserError(f"{source / part} is no folder: {error.strerror}") from None
        try:
            for name in sorted(os.listdir(place)):
                if _is_ours(name, part):
                    yield name, _copy(name, place, target / part / name, sizes)
                elif part:  # beside are the folders of other machines
                    yield name, "not a name of ours"
        finally:
            os.close(place)
            os.close(top)


def _is_ours(name: str, folder: str) -> bool:
    """Return whether asv or we write files of this name there."""
    if not folder:
        return name == asv_files.BENCHMARKS
    ends = rf"\.json|{re.escape(stored.State.FILE)}"
    if re.fullmatch(rf"[0-9a-f]{{8}}-[\w.+-]+({ends})", name, re.ASCII):
        return True
    kind = stored.published(name)
    return name == asv_files.MACHINE or (kind is not None and name == kind.FILE)


def _copy(name: str, place: int, target: Path, sizes: list[int]) -> str:
    """Copy a file of the folder that is open as `place`; return why it is not, or nothing."""
    try:
        opened = os.open(name, PLAIN, dir_fd=place)
    except OSError as error:
        return f"{error.strerror}"
    try:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            return "it is no file"
        with open(opened, "rb", closefd=False) as stream:
            text = stream.read(LARGEST + 1)
    finally:
        os.close(opened)
    sizes.append(len(text))
    if len(text) > LARGEST or sum(sizes) > ALL or len(sizes) > FILES:
        return "too much"
    target.write_bytes(text)
    return ""


class Branch:
    """A branch that is written without being checked out."""

    tree: Path | None = None
    """Where the files are, if not in the working tree; then none is removed from the branch."""

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
        there = [path for path in paths if ((self.tree or self.root) / path).exists()]
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
            if self.tree:
                where = f"--work-tree={self.tree}"
                self.git(where, "add", "--ignore-removal", "--force", "--", *paths, **index)
            else:
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
