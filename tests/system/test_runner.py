"""Who decides what runs on the machine: deploy/admit.py, asked by a made-up GitHub on loopback."""

import argparse
import contextlib
import fcntl
import importlib.util
import json
import os
import re
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
HEAD, OTHER = "a" * 40, "b" * 40
LABEL = "2026-01-01T12:05:00Z"
MAINTAINERS = {"ada": "admin", "max": "write", "tri": "read", "eve": "none"}
REPOSITORY = "o/r"


@pytest.fixture(scope="session")
def admit():
    """The program as a module."""
    spec = importlib.util.spec_from_file_location("admit", DEPLOY / "admit.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["admit"] = module
    spec.loader.exec_module(module)
    return module


def label(time=LABEL, by="ada", event="labeled", name="benchmark", number=77):
    actor = by and {"login": by}
    return {
        "id": number,
        "event": event,
        "actor": actor,
        "label": {"name": name},
        "created_at": time,
    }


def review(by="max", state="APPROVED", commit=HEAD, time="2026-01-01T12:00:00Z"):
    user = by and {"login": by}
    return {"user": user, "state": state, "commit_id": commit, "submitted_at": time}


class GitHub:
    """What GitHub would say, and what it was asked to do."""

    def __init__(self):
        base = {"ref": "main", "repo": {"full_name": "O/r"}}
        self.pull = {
            "number": 1,
            "state": "open",
            "draft": False,
            "base": base,
            "head": {"sha": HEAD},
        }
        self.events, self.reviews, self.passed = [label()], [review()], 1
        self.online, self.delay, self.instead, self.done = 1, 0.0, {}, []
        self.issues = [{"number": 1, "pull_request": {}}]
        self.more, self.states = [], []

    def answer(self, method, path, query, body):
        """Return status and answer."""
        for part, said in self.instead.items():
            if part in path:
                return said
        lists = {
            "issues": self.issues,
            "issues/1/events": self.events,
            "pulls/1/reviews": self.reviews,
        }
        path = path.removeprefix("/repos/o/r/")
        if path in lists:
            size, page = int(query["per_page"][0]), int(query["page"][0])
            return 200, lists[path][size * (page - 1) : size * page]
        if path == "pulls/1":
            return 200, self.pull
        if found := re.fullmatch("collaborators/(.+)/permission", path):
            right = MAINTAINERS.get(found[1])
            return (200, {"permission": right}) if right else (404, {})
        if path == "actions/workflows/tests.yml/runs":
            assert query == {"head_sha": [HEAD], "event": ["pull_request"], "status": ["success"]}
            return 200, {"total_count": self.passed}
        if path.endswith("generate-jitconfig"):
            self.done.append(("register", body))
            self.labels = [{"name": name} for name in [*self.more, *body["labels"]]]
            return 201, {"runner": {"id": 5}, "encoded_jit_config": "c2VjcmV0"}
        if path.endswith("actions/runners/5") and method == "DELETE":
            self.done.append(("remove", None))
            return 204, None
        if path.endswith("actions/runners/5"):
            self.online -= 1
            status = "offline" if self.online >= 0 else "online"
            return 200, {"status": status, "labels": self.labels}
        if found := re.fullmatch("actions/workflows/(.+)/dispatches", path):
            self.done.append((found[1], body))
            return 204, None
        self.done.append((path, "the token went there, too"))
        return 200, {}


@pytest.fixture
def github():
    return GitHub()


@pytest.fixture
def look(admit, github, tmp_path, monkeypatch):
    """Let it look once; return its exit code and what it has started."""

    class Handler(BaseHTTPRequestHandler):
        def reply(self):
            time.sleep(github.delay)
            asked = urlsplit(self.path)
            assert self.headers["Authorization"] == "Bearer token"
            text = self.rfile.read(int(self.headers["Content-Length"] or 0))
            github.states.append((tmp_path / "run/jitconfig").exists())
            status, said = github.answer(
                self.command, asked.path, parse_qs(asked.query), json.loads(text or "null")
            )
            body = said if isinstance(said, bytes) else b"" if said is None else json.dumps(said)
            body = body.encode() if isinstance(body, str) else body
            self.send_response(status)
            if status == 302:
                self.send_header("Location", f"http://127.0.0.1:{server.server_port}/elsewhere")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_DELETE = reply  # noqa: N815

        def log_message(self, *_):
            pass

        def handle(self):
            with contextlib.suppress(OSError):  # who asked has gone
                super().handle()

    monkeypatch.setenv("no_proxy", "*")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    for name in ("state", "run"):
        (tmp_path / name).mkdir()
    (tmp_path / "lock").touch()
    url = f"http://127.0.0.1:{server.server_port}"

    def run(hour=12, **options):
        api = admit.GitHub(url, REPOSITORY, "token", f"repos/{REPOSITORY}", seconds=0.5)
        chosen = {"nightly": None, "group": 1, "lock": tmp_path / "lock"} | options
        places = {"state": tmp_path / "state", "run": tmp_path / "run"}
        before = len(github.done)
        moment = datetime(2026, 1, 1, hour, tzinfo=UTC)
        try:
            code = admit.poll(api, argparse.Namespace(**chosen, **places), moment)
        except (admit.Failed, *admit.NONSENSE):  # main() says so, and ends with 1
            code = 1
        return code, github.done[before:]

    run.url = url
    monkeypatch.setattr(admit.start, "__defaults__", (lambda seconds: None, 3))
    yield run
    server.shutdown()
    server.server_close()


def test_what_a_maintainer_has_approved_and_labelled_is_measured_once(look, github, tmp_path):
    code, done = look()
    assert code == 0
    (_, runner), (workflow, job) = done
    assert (workflow, job["ref"]) == ("gate.yml", "main")
    assert re.fullmatch("lsekernels-[0-9a-f]{32}", runner["name"])
    assert runner["labels"] == [runner["name"]], "nobody else can ask for it"
    assert job["inputs"] == {"number": "1", "commit": HEAD, "runner": runner["name"]}
    assert (tmp_path / "run/jitconfig").read_text() == "c2VjcmV0"
    assert (tmp_path / "run/jitconfig").stat().st_mode & 0o777 == 0o600
    assert github.states[-1], "the runner waits before its name can be read in the list of jobs"
    (line,) = (tmp_path / "state/done").read_text().splitlines()
    assert line == f"{HEAD} #1 label 77"

    (tmp_path / "state/done").rename(tmp_path / "known")
    assert look() == (0, []), "its runner is there"
    (tmp_path / "known").rename(tmp_path / "state/done")
    (tmp_path / "run/jitconfig").unlink()
    assert look() == (0, []), "done"
    github.events += [label(event="unlabeled", number=78), label(number=79)]
    _, done = look()
    assert [what for what, _ in done] == ["register", "gate.yml"], "set again, it is measured again"


def test_a_push_and_a_push_back_admit_nothing_that_was_not_read(look, github, tmp_path):
    github.pull["head"]["sha"] = OTHER
    assert look() == (0, [])
    github.events += [label(event="unlabeled"), label(time="2026-01-01T13:00:00Z", number=90)]
    assert look() == (0, []), "a label does not approve"
    github.pull["head"]["sha"] = HEAD  # what was read
    assert [what for what, _ in look()[1]] == ["register", "gate.yml"]


REFUSED = {
    "closed": lambda g: g.pull.update(state="closed"),
    "a draft": lambda g: g.pull.update(draft=True),
    "not to main": lambda g: g.pull["base"].update(ref="other"),
    "not to this repository": lambda g: g.pull["base"]["repo"].update(full_name="eve/r"),
    "no label": lambda g: g.events.clear(),
    "another label": lambda g: g.events.__setitem__(0, label(name="docs")),
    "the label is off again": lambda g: g.events.append(label(event="unlabeled", number=78)),
    "labelled by triage": lambda g: g.events.__setitem__(0, label(by="tri")),
    "labelled by a stranger": lambda g: g.events.__setitem__(0, label(by="stranger")),
    "labelled by a bot": lambda g: g.events.__setitem__(0, label(by="github-actions[bot]")),
    "labelled by one who left": lambda g: g.events.__setitem__(0, label(by=None)),
    "labelled again by a stranger": lambda g: g.events.append(label(by="stranger", number=78)),
    "labelled before the review": lambda g: g.events.__setitem__(
        0, label(time="2026-01-01T11:59:59Z")
    ),
    "no review": lambda g: g.reviews.clear(),
    "another commit reviewed": lambda g: g.reviews.__setitem__(0, review(commit=OTHER)),
    "approved by triage": lambda g: g.reviews.__setitem__(0, review(by="tri")),
    "approved by a stranger": lambda g: g.reviews.__setitem__(0, review(by="stranger")),
    "approved by one who left": lambda g: g.reviews.__setitem__(0, review(by=None)),
    "only commented": lambda g: g.reviews.__setitem__(0, review(state="COMMENTED")),
    "dismissed": lambda g: g.reviews.__setitem__(0, review(state="DISMISSED")),
    "dismissed later": lambda g: g.reviews.append(
        review(state="DISMISSED", time="2026-01-01T12:01:00Z")
    ),
    "changes asked for later": lambda g: g.reviews.append(
        review(state="CHANGES_REQUESTED", time="2026-01-01T12:01:00Z")
    ),
    "changes asked for by another": lambda g: g.reviews.append(
        review(by="ada", state="CHANGES_REQUESTED", commit=OTHER, time="2026-01-01T11:00:00Z")
    ),
    "approved another commit since": lambda g: g.reviews.append(
        review(commit=OTHER, time="2026-01-01T12:01:00Z")
    ),
    "tests not passed": lambda g: setattr(g, "passed", 0),
    "an issue": lambda g: g.issues.__setitem__(0, {"number": 1}),
}


@pytest.mark.parametrize("why", REFUSED)
def test_refused(look, github, why, tmp_path):
    REFUSED[why](github)
    assert look() == (0, [])
    assert not (tmp_path / "state/done").exists()
    assert not (tmp_path / "run/jitconfig").exists()


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (place, said)
        for place in (
            "/issues",
            "/pulls/1",
            "/events",
            "/reviews",
            "/permission",
            "tests.yml",
            "generate-jitconfig",
        )
        for said in (
            (500, {"message": "no"}),
            (403, {"message": "rate limit"}),
            (200, b"{"),
            (200, b"[" * 100_000),
            (200, b""),
            (200, {"unexpected": True}),
            (200, [None]),
            (200, "x"),
            (302, {}),
        )
    ]
    + [
        ("/permission", (200, {"permission": ["admin"]})),
        ("tests.yml", (200, {"total_count": True})),
    ]
    + [("/pulls/1", (200, {"number": 1, "head": {"sha": "main"}, "base": {}}))],
)
def test_an_answer_that_is_none_admits_nothing(look, github, place, said, tmp_path):
    github.instead[place] = said
    code, done = look()
    assert (code, done) == (1, [])
    assert not (tmp_path / "run/jitconfig").exists()


