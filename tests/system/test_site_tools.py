"""The list of all tools, and the page of each, in a browser."""

import re

import pytest

from lsekernels import registry

from .browser import PHONE, eventually

SOME = "numpy", "numba", "cython", "simd", "cupy", "python", "stackless"


@pytest.mark.parametrize("backend", SOME)
@pytest.mark.parametrize(("site", "width"), [("own", 1400), ("synthetic", PHONE), ("none", PHONE)])
def test_a_tool_has_a_page(visit, site, width, backend):
    page = visit(f"{site}/tools/{backend}.html", width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("h1").inner_text().startswith(registry.declaration(backend).title)
    assert page.locator("pre.code span").count() > 5
    assert page.locator("img, script:not([src]), [onerror]").count() == 0
    assert re.search(r"\bmake bench", page.inner_text("main"))
    assert page.locator('nav a[aria-current="page"]').inner_text() == "Tools"
    if site == "none":
        assert "No results yet" in page.inner_text("main")


@pytest.mark.parametrize(("backend", "scheme"), [("simd", "light"), ("cupy", "dark")])
def test_everybody_can_use_the_page_of_a_tool(visit, backend, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = visit(f"synthetic/tools/{backend}.html", color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    found = Axe().run(page).response["violations"]
    assert not found, [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found]


def test_the_text_is_there_without_scripts(visit):
    page = visit("none/tools/scipy.html", java_script_enabled=False)
    assert "special.logsumexp" in page.inner_text("pre.code >> nth=0")
    assert "pip install scipy==" in page.inner_text("main")
    assert page.locator("[data-copy]:visible").count() == 0


def test_the_list_leads_to_every_page_and_keeps_the_choice(visit):
    page = visit("synthetic/tools.html#kernel=lu&n=100")
    assert page.locator("[data-tool]").count() == len(registry.names())
    page.select_option("#machine", "other")
    page.click("[data-tool=numba] a")
    page.wait_for_selector("body[data-ready]")
    assert page.locator("h1").inner_text() == "Numba"
    assert page.input_value("#machine") == "other"
    assert re.search(r"kernel=lu.*n=100", page.url)
    assert page.locator("details[data-kernel=lu]").get_attribute("open") is not None


def test_the_list_says_a_ratio_only_where_it_is_told(visit):
    page = visit("synthetic/tools.html")
    assert re.search(r"^\d", page.inner_text("[data-tool=cython_openmp] td:nth-child(3)"))
    assert page.locator("[data-tool=cython_openmp] td.good").count() == 1
    assert page.inner_text("[data-tool=numpy] td:nth-child(3)") == ""
    why = page.inner_text("[data-tool=cupy] td:last-child")
    assert "<script>alert" in why, "the reason, as text"
    assert "make bench-all" in page.inner_text("[data-tool=torch] td:last-child")


def test_where_the_data_is_is_said_beside_each_ratio(visit):
    page = visit("synthetic/tools.html")
    assert "The data is in NumPy arrays" in page.inner_text("#about")
    assert page.locator("thead th", has_text="from NumPy arrays").count() == 1
    own = visit("synthetic/tools/simd.html").inner_text("main")
    assert "in NumPy arrays, which it takes as they are" in own
    page = visit("synthetic/tools/python.html")
    said = page.inner_text("main")
    assert "where it wants it; of logsumexp also from NumPy arrays and back" in said
    for sentence in page.locator("#kernels section > p.note").all_inner_texts():
        assert "data where it wants it" in sentence or "forms" in sentence or "Not" in sentence


def test_what_is_installed_from_a_clone_says_so(visit):
    said = visit("none/tools/simd.html").inner_text("main")
    assert "pip install .\n" in said
    assert "In a clone of this repository, with a C and a C++ compiler." in said


def test_the_lines_are_copied(visit):
    page = visit("synthetic/tools/numba.html")
    page.evaluate(
        "const writeText = async (text) => { window.said = text; };"
        "Object.defineProperty(navigator, 'clipboard', { value: { writeText } });"
    )
    page.click("[data-code] pre >> xpath=.. >> [data-copy]")
    eventually(page, lambda: page.evaluate("window.said"))
    said = page.evaluate("window.said")
    assert said.startswith("# lsekernels/backends/numba.py\nself.logsumexp = ")
    assert "def logsumexp(x):" in said
    assert page.locator("text=copied").count() == 1


def test_the_lines_are_copied_from_the_disk_or_shown(visit, sites):
    page = visit((sites / "synthetic/tools/numba.html").as_uri())
    page.evaluate(
        "Object.defineProperty(navigator, 'clipboard', { value: undefined });"
        "document.execCommand = () => false;"
    )
    page.click(".use [data-copy]")
    assert page.inner_text(".use [data-copy]") == "copy it by hand"
    assert page.input_value(".use textarea") == page.inner_text(".use code")


def test_choices_change_charts_and_address(visit):
    page = visit("synthetic/tools/cython_openmp.html")
    assert page.locator("#kernels svg").count() >= 1
    assert page.locator('#kernels [aria-label*="NumPy in grey"]').count() >= 1
    before = page.inner_text("#kernels section >> nth=0")
    page.select_option("#threads", "all")
    eventually(page, lambda: "threads=all" in page.url)
    eventually(page, lambda: page.inner_text("#kernels section >> nth=0") != before)
    page.go_back()
    eventually(page, lambda: page.input_value("#threads") == "1")


def test_a_number_opens_its_history_and_closes_it(visit):
    page = visit("synthetic/tools/numba.html")
    page.click("#kernels section >> nth=0 >> summary")
    button = page.locator("#kernels section >> nth=0 >> button.link[aria-expanded]").last
    button.click()
    eventually(page, lambda: page.inner_text("[data-history]").strip())
    assert button.get_attribute("aria-expanded") == "true"
    page.locator("#facts button").first.click()
    eventually(page, lambda: page.locator("#facts [data-history]").count() == 1)
    assert button.get_attribute("aria-expanded") == "false"
    assert page.locator("[data-history]").count() == 1, "one is open at a time"
    page.locator("#facts button[aria-expanded=true]").click()
    assert page.locator("[data-history]").count() == 0


def test_why_it_is_not_measured_here(visit):
    page = visit("synthetic/tools/cupy.html")
    assert "<script>alert" in page.inner_text("#absent")
    assert "make bench-gpu" in page.inner_text("main")
