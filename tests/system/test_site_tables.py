"""The pages of claims, libraries and accuracy in a real browser: they draw what was made."""

import csv
import re

import pytest

from ..synthetic import MACHINE
from .browser import PHONE, eventually


def drawn(page):
    return page.evaluate("document.getElementById('chart').view?.data('rows') ?? []")


@pytest.mark.parametrize("name", ["claims", "libraries", "accuracy"])
def test_the_whole_state_is_in_the_address_and_goes_along(visit, name):
    page = visit(f"synthetic/{name}.html")
    state = page.evaluate("Site.state()")
    assert state["machine"] == MACHINE
    link = page.locator("nav a", has_text="History").get_attribute("href")
    assert "machine=" in link
    page.goto(page.url.split("#")[0] + "#machine=nowhere")
    eventually(page, lambda: "nowhere" in page.inner_text("#unknown"))


@pytest.mark.parametrize("name", ["libraries", "accuracy"])
def test_a_change_is_a_step_back_and_no_question_of_the_address(visit, name):
    page = visit(f"synthetic/{name}.html")
    before = page.url
    page.select_option("#dtype", "float32")
    eventually(page, lambda: "dtype=float32" in page.url)
    assert page.inner_text("#unknown") == ""
    page.go_back()
    eventually(page, lambda: page.url == before)
    eventually(page, lambda: page.input_value("#dtype") == "float64")


@pytest.mark.parametrize(
    ("name", "table", "value"), [("accuracy", "errors", "error"), ("libraries", "numbers", "ratio")]
)
def test_downloaded_numbers_are_the_table_s(visit, tmp_path, name, table, value):
    page = visit(f"synthetic/{name}.html")
    with page.expect_download() as download:
        page.click("#csv")
    download.value.save_as(tmp_path / "numbers.csv")
    with (tmp_path / "numbers.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(value in row for row in rows)
    tools = page.locator(f"#{table} tbody th").all_inner_texts()
    assert len({row["tool"] for row in rows}) == len(tools) > 3


@pytest.mark.parametrize(("name", "table"), [("accuracy", "errors"), ("libraries", "numbers")])
def test_a_number_opens_its_history_in_place(visit, name, table):
    page = visit(f"synthetic/{name}.html")
    button = page.locator(f"#{table} button.cell").first
    button.click()
    eventually(page, lambda: page.locator("tr.history .in-place *").count() > 0)
    assert button.get_attribute("aria-expanded") == "true"
    button.click()
    assert page.locator("tr.history").count() == 0
    assert button.get_attribute("aria-expanded") == "false"


def test_libraries_say_in_words_what_changed(visit):
    """All of it is 1.4 times as slow with the older NumPy, plain Python too: the machine."""
    page = visit("synthetic/libraries.html")
    said = page.inner_text("#changes")
    assert "From NumPy 1.26.4 to NumPy 2.4.6" in said
    assert "Nothing became slower or faster beyond the noise" in said
    assert "differs by up to 1.4" in page.inner_text("#shaky")
    assert page.locator("#numbers td.slower, #numbers td.faster").count() == 0
    verdicts = {row["verdict"] for row in drawn(page)}
    assert verdicts == {"within the noise", "the newest"}


def test_slower_is_never_green(visit):
    page = visit("synthetic/libraries.html")
    colours = page.evaluate(
        """() => ["slower", "faster"].map((kind) => {
          const cell = Site.make("td", {class: kind});
          document.querySelector("#numbers tbody tr").append(cell);
          return getComputedStyle(cell).backgroundColor.match(/\\d+/g).map(Number); })"""
    )
    (red, green, _), (other_red, other_green, _) = (colour[:3] for colour in colours)
    assert red > green
    assert other_green > other_red


def test_accuracy_draws_the_worst_of_the_well_conditioned(visit):
    page = visit("synthetic/accuracy.html")
    table = page.evaluate("Site.data.accuracy.runs[0].kernels.logsumexp.worst.float64")
    rows = drawn(page)
    assert len(rows) > 3
    for row in rows:
        assert row["shown"] == table[row["name"]]["worst"]["text"]
        assert row["low"] < row["seconds"] < row["high"]


@pytest.mark.parametrize("width", [1400, PHONE])
def test_claims_have_a_verdict_only_with_an_interval(visit, width):
    page = visit("synthetic/claims.html", width)
    section = page.locator("section:not([hidden])[data-machine]")
    assert section.count() == 1
    for row in section.locator("table").nth(1).locator("tbody tr").all():
        _, verdict, _, interval, *_ = row.locator("td").all_inner_texts()
        if re.match("holds|does not hold|undecided", verdict):
            assert " to " in interval
        else:
            assert verdict == "" or re.match("not measured|no verdict|failed", verdict)
    page.select_option("#machine", "other")
    eventually(page, lambda: section.get_attribute("data-machine") == "other")
