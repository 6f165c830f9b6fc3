"""What is noted beside a result, of what the system tells."""

import json
from types import SimpleNamespace

import pytest

from lsebench.records import checked, context, stored
from lsebench.records.shapes import unfit

L1 = {"level": "1", "type": "Data", "size": "48K", "shared_cpu_list": "0"}
L3 = {"level": "3", "type": "Unified", "size": "32M", "shared_cpu_list": "0-3,8,10-11"}
FOUND = [
    {"level": 1, "kind": "Data", "size": 48 * 1024, "shared_by": 1},
    {"level": 3, "kind": "Unified", "size": 32 * 1024**2, "shared_by": 7},
]


def tell(folder, *caches):
    for number, cache in enumerate(caches):
        (folder / f"index{number}").mkdir(parents=True)
        for name, value in cache.items():
            (folder / f"index{number}" / name).write_text(f"{value}\n")
    (folder / "uevent").write_text("")
    return folder


def test_caches_as_linux_tells_them(tmp_path):
    found = context.ask_caches(tell(tmp_path, L1, L3))
    assert found == FOUND
    assert unfit({"caches": found}, checked.CONTEXT) == []


@pytest.mark.parametrize("half", [{"level": "2"}, {**L1, "size": "much"}, {**L1, "level": ""}])
def test_half_of_a_cache_is_left_out(tmp_path, half):
    assert context.ask_caches(tell(tmp_path, half, L3)) == FOUND[1:]


def test_another_system_tells_of_no_cache(tmp_path):
    assert context.ask_caches(tmp_path / "none") == []


def test_a_new_fact_is_a_line_of_its_own_and_restarts_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(context, "ask_gpus", list)
    env = SimpleNamespace(
        name="pinned",
        env_vars={},
        installed=lambda: {"numpy": "2.4.6"},
        facts=lambda: {"pools": []},
    )
    conf = SimpleNamespace(results_dir=str(tmp_path))

    def record(caches):
        monkeypatch.setattr(context, "ask_caches", lambda: caches)
        return context.record(conf, env, "m", "a" * 40)

    older = record([])
    assert "caches" not in older
    assert record(FOUND) == {**older, "caches": FOUND}
    record(FOUND)
    (file,) = (tmp_path / "m").glob(f"*{stored.State.FILE}")
    lines = [json.loads(line)["context"] for line in file.read_text().splitlines()]
    assert lines == [older, {**older, "caches": FOUND}], "the same again is not written again"
    assert all(unfit(line, checked.CONTEXT) == [] for line in lines)
