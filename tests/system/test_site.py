"""The site in a real browser: nothing from elsewhere, nothing unsafe, and an answer first."""

import csv
import re

import pytest
from playwright.sync_api import expect

from lsebench.site.plugin import PAGES

from .. import synthetic
from ..synthetic import HOSTILE
from .browser import PHONE, matrix

FIELDS = "kernel", "n", "dtype", "calls", "process", "heap", "data", "machine", "threads"
OWN = [file for file in PAGES if file != "raw.html"]


def answer(page):
    return page.inner_text("#answer")


def cells(page):
    """Return tool -> size -> the text of its time, as the matrix shows them."""
    found = {}
    for one in matrix(page):
        found.setdefault(one["tool"], {})[one["size"]] = one["text"]
    return found


@pytest.mark.parametrize("file", OWN)
@pytest.mark.parametrize(
    ("site", "width"),
    [("own", 1400), ("own", PHONE), ("synthetic", PHONE), ("one", 1400), ("none", PHONE)],
)
def test_page_opens(visit, site, file, width):
    page = visit(f"{site}/{file}", width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.title()
    assert page.locator("h1").inner_text()
    for name in ("description", "og:title", "og:description", "og:image"):
        found = page.locator(f'meta[name="{name}"], meta[property="{name}"]')
        assert found.get_attribute("content")
    if site == "none":
        assert re.search(r"No results yet|\bmake [a-z]", page.inner_text("body"))


@pytest.mark.parametrize("site", ["own", "none"])
@pytest.mark.parametrize("file", ["raw.html"])
def test_raw_browser_opens(visit, site, file):
    assert visit(f"{site}/{file}").locator("nav a").count() >= len(PAGES)


def test_front_page_opens_from_the_disk(visit, sites):
    page = visit((sites / "own/index.html").as_uri())
    assert len(cells(page)) > 3
    assert re.search(r"\d (ns|µs|ms|s)\b", answer(page))


@pytest.mark.parametrize("file", PAGES)
def test_names_are_text(visit, file):
    """Of machine, commit message, tool, reason, version, processor and project."""
    page = visit(f"synthetic/{file}")
    assert page.locator("img:not([src^='findings/']), script:not([src]), [onerror]").count() == 0
    if file == "index.html":
        page.check("#unfold")
        for place in ("#machine", "#matrix", "#about", "#answer"):
            assert "<script>alert" in page.locator(place).text_content()


@pytest.mark.parametrize("file", [*OWN, "tools/numba.html", "findings/front.html"])
@pytest.mark.parametrize(
    ("site", "width", "scheme"),
    [("own", 1400, "light"), ("own", PHONE, "dark"), ("none", PHONE, "light")],
)
def test_everybody_can_use_it(visit, site, file, width, scheme):
    """As axe-core knows it: contrast, names of controls, tables and charts, order of headings."""
    from axe_playwright_python.sync_playwright import Axe

    page = visit(f"{site}/{file}", width, color_scheme=scheme)
    if file == "index.html" and site == "own":
        page.locator("details.more summary").click()
    found = Axe().run(page).response["violations"]
    assert not found, "\n".join(
        f"{one['id']}: {one['help']}: {[node['html'][:200] for node in one['nodes'][:3]]}"
        for one in found
    )


# -- the six questions, each answered in at most two clicks ----------------------------------------


def test_which_tool_for_100000_float32_and_1000_calls(visit):
    page = visit("synthetic/index.html")
    page.fill("#n", "1e5")
    page.fill("#calls", "1_000")
    page.select_option("#dtype", "float32")  # the only click
    said = answer(page)
    assert "100,000 float32 numbers, 1,000 calls" in said
    assert "Cython (OpenMP)" in said, (
        "the fastest of the made-up ones, and what is not told from it"
    )
    assert "as fast as NumPy" in said
    assert "as fast as SciPy" in said
    page.fill("#n", "10")
    assert "pip install" in answer(page)


def test_when_was_scipy_slower(visit):
    page = visit("own/index.html")
    page.click("nav a:text-is('Libraries')")
    page.wait_for_selector("body[data-ready]")
    words = page.inner_text("main")
    said = r"SciPy.* times as long|beyond the noise|run make bench-libraries"
    assert re.search(said, words)


def test_numba_over_commits(visit):
    page = visit("synthetic/index.html#n=100000")
    page.locator('#matrix tr[data-tool="numba"] td button.cell').nth(-2).click()
    place = page.locator("tr.history")
    expect(place.locator("svg").first).to_be_visible()
    expect(place).to_contain_text("1.5")  # the step in the middle


def test_how_far_from_the_limit(visit):
    page = visit("synthetic/index.html")
    page.click("nav a:text-is('Limits')")
    page.wait_for_selector("body[data-ready]")
    assert re.search(r"\d+(\.\d+)? %", page.inner_text("main"))


def test_is_a_gpu_worth_it(visit):
    page = visit("synthetic/index.html")
    assert "make bench-gpu" in page.inner_text("main")


def test_share_exactly_this_view(visit):
    page = visit("synthetic/index.html")
    page.locator("details.more summary").click()
    page.select_option("#machine", "other")
    page.fill("#n", "5e5")
    page.fill("#calls", "77")
    page.uncheck("#ours")
    page.select_option("#process", "empty")
    again = visit(page.url)
    for field in FIELDS:
        assert again.input_value(f"#{field}") == page.input_value(f"#{field}")
    assert "500,000" in answer(page)
    assert "≈" in answer(page), "between measured sizes"
    assert not again.is_checked("#ours")
    assert (answer(again), cells(again)) == (answer(page), cells(page))


# -- the state -------------------------------------------------------------------------------------


def test_address_says_all_that_is_chosen(visit):
    """Defaults too: with more results they may be others, and a link means what it meant."""
    page = visit("synthetic/index.html")
    state = page.evaluate("Site.state()")
    assert {name: state.get(name) for name in FIELDS} == {
        name: page.evaluate("id => document.getElementById(id).value.replaceAll(',', '')", name)
        for name in FIELDS
    }


def test_other_pages_take_the_state_along_and_back_leads_back(visit):
    page = visit("synthetic/index.html#machine=other&n=1000")
    page.select_option("#dtype", "float32")
    page.click("nav a:text-is('Accuracy')")
    page.wait_for_selector("body[data-ready]")
    assert (page.input_value("#machine"), page.input_value("#dtype")) == ("other", "float32")
    page.go_back()
    page.wait_for_selector("body[data-ready]")
    assert page.input_value("#dtype") == "float32"
    page.go_back()
    expect(page.locator("#dtype")).to_have_value("float64")
    assert "index.html" in page.url


def test_a_number_that_was_typed_is_a_step_to_go_back_from(visit):
    page = visit("synthetic/index.html#n=1000")
    page.fill("#n", "10000")
    page.press("#n", "Enter")
    assert "n=10000" in page.url
    page.go_back()
    expect(page.locator("#n")).to_have_value("1,000")


def test_a_page_that_lacks_it_takes_it_along(visit):
    page = visit("synthetic/index.html#kernel=power8&process=warm&heap=young")
    page.click("nav a:text-is('Limits')")
    page.wait_for_selector("body[data-ready]")
    page.click("nav a:text-is('Which tool?')")
    page.wait_for_selector("body[data-ready]")
    state = page.evaluate("Site.state()")
    assert (state["kernel"], state["heap"]) == ("power8", "young")


def test_another_kernel_comes_with_a_size_it_was_measured_at(visit):
    page = visit("synthetic/index.html#n=100000")
    page.select_option("#kernel", "lu")
    assert "Not measured" not in answer(page)
    assert re.search(r"\d (ns|µs|ms|s)\b", answer(page))


def test_what_is_not_there_is_said(visit):
    strange = "#machine=<b>&kernel=%00&dtype=constructor&n=-1&threads=7&heap=__proto__&hide=x"
    page = visit("synthetic/index.html" + strange)
    said = page.inner_text("#unknown")
    for value in ("<b>", "constructor", "7", "__proto__", "x"):
        assert f"“{value}” was asked for" in said
    assert "a whole number" in answer(page)
    page.fill("#n", "1000")
    assert re.search(r"\d (ns|µs|ms|s)\b", answer(page))


BESIDES = {
    "index.html": ["hide", "unfold"], "history.html": ["tool"], "incidents.html": ["commit"],
    "limits.html": ["tools"], "machines.html": ["machine"],
}  # fmt: skip
"""What pages read from the address, besides the values of their controls."""


@pytest.mark.parametrize("file", [*OWN, "tools/numba.html", "findings/front.html"])
def test_every_page_says_what_it_does_not_know(visit, sites, file):
    text = (sites / "synthetic" / file).read_text()
    fields = re.findall(r'<(?:select|input) id="(\w+)"', text) + BESIDES.get(file, [])
    assert fields
    page = visit(f"synthetic/{file}#{'&'.join(f'{field}=no-{field}' for field in fields)}")
    said = page.inner_text("#unknown")
    for field in fields:
        if file == "index.html" and field in ("n", "calls"):
            continue  # said where the answer would be
        assert f"“no-{field}”" in said, field


@pytest.mark.parametrize(("field", "words"), [("n", "N: a whole"), ("calls", "Calls: a whole")])
def test_what_is_no_number_is_said_in_place_of_the_answer(visit, field, words):
    assert words in answer(visit(f"synthetic/index.html#{field}=some"))


def test_the_machine_of_the_address_is_in_view(visit):
    page = visit("synthetic/machines.html#machine=other")
    assert page.inner_text("#unknown") == ""
    assert -5 < page.locator("#other").bounding_box()["y"] < 500
    page.goto(page.url.split("#")[0] + "#machine=gone")
    expect(page.locator("#unknown")).to_contain_text("“gone” was asked for")
    link = page.locator("nav a", has_text="History").get_attribute("href")
    assert "machine=gone" in link, "the next page may have it"


def test_what_was_not_measured_can_be_chosen_and_says_how_to(visit):
    page = visit("synthetic/index.html#n=20000000")
    assert "No suite has this size" in answer(page)
    page = visit("synthetic/index.html#n=100000000")
    assert "Not measured at this N" in answer(page)
    assert "python -m lsebench run" in answer(page)
    page = visit("one/index.html")
    page.select_option("#dtype", "float32")
    assert re.search("float32|Not measured here", answer(page))


def test_threads_are_told_apart(visit):
    page = visit("synthetic/index.html")
    one = cells(page)
    page.locator("details.more summary").click()
    page.select_option("#threads", "all")
    assert cells(page).keys() == one.keys()
    assert "all cores" in answer(page)
    assert "one thread" in page.locator('#matrix tr[data-tool="numpy"] th').inner_text()


def test_failed_and_missing_tools_say_so(visit):
    page = visit("synthetic/index.html")
    page.check("#unfold")
    assert cells(page)["python"]["1000000"] == "failed"
    page.get_by_text("Not timed here").click()
    assert "CuPy: no CUDA device" in page.inner_text("#missing")


def test_a_click_makes_the_size_n_and_opens_its_history(visit):
    page = visit("synthetic/index.html#n=1000")
    page.locator('#matrix tr[data-tool="numba"] td button.cell').first.click()
    assert page.input_value("#n") == "10"
    expect(page.locator("tr.history svg").first).to_be_visible()
    page.locator('#matrix tr[data-tool="numba"] td button.cell').first.click()
    assert page.locator("tr.history").count() == 0


def test_answer_and_three_columns_fit_the_first_screen_of_a_phone(visit):
    page = visit("own/index.html", PHONE)
    rows = page.locator("#matrix tbody tr").first.locator("th, td")
    boxes = [rows.nth(i).bounding_box() for i in range(rows.count())]
    seen = [box for box in boxes if box["x"] >= 0 and box["x"] + box["width"] <= PHONE]
    assert len(seen) >= 3
    assert boxes[0]["y"] + boxes[0]["height"] <= 844


@pytest.mark.parametrize("width", [1300, 800, PHONE])
def test_no_number_is_half_below_the_names(visit, width):
    """It would be read as another one."""
    page = visit("own/index.html", width)
    name, *columns = page.locator("#matrix thead th").evaluate_all(
        "(all) => all.map((one) => one.getBoundingClientRect())"
    )
    for column in columns:
        assert column["left"] > name["right"] - 1 or column["right"] < name["right"] + 1


def test_downloaded_numbers_are_the_matrix_s(visit, tmp_path):
    page = visit("synthetic/index.html")
    page.check("#unfold")
    with page.expect_download() as download:
        page.click("#csv")
    assert download.value.suggested_filename == "logsumexp-float64.csv"
    download.value.save_as(tmp_path / "numbers.csv")
    with (tmp_path / "numbers.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    shown = cells(page)
    texts = page.evaluate("v => v.map(Site.seconds)", [float(row["seconds"]) for row in rows])
    for row, text in zip(rows, texts, strict=True):
        assert shown[row["tool"]][row["size"]] == text
    assert {row["machine"] for row in rows} == {synthetic.MACHINE}
    assert HOSTILE in {row["tool"] for row in rows}
    assert all(float(row["low"]) < float(row["seconds"]) < float(row["high"]) for row in rows)


@pytest.mark.parametrize("site", ["own", "synthetic"])
def test_front_page_is_light(visit, sites, site):
    page = visit(f"{site}/index.html")
    files = page.evaluate("performance.getEntriesByType('resource').map((r) => r.name)")
    names = ["index.html", *(file.split(f"/{site}/")[1] for file in files)]
    assert "static/vega.js" not in names, "loaded when a chart is asked for"
    assert sum((sites / site / name).stat().st_size for name in set(names)) < 2e6
