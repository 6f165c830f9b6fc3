"""Our page, from results of every kind."""

import datetime
import json
import math
import re

import pytest
from asv.results import Results
from asv.runner import BenchmarkResult

from dashboard import backends, claims
from dashboard.templates import page

NAME = backends.BENCHMARK
PARAMS = [["'numpy'", "'scipy'", "'cupy'", "'gone'"], ["'float32'", "'float64'"], ["10", "1000000"]]
REVISIONS = {"a" * 40: 1, "b" * 40: 2, "c" * 40: 3}
BENCHMARKS = {NAME: {"name": NAME, "params": PARAMS, "version": "1"}}


def result(values, machine="m", threads="1", commit="a" * 40, numpy="2.4.6", kind="pinned"):
    """Return asv results for the float64 half of the parameters, in order."""
    full = []
    for i in range(4):
        full += [math.nan, math.nan, *values[2 * i : 2 * i + 2]]
    date = int(datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC).timestamp() * 1000)
    found = Results(
        {"machine": machine, "python": "3.11"},
        {"numpy": numpy},
        commit,
        date,
        "3.11",
        f"{kind}-threads{threads}",
        {"LSEKERNELS_THREADS": threads},
    )
    samples = [None if v is None or math.isnan(v) else [v, v * 1.01, v * 0.99] * 4 for v in full]
    numbers = [None if s is None else 1 for s in samples]
    found.add_result(BENCHMARKS[NAME], BenchmarkResult(full, samples, numbers, 0, "", None))
    return found


VALUES = [1e-6, 1e-3, 4e-6, 8e-3, math.nan, math.nan, math.nan, None]


def test_tables(tmp_path):
    (table,) = backends.tables([result(VALUES)], BENCHMARKS, REVISIONS, tmp_path)
    assert (table.dtype, table.threads, table.sizes) == ("float64", "1", ["10", "1,000,000"])
    assert [title for title, _ in table.rows] == ["NumPy", "SciPy", "gone"], "fastest first"
    cells = dict(table.rows)
    assert [c.text for c in cells["NumPy"]] == ["1 µs", "1 ms"]
    assert [c.ratio for c in cells["NumPy"]] == ["4x", "8x"]
    assert [c.best for c in cells["NumPy"]] == [True, True]
    assert not any(c.best for c in cells["SciPy"] + cells["gone"])
    assert cells["NumPy"][0].detail.startswith("1 µs, 99 % interval")
    assert cells["gone"][1].text == "failed"
    assert table.missing == {"CuPy": "not measured in this run"}


def test_what_cannot_be_told_from_the_best_is_marked_with_it(tmp_path):
    close = [1e-6, 1e-3, 1.005e-6, 1.5e-3, *VALUES[4:]]  # samples spread by 1 %
    (table,) = backends.tables([result(close)], BENCHMARKS, REVISIONS, tmp_path)
    cells = dict(table.rows)
    assert [c.best for c in cells["NumPy"]] == [True, True]
    assert [c.best for c in cells["SciPy"]] == [True, False]


def test_reason_comes_from_the_context_beside_the_result(tmp_path):
    found = result(VALUES)
    folder = tmp_path / "m"
    folder.mkdir()
    line = '{"since": "x", "context": {"backends": [{"backend": "cupy", "unavailable": "%s"}]}}\n'
    file = folder / "aaaaaaaa-pinned-threads1.context.jsonl"
    file.write_text(line % "old" + line % "no CUDA device")
    (table,) = backends.tables([found], BENCHMARKS, REVISIONS, tmp_path)
    assert table.missing["CuPy"] == "no CUDA device"


def test_newest_commit_of_each_machine_and_thread_setting(tmp_path):
    """By place in the history, not by date, which is the same for all of these."""
    found = [
        result(VALUES, commit="b" * 40),
        result(VALUES, commit="a" * 40),
        result(VALUES, threads="all"),
        result(VALUES, machine="other"),
        result(VALUES, machine="other", commit="c" * 40, numpy="2.10.0"),
        result(VALUES, machine="other", numpy="1.26.4"),
        result(VALUES, machine="other", numpy="1.26.4", kind="source"),  # PyPy
    ]
    tables = backends.tables(found, BENCHMARKS, REVISIONS, tmp_path)
    assert [(t.machine, t.threads, t.commit[0]) for t in tables] == [
        ("m", "1", "b"), ("m", "all", "a"), ("other", "1", "c"), ("other", "1", "a"),
    ]  # fmt: skip
    page = backends.render(tables)
    assert "all cores, on m" in page
    assert "do not compare" in page


def test_nothing_measured_is_a_friendly_page(tmp_path):
    for tables in (
        backends.tables([], BENCHMARKS, REVISIONS, tmp_path),
        backends.tables([], {}, {}, tmp_path),
    ):
        assert "No results yet" in backends.render(tables)


def test_one_row_of_failures(tmp_path):
    tables = backends.tables([result([None] * 8)], BENCHMARKS, REVISIONS, tmp_path)
    assert "failed" in backends.render(tables)


def test_names_are_shown_as_text(tmp_path):
    evil = "<script>alert(1)</script>"
    page = backends.render(
        backends.tables([result(VALUES, machine=evil)], BENCHMARKS, REVISIONS, tmp_path)
    )
    assert evil not in page
    assert "&lt;script&gt;alert(1)" in page


def test_page_asks_for_nothing_from_elsewhere(tmp_path):
    page = backends.render(backends.tables([result(VALUES)], BENCHMARKS, REVISIONS, tmp_path))
    assert not re.search(r"https?:|//[a-z]|<script|@import|url\(", page)


CLAIMS = {
    "commit": "a" * 40,
    "date": "2026-01-01T00:00:00+00:00",
    "python": "3.11.7",
    "installed": {"numpy": "2.4.6", "numba": "0.68.1"},
    "gpus": [{"name": "Some GPU", "driver_version": "1.2"}],
    "lines": [
        {"what": "one <b>", "target": "about 5", "source": "the talk", "note": "a note",
         "measured": 0.4567, "verdict": "the other way round"},
        {"what": "two", "target": ">= 1", "source": "texts", "note": "",
         "measured": 123456.0, "verdict": "holds"},
        {"what": "three", "target": "none", "source": "texts", "note": "",
         "verdict": "not measured here: cupy: no CUDA device"},
    ],
}  # fmt: skip


def test_claims(tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "m/claims.json").write_text(json.dumps(CLAIMS))
    (table,) = claims.tables(tmp_path)
    assert table["machine"] == "m"
    assert [line["kind"] for line in table["lines"]] == ["bad", "good", ""]
    assert [line["shown"] for line in table["lines"]] == ["0.457", "123,456", ""]
    text = page("claims.html", tables=[table])
    assert "one &lt;b&gt;" in text
    assert "numpy 2.4.6, numba 0.68.1" in text
    assert "Some GPU, driver 1.2" in text
    assert "no CUDA device" in text
    assert not re.search(r"https?:|//[a-z]|<script|@import|url\(", text)


def test_no_claims_yet(tmp_path):
    assert "Run <code>make claims</code>" in page("claims.html", tables=claims.tables(tmp_path))


@pytest.mark.parametrize(
    ("value", "text"),
    [(3.21e-10, "0.321 ns"), (2.2e-7, "220 ns"), (9.996e-7, "1 µs"), (1.234e-5, "12.3 µs"),
     (0.0999, "99.9 ms"), (0.5, "500 ms"), (2.0, "2 s"), (123.4, "123 s")],
)  # fmt: skip
def test_seconds(value, text):
    assert backends.seconds(value) == text
