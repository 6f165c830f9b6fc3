"""Nothing that is stored stops a publication, nor is it left out without a word."""

import json
import math
import random
import shutil
from itertools import product
from types import SimpleNamespace

import pytest
from asv.benchmarks import Benchmarks
from asv.graph import GraphSet
from asv.results import iter_results
from asv.util import UserError

from lsebench.records import checked
from lsebench.records.shapes import fits
from lsebench.site.rows import (
    accuracy,
    changes,
    claims,
    home,
    incidents,
    libraries,
    limits,
    machines,
    results,
)

from .. import spoiled, synthetic

COMMIT = "a1" * 20


@pytest.fixture(scope="module")
def good(root, tmp_path_factory):
    """The spoilt of one machine, in which all is as it should be."""
    folder = tmp_path_factory.mktemp("good")
    (folder / "asv.conf.json").write_text('{"version": 1, "project": "p", "repo": "."}')
    synthetic.measure(root, folder, [COMMIT], [("m", "pinned", "2.4.6", "1", 1, 1.0)])
    for name, lines in {
        "tuning.jsonl": [spoiled.CHECK],
        "heartbeat.jsonl": [spoiled.NIGHT],
        "incidents.jsonl": [spoiled.INCIDENT],
        "claims.jsonl": [spoiled.FACTS, spoiled.CLAIM],
        "speed.jsonl": [spoiled.FACTS, spoiled.TARGET],
    }.items():
        spoiled.record(name, *lines)(folder / "results/m")
    return folder / "results"


@pytest.fixture
def spoilt(good, tmp_path):
    """A copy of them, to be spoiled."""
    return shutil.copytree(good, tmp_path / "results")


def values(spoilt):
    """Return all values that asv reads, without those that are n/a."""
    found = {}
    for result in iter_results(spoilt):
        for name in result.get_all_result_keys():
            params = result.get_result_params(name)
            for key, value in zip(
                product(*params), result.get_result_value(name, params), strict=True
            ):
                if value is None or value == value:
                    found[name, key] = value
    return found


def pages(spoilt):
    """Make the numbers of all pages."""
    conf = SimpleNamespace(results_dir=str(spoilt), benchmark_dir="")
    benchmarks = Benchmarks.load(conf)
    stored = list(iter_results(str(spoilt)))
    revisions = {COMMIT: 0}
    runs = results.collect(stored, benchmarks, revisions, spoilt)
    made = [
        home.site(runs),
        accuracy.site(runs),
        libraries.site(runs, revisions, lambda commit: runs),
        claims.site(runs, spoilt),
        incidents.confirmed(changes.History(stored, spoilt, None, benchmarks, revisions)),
        limits.site(runs, spoilt),
        machines.tables(runs, GraphSet(), spoilt),
    ]
    return json.dumps(made, allow_nan=False)


def copy(spoilt):
    clean = spoilt.with_name("clean")
    left = checked.copy(spoilt, clean)
    return clean, left


def test_good_results_stay_as_they_are(spoilt):
    clean, left = copy(spoilt)
    assert left == []
    assert values(clean) == values(spoilt)
    assert len(values(clean)) > 1000
    assert {file.name for file in (clean / "m").iterdir()} == {
        file.name for file in (spoilt / "m").iterdir()
    }
    pages(clean)


@pytest.mark.parametrize("way", spoiled.WAYS)
def test_spoiled_results(spoilt, way):
    it = spoiled.WAYS[way]
    before = values(spoilt)
    it.spoil(spoilt / "m")
    clean, left = copy(spoilt)
    assert [one.machine for one in left] == ["m"] * len(left)
    assert it.said in " ".join(one.why for one in left)
    assert bool(left) == bool(it.said)
    after = values(clean)
    lost = {key for key, value in before.items() if after.get(key, math.nan) != value}
    of_row = {key for key in before if key[0] == spoiled.NAME}
    if it.lost == spoiled.SOME:
        assert {key[1][-1] for key in lost} == {"10"}
    else:
        assert (
            len(lost) == {"all": len(before), "row": len(of_row), "one": 1, "nothing": 0}[it.lost]
        )
    assert set(after) <= set(before)
    pages(clean)


@pytest.mark.parametrize("content", ["", "[]", "{", "1", '{"version": 1}', '{"version": 3}', "{}"])
def test_without_a_list_of_benchmarks_there_is_no_site(spoilt, content):
    (spoilt / "benchmarks.json").write_text(content)
    with pytest.raises(UserError, match="just-discover"):
        copy(spoilt)


@pytest.mark.parametrize(
    ("key", "value"),
    [("params", None), ("params", [["a"]]), ("params", [[1], [2], [3]]), ("unit", []),
     ("name", "x"), ("param_names", "abc"), ("version", None), ("pretty_name", [])],
)  # fmt: skip
def test_a_damaged_benchmark_is_left_out_alone(spoilt, key, value):
    before = values(spoilt)
    file = spoilt / "benchmarks.json"
    listed = json.loads(file.read_text())
    listed[spoiled.NAME][key] = value
    file.write_text(json.dumps(listed))
    clean, left = copy(spoilt)
    assert [(one.what, one.why) for one in left] == [
        (spoiled.NAME, "its description in benchmarks.json is of no use")
    ]
    assert values(clean) == {k: v for k, v in before.items() if k[0] != spoiled.NAME}
    pages(clean)


