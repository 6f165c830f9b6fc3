"""The old site stays until the new one is whole."""

import os
import re
import signal
import subprocess
import sys

import pytest

from .. import synthetic

PLUGIN = """
import os, signal
from asv.publishing import OutputPublisher

class Broken(OutputPublisher):
    name = button_label = description = "broken"

    @classmethod
    def publish(cls, conf, *_):
        assert os.listdir(conf.html_dir)
        {}
"""


@pytest.fixture
def folder(root, tmp_path):
    """A repository with results, and a site from before."""
    place = tmp_path / "repository"
    commits = synthetic.repository(place, ["Start"])
    synthetic.measure(root, place, commits, [("m", "pinned", "2.4.6", "1", 1, 1.0)])
    (place / "html/old.html").write_text("old")
    (place / ".git/info/exclude").write_text("/results\n/asv.conf.json\n/broken.py\n__pycache__\n")
    return place


def publish(root, folder, **options):
    return synthetic.publish(root, folder, module="lsebench", **options)


def break_with(folder, statement):
    (folder / "broken.py").write_text(PLUGIN.format(statement))
    conf = folder / "asv.conf.json"
    conf.write_text(
        conf.read_text().replace('".lsebench.site.plugin"', '".lsebench.site.plugin", ".broken"')
    )


def clean(folder):
    return not synthetic.git(folder, "status", "--porcelain") and not list(folder.glob(".html-*"))


def test_a_new_site_takes_the_place_of_the_old(root, folder):
    done = publish(root, folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Open html/index.html" in done.stdout
    assert (folder / "html/index.html").exists()
    assert not (folder / "html/old.html").exists()
    assert clean(folder)


def test_it_says_where_this_machines_numbers_are(root, folder, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "#machine" not in publish(root, folder).stdout  # it has measured nothing
    # What asv writes when it is told a name for this machine.
    (tmp_path / ".asv-machine.json").write_text('{"m": {"machine": "m"}, "version": 1}')
    page = (folder / "html/index.html").as_uri()
    assert f"{page}#machine=m\n" in publish(root, folder).stdout
    # The pages call it m/here, and do not open with it.
    for result in (folder / "results/m").glob("*-*.json"):
        result.write_text(result.read_text().replace("pinned-", "here-"))
    assert "#machine" not in publish(root, folder).stdout


def test_asv_itself_publishes_too(root, folder):
    assert synthetic.publish(root, folder).returncode == 0
    assert (folder / "html/index.html").exists()
    assert clean(folder)


def unreadable(folder):
    (folder / "results/benchmarks.json").write_text("{")


@pytest.mark.parametrize(
    "spoil", [unreadable, lambda folder: break_with(folder, "raise ValueError('a page')")]
)
def test_a_failed_publish_leaves_the_old_site(root, folder, spoil):
    spoil(folder)
    done = publish(root, folder)
    assert done.returncode == 1
    assert "what was in html is still there" in done.stderr
    assert synthetic.publish(root, folder).returncode == 1, "plain asv"
    assert (folder / "html/old.html").read_text() == "old"
    assert clean(folder)


def test_an_interrupted_publish_leaves_the_old_site(root, folder):
    break_with(folder, "os.killpg(0, signal.SIGINT)")  # as Ctrl-C does
    done = publish(root, folder, start_new_session=True)
    assert done.returncode == 128 + signal.SIGINT, done.stdout + done.stderr
    assert (folder / "html/old.html").read_text() == "old"
    assert clean(folder)


def test_a_swap_that_fails_is_undone(tmp_path):
    from lsebench.site.whole import replace

    site = tmp_path / "html"
    site.mkdir()
    (site / "old.html").touch()
    with pytest.raises(FileNotFoundError):
        replace(site, tmp_path / "missing", tmp_path / "aside")
    assert os.listdir(site) == ["old.html"]


def test_git_ignores_the_new_site_in_the_making(root):
    command = ["git", "check-ignore", "-q", ".html-abc/new/.gitignore"]
    assert subprocess.run(command, cwd=root).returncode == 0


def test_pictures_are_small_and_complete(root):
    files = sorted((root / "docs/pictures").iterdir())
    assert {file.suffix for file in files} == {".svg"}
    assert all(0 < file.stat().st_size < 300_000 for file in files)
    assert not [file for file in files if b"http" in without_names(file)]


def without_names(file):
    """Return an SVG without the names of its XML dialects, which look like addresses."""
    return re.sub(rb'xmlns(:\w+)?="[^"]*"', b"", file.read_bytes())


def test_a_picture_needs_results(root, tmp_path):
    command = [sys.executable, "-m", "lsebench", "pictures"]
    env = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 4
    assert "nothing to draw yet" in done.stderr
