"""The workflows on GitHub: what a pull request may run, where, and with which rights."""

import json
import os
import re
import subprocess
import zipfile
from pathlib import Path

import pytest
import yaml

from ..scratch import git

GITHUB = Path(__file__).resolve().parents[2] / ".github"
FILES = {file.name: file for file in sorted(GITHUB.glob("workflows/*.yml"))}
WORKFLOWS = {name: yaml.safe_load(file.read_text("utf-8")) for name, file in FILES.items()}
JOBS = {(name, job): text for name, w in WORKFLOWS.items() for job, text in w["jobs"].items()}
LABELLED = {"action": "labeled", "label": {"name": "benchmark"}, "head": "code"}
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
    assert set(FILES) == {"comment.yml", "gate.yml", "nightly.yml", "site.yml", "tests.yml"}


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
    own_machine = "self-hosted" in JOBS[key]["runs-on"]
    if "pull_request" in triggers(name) or own_machine:
        assert set(rights(key).values()) == {"read"}
    if own_machine:
        assert rights(key) == {"contents": "read"}
    if "write" in rights(key).values():
        for file, job, step in STEPS:
            if (file, job) == key:
                assert not re.search(r"\bmake\b|\bpip\b|\.ci/", step.get("run", ""))


def test_no_event_gives_a_pull_request_the_rights_of_main():
    assert not any("pull_request_target" in triggers(name) for name in FILES)
    assert [name for name in FILES if "workflow_run" in triggers(name)] == ["comment.yml"]
    assert not any("uses" in step for name, _, step in STEPS if name == "comment.yml")


def test_checkouts_leave_no_token_behind():
    found = [step for *_, step in STEPS if step.get("uses", "").startswith("actions/checkout@")]
    assert found
    assert all(step["with"]["persist-credentials"] is False for step in found)


def test_only_a_label_brings_a_pull_request_to_the_machine():
    own = {key for key, job in JOBS.items() if "self-hosted" in job["runs-on"]}
    assert own == {("gate.yml", "measure"), ("nightly.yml", "measure")}
    assert triggers("gate.yml") == {"pull_request": {"types": ["labeled"], "branches": ["main"]}}
    assert set(triggers("nightly.yml")) == {"schedule", "workflow_dispatch"}
    admit, measure = JOBS["gate.yml", "admit"], JOBS["gate.yml", "measure"]
    switched_on = "vars.BENCHMARK_MACHINE == 'yes' && "
    assert admit["if"] == switched_on + "github.event.label.name == 'benchmark'"
    assert measure["needs"] == "admit"
    assert JOBS["nightly.yml", "measure"]["if"].startswith(switched_on)
    # The two jobs must never share a machine's files: the nightly one would run what was left.
    assert set(measure["runs-on"]) != set(JOBS["nightly.yml", "measure"]["runs-on"])


def test_what_is_measured_is_the_commit_that_was_labelled():
    labelled = "${{ github.event.pull_request.head.sha }}"
    steps = JOBS["gate.yml", "measure"]["steps"]
    assert next(s["with"]["ref"] for s in steps if "checkout" in s.get("uses", "")) == labelled
    run = next(s for s in steps if "make gate" in s.get("run", ""))
    assert run["env"]["LABELLED"] == labelled
    assert 'HEAD="$LABELLED"' in run["run"]


@pytest.fixture
def comment(tmp_path):
    """Make the comment from an artifact's files (None: there is no artifact)."""

    def make(files):
        if files is not None:
            with zipfile.ZipFile(tmp_path / "gate.zip", "w") as archive:
                for name, text in files.items():
                    archive.writestr(name, text)
        done = bash(
            script("comment.yml", "Make it harmless"),
            tmp_path,
            COMMIT="0123456789abcdef",
            LOG="https://github.com/a/b/actions/runs/1",
            GITHUB_SERVER_URL="https://github.com",
            GITHUB_REPOSITORY="a/b",
        )
        assert not done.returncode, done.stderr
        head, _, text = (tmp_path / "comment.md").read_text("utf-8").partition("\n\n")
        assert head.startswith("<!-- gate -->\nThe gate on 01234567: ")
        return text

    return make


