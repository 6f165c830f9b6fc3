"""The site in a real browser: nothing from elsewhere, nothing unsafe, and the controls work."""

import csv
import os
import re
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lsebench.site import pictures
from lsebench.site.plugin import PAGES

from .. import synthetic
from ..synthetic import HOSTILE

CHROMIUM = shutil.which("chromium")
POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'"
SITES = "own", "synthetic", "one", "none"
PHONE = 390


@pytest.fixture(scope="module")
def sites(root, tmp_path_factory):
    """The folder of all sites: of the repository's own results, of made-up ones, and of none."""
    folder = tmp_path_factory.mktemp("sites")
    out = folder / "sites"
    out.mkdir()
    messages = [f"Change {n}" for n in range(30)]
    messages[15] = HOSTILE
    made = {
        "synthetic": (messages, synthetic.ENVIRONMENTS),
        "one": (["Start"], [("m", "pinned", "2.4.6", "1", 1, 1.0)]),
        "none": (["Start"], []),
    }
    for name, (log, environments) in made.items():
        commits = synthetic.repository(folder / name, log, project=HOSTILE)
        synthetic.measure(root, folder / name, commits, environments)
    before = sorted((root / "html").rglob("*"))

    def publish(name):
        place = root if name == "own" else folder / name
        return synthetic.publish(root, place, "--html-dir", out / name)

    with ThreadPoolExecutor(2) as pool:
        for done in pool.map(publish, SITES):
            assert done.returncode == 0, done.stdout + done.stderr
    assert sorted((root / "html").rglob("*")) == before, "only what --html-dir names is written"
    return out


