"""History and incidents in a real browser: a series opens, and says what happened to it."""

import re

import pytest

from .. import synthetic
from ..synthetic import HOSTILE
from .browser import PHONE, eventually

STEP = "synthetic/history.html#tool=numba"


def rows(page, place, kind):
    """Return what a chart shows of one kind."""
    found = page.locator(place).evaluate("place => place.view.data('rows')")
    return [row for row in found if row["kind"] == kind]


def series(page, what):
    """Open a series in an element of its own; return whether there is one, and the element."""
    script = """async (what) => {
        const place = document.createElement("div");
        place.id = "opened";
        document.querySelector("main").append(place);
        return Site.series(place, what);
    }"""
    return page.evaluate(script, what), page.locator("#opened")


def test_a_step_is_said_with_ratio_commit_cause_and_what_became_of_it(visit):
    page = visit(STEP)
    said = page.locator("#chosen .steps").inner_text()
    assert re.search(r"▲ 1\.5., slower \(.+ → .+\) since \w{8} of 2026-01-16", said)
    assert HOSTILE in said, "the subject of the commit, as text"
    assert "probably the machine, not confirmed" in said
    assert "Still there." in said
    (step,) = rows(page, "#chosen .chart >> nth=0", "step")
    assert step["text"] == "1.5\u00d7"
    low, high = rows(page, "#chosen .chart >> nth=0", "level")
    assert high["value"] / low["value"] == pytest.approx(1.5, rel=0.01)
    assert len(rows(page, "#chosen .chart >> nth=0", "point")) == 24
    assert page.locator("#chosen .strip svg").count() == 1, "plain Python and a limit, as control"
    assert "plain Python" in page.locator("#chosen").inner_text()


def test_small_multiples_have_the_same_commits(visit):
    page = visit("synthetic/history.html#tools=all")
    domains = page.evaluate(
        "() => [...document.querySelectorAll('#multiples .chart, #controls .chart')]"
        ".map(chart => String(chart.view.scale('x').domain()))"
    )
    assert len(domains) > 6
    assert len(set(domains)) == 1
    names = page.locator("#multiples h3").all_inner_texts()
    assert names.index("NumPy") < names.index("Python"), "the featured ones first"


def test_controls_change_charts_and_address_and_the_address_restores_them(visit):
    page = visit("synthetic/history.html")
    page.select_option("#n", "1000")
    eventually(page, lambda: "n=1000" in page.url)
    page.get_by_role("button", name="NumPy", exact=True).click()
    eventually(page, lambda: page.locator("#chosen .steps, #chosen p").count() > 1)
    page.select_option("#machine", "other")
    eventually(page, lambda: "machine=other" in page.url)
    assert page.locator("#unknown").inner_text() == "", "what does not fit is no question here"
    again = visit(page.url)
    assert again.input_value("#machine") == "other"
    assert again.input_value("#n") == "1000"
    assert "NumPy" in again.locator("#chosen .series-title").inner_text()


def test_what_the_address_asks_for_in_vain_is_said(visit):
    page = visit("synthetic/history.html#machine=nowhere&tool=constructor&n=12345")
    said = page.locator("#unknown").inner_text()
    for asked in "nowhere", "constructor", "12345":
        assert asked in said
    assert page.input_value("#n") == "10000", "the nearest size"


def test_library_generations(visit):
    page = visit("synthetic/history.html#tool=scipy&n=1000")
    page.locator("#chosen").get_by_role("button", name="over library generations").click()
    eventually(page, lambda: len(rows(page, "#chosen .chart >> nth=0", "point")) == 2)
    old, new = rows(page, "#chosen .chart >> nth=0", "point")
    assert (old["libraries"], new["libraries"]) == ("NumPy 1.26.4", "NumPy 2.4.6")
    assert "0.714\u00d7, faster" in page.locator("#chosen .steps").inner_text()


def test_one_commit_says_how_to_measure_more(visit):
    page = visit("one/history.html#tool=numpy")
    said = page.locator("#chosen").inner_text()
    assert "Measured at one commit only" in said
    assert "make bench-commits RANGE=" in said


