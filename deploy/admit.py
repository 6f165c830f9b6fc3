"""Whether a commit of a pull request may be measured on this machine; if so, starts that one job.

Run by lsekernels-poller.timer, as a user of its own, who has the only token; nothing here runs
anything of a pull request. A commit is admitted where all of this holds, as GitHub tells it:

- the pull request is open, no draft, and goes to main of this repository;
- a maintainer's newest review approves exactly its newest commit, and no maintainer's newest review
  asks for changes (a maintainer is who may push to the repository);
- a maintainer has set the label after that review;
- the tests have passed on that commit;
- that label, on that commit, was not served before.

Then a runner that takes one job is registered, whose name and only label nobody can guess, and when
it waits for a job, gate.yml of main is asked to run on it: no other job knows the name by then.
Whatever cannot be asked or understood admits nothing.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import re
import secrets
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

LABEL, BRANCH = "benchmark", "main"
GATE, NIGHTLY, TESTS = "gate.yml", "nightly.yml", "tests.yml"
MAINTAINERS = {"admin", "write"}
"""GitHub's old word for *maintain* is write, and read for *triage*."""
SECONDS = 20.0
"""That GitHub may take to answer."""
MOST = 5_000_000
"""Bytes of an answer."""
PAGES = 20
"""Of 100 each; what has more is nothing that a maintainer has looked through."""
DECISIVE = {"APPROVED", "CHANGES_REQUESTED", "DISMISSED"}
"""States of reviews that replace the one before; a comment does not."""
NONSENSE = (LookupError, TypeError, ValueError, AttributeError, RecursionError)
"""What Python says to an answer that has not the shape of GitHub's."""


class Refused(Exception):
    """Why a pull request is not measured."""


class Failed(Exception):
    """Why GitHub could not be asked."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The token goes to one place only."""

    def redirect_request(self, *_: Any) -> None:
        return None


@dataclass
class GitHub:
    """What is asked of GitHub's API."""

    api: str
    repository: str
    token: str
    runners: str
    """``repos/OWNER/NAME``, or ``orgs/NAME``: who the runners belong to."""
    seconds: float = SECONDS
    _rights: dict[str, bool] = field(default_factory=dict)

    def ask(self, path: str, body: Any = None, method: str | None = None, **query: Any) -> Any:
        """Return the answer to a request; None where there is none to tell."""
        url = f"{self.api}/{path}"
        if query:
            url += f"?{urllib.parse.urlencode(query)}"
        request = urllib.request.Request(
            url,
            None if body is None else json.dumps(body).encode(),
            {
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                "User-Agent": "lsekernels-poller",
                "X-GitHub-Api-Version": "2022-11-28",
            },
            method=method,
        )
        try:
            with urllib.request.build_opener(_NoRedirect).open(request, timeout=self.seconds) as it:
                text = it.read(MOST + 1)
        except urllib.error.HTTPError as error:
            error.close()
            raise Failed(f"{path}: GitHub says {error.code}") from error
        except OSError as error:  # a time-out, too
            raise Failed(f"{path}: {error}") from error
        except Exception as error:  # http.client's own: an answer that breaks off, or is no HTTP
            raise Failed(f"{path}: {type(error).__name__}") from error
        if len(text) > MOST:
            raise Failed(f"{path}: the answer is too long")
        try:
            return json.loads(text) if text.strip() else None
        except (ValueError, RecursionError):
            raise Failed(f"{path}: the answer is no JSON") from None

    def here(self, path: str, body: Any = None, **query: Any) -> Any:
        """Return what GitHub says of the repository."""
        return self.ask(f"repos/{self.repository}/{path}", body, **query)

    def all(self, path: str, **query: Any) -> list[Any]:
        """Return all pages of a list."""
        found: list[Any] = []
        for page in range(1, PAGES + 1):
            part = self.here(path, per_page=100, page=page, **query)
            if not isinstance(part, list):
                raise Failed(f"{path}: the answer is no list")
            found += part
            if len(part) < 100:
                return found
        raise Failed(f"{path}: more than {PAGES} pages")

    def maintains(self, user: Any) -> bool:
        """Return whether a user may push to the repository; nobody who is unknown may."""
        name = user["login"] if user else ""
        if not re.fullmatch(r"[A-Za-z0-9-]{1,39}", name):  # not a bot, nor who has left
            return False
        if name not in self._rights:
            try:
                said = self.here(f"collaborators/{name}/permission")
            except Failed as error:
                cause = error.__cause__
                if not (isinstance(cause, urllib.error.HTTPError) and cause.code == 404):
                    raise
                said = {"permission": "none"}
            self._rights[name] = said["permission"] in MAINTAINERS
        return self._rights[name]