def test_a_name_that_is_no_text_or_too_long(spoilt):
    for name in (b"\xff", b"x" * 250, b"<b>"):
        shutil.copytree(spoilt / "m", spoilt / name.decode(errors="surrogateescape"))
    (spoilt / "m" / b"\xff-py.json".decode(errors="surrogateescape")).write_text("{}")
    clean, left = copy(spoilt)
    assert {one.machine[:3]: one.why for one in left if not one.file} == {
        "?": "its name is no text in UTF-8",
        "xxx": "its name is too long",
    }
    shown = machines.tables({}, GraphSet(), clean, left)
    json.dumps(shown, ensure_ascii=False).encode()


def test_a_folder_that_cannot_be_read(spoilt, monkeypatch):
    def refuse(self):
        raise PermissionError(13, "Permission denied")

    folder = checked._Folder(spoilt / "m", spoilt / "clean", {}, set())
    monkeypatch.setattr(type(spoilt), "iterdir", refuse)
    folder.copy()
    assert [one.why for one in folder.left] == ["it cannot be read: Permission denied"]


def test_a_file_that_cannot_be_read(spoilt, monkeypatch):
    def refuse(self, *_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(spoilt), "read_text", refuse)
    with pytest.raises(checked.Unfit, match="cannot be read: Permission denied"):
        checked._load(spoilt / "m/machine.json")


ANY = [
    math.inf, -math.inf, math.nan, None, True, False, "", "fast", "<b>", "\x00", [], [1], {},
    {"a": 1}, -1, 0, 1, 1e308, -1e308, 5e-324, 10**400, 2**63, [[]], [["a"]],
    "x" * 500, ["a", None], -1.5,
]  # fmt: skip


def nodes(found, way=()):
    """Yield the way to every node of some JSON."""
    if way:
        yield way
    items = found.items() if isinstance(found, dict) else enumerate(found)
    for key, value in items if isinstance(found, dict | list) else ():
        if isinstance(value, dict | list):
            yield from nodes(value, (*way, key))
        else:
            yield (*way, key)


def replaced(found, way, value):
    """Return a copy of some JSON with another node at the end of the way."""
    if not way:
        return value
    new = found.copy()
    new[way[0]] = replaced(found[way[0]], way[1:], value)
    return new


FILES = ["*-py*.json", "*.context.jsonl", "machine.json", "tuning.jsonl", "heartbeat.jsonl",
         "incidents.jsonl", "claims.jsonl", "speed.jsonl", "../benchmarks.json"]  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_any_node_may_be_anything(spoilt, name):
    dice = random.Random(20261128)
    (file,) = (spoilt / "m").glob(name) if "*" in name else [spoilt / "m" / name]
    before = values(spoilt)
    *others, text = file.read_text().splitlines() if "jsonl" in name else [file.read_text()]
    good = json.loads(text)
    # Short ways as often as long ones: most nodes are values.
    by_length = {}
    for way in nodes(good):
        by_length.setdefault(len(way), []).append(way)
    for _ in range(100):
        way, value = dice.choice(dice.choice(list(by_length.values()))), dice.choice(ANY)
        bad = replaced(good, way, value)
        file.write_text("\n".join([*others, json.dumps(bad)]))
        shutil.rmtree(spoilt.with_name("clean"), ignore_errors=True)
        try:
            clean, left = copy(spoilt)
        except UserError:
            assert way == ("version",)
            continue
        about = f"{name}: {way} is {value!r}"
        after = values(clean)
        lost = {key for key, old in before.items() if after.get(key, math.nan) != old}
        if name not in (FILES[0], FILES[-1]):
            assert not lost, about
        elif (way[0] == "results" and len(way) > 1) or name == FILES[-1]:
            of = way[1] if way[0] == "results" else way[0]
            assert {key[0] for key in lost} <= {of}, about
        # A value may become n/a, a backend may have any name, and a run may have measured nothing.
        nothing = (way, value) == (("results",), {})
        if len(lost) > 1 and not isinstance(value, str) and not nothing:
            assert left, about
        pages(clean)


def test_shapes():
    shape = {"a": int, "b?": [str], str: (None, "x")}
    assert fits({"a": 1}, shape)
    assert fits({"a": 1, "b": ["s"], "c": None, "d": "x"}, shape)
    for wrong in (
        {},
        {"a": "1"},
        {"a": 1, "b": None},
        {"a": 1, "b": [1]},
        {"a": 1, "c": 2},
        [],
        None,
    ):
        assert not fits(wrong, shape)


def test_what_is_left_out_is_counted_by_kind(caplog):
    left = [checked.LeftOut("m", "f", f"v{n}", "no number") for n in range(7)]
    left.append(checked.LeftOut("m", "g", "", "half"))
    half, numbers = machines.kinds(left)
    assert half == {"why": "half", "file": "g", "count": 1, "places": []}
    assert (numbers["count"], numbers["places"]) == (7, ["v0", "v1", "v2", "v3", "v4"])
    checked.warn(left)
    assert [record.message for record in caplog.records] == [
        "m: 7 left out, see machines.html: no number",
        "m: 1 left out, see machines.html: half",
    ]


def test_an_interval_may_reach_zero():
    """asv's interval goes on below it; a ratio to it has no upper end."""
    low, high = results.interval(1.0, {"ci_99_a": -3.0, "ci_99_b": 5.0, "repeat": 5}, 0.0)
    assert (low, high) == (0.0, 5.0)
    assert results.ratio([4.0, 3.0, 6.0], [1.0, low, high]) == [4.0, None, None]
    assert results.ratio([4.0, 3.0, 6.0], [2.0, 1.5, 3.0]) == [2.0, 1.0, 4.0]
