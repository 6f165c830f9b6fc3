"""The front page stays light, however many commits and combinations there are."""

import json
import random

import pytest

from .. import synthetic

COMMITS, COMBINATIONS, MOST = 200, 500, 2e6
ENDS = "result", "stats_ci_99_a", "stats_ci_99_b", "stats_q_25", "stats_q_75"


def values(result):
    """Return how many combinations a result has a number of."""
    rows = (row[result["result_columns"].index("result")] for row in result["results"].values())
    return sum(value is not None and value == value for row in rows for value in row or [])


@pytest.fixture(scope="module")
def large(root, tmp_path_factory):
    """A site of many commits, made of the repository's own widest result and a little noise.

    The commits before the last two have one number only. The front page shows the newest number of
    each combination, so it has the same bytes as if they had all; to make it takes a third.
    """
    folder = tmp_path_factory.mktemp("large") / "repository"
    commits = synthetic.repository(folder, [f"Change {n}" for n in range(COMMITS)])
    results = {
        file: json.loads(file.read_text()) for file in (root / "results").glob("*/*-py3*.json")
    }
    file = max(results, key=lambda file: values(results[file]))
    assert values(results[file]) >= COMBINATIONS
    place = folder / "results" / file.parent.name
    place.mkdir(parents=True)
    for beside in ("../benchmarks.json", "machine.json", "tuning.jsonl"):
        (place / beside).write_text((file.parent / beside).read_text())
    context = file.with_suffix(".context.jsonl").read_text()
    rng = random.Random(1)
    for number, commit in enumerate(commits):
        result = json.loads(file.read_text())
        result["commit_hash"] = commit
        result["date"] = 1000 * (synthetic.FIRST_COMMIT + 86400 * number)
        if number < COMMITS - 2:
            suite = "limits.EmptyCall.track_time"
            result["results"] = {suite: result["results"][suite]}
        for row in result["results"].values():
            shake(dict(zip(result["result_columns"], row, strict=False)), rng)
        there = place / file.name.replace(file.name.partition("-")[0], commit[:8])
        there.write_text(json.dumps(result))
        there.with_suffix(".context.jsonl").write_text(context)
    done = synthetic.publish(root, folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "left out" not in done.stdout
    return folder / "html"


def shake(row, rng):
    """Change the times of a suite a little, each with its interval."""
    for place, samples in enumerate(row.get("stats_repeat") or []):
        if samples:
            factor = rng.uniform(0.98, 1.02)
            for name in ENDS:
                if row[name][place] is not None:
                    row[name][place] *= factor


def test_front_page_is_light_with_many_commits_and_combinations(visit, large):
    page = visit((large / "index.html").as_uri())
    loaded = "[...document.querySelectorAll('script, link, img')].map((one) => one.src || one.href)"
    names = {"index.html", *(url.partition("/html/")[2] for url in page.evaluate(loaded))}
    assert {"data/home.js", "data/series.js", "static/site.css"} <= names
    assert sum((large / name).stat().st_size for name in names) <= MOST
    assert page.locator("#matrix button.cell").count() > 50
    assert page.evaluate("Site.data.series.commits.length") == COMMITS
