"""What changed in a range of commits, by git, and the whole page of it."""

import json
import subprocess
from types import SimpleNamespace

import pytest
from asv.results import Results

from lsebench.site.rows import incidents

from ..steps import AXES, BENCHMARKS, NAME, REVISIONS, graphs


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
    found = incidents.code(repo, first, third)
    assert found["commits"] == [[third, "Third"], [second, "Second <b>\u2028"]]
    assert found["files"] == [["lsekernels/größe.py", "+2 \u22120"]], "not the README"
    assert (found["more_commits"], found["more_files"]) == (0, 0)


@pytest.mark.parametrize("repo", [SimpleNamespace(_path="/nowhere"), None])
def test_a_commit_that_git_does_not_know(repo, repository):
    repo = repo or repository[0]
    found = incidents.code(repo, "0" * 40, "1" * 40)
    assert found == {"commits": [], "more_commits": 0, "files": [], "more_files": 0}


def test_a_long_range_says_how_many_more(repository, monkeypatch):
    repo, (first, _, third) = repository
    monkeypatch.setattr(incidents, "MOST", 1)
    found = incidents.code(repo, first, third)
    assert (len(found["commits"]), found["more_commits"]) == (1, 1)


def result(commit, folder, llvmlite):
    found = Results(
        {"machine": "m", "python": "3.11"},
        {},
        commit,
        1_700_000_000_000,
        "3.11",
        "pinned-threads1",
        {"LSEKERNELS_THREADS": "1"},
    )
    if llvmlite:
        file = (folder / found._filename).with_suffix(".context.jsonl")
        file.parent.mkdir(exist_ok=True)
        context = {"context": {"installed": {"llvmlite": llvmlite}}}
        file.write_text(json.dumps(context))
    return found


def shown(found, tmp_path, results=()):
    repo = SimpleNamespace(_path=str(tmp_path))
    return incidents.site(results, tmp_path, repo, BENCHMARKS, found, REVISIONS)


def test_site(tmp_path):
    commits = {place: commit for commit, place in REVISIONS.items()}
    results = [
        result(commits[27], tmp_path, "0.49"),
        result(commits[30], tmp_path, "0.50"),
        result(commits[57], tmp_path, None),
        result(commits[60], tmp_path, "0.50"),
    ]
    found = shown(graphs((10, 20, 1.3)), tmp_path, results)
    assert json.loads(json.dumps(found, allow_nan=False))
    repair, slower = found["groups"]
    assert (slower["before"], slower["after"]) == (commits[27], commits[30])
    assert slower["installed"] == [[0, [["llvmlite", "0.49", "0.50"]]]]
    assert slower["measured"] == {NAME: 4}
    assert slower["date"] == "2023-11-14"
    assert repair["installed"] == [[0, None]]
    (row,) = slower["steps"]
    assert (row["benchmark"], row["values"], row["range"]) == (NAME, ("simd", "1000"), None)
    (environment,) = found["environments"]
    assert (environment["machine"], environment["threads"]) == ("m", "1")
    assert found["benchmarks"][NAME]["title"] == "log-sum-exp of a vector"
    assert found["benchmarks"][NAME]["quantity"] == "time"


def test_rarely_measured_series_of_another_machine_say_their_own_range(tmp_path):
    found = graphs((10, 20, 1.3))
    graphs((9, 20, 1.3), axes=AXES | {"machine": "other"}, every=2, found=found)
    newer, older = shown(found, tmp_path)["groups"]
    commits = {place: commit for commit, place in REVISIONS.items()}
    assert (newer["after"], older["after"]) == (commits[60], commits[30])
    ranges = [{row["environment"]: row["range"] for row in g["steps"]} for g in (newer, older)]
    assert ranges == [
        {0: None, 1: [commits[54], commits[60]]},
        {0: None, 1: [commits[24], commits[30]]},
    ]