def test_an_answer_too_long_or_too_late_admits_nothing(look, github):
    github.instead["/reviews"] = 200, json.dumps(github.reviews).encode() + b" " * 5_000_000
    assert look() == (1, [])
    github.instead.clear()
    github.delay = 1.0
    assert look() == (1, [])


def test_lists_are_read_to_their_end(look, github):
    github.events = [label(name=f"l{i}", number=i) for i in range(250)] + [label(number=300)]
    github.reviews = [review(by="eve", commit=OTHER) for _ in range(100)] + [review()]
    assert [what for what, _ in look()[1]] == ["register", "gate.yml"]
    github.events.append(label(event="unlabeled", number=301))
    assert look()[1] == []
    github.events = [label(number=i) for i in range(2001)]
    assert look()[1] == [], "without end"


def test_one_that_makes_no_sense_does_not_stop_the_next(look, github):
    github.issues.insert(0, {"number": "1"})
    code, done = look()
    assert code == 1
    assert [what for what, _ in done] == ["register", "gate.yml"]


def test_a_runner_that_does_not_come_up_is_removed_and_no_job_asked_for(look, github, tmp_path):
    github.online = 99
    code, done = look()
    assert (code, [what for what, _ in done]) == (1, ["register", "remove"])
    assert not (tmp_path / "run/jitconfig").exists()
    github.online = 0
    assert look() == (0, []), "it is recorded before anything is started"