@dataclass(frozen=True)
class Admitted:
    """A commit that may be measured, once."""

    number: int
    commit: str
    label: int
    """The event that set it: set again, it is another."""

    @property
    def line(self) -> str:
        """Return how it is recorded."""
        return f"{self.commit} #{self.number} label {self.label}"


def judge(github: GitHub, number: int, done: set[str]) -> Admitted:
    """Return the commit of a pull request that may be measured.

    Raises
    ------
    Refused
        It may not.
    Failed
        GitHub could not be asked, or what it says makes no sense.
    """
    pull = github.here(f"pulls/{number}")
    base, commit = pull["base"], pull["head"]["sha"]
    if pull["number"] != number or not re.fullmatch("[0-9a-f]{40}", commit):
        raise Failed(f"pulls/{number}: the answer makes no sense")
    if pull["state"] != "open" or pull["draft"] is not False:
        raise Refused("it is closed, or a draft")
    if base["ref"] != BRANCH or base["repo"]["full_name"].lower() != github.repository.lower():
        raise Refused(f"it does not go to {BRANCH} of {github.repository}")
    label = _label(github, number)
    admitted = Admitted(number, commit, whole(label["id"]))
    if admitted.line in done:
        raise Refused(f"{commit} was measured for this label: set it again to have it once more")
    if not github.maintains(label["actor"]):
        raise Refused("no maintainer has set the label")
    approved = _approval(github, number, commit)
    if moment(label["created_at"]) < approved:
        raise Refused(f"the label was set before {commit} was approved: set it again")
    passed = github.here(
        f"actions/workflows/{TESTS}/runs", head_sha=commit, event="pull_request", status="success"
    )
    if whole(passed["total_count"]) < 1:
        raise Refused(f"the tests have not passed on {commit} yet")
    return admitted


def _label(github: GitHub, number: int) -> Any:
    """Return the event that has set the label last."""
    events = [
        event
        for event in github.all(f"issues/{number}/events")
        if event["event"] in ("labeled", "unlabeled") and event["label"]["name"] == LABEL
    ]
    last = max(events, key=lambda e: (moment(e["created_at"]), whole(e["id"])), default=None)
    if last is None or last["event"] != "labeled":
        raise Refused("it has no label")
    return last


def _approval(github: GitHub, number: int, commit: str) -> str:
    """Return when a maintainer first approved exactly this commit, as GitHub's clock has it."""
    newest: dict[str, Any] = {}
    for review in github.all(f"pulls/{number}/reviews"):
        if review["state"] in DECISIVE and review["user"]:
            name, before = review["user"]["login"], newest.get(review["user"]["login"])
            if not before or moment(before["submitted_at"]) <= moment(review["submitted_at"]):
                newest[name] = review
    wanted = [one for one in newest.values() if one["state"] != "DISMISSED"]
    decided = [
        one
        for one in wanted
        if one["state"] == "CHANGES_REQUESTED" or one["commit_id"] == commit
        if github.maintains(one["user"])
    ]
    if any(one["state"] == "CHANGES_REQUESTED" for one in decided):
        raise Refused("a maintainer asks for changes")
    if not decided:
        raise Refused(f"no maintainer has approved {commit}")
    return min(moment(one["submitted_at"]) for one in decided)


