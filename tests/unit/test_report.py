"""What a verdict says, of pairs that are made up."""

import json
import re
from types import SimpleNamespace

import pytest

from lsebench import cli
from lsebench.gate import compare_commits, report
from lsebench.gate.rows import TAIL, Row, State
from lsebench.gate.side_by_side import SIDES, Key, Pair

OPTIONS = compare_commits._parser().parse_args(["base", "head"])


def said(confirming, verdict="open"):
    """Return the row of a benchmark whose suspicion these ratios confirm, or do not."""
    row = compare_commits.Row(SimpleNamespace(name="env"), Key("suite.time_it", None, ()))
    for stage, ratios in (("screen", [1.1, 1.2, 1.3]), ("confirm", confirming)):
        row.pairs[stage] = [Pair(row.key, 1.0, ratio, ratio) for ratio in ratios]
    return report._row(row, verdict, OPTIONS, typical=0.1, suspects=40)


def test_two_pairs_that_differ_much_show_no_change_however_large():
    found = said([0.7, 1.5])
    assert found["verdict"] == "undecided"
    assert found["smallest"] is None
    assert json.dumps(found, allow_nan=False)
    assert "| no limit |" in re.sub(" +", " ", report._rows([found]))
    assert "no limit (median)" in report._seen({"rows": [found]})


def test_the_smallest_change_that_many_pairs_show():
    found = said([1.0, 1.01, 0.99] * 4)
    assert 1.02 <= found["smallest"] < 1.03
    assert f" {100 * (found['smallest'] - 1):.2g} % |" in report._rows([found])


def test_what_a_commit_has_named_is_no_markup():
    found = said([1.0, 1.1]) | {"parameters": ["'a|b`<i>\n| c'"]}
    (*_, line) = report._rows([found]).splitlines()
    assert line.endswith("| `suite.time_it('a\\|b'<i> \\| c')` |"), "one row, one cell, all code"


HUNG = {"head": "failed: no answer within 60 s"}


def collected(*rows):
    """Return what is said of a run of such rows: each the pairs of its screen, or None."""
    built = SimpleNamespace(name="env", changed=list)
    made = []
    for number, pairs in enumerate(rows):
        row = Row(built, Key(f"suite.time_{number}", None, ()))
        row.touched = set() if pairs is None else None
        row.pairs["screen"] = [Pair(row.key, **pair) for pair in pairs or ()]
        made.append(row)
    options = compare_commits._parser().parse_args(["base", "head", "--machine", "here"])
    commits = dict.fromkeys(SIDES, "0" * 40)
    return report.collect(State(made, options, {}), commits, options, 0.0, 60.0)


def measured(*ratios, tail=None):
    return [{"base": 1.0, "head": r, "ratio": r, "mean": tail, "tail": tail} for r in ratios]


def test_silence_is_no_answer():
    found = collected([], [], measured(1.1, 0.9))
    first = "No answer. Of 3 benchmarks: 3 undecided (2 of them never reached)."
    assert report.markdown(found).splitlines()[0] == f"### Speed: {first}"
    assert report.table(found).strip().splitlines()[0].startswith(first)
    assert report.exit_code(found) == found["exit code"] == cli.NOTHING
    assert [row["outcome"] for row in found["rows"]].count("never reached") == 2
    assert {row["verdict"] for row in found["rows"]} == {"undecided"}, "for who reads the numbers"


def test_what_is_of_identical_code_is_the_same_and_counted():
    found = collected(None, None, measured(*[1.0] * 5))
    assert report.summary(found) == (
        "Of 3 benchmarks: 3 the same (2 of them identical code, not measured)."
    )
    assert found["exit code"] == 0
    assert json.dumps(found, allow_nan=False)
    found = collected(None, measured(1.1))
    assert found["exit code"] == cli.NOTHING, "what could differ is not decided"
    assert report.summary(found).startswith("No answer. ")
    assert "2 the same" in report.summary(collected(None, None))
    assert collected(None)["exit code"] == 0


def test_what_hangs_on_the_head_only_is_a_finding():
    found = collected([{"states": HUNG}] * 2, measured(*[1.0] * 5), [])
    assert found["exit code"] == cli.BAD
    assert [row["outcome"] for row in found["others"]] == [
        "timed out on head: no answer within 60 s"
    ]
    assert "1 without a value on the head only" in report.summary(found)
    assert "timed out on head" in report.markdown(found)


def test_what_failed_once_only_is_said_and_no_verdict():
    found = collected([{"states": HUNG}, *measured(*[1.0] * 5)])
    assert found["exit code"] == 0
    (finding,) = found["findings"]
    assert finding["kind"] == "failed once"
    assert finding["reason"] == "timed out on head: no answer within 60 s"


@pytest.mark.parametrize(
    ("states", "outcome"),
    [
        ({"head": "failed: KeyError: 'x'"}, "failed on head: KeyError: 'x'"),
        ({"base": "failed: KeyError: 'x'"}, "failed on base: KeyError: 'x'"),
        (dict.fromkeys(SIDES, "absent: no jax"), "not here on both: no jax"),
        (dict.fromkeys(SIDES, "failed: ValueError"), "failed on both: ValueError"),
        ({"base": "absent: no jax", "head": "failed: E"}, "not here on base, failed on head: E"),
    ],
)
def test_every_row_is_listed_with_what_became_of_it(states, outcome):
    found = collected([{"states": states}] * 2)
    assert not found["rows"]
    assert [row["outcome"] for row in found["others"]] == [outcome]
    assert outcome in report.markdown(found)


def test_a_slow_tail_is_said_beside_the_median():
    row = Row(SimpleNamespace(name="env", changed=list), Key("suite.time_it", None, ()))
    for stage, pairs in (("screen", 5), ("confirm", 12)):
        ratios = (1.0, 1.001, 0.999) * 4
        row.pairs[stage] = [Pair(row.key, 1.0, r, r, 2.3 * r, 5 * r) for r in ratios[:pairs]]
    state = State([row], OPTIONS, {})
    assert state.verdicts() == {row.name: TAIL}
    found = report.collect(state, dict.fromkeys(SIDES, "0" * 40), OPTIONS, 0.0, 60.0)
    assert found["exit code"] == cli.BAD
    assert found["rows"][0]["verdict"] == "slower"
    (finding,) = found["findings"]
    assert finding["reason"] == "median the same, mean 2.3 times, slowest tenth 5 times"


def test_what_no_time_would_decide_says_what_it_would_take():
    found = said([1.2, 0.85] * 12, "undecided")
    assert found["verdict"] == "undecided"
    pairs = int(re.search(r"too noisy, it would take (\d+) pairs or more", found["outcome"])[1])
    assert pairs == pytest.approx((2 * found["scatter"] / 0.02) ** 2, rel=0.3)


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (1.234e-6, "seconds", "1.23μs"),
        (0.9999e-3, "seconds", "1.00ms"),
        (1.25e6, "bytes", "1.25M"),
        (3.0, "ulp", "3"),
        (0.51234567, "ulp", "0.5123"),
        (123456.0, "pages", "123500"),
        (0.0, "pages", "0"),
    ],
)
def test_values_in_words(value, unit, words):
    assert cli.in_words(value, unit) == words
