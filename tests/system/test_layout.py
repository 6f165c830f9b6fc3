"""Whether a library has other instructions, or the same ones elsewhere."""

import subprocess
from types import SimpleNamespace

import pytest

from lsebench.gate import compare_commits, layout, report
from lsebench.gate.rows import Row
from lsebench.gate.side_by_side import SIDES, Key, Pair

pytestmark = pytest.mark.skipif(bool(layout.available()), reason=layout.available() or "objdump")

KERNEL = """
__attribute__((noinline)) static double step(double x, int i) {{ return x * 0.5 + i * {factor}; }}
double lu(double x, int n) {{ for (int i = 0; i < {count}; i++) x = step(x, i); return x; }}
"""
UNRELATED = "double other_{i}(double x) {{ return x * {i} + 1; }}\n"


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    def build(name, source):
        folder = tmp_path_factory.mktemp(name)
        (folder / "one.c").write_text(source)
        command = ["cc", "-O2", "-fPIC", "-shared", "-o", "lu_c.so", "one.c"]
        subprocess.run(command, check=True, cwd=folder)
        return folder / "lu_c.so"

    return build


@pytest.fixture(scope="module")
def base(library):
    return library("base", KERNEL.format(factor="3", count="n"))


def test_functions_that_nobody_calls_move_it_only(library, base):
    before = "".join(UNRELATED.format(i=i) for i in range(1, 4))
    assert layout.only_moved(
        base, library("moved", before + KERNEL.format(factor=3, count="n")), "lu"
    )
    assert layout.only_moved(base, base, "lu")


@pytest.mark.parametrize("change", [{"factor": "5"}, {"count": "2 * n"}])
def test_what_it_runs_has_changed(library, base, change):
    """In it, or in what it calls."""
    source = KERNEL.format(**{"factor": "3", "count": "n"} | change)
    assert not layout.only_moved(base, library("changed", source), "lu")


def test_what_is_not_there_tells_nothing(library, base, monkeypatch):
    assert layout.only_moved(base, base, "logsumexp") is None
    assert layout.only_moved(base, library("gone", UNRELATED.format(i=1)), "lu") is False
    monkeypatch.setattr(layout.shutil, "which", lambda name: None)
    assert layout.only_moved(base, base, "lu") is None
    assert "binutils" in layout.available()


def test_by_layout_is_no_verdict_on_the_change(library, base):
    moved = library("again", UNRELATED.format(i=7) + KERNEL.format(factor="3", count="n"))
    sides = {"base": SimpleNamespace(path=base.parent), "head": SimpleNamespace(path=moved.parent)}
    row = Row(SimpleNamespace(name="env", sides=sides), Key("warm.Lu.track_time", None, ()))
    for stage in ("screen", "confirm"):
        row.pairs[stage] = [Pair(row.key, 1.0, 1.16, 1.16 + i / 1e3) for i in range(12)]
    options = compare_commits._parser().parse_args([*SIDES])

    def said():
        return report._row(row, "slower", options, typical=None, suspects=1)

    row.touched = {"lu_c.so"}
    assert said()["verdict"] == "undecided"
    assert said()["outcome"] == f"slower, {report.LAYOUT}"
    for side in (base, moved):
        (side.parent / "other.so").write_bytes(library("other", UNRELATED.format(i=2)).read_bytes())
    row.touched = {"lu_c.so", "other.so"}
    assert said()["verdict"] == "undecided", "what else its backend loads has no such function"
    row.touched = {"other.so"}
    assert said()["verdict"] == "slower", "nothing is known of what it runs"
    row.touched = {"lu_c.so", "numpy.py"}
    assert said()["verdict"] == "slower", "Python's code has changed, too"
    row.touched = None
    assert said()["verdict"] == "slower", "it may load anything"
