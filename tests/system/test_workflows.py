"""The workflows on GitHub: what a pull request may run, where, and with which rights."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from lsebench.gate import report

from .. import spoiled, synthetic
from ..scratch import git

ROOT = Path(__file__).resolve().parents[2]
GITHUB = ROOT / ".github"
FILES = {file.name: file for file in sorted(GITHUB.glob("workflows/*.yml"))}
WORKFLOWS = {name: yaml.safe_load(file.read_text("utf-8")) for name, file in FILES.items()}
JOBS = {(name, job): text for name, w in WORKFLOWS.items() for job, text in w["jobs"].items()}
OWN = {("gate.yml", "measure"), ("nightly.yml", "measure")}
"""Jobs on the machine."""
STEPS = [(*key, step) for key, job in JOBS.items() for step in job["steps"]]


def triggers(name):
    """Return what starts a workflow; YAML reads the key `on` as true."""
    return WORKFLOWS[name][True]


def rights(key):
    """Return what a job's token may do, as {scope: "read" or "write"}."""
    return JOBS[key]["permissions"]


def script(workflow, step):
    """Return the shell script of one step."""
    return next(s["run"] for name, _, s in STEPS if (name, s.get("name")) == (workflow, step))


def bash(text, cwd, **environ):
    """Run a script as a runner does."""
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", text],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], **environ},
        capture_output=True,
        text=True,
    )


def test_there_are_the_workflows_that_are_judged_here():
    assert set(FILES) == {"gate.yml", "nightly.yml", "site.yml", "tests.yml"}


