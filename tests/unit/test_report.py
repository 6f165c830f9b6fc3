"""What a verdict says, of pairs that are made up."""

import json
import re
from types import SimpleNamespace

import pytest

from lsebench import cli
from lsebench.gate import compare_commits, report
from lsebench.gate.side_by_side import Key, Pair

OPTIONS = compare_commits._parser().parse_args(["base", "head"])


def said(confirming):
    """Return the row of a benchmark whose suspicion these ratios confirm, or do not."""
    row = compare_commits.Row(SimpleNamespace(name="env"), Key("suite.time_it", None, ()))
    for stage, ratios in (("screen", [1.1, 1.2, 1.3]), ("confirm", confirming)):
        row.pairs[stage] = [Pair(row.key, 1.0, ratio, ratio) for ratio in ratios]
    return report._row(row, "open", OPTIONS, typical=0.1, suspects=40)


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
