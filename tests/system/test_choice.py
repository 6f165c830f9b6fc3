"""The maths of a job, which the front page's script does: by Node."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from lsebench.site import write

STATIC = Path(write.__file__).parent / "static"


def in_javascript(expression):
    """Return what the page's own maths gives."""
    if not shutil.which("node"):
        pytest.skip("the maths of the page's script needs node")
    both = [(STATIC / name).read_text() for name in ("site.js", "choice.js")]
    script = "const document = { body: { dataset: {} } };\n" + "\n".join(both)
    script += f"\nconsole.log(JSON.stringify({expression}));"
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_times_between_sizes_a_decade_apart_and_none_elsewhere():
    at = "[10, 31.6227766, 1000, 9, 1001, 5000].map((n) => Site.choice.at(points, n) ?? null)"
    points = "[[1000, [4, 3, 5]], [10, [1, 0, 2]], [100, [10, 10, 10]], [100000, [1, 1, 1]]]"
    found = in_javascript(f"((points) => {at})({points})")
    assert found[0] == [1, 0, 2]
    assert found[1] == pytest.approx([10**0.5, 0, 20**0.5])
    assert found[2:] == [[4, 3, 5], None, None, None]
    assert in_javascript("Site.choice.at([[10, [1, null, null]], [100, [9, 8, 10]]], 30)")[1:] == [
        None,
        None,
    ]


def test_what_is_best_and_what_comes_first():
    rows = [
        {"tool": "slow", "total": [9, 8, 10], "missing": []},
        {"tool": "near", "total": [2, 1.4, 3], "missing": []},
        {"tool": "best", "total": [1, 0.5, 1.5], "missing": []},
        {"tool": "few samples", "total": [1.2, None, None], "missing": []},
        {"tool": "open", "total": [0.1, 0.1, 0.1], "missing": ["import"]},
    ]
    found = in_javascript(f"Site.choice.rank({json.dumps(rows)})")
    assert [(row["tool"], row["best"]) for row in found] == [
        ("best", True), ("few samples", False), ("near", True), ("slow", False), ("open", False),
    ]  # fmt: skip
    rows[3]["total"][0] = 0.9
    found = in_javascript(f"Site.choice.rank({json.dumps(rows)})")
    assert not any(row["best"] for row in found), "the least has no interval"


def test_total_has_an_interval_where_all_parts_have():
    parts = '[[1, 0.5, 2], "import", [3, 3, 3]]'
    assert in_javascript(f"Site.choice.total({parts})") == [4, 3.5, 5]
    assert in_javascript("Site.choice.total([[1, 0.5, 2], [3, null, null]])") == [4, None, None]
    little = in_javascript("Site.choice.total([[1000, 900, 1100], [2, null, null]])")
    assert little == [1002, 900, 1106], "too little to matter"
    assert in_javascript("Site.choice.times([1, null, null], 7)") == [7, None, None]


def test_colours():
    best = "[1, 0.9, 1.1]"
    times = [[1.1, 1.0, 1.2], [1.5, 1.4, 1.6], [3, 2.9, 3.1], [15, 14, 16], [50, 49, 51]]
    found = in_javascript(f"{json.dumps(times)}.map((time) => Site.choice.grade(time, {best}))")
    assert found == [0, 1, 2, 3, 4]
    assert in_javascript(f"Site.choice.grade([9, null, null], {best}) ?? null") is None


@pytest.mark.parametrize(
    ("text", "number"),
    [("1e5", 100_000), ("100_000", 100_000), ("100,000", 100_000), (" 100 000 ", 100_000),
     ("1E+7", 10_000_000), ("2.5e3", 2500), ("7", 7), ("0", None), ("-3", None), ("1.5", None),
     ("ten", None), ("", None), ("1e400", None), ("0x10", None)],
)  # fmt: skip
def test_numbers_as_people_write_them(text, number):
    assert in_javascript(f"Site.whole({json.dumps(text)}) ?? null") == number
