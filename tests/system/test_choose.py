"""The maths of the script of the page of choices, by Node."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from lsebench.site import write

SCRIPTS = Path(write.__file__).parent / "pages"


def in_javascript(expression):
    """Return what the page's own maths gives."""
    if not shutil.which("node"):
        pytest.skip("the maths of the page's script needs node")
    script = f"const Site = {{ data: {{}} }};\n{(SCRIPTS / 'choose.js').read_text()}"
    script += f"\nconsole.log(JSON.stringify({expression}));"
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_times_between_measured_sizes_and_none_beyond():
    at = "[10, 31.6227766, 1000, 9, 1001].map((n) => Site.choice.at(points, n) ?? null)"
    points = "[[1000, [4, 3, 5]], [10, [1, 0, 2]], [100, [10, 10, 10]]]"
    found = in_javascript(f"((points) => {at})({points})")
    assert found[0] == [1, 0, 2]
    assert found[1] == pytest.approx([10**0.5, 0, 20**0.5])
    assert found[2:] == [[4, 3, 5], None, None]


def test_ranks():
    rows = [
        {"tool": "slow", "total": [9, 8, 10], "missing": []},
        {"tool": "near", "total": [2, 1.4, 3], "missing": []},
        {"tool": "best", "total": [1, 0.5, 1.5], "missing": []},
        {"tool": "also slow", "total": [8, 7, 9], "missing": []},
        {"tool": "open", "total": [0.1, 0.1, 0.1], "missing": ["import not measured"]},
    ]
    found = in_javascript(f"Site.choice.rank({json.dumps(rows)})")
    assert [(row["tool"], row.get("rank")) for row in found] == [
        ("best", 1), ("near", 1), ("also slow", 3), ("slow", 3), ("open", None),
    ]  # fmt: skip


def test_total_leaves_out_what_is_only_named():
    parts = '[[1, 0.5, 2], "import not measured", [3, 3, 3]]'
    assert in_javascript(f"Site.choice.total({parts})") == [4, 3.5, 5]
    assert in_javascript("Site.choice.times([1, 2, 3], 4)") == [4, 8, 12]