def moment(text: str) -> str:
    """Return a time as GitHub writes it, all of one length: they compare as texts."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text):
        raise ValueError(f"{text!r} is no time")
    return text


def whole(found: Any) -> int:
    """Return a number that is whole; nothing else is one, not even True."""
    if type(found) is not int:
        raise TypeError(f"{found!r} is no whole number")
    return found


def start(
    github: GitHub,
    workflow: str,
    inputs: dict[str, str],
    group: int,
    file: Path,
    wait: Callable[[float], object] = time.sleep,
    patience: int = 60,
) -> None:
    """Register a runner for one job, hand it to root by `file`, and ask for that job.

    The job is asked for when the runner waits for it. Were it the other way round, all could read
    the runner's name in the list of jobs, and ask for it in a workflow of their own.

    Raises
    ------
    Failed
        Then the runner is registered no more.
    """
    name = f"lsekernels-{secrets.token_hex(16)}"
    made = github.ask(
        f"{github.runners}/actions/runners/generate-jitconfig",
        {"name": name, "runner_group_id": group, "labels": [name]},
    )
    runner = f"{github.runners}/actions/runners/{whole(made['runner']['id'])}"
    try:
        if [label["name"] for label in github.ask(runner)["labels"]] != [name]:
            raise Failed("GitHub gave the runner labels for which others may ask")
        config = made["encoded_jit_config"]
        if not re.fullmatch(r"[A-Za-z0-9+/=_-]+", config):
            raise Failed("the runner's configuration makes no sense")
        beside = file.with_suffix(".new")
        beside.unlink(missing_ok=True)
        beside.touch(mode=0o600)
        beside.write_text(config)
        beside.replace(file)  # lsekernels-runner.path sees it whole
        for _ in range(patience):
            if github.ask(runner)["status"] == "online":
                break
            wait(2)
        else:
            raise Failed("the runner does not come up: journalctl -u lsekernels-runner")
        github.here(
            f"actions/workflows/{workflow}/dispatches",
            {"ref": BRANCH, "inputs": {**inputs, "runner": name}},
        )
    except BaseException:
        file.unlink(missing_ok=True)
        github.ask(runner, method="DELETE")  # where it waits, it ends
        raise


def is_free(lock: Path, file: Path) -> bool:
    """Return whether nothing is measured, and no runner waits to be started."""
    if file.exists():
        return False
    with lock.open() as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def record(done: Path, line: str) -> None:
    """Write down, before anything is started, what is never to be started again."""
    with done.open("a") as stream:
        stream.write(f"{line}\n")
        stream.flush()
        os.fsync(stream.fileno())


def poll(github: GitHub, options: argparse.Namespace, today: datetime) -> int:
    """Start what may be started, one job at most; return the exit code."""
    done, file = options.state / "done", options.run / "jitconfig"
    if not is_free(options.lock, file):
        return 0
    known = set(done.read_text().splitlines()) if done.exists() else set()
    night = f"night of {today:%Y-%m-%d}"
    if options.nightly is not None and today.hour >= options.nightly and night not in known:
        record(done, night)
        start(github, NIGHTLY, {}, options.group, file)
        return 0
    failed = False
    for issue in github.all("issues", labels=LABEL, state="open"):
        number = None
        try:
            number = whole(issue["number"])
            if "pull_request" not in issue:
                continue
            found = judge(github, number, known)
            print(f"#{number}: {found.commit} is measured", flush=True)
            record(done, found.line)
            inputs = {"number": str(number), "commit": found.commit}
            start(github, GATE, inputs, options.group, file)
            break
        except Refused as why:
            print(f"#{number} is not measured: {why}", flush=True)
        except (Failed, *NONSENSE) as error:
            failed = True
            print(f"#{number}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            if file.exists():
                break
    return int(failed)


def main(arguments: list[str] | None = None) -> int:
    """Look once; return 0, or 1 where something could not be asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add = parser.add_argument
    add("repository", metavar="OWNER/NAME")
    add("--api", default="https://api.github.com", help="(%(default)s)")
    add("--token", type=Path, required=True, metavar="FILE")
    add("--state", type=Path, required=True, metavar="DIR", help="what was started is kept there")
    add("--run", type=Path, required=True, metavar="DIR", help="the runner's configuration")
    add("--lock", type=Path, required=True, metavar="FILE", help="held by whatever measures")
    add("--organization", metavar="NAME", help="whose runners are used; else the repository's")
    add("--group", type=int, default=1, metavar="ID", help="of runners (%(default)s)")
    add("--nightly", type=int, metavar="HOUR", help="start nightly.yml, too, from HOUR (UTC) on")
    options = parser.parse_args(arguments)
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", options.repository, re.ASCII):
        parser.error(f"{options.repository!r} is not OWNER/NAME")
    owner = f"repos/{options.repository}"
    if options.organization:
        owner = f"orgs/{options.organization}"
    token = options.token.read_text().strip()
    github = GitHub(options.api.rstrip("/"), options.repository, token, owner)
    try:
        return poll(github, options, datetime.now(UTC))
    except (Failed, *NONSENSE) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
