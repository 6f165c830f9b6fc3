"""What a verdict says, of pairs that are made up."""

import json
from types import SimpleNamespace

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
    (*_, line) = report._rows([found])
    assert "| no limit |" in line
    assert "no limit (median)" in report._seen({"rows": [found]})


def test_the_smallest_change_that_many_pairs_show():
    found = said([1.0, 1.01, 0.99] * 4)
    assert 1.02 <= found["smallest"] < 1.03
    assert f"| {100 * (found['smallest'] - 1):.2g} % |" in report._rows([found])[-1]