@pytest.mark.parametrize("name", FILES)
def test_actions_are_pinned_to_commits_with_the_version_beside(name):
    lines = re.findall(r"^.*\buses:.*$", FILES[name].read_text("utf-8"), re.M)
    assert len(lines) == sum("uses" in step for file, _, step in STEPS if file == name)
    for line in lines:
        assert re.search(r"uses: actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line


@pytest.mark.parametrize("name", FILES)
def test_no_secret_is_used_and_no_untrusted_text_becomes_code(name):
    assert "secrets." not in FILES[name].read_text("utf-8")
    for file, _, step in STEPS:
        if file == name:
            assert "${{" not in step.get("run", ""), "pass it in env"


@pytest.mark.parametrize("key", JOBS, ids="/".join)
def test_rights_are_given_job_by_job(key):
    assert WORKFLOWS[key[0]]["permissions"] == {}
    assert isinstance(rights(key), dict)
    assert JOBS[key]["timeout-minutes"] <= 720


@pytest.mark.parametrize("key", JOBS, ids="/".join)
def test_what_runs_code_may_only_read(key):
    """Pull requests bring code; so do the commits of main to the machine that measures."""
    name, _ = key
    own_machine = key in OWN
    if "pull_request" in triggers(name) or own_machine:
        assert set(rights(key).values()) == {"read"}
    if own_machine:
        assert rights(key) == {"contents": "read"}
    if "write" in rights(key).values():
        for file, job, step in STEPS:
            if (file, job) == key:
                assert not re.search(r"\bmake\b|\bpip\b|\.ci/", step.get("run", ""))


def test_no_event_of_a_pull_request_reaches_more_than_the_tests():
    for name in FILES:
        events = set(triggers(name))
        assert not events & {"pull_request_target", "workflow_run", "issue_comment"}
        assert "pull_request" not in events or name == "tests.yml"


def test_checkouts_leave_no_token_behind_and_are_of_main():
    found = [step for *_, step in STEPS if step.get("uses", "").startswith("actions/checkout@")]
    assert found
    for step in found:
        assert step["with"]["persist-credentials"] is False
        assert "ref" not in step["with"]


def test_only_a_runner_made_for_the_job_takes_it():
    assert {key for key, job in JOBS.items() if job["runs-on"] != "ubuntu-24.04"} == OWN
    for name, job in OWN:
        assert set(triggers(name)) == {"workflow_dispatch"}
        assert JOBS[name, job]["runs-on"] == "${{ inputs.runner }}"
        wanted = "vars.BENCHMARK_MACHINE && github.ref == 'refs/heads/main'"
        assert JOBS[name, job]["if"] == wanted


def test_no_artifact_is_unpacked_over_a_checkout():
    found = [step for *_, step in STEPS if "download-artifact" in step.get("uses", "")]
    assert len(found) == 2
    assert all(step["with"]["path"].startswith("${{ runner.temp }}/") for step in found)
    assert "unzip" not in "".join(step.get("run", "") for *_, step in STEPS)


# -- the gate takes the package from the pull request, and all else from main ----------------------

JUDGE = {
    "asv.conf.json": "pins",
    "pyproject.toml": "build",
    "meson.build": "build('1')",
    "lsekernels/a.py": "1",
    "lsekernels/old.py": "1",
    "lsebench/gate.py": "judge",
    "benchmarks/warm.py": "ruler",
    ".github/workflows/gate.yml": "jobs",
}


def write(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def commit(folder, files, **more):
    write(folder, files)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "commit")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def cloned(tmp_path):
    """The repository with a pull request, and the runner's checkout of main."""
    origin, checkout = tmp_path / "origin", tmp_path / "checkout"
    origin.mkdir()
    git(origin, "init", "-q", "-b", "main")
    git(origin, "config", "uploadpack.allowAnySHA1InWant", "true")  # as GitHub
    commit(origin, JUDGE)
    git(origin, "switch", "-q", "-c", "pull")
    git(tmp_path, "clone", "-q", "-b", "main", "--single-branch", "origin", "checkout")
    return origin, checkout


def take(checkout, sha):
    return bash(
        script("gate.yml", "Take the package from the pull request"),
        checkout,
        COMMIT=sha,
        RUNNER_TEMP=str(checkout.parent),
    )


def test_the_judge_does_not_come_from_the_accused(cloned, tmp_path):
    origin, checkout = cloned
    changed = {name: f"{text} by the accused" for name, text in JUDGE.items()}
    (origin / "lsekernels/old.py").unlink()
    changed.pop("lsekernels/old.py")
    head = commit(origin, {**changed, "lsekernels/new.py": "2", "conftest.py": "2"})
    done = take(checkout, head)
    assert not done.returncode, done.stdout + done.stderr
    said = dict(word.split("=") for word in (tmp_path / "commits").read_text().split())
    assert said["BASE"] == git(checkout, "rev-parse", "main")
    names = git(checkout, "diff", "--name-only", said["BASE"], said["HEAD"]).split()
    assert names == [
        "lsekernels/a.py",
        "lsekernels/new.py",
        "lsekernels/old.py",
        "meson.build",
    ]
    assert git(checkout, "show", f"{said['HEAD']}:lsekernels/a.py") == "1 by the accused"
    assert git(checkout, "status", "--porcelain") == "", "what measures is main's"
    run = script("gate.yml", "Compare with where the branch began")
    assert "--same-environments" in run, "its configuration is that of the working tree"


def test_links_and_other_repositories_in_the_package_are_refused(cloned):
    origin, checkout = cloned
    for kind, target in (("120000", "secret"), ("160000", "")):
        git(origin, "reset", "-q", "--hard", "main")
        blob = git(origin, "rev-parse", "HEAD" if not target else "HEAD:lsekernels/a.py")
        git(origin, "update-index", "--add", "--cacheinfo", f"{kind},{blob},lsekernels/z")
        git(origin, "commit", "-q", "-m", "odd")
        done = take(checkout, git(origin, "rev-parse", "HEAD"))
        assert done.returncode
        assert "links or other repositories" in done.stdout


@pytest.mark.parametrize("sha", ["main", "--upload-pack=evil", "0" * 40, "$(touch x)"])
def test_what_is_no_commit_of_the_repository_is_refused(cloned, sha):
    assert take(cloned[1], sha).returncode


def test_a_commit_without_a_common_past_is_refused(cloned):
    origin, checkout = cloned
    git(origin, "switch", "-q", "--orphan", "other")
    done = take(checkout, commit(origin, {**JUDGE, "other": ""}))
    assert done.returncode
    assert "nothing in common with main" in done.stdout


# -- the gate's comment --------------------------------------------------------------------------

COMMIT = "0123456789abcdef" + "0" * 24
LOG = "https://github.com/a/b/actions/runs/1"
ROW = {
    "benchmark": "warm.Logsumexp.track_time",
    "parameters": ["'numpy'", "1000"],
    "environment": "e",
    "unit": "seconds",
    "base": 1.5e-6,
    "head": 1.8e-6,
    "ratio": 1.2,
    "low": 1.15,
    "high": 1.25,
    "smallest": 1.02,
    "verdict": "slower",
}
FOUND = {"rows": [ROW, {**ROW, "verdict": "same"}], "findings": [], "head": "f" * 40}


@pytest.fixture
def comment(tmp_path):
    """Make the comment and the check from what the artifact has; as GitHub does, alone."""

    def make(said, name="gate.json"):
        if said is not None:
            with zipfile.ZipFile(tmp_path / "gate.zip", "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(name, said if isinstance(said, str) else json.dumps(said))
        text = script("gate.yml", "Check it, and say it in our words")
        done = bash(
            text.replace("python3", sys.executable),
            ROOT,
            COMMIT=COMMIT,
            LOG=LOG,
            HOME_PAGE="https://github.com/a/b",
            RUNNER_TEMP=str(tmp_path),
        )
        assert not done.returncode, done.stderr
        check = json.loads((tmp_path / "check.json").read_text())
        assert check["head_sha"] == COMMIT
        text = (tmp_path / "comment.md").read_text("utf-8")
        assert text.startswith("<!-- gate -->\n### Speed: ")
        assert f"{COMMIT[:12]}: [log]({LOG}), [how to read this]" in text
        return text, check["conclusion"]

    return make


def test_comment_shows_the_numbers(comment):
    text, conclusion = comment(FOUND)
    assert conclusion == "failure"
    assert text.splitlines()[1] == "### Speed: 1 slower, 1 the same"
    assert (
        "| slower | 1.5 µs | 1.8 µs | 1.200 | 1.150 to 1.250 | 2 % | "
        "`warm.Logsumexp.track_time('numpy', 1000)` |"
    ) in text
    assert "<details><summary>1 the same</summary>" in text
    assert "ffff" not in text, "what was measured is said by who has asked for it"


def test_identical_code_is_no_answer_to_what_is_undecided(comment):
    same = {**ROW, "verdict": "same", "outcome": report.IDENTICAL}
    found = {"rows": [same, {**ROW, "verdict": "undecided"}], "findings": []}
    text, said = comment(found)
    assert (said, text.splitlines()[1]) == (
        "neutral",
        "### Speed: no answer: 1 undecided, 1 of identical code",
    )
    assert comment({"rows": [same], "findings": []})[1] == "success"


@pytest.mark.parametrize(
    ("verdicts", "kinds", "conclusion", "title"),
    [
        (["same", "faster", "undecided"], [], "success", "1 faster, 1 undecided, 1 the same"),
        (["undecided", "never heard of"], [], "neutral", "no answer: 2 undecided"),
        (["same"], ["failed"], "failure", "1 the same, 1 without a value on the head only"),
        (["same"], ["new"], "success", "1 the same"),
        (["grown"], [], "failure", "1 with a larger error or more memory"),
        ([], ["failed"], "failure", "1 without a value on the head only"),
        ([], [], "neutral", "nothing was measured"),
    ],
)
def test_silence_is_not_green(comment, verdicts, kinds, conclusion, title):
    rows = [{**ROW, "verdict": verdict} for verdict in verdicts]
    findings = [{"kind": kind, "what": "x", "reason": "y"} for kind in kinds]
    text, said = comment({"rows": rows, "findings": findings})
    assert (said, text.splitlines()[1]) == (conclusion, f"### Speed: {title}")


HOSTILE = [
    "@somebody",
    "&#64;somebody &commat;x",
    "#1 GH-1 a/b#1",
    "![](https://evil/x.png)",
    "[click](https://evil)",
    "[click][1]\n\n[1]: https://evil",
    "https://evil",
    "_https://evil",
    "1https://evil",
    "ftp://evil",
    "mailto:a@evil www.evil",
    "<https://evil>",
    "<img src=//evil>",
    "</summary></details><h1>",
    "<!-- gate -->",
    "\n# Speed: all is well\n",
    "x\n===\n",
    "\n```mermaid\ngraph TD\n```\n",
    "`` ` `` @somebody",
    "a | b |\n| @somebody",
    "\\| @somebody \\",
    "\\` @somebody",
    "$`\\unicode{x}`$ $$x$$",
    "a\u202eb\x00c\u200bd\u2028# x\x85# y",
    "    indented\n> quoted\n- [ ] task",
]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_comes_from_the_machine_is_inert(comment, hostile):
    """It is code on its own line or in its own cell, or it is not there."""
    calm, _ = comment({**FOUND, "findings": [{"kind": "k", "what": "w", "reason": "r"}]})
    row = {**ROW, "benchmark": hostile, "parameters": [hostile], "unit": hostile}
    finding = {"kind": hostile, "what": hostile, "reason": hostile}
    more = {"command": hostile, "machine": hostile, "base": hostile, "head": hostile}
    rows = [row, {**row, "verdict": "same"}]
    text, _ = comment({**more, "rows": rows, "findings": [finding]})
    assert _skeleton(text) == _skeleton(calm)
    for code in re.findall("`([^`]*)`", text):
        assert code.isprintable()
        assert not set("|\\") & set(code)


def _skeleton(text):
    """Return the comment without what stands as code, and without the values beside it."""
    lines = [re.sub("`[^`\n]*`", "CODE", line) for line in text.splitlines()]
    return [re.sub(r"\| [\d.e-]+( µs)? (?=\|)", "| N ", line) for line in lines]


@pytest.mark.parametrize(
    "said",
    [
        None,
        "",
        "{",
        "[]",
        "[" * 100_000,
        '{"rows": [], "findings": [], "x": NaN}',
        {"rows": []},
        {"rows": [1], "findings": []},
        {"rows": [{**ROW, "ratio": "1"}], "findings": []},
        {"rows": [{**ROW, "ratio": True}], "findings": []},
        {"rows": [{**ROW, "head": 10**400}], "findings": []},
        {"rows": [{**ROW, "verdict": ["slower"]}], "findings": []},
        {"rows": [], "findings": [{"kind": "failed"}]},
        {"rows": "x", "findings": {}},
        " " * 6_000_000,
    ],
)
def test_what_is_not_the_gates_is_not_shown(comment, said):
    text, conclusion = comment(said)
    assert text.splitlines()[1] == "### Speed: no answer"
    assert conclusion == "neutral"
    assert "evil" not in text


def test_a_file_of_another_name_is_not_looked_at(comment, tmp_path):
    assert "Nothing was measured" in comment(FOUND, "../gate.json")[0]
    assert {file.name for file in tmp_path.iterdir()} == {"gate.zip", "comment.md", "check.json"}


def test_a_broken_archive_is_nothing(comment, tmp_path):
    comment(FOUND)
    text = (tmp_path / "gate.zip").read_bytes()
    (tmp_path / "gate.zip").write_bytes(text[:50] + b"\0" * 40 + text[90:])
    assert "### Speed: no answer" in comment(None)[0]


def test_comment_is_short_and_whole(comment):
    rows = [{**ROW, "benchmark": "x" * 400, "verdict": v} for v in ["slower", "same"] * 3000]
    text, _ = comment({"rows": rows, "findings": []})
    assert 50_000 < len(text) < 65_000
    assert text.count("<details>") == text.count("</details>")
    assert "Shortened" in text[-100:]


GH = """#!/bin/bash
echo "$*" >> calls
case "$*" in
  *"pulls/1 --jq .head.sha"*) echo "$NEWEST" ;;
esac
"""


@pytest.mark.parametrize("newest", [COMMIT, "f" * 40])
def test_only_the_newest_commit_gets_a_comment(tmp_path, newest):
    (tmp_path / "gh").write_text(GH)
    (tmp_path / "gh").chmod(0o755)
    done = bash(
        script("gate.yml", "Mark the commit, comment, and take the label off"),
        tmp_path,
        PATH=f"{tmp_path}:{os.environ['PATH']}",
        COMMIT=COMMIT,
        NUMBER="1",
        NEWEST=newest,
        REPOSITORY="repos/a/b",
        RUNNER_TEMP=str(tmp_path),
    )
    assert not done.returncode, done.stderr
    calls = (tmp_path / "calls").read_text()
    assert "check-runs" in calls
    assert ("comments -F" in calls) == ("DELETE" in calls) == (newest == COMMIT)


# -- the results of a night ------------------------------------------------------------------------


@pytest.fixture
def branch(tmp_path):
    """A repository whose branch has results, a checkout of main, and another for the check."""
    origin = tmp_path / "origin"
    origin.mkdir()
    git(origin, "init", "-q", "-b", "main")
    commit(origin, {"asv.conf.json": "{}", "results/readme": "a folder of the branch's name"})
    git(origin, "switch", "-q", "--orphan", "results")
    commit(origin, {"results/m/a.json": "1", "results/n/a.json": "1"})
    git(origin, "switch", "-q", "main")
    for name in ("check", "store"):
        git(tmp_path, "clone", "-q", "origin", name)
    (tmp_path / "checked").mkdir()
    return tmp_path


def bundled(branch, change):
    """Return what the last job says of a commit with a change."""
    check = branch / "check"
    git(check, "switch", "-q", "-C", "results", "origin/results")
    change(check)
    git(check, "add", "-A")
    git(check, "commit", "-q", "--allow-empty", "-m", "night")
    git(check, "bundle", "create", "-q", "../checked/results.bundle", "refs/heads/results")
    return bash(
        script("nightly.yml", "Look at the commit once more"),
        branch / "store",
        MACHINE="m",
        RUNNER_TEMP=str(branch),
        HOME=str(branch),
    )


def test_what_was_added_is_stored(branch):
    done = bundled(branch, lambda check: write(check, {"results/m/b c.json": "2"}))
    assert not done.returncode, done.stdout + done.stderr
    assert git(branch / "store", "show", "refs/heads/results:results/m/b c.json") == "2"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda c: write(c, {"results/n/a.json": "2"}), "not this machine's"),
        (lambda c: write(c, {"results/mm/a.json": "2"}), "not this machine's"),
        (lambda c: write(c, {".github/workflows/x.yml": "2"}), "not this machine's"),
        (lambda c: (c / "results/m/a.json").unlink(), "no file that was added"),
        (lambda c: (c / "results/m/l.json").symlink_to("/etc/passwd"), "no file that was added"),
        (lambda c: (c / "results/m/a.json").chmod(0o755), "no file that was added"),
        (lambda c: git(c, "commit", "-q", "--amend", "-m", "x"), "forgets what was there"),
    ],
)
def test_what_is_more_than_added_is_refused(branch, change, why):
    done = bundled(branch, change)
    assert done.returncode
    assert why in done.stdout