def test_a_runner_for_which_others_could_ask_is_removed(look, github, tmp_path):
    github.more = ["self-hosted"]
    code, done = look()
    assert (code, [what for what, _ in done]) == (1, ["register", "remove"])
    assert not any(github.states), "root was not told of it"


def test_a_runner_whose_job_cannot_be_asked_for_is_removed(look, github, tmp_path):
    github.instead["dispatches"] = 422, {}
    code, done = look()
    assert (code, [what for what, _ in done]) == (1, ["register", "remove"])
    assert not (tmp_path / "run/jitconfig").exists()


def test_nothing_is_started_while_something_is_measured(look, github, tmp_path):
    with (tmp_path / "lock").open() as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        assert look() == (0, [])
    assert look()[1]


def test_a_night_is_started_once_a_day(look, github, tmp_path):
    github.issues.clear()
    assert look(hour=1, nightly=2) == (0, [])
    code, ((_, runner), (workflow, job)) = look(hour=2, nightly=2)
    assert (code, workflow, job["inputs"]) == (0, "nightly.yml", {"runner": runner["name"]})
    (tmp_path / "run/jitconfig").unlink()
    assert look(hour=3, nightly=2) == (0, [])


def test_the_program_as_systemd_calls_it(look, github, tmp_path):
    (tmp_path / "token").write_text("token\n")
    unit = (DEPLOY / "lsekernels-poller.service").read_text().replace("\\\n", " ")
    command = re.search(r"^ExecStart=(.*)$", unit, re.M)[1].split()
    github.reviews.clear()
    known = {
        "/usr/bin/python3": sys.executable,
        "/usr/local/lib/lsekernels/admit.py": str(DEPLOY / "admit.py"),
        "${REPOSITORY}": REPOSITORY,
        "${CREDENTIALS_DIRECTORY}/token": str(tmp_path / "token"),
        "/var/lib/lsekernels-poller": str(tmp_path / "state"),
        "/run/lsekernels-poller": str(tmp_path / "run"),
        "/run/lsekernels/benchmark": str(tmp_path / "lock"),
        "$OPTIONS": f"--api={look.url}",
    }
    done = subprocess.run([known.get(w, w) for w in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"#1 is not measured: no maintainer has approved {HEAD}\n"


# -- the runner --------------------------------------------------------------------------------


def runner(tmp_path, run, **environ):
    """Call what starts the runner, with one of our own in its place."""
    (tmp_path / "jitconfig").write_text("c2VjcmV0")
    (tmp_path / "run.sh").write_text(f"#!/bin/bash\n{run}\n")
    (tmp_path / "run.sh").chmod(0o755)
    own = {"STATE_DIRECTORY": str(tmp_path), "CREDENTIALS_DIRECTORY": str(tmp_path)}
    with subprocess.Popen(
        [DEPLOY / "run-one-job.sh"],
        env={**os.environ, **own, **environ},
        start_new_session=True,
        stderr=subprocess.PIPE,
    ) as process:
        code = process.wait(60)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)  # as systemd does
    return code


def test_the_runner_gets_its_configuration_and_ends_with_its_job(tmp_path):
    job = "exec -a Runner.Worker-test sleep 1"
    assert runner(tmp_path, f'echo "$@" > got; ({job}); exit 7', PATIENCE="30") == 7
    assert (tmp_path / "got").read_text() == "--jitconfig c2VjcmV0\n"


def test_a_runner_without_a_job_ends(tmp_path):
    if subprocess.run(["pgrep", "--full", "Runner.Worker"], capture_output=True).returncode == 0:
        pytest.skip("a real runner is at work here")
    assert runner(tmp_path, "sleep 30", PATIENCE="1") == 1


def test_all_that_a_job_has_left_is_thrown_away_and_nothing_else(tmp_path):
    outside, real = tmp_path / "outside", tmp_path / "private"
    outside.mkdir()
    (outside / "file").touch()
    (real / "work/.git/hooks").mkdir(parents=True)
    (real / "-rf").touch()
    (real / "a\nb").touch()
    (real / "link").symlink_to(outside)
    (tmp_path / "state").symlink_to(real)  # as systemd makes it
    environ = {**os.environ, "STATE_DIRECTORY": str(tmp_path / "state")}
    subprocess.run([DEPLOY / "throw-away.sh"], env=environ, check=True)
    assert list(real.iterdir()) == []
    assert (outside / "file").exists()
    environ["STATE_DIRECTORY"] = ""
    assert subprocess.run([DEPLOY / "throw-away.sh"], env=environ, capture_output=True).returncode


# -- what systemd holds them to ----------------------------------------------------------------


def unit(name):
    """Return the settings of a unit, as name -> all its values."""
    found = {}
    for line in (DEPLOY / name).read_text().replace("\\\n", " ").splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


SERVICES = [f"lsekernels-{name}.service" for name in ("nightly", "poller", "push", "runner")]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_do_little(name):
    found = unit(name)
    wanted = {
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "ProtectHome": "yes",
        "ProtectProc": "invisible",
        "PrivateTmp": "yes",
        "RestrictNamespaces": "yes",
        "RestrictSUIDSGID": "yes",
        "CapabilityBoundingSet": "",
        "SystemCallArchitectures": "native",
    }
    assert {key: found[key] for key in wanted} == {key: [value] for key, value in wanted.items()}
    assert found["SystemCallFilter"][0] == "@system-service"
    assert {"MemoryMax", "TasksMax"} <= set(found)


def test_secrets_are_only_with_those_who_need_them():
    users = {name: unit(name).get("User", ["nobody before"])[0] for name in SERVICES}
    assert len(set(users.values())) == 4
    assert unit("lsekernels-runner.service")["DynamicUser"] == ["yes"]
    secrets = {name: unit(name).get("LoadCredential", []) for name in SERVICES}
    assert secrets == {
        "lsekernels-nightly.service": [],
        "lsekernels-poller.service": ["token:/etc/lsekernels/token"],
        "lsekernels-push.service": ["key:/etc/lsekernels/push-key"],
        # Of one runner, which it has used up when the job begins.
        "lsekernels-runner.service": ["jitconfig:/run/lsekernels-poller/jitconfig"],
    }
    for name in ("nightly", "runner"):
        hidden = " ".join(unit(f"lsekernels-{name}.service")["InaccessiblePaths"])
        assert {"-/etc/lsekernels", "-/var/lib/lsekernels-push"} <= set(hidden.split())
        assert "push" not in " ".join(unit(f"lsekernels-{name}.service")["ExecStart"])
    for name in ("poller", "push"):  # who has a secret runs nothing that others can write
        for line in unit(f"lsekernels-{name}.service")["ExecStart"]:
            assert line.startswith(("/usr/bin/python3 -I ", "/var/lib/lsekernels-push/"))


def test_the_runner_is_thrown_away_whatever_happens():
    found = unit("lsekernels-runner.service")
    away = "+/usr/local/lib/lsekernels/throw-away.sh"
    assert found["ExecStartPre"][0] == found["ExecStopPost"][0] == away
    assert found["Restart"] == ["no"]
    assert "KillMode" not in found, "else what it has started would stay"