@pytest.mark.parametrize("file", ["history.html", "incidents.html"])
def test_without_results(visit, file):
    assert "make bench" in visit(f"none/{file}").inner_text("main")


def test_a_series_opens_from_the_disk(visit, sites):
    page = visit((sites / "synthetic/history.html").as_uri() + "#tool=numba")
    assert len(rows(page, "#chosen .chart >> nth=0", "point")) == 24
    page = visit((sites / "synthetic/incidents.html").as_uri())
    page.locator("#incidents").get_by_role("button", name="show the series").first.click()
    eventually(page, lambda: page.locator("#incidents .series svg").count() >= 2)


def test_incidents_say_the_same_and_open_their_series(visit):
    page = visit("synthetic/incidents.html", PHONE)
    row = page.locator("#incidents tbody tr").first
    cells = row.locator("th, td").all_inner_texts()
    assert "Numba" in cells
    assert "1.5\u00d7 slower" in cells
    assert "probably the machine, not confirmed" in cells
    row.get_by_role("button").click()
    eventually(page, lambda: page.locator("#incidents .series .steps").count() == 1)
    assert "1.5\u00d7, slower" in page.locator("#incidents .series .steps").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE
    row.get_by_role("button").click()
    eventually(page, lambda: page.locator("#incidents .series svg").count() == 0)


@pytest.mark.parametrize(
    ("what", "unit"),
    [
        ({"tool": "numpy", "dtype": "float64", "n": "1000"}, "µs"),
        ({"tool": "numpy", "dtype": "float64", "n": "1000", "clock": "transfer"}, "µs"),
        ({"tool": "numpy", "clock": "first_call"}, "µs"),
        ({"tool": "numpy", "clock": "cached"}, "µs"),
        ({"tool": "numpy", "clock": "import", "dtype": "float64", "n": "1000"}, "µs"),
        ({"tool": "numpy", "dtype": "float64", "n": "large", "clock": "error"}, "ulp"),
        ({"tool": "numpy", "dtype": "float64", "clock": "memory"}, "KiB"),
        ({"tool": "numpy", "n": "100000", "clock": "young"}, "µs"),
    ],
)
def test_every_clock_opens_in_place(visit, what, unit):
    page = visit("synthetic/history.html")
    place = {"machine": synthetic.MACHINE, "threads": "1", "kernel": "logsumexp"}
    found, opened = series(page, place | what)
    assert found, opened.inner_text()
    assert page.locator("#opened .chart svg").count() >= 1
    assert page.locator("#opened .chart[aria-label*='over commits']").count() == 1
    shown = page.locator("#opened .chart").first.text_content()
    assert unit in shown or "ms" in shown


def test_what_was_not_measured_says_so(visit):
    page = visit("synthetic/history.html")
    found, place = series(page, {"machine": "other", "threads": "1", "kernel": "lu", "tool": "nix"})
    assert found is False
    assert "was not measured" in place.inner_text()


def test_links_lead_to_the_history_and_to_asv_s_own_browser(visit):
    page = visit("synthetic/incidents.html")
    page.locator("#incidents").get_by_role("button", name="show the series").first.click()
    links = page.locator("#incidents .series-links")
    eventually(page, lambda: links.count() == 1)
    whole = links.get_by_role("link", name="all series").get_attribute("href")
    raw = links.get_by_role("link", name="browser").get_attribute("href")
    there = visit(f"synthetic/{whole}")
    assert "Numba" in there.locator("#chosen .series-title").inner_text()
    assert there.locator("#unknown").inner_text() == ""
    shown = visit(f"synthetic/{raw}")
    assert "bench=warm.Logsumexp.track_time" in shown.url


@pytest.mark.parametrize("path", [STEP + "&tools=all", "synthetic/incidents.html"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_it(visit, path, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = visit(path, color_scheme=scheme)
    found = Axe().run(page)
    assert not found.violations_count, found.generate_report()