def test_a_night_becomes_a_commit_of_what_is_fit(branch):
    """The artifact has a repository in it, whose configuration would run a command."""
    night, check = branch / "results", branch / "check"
    for folder in (branch, check):
        write(folder, {"asv.conf.json": '{"version": 1, "project": "p", "repo": "."}'})
    synthetic.measure(ROOT, branch, ["a1" * 20], [("m", "pinned", "2.4.6", "1", 1, 1.0)])
    (night / "m/tuning.jsonl").write_text(json.dumps(spoiled.CHECK) + "\n")
    fit = {f"results/m/{file.name}" for file in (night / "m").iterdir()}
    (night / "m/.git").mkdir()
    (night / "m/.git/config").write_text("[core]\n\tfsmonitor = touch ran\n")
    (night / ".git").mkdir()
    (night / ".git/config").write_text("[core]\n\tfsmonitor = touch ran\n")
    (night / "m/00000000-x.json").symlink_to("/etc/passwd")
    os.mkfifo(night / "m/00000001-x.json")
    (night / "m/00000002-x.json").write_text('{"version": 2}')
    (night / "m/run.sh").write_text("")
    with (night / "m/tuning.jsonl").open("a") as stream:
        stream.write('{"half')
    text = script("nightly.yml", "Make a commit of what is fit")
    done = bash(
        text.replace(".venv/bin/python", sys.executable),
        check,
        MACHINE="m",
        RUNNER_TEMP=str(branch),
        GITHUB_OUTPUT=str(branch / "output"),
        PYTHONPATH=str(ROOT),
        HOME=str(branch),
    )
    assert not done.returncode, done.stdout + done.stderr
    assert (branch / "output").read_text() == "found=yes\n"
    stored = git(check, "diff", "--name-only", "origin/results", "refs/heads/results").split()
    assert set(stored) == {"results/benchmarks.json", *fit}, "and nothing is removed"
    for part in (".git: not a name", "00000000-x.json", "00000001-x.json", "run.sh", "cut off"):
        assert part in done.stderr
    assert not list(branch.rglob("ran"))
    shutil.copy(branch / "results.bundle", branch / "checked")
    looked = bash(
        script("nightly.yml", "Look at the commit once more"),
        branch / "store",
        MACHINE="m",
        RUNNER_TEMP=str(branch),
        HOME=str(branch),
    )
    assert not looked.returncode, looked.stdout + looked.stderr


def test_what_the_threat_table_names_is_tested():
    files = {"R": "test_runner.py", "W": "test_workflows.py", "N": "test_nightly.py"}
    text = (ROOT / "docs/github.md").read_text("utf-8")
    rows = text.split("## Who can do what")[1].split("\n## ")[0].splitlines()
    cells = [row.split(" | ")[-1] for row in rows if row.startswith("| ")][1:]
    assert len(cells) > 15
    for letter, names in re.findall(r"\b([RWN]) (`[^`]+`(?:, `[^`]+`)*)", "\n".join(cells)):
        tests = Path(__file__).with_name(files[letter]).read_text("utf-8")
        for name in re.findall("`([^`]+)`", names):
            test, _, case = name.rstrip("] \u2026").partition("[")
            assert re.search(rf"def test_\w*{test}", tests), name
            assert case in tests, name