class Handler(SimpleHTTPRequestHandler):
    """A static server that allows a page only what is in its own site."""

    def end_headers(self):
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def address(sites):
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=sites)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def browser():
    if not CHROMIUM:
        need = pytest.fail if os.environ.get("LSEKERNELS_REQUIRE") else pytest.skip
        need("chromium is not installed (apt install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser, address):
    """Open pages; none may say an error, ask another site for anything, or open a dialog."""
    faults = []
    contexts = []

    def open_page(path, width=1400):
        context = browser.new_context(viewport={"width": width, "height": 900})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: hear(said, path))
        page.on("pageerror", lambda error: faults.append(f"{path}: {error}"))
        page.on("dialog", lambda dialog: (faults.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: check(request.url))
        page.goto(path if ":" in path else address + path)
        settle(page)
        return page

    def hear(said, path):
        # With no result at all there is no environment, and asv-tachyon asks for graphs of none.
        known = path == "none/history.html" and "404" in said.text
        if (said.type == "error" and not known) or said.text.startswith("WARN"):
            faults.append(f"{path}: {said.text[:300]}")

    def check(url):
        if not url.startswith((address, "file:", "data:", "blob:")):
            faults.append(f"asks for {url}")

    yield open_page
    for context in contexts:
        context.close()
    assert not faults, "\n".join(faults)


def settle(page):
    """Wait until a page has drawn what it has."""
    if "history.html" in page.url:
        page.wait_for_load_state("networkidle")
    elif page.locator('script[src^="data/"]').count() and not empty(page):
        page.wait_for_selector("body[data-ready]")


def empty(page):
    return page.get_by_text(re.compile("No results yet")).count() > 0


def eventually(page, question):
    """Wait until `question()` is true: a chart is drawn a little after its control has changed."""
    for _ in range(1200):
        if found := question():
            return found
        page.wait_for_timeout(25)
    raise AssertionError("nothing changed")


def drawn(page, chart):
    """Return the rows that a chart shows."""
    return page.evaluate("id => (document.getElementById(id).view?.data('rows') ?? [])", chart)


def numbers(page):
    """Return the table as text, line by line."""
    return [row.split("\t") for row in page.inner_text("#numbers tbody").split("\n")]


@pytest.mark.parametrize("file", PAGES)
@pytest.mark.parametrize(
    ("site", "width"),
    [("own", 1400), ("own", PHONE), ("synthetic", PHONE), ("one", 1400), ("none", PHONE)],
)
def test_page_opens(visit, site, file, width):
    page = visit(f"{site}/{file}", width)
    if file == "history.html":
        return  # asv-tachyon's own
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.title()
    assert page.locator("h1").inner_text()
    if site == "none":
        assert re.search(r"No results yet|\bmake [a-z]", page.inner_text("body"))


def test_front_page_opens_from_the_disk(visit, sites):
    page = visit((sites / "own/index.html").as_uri())
    assert len(drawn(page, "bars")) > 3
    assert page.locator("#lines svg").count() == 1


@pytest.mark.parametrize("file", PAGES)
def test_names_are_text(visit, file):
    """Of machine, commit message, tool, reason, version, processor and project."""
    page = visit(f"synthetic/{file}" + ("#tools=all" if file == "index.html" else ""))
    assert page.locator("img, script:not([src]), [onerror]").count() == 0
    if file == "index.html":
        for place in ("#machine", "#numbers", "#bars", "#about"):
            assert "<script>alert" in page.locator(place).text_content()
        page.locator("#bars path[aria-roledescription=bar]").first.hover()
        tip = page.locator("#vg-tooltip-element.visible")
        assert "as fast as" in tip.inner_text()
        assert tip.locator("img, script").count() == 0


def test_controls_change_chart_table_and_address(visit):
    page = visit("synthetic/index.html")
    assert "#" not in page.url
    for field, value in [
        ("dtype", "float32"),
        ("machine", "other"),
        ("kernel", "softmax_rows"),
        ("kernel", "logsumexp"),
        ("baseline", "numpy"),
        ("size", "100"),
    ]:
        before = drawn(page, "bars")
        page.select_option(f"#{field}", value)
        eventually(page, lambda before=before: drawn(page, "bars") not in (before, []))
        assert page.input_value(f"#{field}") == value
        assert page.evaluate("([k]) => Site.state()[k]", [field]) == (
            value if value != "logsumexp" else None
        )
    one = next(row for row in drawn(page, "bars") if row["name"] == "numpy")
    assert (one["speedup"], one["size"]) == (1, "100")

    assert "numba" in {row["name"] for row in drawn(page, "lines")}
    page.uncheck("#tools input[value=numba]")
    eventually(page, lambda: "numba" not in {row["name"] for row in drawn(page, "lines")})
    assert "numba" not in page.evaluate("Site.state().tools").split(",")


def test_threads_are_told_apart(visit):
    page = visit("synthetic/index.html")
    many = len(numbers(page))
    page.select_option("#threads", "all")
    eventually(page, lambda: len(numbers(page)) < many)
    assert "do not compare" in page.inner_text("#about")


def test_a_link_restores_the_state(visit):
    page = visit("synthetic/index.html#machine=other&dtype=float32&baseline=numpy&size=1000")
    page.uncheck("#tools input[value=scipy]")
    eventually(page, lambda: "scipy" not in {row["name"] for row in drawn(page, "bars")})
    again = visit(page.url)
    fields = "machine", "dtype", "baseline", "size", "kernel", "threads", "clock"
    for field in fields:
        assert again.input_value(f"#{field}") == page.input_value(f"#{field}")
    assert again.input_value("#machine") == "other"
    assert numbers(again) == numbers(page)
    names = [[row["name"] for row in drawn(p, "bars")] for p in (page, again)]
    assert names[0] == names[1]


def test_an_address_that_means_nothing_shows_the_default(visit):
    strange = "#machine=<b>&kernel=%00&dtype=constructor&size=-1&tools=,&baseline=__proto__"
    page = visit("synthetic/index.html" + strange)
    assert numbers(page) == numbers(visit("synthetic/index.html"))


def test_failed_and_missing_tools_say_so(visit):
    page = visit("synthetic/index.html")
    row = next(row for row in numbers(page) if row[0] == "Python")
    assert row[-1] == "failed"
    page.get_by_text("Tools without a time here").click()
    assert "CuPy: no CUDA device" in page.inner_text("#missing")


def test_sorting(visit):
    page = visit("synthetic/index.html")
    head = page.locator("#numbers thead th", has_text="10,000").first
    head.locator("button").click()
    column = page.locator("#numbers thead th").all_inner_texts().index(head.inner_text())
    up = numbers(page)
    assert head.get_attribute("aria-sort") == "ascending"
    times = [nanoseconds(row[column]) for row in up]
    assert times == sorted(times)
    assert len(set(times)) > 4
    # The button is drawn again, and has the focus still.
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert [row[column] for row in numbers(page)] == [row[column] for row in reversed(up)]
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Space")
    assert head.get_attribute("aria-sort") == "none"


def nanoseconds(text):
    value, unit = text.split()
    return float(value) * {"ns": 1, "µs": 1e3, "ms": 1e6, "s": 1e9}[unit]


def test_downloaded_numbers_are_the_table_s(visit, tmp_path):
    page = visit("synthetic/index.html")
    with page.expect_download() as download:
        page.click("#csv")
    assert download.value.suggested_filename == "logsumexp-float64-warm.csv"
    download.value.save_as(tmp_path / "numbers.csv")
    with (tmp_path / "numbers.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    timed = [row for row in rows if row["seconds"]]
    texts = page.evaluate("v => v.map(Site.seconds)", [float(row["seconds"]) for row in timed])
    cells = [cell for row in numbers(page) for cell in row[1:] if cell not in ("", "failed")]
    assert sorted(texts) == sorted(cells)
    assert {row["machine"] for row in rows} == {synthetic.MACHINE}
    assert HOSTILE in {row["tool"] for row in rows}
    assert all(float(row["low"]) < float(row["seconds"]) < float(row["high"]) for row in timed)


@pytest.mark.parametrize(
    ("name", "table", "value"), [("accuracy", "errors", "error"), ("libraries", "numbers", "ratio")]
)
def test_other_tables_can_be_downloaded_too(visit, tmp_path, name, table, value):
    page = visit(f"own/{name}.html")
    with page.expect_download() as download:
        page.click("#csv")
    download.value.save_as(tmp_path / "numbers.csv")
    with (tmp_path / "numbers.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(value in row for row in rows)
    tools = page.locator(f"#{table} tbody th").all_inner_texts()
    assert len({row["tool"] for row in rows}) == len(tools) > 3


@pytest.mark.parametrize("site", ["own", "synthetic"])
def test_pictures_show_what_the_page_shows(visit, sites, site):
    page = visit(f"{site}/index.html")
    found = pictures.load(sites / site)
    for chart, rows in ("lines", pictures.line_rows(found)), ("bars", pictures.bar_rows(found)):
        shown = drawn(page, chart)
        assert len(shown) == len(rows) > 3
        for one, other in zip(shown, rows, strict=True):
            for name, value in other.items():
                number = isinstance(value, float)
                assert one[name] == (pytest.approx(value, rel=1e-9) if number else value)
