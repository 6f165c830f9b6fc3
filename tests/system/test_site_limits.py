"""The page of limits, and that of the machines, in a real browser."""

import re
from itertools import combinations

import pytest
from playwright.sync_api import expect

from lsebench.site import families

from ..synthetic import HOSTILE
from .browser import PHONE, eventually

GIGABYTES = r"\d(\.\d+)?\s?GB/s"


def drawn(page, kind):
    """Return the rows of a kind that the chart shows."""
    rows = page.evaluate("document.getElementById('throughput').view?.data('rows') ?? []")
    return [row for row in rows if row["kind"] == kind]


def answer(page):
    return page.inner_text("#answer")


@pytest.mark.parametrize("width", [1400, PHONE])
def test_the_answer_the_chart_and_the_table(visit, width):
    page = visit("synthetic/limits.html", width)
    assert re.search(rf"At 1,000,000 float64 numbers .* reads {GIGABYTES}, \d", answer(page))
    assert [row["title"].split()[0] for row in drawn(page, "cache")] == ["L1", "L2", "memory"]
    names = {row["title"] for row in drawn(page, "comparison")}
    assert {"reading once", "exp", "the slower of these"} <= names
    shown = {row["name"] for row in drawn(page, "tool")}
    assert page.locator("#numbers tbody tr").count() >= len(shown) > 3
    assert set(map(families.family, shown)) <= set(map(families.family, families.featured()))
    assert len(set(map(families.family, shown))) == len(shown), "the best of a family alone"
    assert page.locator("#throughput svg").bounding_box()["width"] <= width


@pytest.mark.parametrize("width", [1400, PHONE])
def test_every_line_has_a_name_that_covers_no_other(visit, width):
    page = visit("synthetic/limits.html", width)
    for ways in ("usual", "all"):
        page.evaluate("document.getElementById('choice').open = true")
        page.click(f"#tools-{ways}")
        page.wait_for_selector("body[data-ready=yes]")
        ends = [row["label"] for row in drawn(page, "tool") if row.get("end")]
        named = page.locator("#lines li").count()
        assert len(ends) + named >= len({row["name"] for row in drawn(page, "tool")})
        assert not (ends and named), "beside the chart or below it"
        assert width > PHONE or named
        boxes = page.evaluate(
            "[...document.querySelectorAll('#throughput .role-mark text[text-anchor=start]')]"
            ".map((one) => one.getBoundingClientRect())"
            ".map(({ left, right, top, bottom }) => [left, right, top, bottom])"
        )
        assert len(boxes) >= len(ends)
        for one, other in combinations(boxes, 2):
            beside = one[0] >= other[1] or other[0] >= one[1]
            # A box has room above its letters and below.
            assert beside or one[2] > other[3] - 4 or other[2] > one[3] - 4


def test_names_cover_no_number_of_the_table(visit):
    page = visit("synthetic/limits.html#tools=all", PHONE)
    wide = page.evaluate(
        "[...document.querySelectorAll('#numbers tbody th')].filter((one) =>"
        " one.scrollWidth > one.clientWidth).map((one) => one.textContent)"
    )
    assert wide == []


def test_the_page_says_what_a_limit_is_and_where_the_data_is(visit):
    said = visit("synthetic/limits.html").inner_text("main")
    assert "limit if every tool that was measured is slower" in said
    assert "The data is where the tool wants it" in said


def test_the_table_is_the_share_that_the_chart_shows(visit):
    page = visit("synthetic/limits.html")
    (row,) = (r for r in drawn(page, "tool") if (r["name"], r["elements"]) == ("numpy", 1000))
    (ceiling,) = (
        r
        for r in drawn(page, "comparison")
        if (r["name"], r["elements"]) == ("comparison ceiling", 1000)
    )
    share = 100 * row["rate"] / ceiling["rate"]
    shown = page.locator("#numbers tbody tr", has=page.get_by_text("NumPy", exact=True))
    place = page.locator("#numbers thead th").all_inner_texts()
    column = next(i for i, text in enumerate(place) if re.match(r"1,000\s", text))
    value = float(re.match(r"[\d.,]+", shown.locator("td").nth(column - 1).inner_text())[0])
    assert value == pytest.approx(share, rel=0.01)


def test_every_choice_is_in_the_address_and_back_undoes_it(visit):
    page = visit("synthetic/limits.html")
    for field, value in [("dtype", "float32"), ("n", "1000"), ("machine", "other")]:
        page.select_option(f"#{field}", value)
        eventually(page, lambda field=field, value=value: f"{field}={value}" in page.url)
    assert "At 1,000 float32 numbers" in answer(page)
    before = answer(page)
    page.reload()
    page.wait_for_selector("body[data-ready=yes]")
    assert answer(page) == before
    page.go_back()
    eventually(page, lambda: "machine=other" not in page.url)
    assert page.input_value("#n") == "1000"
    page.locator("#choice summary").click()
    page.click("#tools-all")
    eventually(page, lambda: "tools=all" in page.url)
    eventually(page, lambda: "cython" in {row["name"] for row in drawn(page, "tool")})


def test_what_is_not_there_is_said(visit):
    page = visit("synthetic/limits.html#kernel=lu&n=3000")
    said = page.inner_text("#unknown")
    assert "kernel “lu” was asked for" in said
    assert "size “3000” was asked for, and there is no such result: shown is “1,000”." in said
    assert page.is_disabled("#device")
    assert "make bench-gpu" in page.get_attribute("#device", "title")
    assert "make speed" in page.inner_text("#speed")


def test_a_number_opens_its_history(visit):
    page = visit("synthetic/limits.html#n=100000", PHONE)
    button = page.locator("#numbers tbody tr").first.locator("td button").last
    button.click()
    place = page.locator("tr.history")
    expect(place.locator("svg").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE
    button.click()
    expect(place).to_have_count(0)


def test_the_machine_has_its_caches_and_its_noise(visit):
    page = visit("synthetic/machines.html", PHONE)
    said = page.inner_text("main")
    assert "48 KiB" in said
    assert "5 % is assumed" in said
    assert "make machine" in said
    assert HOSTILE.replace("/", "") in said, "as text"
