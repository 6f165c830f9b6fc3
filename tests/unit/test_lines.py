"""Files of JSON by lines, also where a machine went down in the middle of one."""

import json
import multiprocessing
from dataclasses import dataclass

import pytest

from lsebench.records import asv_files, stored
from lsebench.site.rows import changes, claims, incidents

from .. import spoiled


@dataclass(frozen=True, kw_only=True)
class Some(stored.Record):
    FILE = "some.jsonl"
    n: int
    text: str = ""


def numbers(place):
    return [some.n for some in Some.read(place)]


@pytest.fixture
def said(monkeypatch):
    """What was warned of."""
    found = []
    monkeypatch.setattr(stored.log, "warning", found.append)
    return found


def test_half_a_line_is_left_out_and_named(tmp_path, said):
    assert numbers(tmp_path) == []
    assert Some.last(tmp_path) is None
    Some(n=1).append(tmp_path)
    with Some.path(tmp_path).open("a") as stream:
        stream.write('{"n": 2, "te')
    assert numbers(tmp_path) == [1]
    assert said == [f"{tmp_path}/some.jsonl, line 2, is left out: it is no record: cut off?"]
    Some(n=3).append(tmp_path)
    assert numbers(tmp_path) == [1, 3]
    Some(n=4).append(tmp_path)
    assert numbers(tmp_path) == [1, 3, 4]
    assert Some.last(tmp_path) == Some(n=4)


@pytest.mark.parametrize(
    "line",
    ["3", "null", "[]", "\x00\x00", '"text"', "{", "{}", '{"n": "1"}', '{"n": 1, "text": 2}'],
)
def test_what_is_no_record_is_left_out_and_named(tmp_path, said, line):
    Some.path(tmp_path).write_text(f'{{"n": 1}}\n{line}\n\n{{"n": 2, "of later": null}}\n')
    assert numbers(tmp_path) == [1, 2]
    (only,) = said
    assert f"{tmp_path}/some.jsonl, line 2, is left out: it is no" in only


def test_replace_is_whole(tmp_path):
    Some.replace(tmp_path / "machine", [Some(n=1), Some(n=2, text="µ")])
    assert Some.read(tmp_path / "machine") == [Some(n=1), Some(n=2, text="µ")]
    assert [path.name for path in (tmp_path / "machine").iterdir()] == ["some.jsonl"]


def append(place, text):
    for n in range(100):
        Some(n=n, text=text).append(place)


def test_several_may_append_at_the_same_time(tmp_path):
    start = multiprocessing.get_context("spawn").Process
    processes = [start(target=append, args=(tmp_path, letter * 10_000)) for letter in "ab"]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert sorted(numbers(tmp_path)) == sorted([*range(100), *range(100)])


KINDS = {
    stored.State: {"since": "", "context": {}},
    stored.Facts: spoiled.FACTS,
    stored.Claim: spoiled.CLAIM,
    stored.Target: {"what": "w", "target": "none", "verdict": ""},
    stored.Tuning: spoiled.CHECK,
    stored.Night: spoiled.NIGHT,
    stored.Incident: spoiled.INCIDENT,
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_read_is_written_with_the_same_keys(kind):
    found = KINDS[kind]
    record = kind.from_json(found)
    written = json.loads(json.dumps(record.to_json()))
    assert kind.unfit(written) == ""
    assert found.items() <= written.items()
    assert kind.from_json(written) == record


def test_what_is_tracked_is_read_and_written_as_it_is(root, said):
    kinds = (*KINDS, stored.PowerRun)
    for kind in kinds:
        if kind in (stored.State, stored.Facts):
            continue
        for file in (root / "results").glob(f"*/{kind.FILE}"):
            texts = [json.loads(line) for line in file.read_text().splitlines()]
            if issubclass(kind, stored.Line):
                del texts[0]
            assert [record.to_json() for record in kind.read(file.parent)] == texts
    for file in asv_files.benchmarks(root / "results").parent.glob(f"*/*{stored.State.FILE}"):
        place = file.with_name(file.name.removesuffix(stored.State.FILE) + ".json")
        lines_of = [json.loads(line) for line in file.read_text().splitlines()]
        assert [state.to_json() for state in stored.State.read(place)] == lines_of
    assert said == []


def test_no_page_stops_at_half_a_line(tmp_path):
    (tmp_path / "m").mkdir()
    text = "".join(json.dumps(one) + "\n" for one in (spoiled.FACTS, spoiled.CLAIM))
    (tmp_path / "m" / "claims.jsonl").write_text(text + '{"what": "ha')
    (table,) = claims.site({}, tmp_path)
    assert [line["what"] for line in table["lines"] if line["measured"]] == [spoiled.CLAIM["what"]]
    (tmp_path / "m" / "incidents.jsonl").write_text('{"benchmark": "warm')
    history = changes.History([], tmp_path, None, {"warm": {}}, {})
    assert incidents.confirmed(history) == []
