"""A publication of results that are spoiled in every way, each on a machine of its own."""

import json
import re

import pytest

from .. import spoiled, synthetic

GOOD = "good"
SUITES = (spoiled.NAME, "limits.EmptyCall.track_time", "accuracy.Logsumexp.track_error")


def machine(way):
    return f"<b>{way}"


@pytest.fixture(scope="module")
def published(root, tmp_path_factory):
    """The folder in which it was published, and what that said."""
    folder = tmp_path_factory.mktemp("spoiled") / "repository"
    commits = synthetic.repository(folder, ["Start", "Next"])
    names = [GOOD, "stranger", *map(machine, spoiled.WAYS)]
    few = [suite for suite in synthetic.benchmarks(root) if suite["name"] in SUITES]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(synthetic, "benchmarks", lambda root: few)
        synthetic.measure(
            root, folder, commits, [(n, "pinned", "2.4.6", "1", 1, 1.0) for n in names]
        )
    for way, it in spoiled.WAYS.items():
        it.spoil(folder / "results" / machine(way))
    _strange(folder / "results/stranger")
    done = synthetic.publish(root, folder, module="lsebench")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done.stdout + done.stderr


def _strange(folder):
    """Make a result one of a commit that git does not know."""
    file = spoiled.stored(folder)
    found = json.loads(file.read_text()) | {"commit_hash": "f" * 40}
    file.with_name("f" * 8 + file.name[8:]).write_text(json.dumps(found))


@pytest.fixture(scope="module")
def sections(published):
    """Machine -> its part of the page, as it was written."""
    page = (published[0] / "html/machines.html").read_text()
    return dict(re.findall(r'<h2 id="([^"]*)">(.*?)(?=<h2|<footer)', page, re.S))


@pytest.fixture(scope="module")
def times(published):
    """Machine -> its warm times of logsumexp on the front page."""
    script = (published[0] / "html/data/home.js").read_text("utf-8")
    runs = json.loads(script.partition(" = ")[2].rstrip(";\n"))["runs"]
    return {
        run["machine"]: {
            (tool, dtype, size): cell and cell[0]
            for tool, dtypes in run["times"].get("logsumexp", {}).get("settled", {}).items()
            for dtype, sizes in dtypes.items()
            for size, cell in sizes.items()
        }
        for run in runs
    }


def test_nothing_stops_it(published):
    said = published[1]
    assert "Traceback" not in said
    assert f"{machine('half')}: 1 left out, see machines.html: it is no JSON as asv" in said
    assert f"{GOOD}: " not in said


def test_a_machine_of_which_nothing_is_left_out_says_nothing(sections):
    assert "Left out" not in sections[GOOD]
    assert "git lacks its commit" in sections["stranger"]


@pytest.mark.parametrize("way", spoiled.WAYS)
def test_what_is_left_out_is_named_and_the_rest_is_shown(sections, times, way):
    it = spoiled.WAYS[way]
    section = sections[machine(way).replace("<", "&lt;").replace(">", "&gt;")]
    assert it.said in section
    assert ("Left out" in section) == bool(it.said)
    good, own = times[GOOD], times.get(machine(way), {})
    same = {key for key in good if key in own and own[key] == good[key]}
    lost = len(good) - len(same)
    assert lost == {"all": len(good), "row": len(good), "one": 1, "nothing": 0}.get(it.lost, lost)
    assert set(own) <= set(good)
