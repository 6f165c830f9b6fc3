"""The findings in a real browser: sentences, pictures that load, and what is shared of them."""

from urllib.parse import parse_qsl

import pytest
from playwright.sync_api import expect

from .browser import PHONE, settle

SHARED = {"permissions": ["clipboard-read", "clipboard-write"]}
IDS = "front", "heap", "scipy-versions", "digits", "compiler", "since-2020"


def loaded(page):
    """Return how wide each picture of the page is by nature; 0 is one that was not found."""
    return page.evaluate("[...document.images].map((image) => image.naturalWidth)")


def clipboard(page):
    return page.evaluate("navigator.clipboard.readText()")


@pytest.mark.parametrize(("site", "width"), [("own", 1400), ("synthetic", PHONE), ("one", PHONE)])
def test_each_finding_has_a_sentence_first_and_its_picture_below(visit, site, width):
    page = visit(f"{site}/findings.html", width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator(".finding").count() == len(IDS)
    answers = page.locator(".finding .answer:visible").all_inner_texts()
    assert len(answers) == len(IDS), "of each what was found on one machine"
    assert all(text.endswith(".") for text in answers)
    pictures = page.locator(".finding img")
    assert pictures.count() or site == "one"
    page.evaluate("document.querySelectorAll('img').forEach((image) => image.scrollIntoView())")
    assert set(loaded(page)) <= {800}
    for picture in pictures.all():
        assert len(picture.get_attribute("alt")) > 100
        for link in picture.locator("xpath=ancestor::section").locator("a[download]").all():
            file = link.evaluate("(link) => link.href")
            assert page.request.get(file).ok


@pytest.mark.parametrize("site", ["own", "synthetic", "none"])
@pytest.mark.parametrize("name", IDS)
def test_a_finding_has_a_page_and_a_picture_to_be_shared_with(visit, address, site, name):
    page = visit(f"{site}/findings/{name}.html", PHONE, color_scheme="dark")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE
    assert page.locator("h1").inner_text()
    image = page.locator('meta[property="og:image"]').get_attribute("content")
    assert page.request.get(f"{address}{site}/findings/{image}").ok
    assert set(loaded(page)) <= {800}
    if site == "none":
        assert "make bench" in page.inner_text("main") or "make claims" in page.inner_text("main")
        assert not page.locator(".share").count()


def test_a_finding_is_shared_as_a_link_and_as_a_table(visit, address):
    page = visit("own/findings/heap.html", **SHARED)
    page.click("[data-link]:visible")
    expect(page.locator("[data-link]:visible")).to_have_text("copied")
    shared = clipboard(page)
    machine = page.input_value("#machine")
    assert shared == f"{address}own/findings/heap.html#machine={machine}"
    assert page.url.endswith(f"#machine={machine}"), "so does the address"
    page.click("[data-table]:visible")
    expect(page.locator("[data-table]:visible")).to_have_text("copied")
    said, _, head, _, *rows = clipboard(page).splitlines()
    assert said.startswith(page.inner_text(".answer:visible"))
    columns = page.locator("thead th").first.locator("xpath=..").locator("th").all_inner_texts()
    assert head == f"| {' | '.join(columns)} |"
    assert len(rows) == page.locator("table").first.locator("tbody tr").count()


def test_what_cannot_be_put_on_the_clipboard_can_be_copied_by_hand(visit):
    page = visit("own/findings/heap.html")
    page.evaluate(
        """() => {
          navigator.clipboard.writeText = () => Promise.reject(new Error("not allowed"));
          document.execCommand = () => false;
        }"""
    )
    page.click("[data-link]:visible")
    area = page.locator(".share textarea")
    area.wait_for()
    assert "/findings/heap.html#machine=" in area.input_value()


@pytest.mark.parametrize("site", ["own", "synthetic"])
@pytest.mark.parametrize("name", IDS)
def test_the_numbers_are_where_a_finding_says_they_are(visit, site, name):
    page = visit(f"{site}/findings/{name}.html")
    links = page.locator("section[data-machine] p a[href*='#']").evaluate_all(
        "(links) => links.map((link) => link.href)"
    )
    assert links or not page.locator("[data-machine]").count()
    for link in links:
        page.goto("about:blank")  # else only the hash would change
        page.goto(link)
        settle(page)
        asked = dict(parse_qsl(link.partition("#")[2]))
        state = page.evaluate("Site.state()")
        assert {key: state.get(key) for key in asked} == asked
        assert not page.inner_text("#unknown"), "all that was asked for is there"


@pytest.mark.parametrize("path", ["findings.html", "findings/front.html"])
def test_an_address_shows_its_machine_or_says_that_it_is_not_there(visit, path):
    page = visit(f"synthetic/{path}")
    places = page.locator("#machine option").evaluate_all("(all) => all.map((one) => one.value)")
    assert len(places) > 1
    for place in places:
        page.select_option("#machine", place)
        shown = page.locator("[data-finding]").first.locator("[data-machine]:visible")
        assert shown.get_attribute("data-machine") == place
        assert dict(parse_qsl(page.url.partition("#")[2]))["machine"] == place
    page.goto("about:blank")
    page = visit(f"synthetic/{path}#machine=gone")
    assert "“gone” was asked for" in page.inner_text("#unknown")
    assert page.input_value("#machine") == places[0]


@pytest.mark.parametrize(("name", "scheme"), [("heap", "light"), ("since-2020", "dark")])
def test_everybody_can_use_the_page_of_a_finding(visit, name, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = visit(f"own/findings/{name}.html", PHONE, color_scheme=scheme)
    found = Axe().run(page).response["violations"]
    assert not found, [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found]
