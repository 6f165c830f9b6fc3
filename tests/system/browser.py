"""Sites in a real browser: what the tests of the pages share. conftest.py takes the fixtures."""

import os
import re
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

CHROMIUM = shutil.which("chromium")
POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'"
SITES = "own", "synthetic", "one", "none"
PHONE = 390


@pytest.fixture(scope="session")
def sites(root, tmp_path_factory):
    """The folder of all sites: of the repository's own results, of made-up ones, and of none."""
    from .. import synthetic  # it needs what makes the site, and most tests here do not

    folder = tmp_path_factory.mktemp("sites")
    out = folder / "sites"
    out.mkdir()
    messages = [f"Change {n}" for n in range(30)]
    messages[15] = synthetic.HOSTILE
    made = {
        "synthetic": (messages, synthetic.ENVIRONMENTS),
        "one": (["Start"], [("m", "pinned", "2.4.6", "1", 1, 1.0)]),
        "none": (["Start"], []),
    }
    for name, (log, environments) in made.items():
        commits = synthetic.repository(folder / name, log, project=synthetic.HOSTILE)
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


@pytest.fixture(scope="session")
def address(sites):
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=sites)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="session")
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

    def open_page(path, width=1400, **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
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
        known = path == "none/raw.html" and "404" in said.text
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
    if "raw.html" in page.url:
        page.wait_for_load_state("networkidle")
    elif page.locator('script[src*="data/"]').count() and not empty(page):
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


MATRIX = """() => {
  const heads = [...document.querySelectorAll("#matrix thead button")];
  const sizes = heads.map((head) => head.textContent.replaceAll(",", "").replace(/ \\W /, "x"));
  const rows = [...document.querySelectorAll("#matrix tbody tr[data-tool]")];
  return rows.flatMap((row) => sizes.map((size, i) => {
    const cell = row.children[i + 1], time = cell.querySelector("button.cell span");
    return {
      tool: row.dataset.tool, size, timed: Boolean(time), text: (time || cell).textContent,
      ratio: time ? parseFloat(cell.querySelector("small").textContent) : null,
      grade: [...cell.classList].filter((name) => name.startsWith("grade-")).join(),
    };
  }));
}"""


def matrix(page):
    """Return each cell of the front page's matrix: tool, size, text, ratio, grade."""
    return page.evaluate(MATRIX)