def test_comment_shows_the_report(comment):
    report = (
        "**1 slower**, 2 & 3 same\n\n<details>\n<summary>All</summary>\n\n"
        "| benchmark | ratio |\n|---|---|\n| `warm.F('numpy', 10)` < 1 µs | 1.05 ± 0.01 |\n\n"
        "</details>\n"
    )
    assert comment({"gate.md": report}).strip() == report.strip()


@pytest.mark.parametrize(
    "hostile",
    [
        "@somebody",
        "&#64;somebody",
        "&commat;somebody",
        "#1",
        "GH-1",
        "![](x.png)",
        "[click](x)",
        "[click][1]\n\n[1]: x",
        "https://example.org",
        "HTTP://example.org",
        "www.example.org",
        "<https://example.org>",
        "<img src=x>",
        "<IMG SRC=x>",
        "<details open>",
        "<!-- gate -->",
        "<script>",
        "</div>",
    ],
)
def test_comment_takes_the_life_out_of(comment, hostile):
    text = comment({"gate.md": hostile})
    assert hostile not in text
    assert text.replace("\u200b", "").strip() == hostile


def test_comment_drops_what_cannot_be_seen(comment):
    assert comment({"gate.md": "a\u202eb\x00c\u200bd"}).strip() == "abcd"


def test_comment_is_short_and_does_not_unpack_a_bomb(comment):
    text = comment({"gate.md": "@" * 50_000_000})
    assert 1000 < len(text) < 65_000
    assert "shortened" in text[-100:]


@pytest.mark.parametrize("files", [None, {}, {"../gate.md": "x"}])
def test_comment_says_where_there_is_no_report(comment, files):
    assert comment(files).strip() == "Nothing was measured; the log says why."


@pytest.fixture
def project(tmp_path):
    """Return the commits of a project: main, a change of the code, a change of a workflow."""
    folder = tmp_path / "a/b"
    (folder / ".github").mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    commits = []
    for file, text in ((".github/gate.yml", "admit"), ("code", "new"), (".github/gate.yml", "")):
        (folder / file).write_text(text)
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "-m", file)
        commits.append(git(folder, "rev-parse", "HEAD"))
    return dict(zip(("main", "code", "workflow"), commits, strict=True))


@pytest.mark.parametrize(
    ("jobs", "event", "content", "taken"),
    [
        ("labelled", "pull_request", LABELLED, True),
        ("labelled", "pull_request", {**LABELLED, "head": "workflow"}, False),
        ("labelled", "pull_request", {**LABELLED, "head": "nowhere"}, False),
        ("labelled", "pull_request", {"action": "labeled", "label": {"name": "docs"}}, False),
        ("labelled", "pull_request", {"action": "synchronize"}, False),
        ("labelled", "push", {}, False),
        ("labelled", "schedule", {}, False),
        ("nightly", "schedule", {}, True),
        ("nightly", "workflow_dispatch", {}, True),
        ("nightly", "pull_request", LABELLED, False),
    ],
)
@pytest.mark.parametrize("ref", ["refs/heads/main", "refs/heads/other"])
def test_machine_takes(tmp_path, project, jobs, event, content, taken, ref):
    """The hook on the machine; it refuses root too, which the tests may be: id says otherwise."""
    head = project.get(content.get("head"), 40 * "1")
    shas = {"base": {"sha": project["main"]}, "head": {"sha": head}}
    content = {**content, "pull_request": shas}
    (tmp_path / "event.json").write_text(json.dumps(content))
    (tmp_path / "id").write_text("#!/bin/sh\necho 1000\n")
    (tmp_path / "id").chmod(0o755)
    settings = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "BENCHMARK_JOBS": jobs,
        "BENCHMARK_REPOSITORY": "a/b",
        "GITHUB_REPOSITORY": "a/b",
        "GITHUB_SERVER_URL": f"file://{tmp_path}",
        "GITHUB_EVENT_NAME": event,
        "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
        "GITHUB_REF": ref,
    }

    def run(**changed):
        hook = f"bash -e {GITHUB / 'runner/job-started.sh'}"
        return bash(hook, tmp_path, **{**settings, **changed})

    taken = taken and (jobs == "labelled" or ref == "refs/heads/main")
    done = run()
    assert (done.returncode == 0) == taken, done.stderr
    assert taken or done.stdout.startswith("::error::This machine does not take the job: ")
    assert run(GITHUB_REPOSITORY="fork/b").returncode
    (tmp_path / "id").write_text("#!/bin/sh\necho 0\n")
    assert run().returncode
