"""What changed in a range of commits, by git, and the whole page of it."""

import json
import subprocess
from types import SimpleNamespace

import pytest

from lsebench.site.rows import causes, incidents

from ..steps import COMMITS, NAME, history, results, stepping


@pytest.fixture
def repository(tmp_path):
    """A repository with three commits, and those commits; the second and third change the code."""
    place = tmp_path / "code"
    (place / "lsekernels").mkdir(parents=True)

    def git(*arguments):
        who = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false"]
        done = subprocess.run(
            ["git", *who, *arguments], cwd=place, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    git("init", "-q")
    found = []
    for number, subject in enumerate(("First", "Second <b>\u2028", "Third")):
        (place / "README").write_text(str(number))
        if number:
            (place / "lsekernels/größe.py").write_text("line\n" * number)
        git("add", "-A")
        git("commit", "-qm", subject)
        found.append(git("rev-parse", "HEAD"))
    return SimpleNamespace(_path=str(place)), found


def test_code_of_a_range(repository):
    repo, (first, second, third) = repository
    found = causes.code(repo, first, third)
    assert found["commits"] == [[third, "Third"], [second, "Second <b>\u2028"]]
    assert found["files"] == [["lsekernels/größe.py", "+2 \u22120"]], "not the README"
    assert (found["more_commits"], found["more_files"]) == (0, 0)


@pytest.mark.parametrize("repo", [SimpleNamespace(_path="/nowhere"), None])
def test_a_commit_that_git_does_not_know(repo, repository):
    repo = repo or repository[0]
    found = causes.code(repo, "0" * 40, "1" * 40)
    assert found == {"commits": [], "more_commits": 0, "files": [], "more_files": 0}


def test_a_long_range_says_how_many_more(repository, monkeypatch):
    repo, (first, _, third) = repository
    monkeypatch.setattr(causes, "MOST", 1)
    found = causes.code(repo, first, third)
    assert (len(found["commits"]), found["more_commits"]) == (1, 1)


def test_site(tmp_path):
    found = results(stepping((10, 20, 1.3)))
    for place, version in (27, "0.49"), (30, "0.50"), (57, None), (60, "0.50"):
        one = next(result for result in found if result.commit_hash == COMMITS[place])
        file = (tmp_path / one._filename).with_suffix(".context.jsonl")
        file.parent.mkdir(exist_ok=True)
        if version:
            file.write_text(json.dumps({"context": {"installed": {"llvmlite": version}}}))
    known, environments = history(found, tmp_path)
    site = incidents.site(known, environments)
    assert json.loads(json.dumps(site, allow_nan=False))
    repair, slower = site["groups"]
    assert (slower["before"], slower["after"]) == (COMMITS[27], COMMITS[30])
    assert slower["installed"] == [(0, [["llvmlite", "0.49", "0.50"]])]
    assert slower["measured"] == {NAME: 4}
    assert slower["date"] == "2023-12-14"
    assert repair["installed"] == [(0, None)]
    (row,) = slower["steps"]
    assert (row["benchmark"], row["values"], row["range"]) == (NAME, ["simd", "1000"], None)
    assert (row["cause"], row["confirmed"], row["became"]) == ("library", False, "back")
    (again,) = repair["steps"]
    assert (again["cause"], again["became"]) == ("unknown", "there"), "git has none of them"
    assert environments.rows[row["environment"]]["machine"] == "m"
