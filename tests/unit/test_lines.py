"""Files of JSON by lines, also where a machine went down in the middle of one."""

import json

import pytest

from lsebench.records import lines
from lsebench.site.rows import claims, incidents


def test_half_a_line_is_left_out_and_named(tmp_path, capsys):
    file = tmp_path / "some.jsonl"
    assert lines.read(file) == []
    lines.append(file, {"n": 1})
    with file.open("a") as stream:
        stream.write('{"n": 2, "ra')
    lines.append(file, {"n": 3})
    assert lines.read(file) == [{"n": 1}, {"n": 3}]
    lines.append(file, {"n": 4})
    assert [record["n"] for record in lines.read(file)] == [1, 3, 4]


@pytest.mark.parametrize("line", ["3", "null", "[]", "\x00\x00", '"text"', "{"])
def test_what_is_no_record_is_left_out(tmp_path, line):
    file = tmp_path / "some.jsonl"
    file.write_text(f'{{"n": 1}}\n{line}\n\n{{"n": 2}}\n')
    assert lines.read(file) == [{"n": 1}, {"n": 2}]


def test_replace_is_whole(tmp_path):
    file = tmp_path / "machine" / "some.jsonl"
    lines.replace(file, [{"n": 1}, {"µ": 2}])
    assert lines.read(file) == [{"n": 1}, {"µ": 2}]
    assert [path.name for path in file.parent.iterdir()] == ["some.jsonl"]


def test_no_page_stops_at_half_a_line(tmp_path):
    (tmp_path / "m").mkdir()
    facts = {"commit": "c" * 40, "date": "2026-01-01", "installed": {}}
    line = {"what": "w", "target": "none", "verdict": "", "measured": 1.0}
    text = "".join(json.dumps(one) + "\n" for one in (facts, line))
    (tmp_path / "m" / "claims.jsonl").write_text(text + '{"what": "ha')
    (table,) = claims.tables(tmp_path)
    assert len(table["lines"]) == 1
    (tmp_path / "m" / "incidents.jsonl").write_text('{"benchmark": "warm')
    assert incidents.confirmed(tmp_path, {"warm": {}}) == []
