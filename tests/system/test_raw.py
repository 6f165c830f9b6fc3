"""What asv-tachyon asks for is there."""

import json
from types import SimpleNamespace

from asv.graph import GraphSet

from lsebench.site.rows import raw

BENCHMARKS = {"a.A.track_time": {"params": [["'x'"]]}, "b.B.track_time": {"params": []}}


def test_a_graph_that_asv_has_not_written_is_empty(tmp_path):
    graphs = GraphSet()
    there = graphs.get_graph("a.A.track_time", {"machine": "m", "numpy": None, "os": "L 6"})
    there.add_data_point(1, [2.0])
    other = graphs.get_graph("b.B.track_time", {"machine": "n", "numpy": "2", "os": "L 6"})
    other.add_data_point(2, 2.0)
    graphs.save(str(tmp_path))
    found = raw.addresses(BENCHMARKS, graphs)
    assert [axes["machine"] for axes in found["axes"]] == ["n", "m"], "the newest first"
    raw.write(tmp_path, SimpleNamespace(_path="/nowhere"), {}, found, {"a.html": "A"})
    page = (tmp_path / "raw.html").read_text("utf-8")
    assert '<a href="a.html">A</a>' in page
    assert "static/footer.js" in page, "it says which machines are late"
    texts = {
        str(file.relative_to(tmp_path / "graphs")): json.loads(file.read_text())
        for file in tmp_path.glob("graphs/**/*.json")
    }
    assert texts == {
        "machine-m/numpy-null/os-L 6/a.A.track_time.json": [[1, [2.0]]],
        "machine-m/numpy-null/os-L 6/b.B.track_time.json": [],
        "machine-n/numpy-2/os-L 6/a.A.track_time.json": [],
        "machine-n/numpy-2/os-L 6/b.B.track_time.json": [[2, 2.0]],
    }
    script = (tmp_path / "static/raw.js").read_text()
    assert '"#machine=n&f-numpy=2&f-os=L+6"' in script, "it opens where there is something"
    assert "static/raw.js" in (tmp_path / "raw.html").read_text()
    for name in texts:
        assert (tmp_path / "samples" / name).read_text() == "{}"
