"""Verdicts on claims and on libraries, judged again from the stored files by code of their own.

The rule, as the documentation and both pages say it:

A number has an interval where there are five samples of it or more. What the processes of the
machine differ by is added to it in quadrature: 2.576 standard deviations, of the check nearest to
the measurement, or 5 % where nobody has checked. A ratio of two times reaches as far as both do.

A claim holds, or does not hold, where all of the interval lies on one side of what was said;
*about* is a factor of 1.5 either way. Else it is undecided. A number of times whose interval has 1
in it is not told from equal: then no claim holds. What is counted has no noise.

Libraries: a time became slower or faster where all of the ratio lies beyond 1 and beyond whatever
plain Python differs by, which uses none: at this size, or else at all sizes of the kernel.
"""

import json
import math
import random
import re
import tomllib
from collections import Counter
from datetime import datetime
from itertools import pairwise, product

import pytest
from packaging.version import Version
from playwright.sync_api import expect

from lsekernels import registry

from .. import synthetic
from .test_site_figures import checks, noise, numbers, stored, suite, widened

DATE = "2026-01-10T00:00:00+00:00"
NOISE = {"quiet": 0.01, "loud": 0.08, "unchecked": 0.05}
"""Machine -> what its processes differ by, as its check of that day says; the last has none."""
NEVER = 1e9  # stands for "at no size"
FROM_SIZES = {
    "quiet": [(1000.0, 1000.0), (1000.0, 10.0)],
    "loud": [(NEVER, 100.0), (NEVER, NEVER)],
    "unchecked": [(100.0, 100.0), (10000.0, 1000.0)],
}
"""Machine -> from which size on it is faster, and the least that a process has found."""
SUITE = "warm.Logsumexp.track_time"
TOOLS = "numpy", "scipy", "numba", "cython", "pythran", "numba_tuned", "python"
DTYPES = "float32", "float64"
SIZES = "1000", "100000", "1000000"
PYTHON = ("float64", "1000"), ("float64", "100000")
DRIFT = {"1.26.4": 1.12, "2.0.2": 0.95, "2.2.6": 1.0, "2.4.6": 1.0}
"""NumPy -> how many times the newest time plain Python, which uses none, takes beside it."""
ABOUT = {"arch": "", "cpu": "", "num_cpu": "2", "os": "", "ram": "1"}
GENERATIONS = ("1.26.4", "1.11.4"), ("2.0.2", "1.13.1"), ("2.4.6", "1.17.1")


# -- stored files, made up, with values close to where the verdict is another one ------------------


@pytest.fixture(scope="module")
def made(root, tmp_path_factory):
    """A repository with claims of three machines, and three generations of libraries on one."""
    folder = tmp_path_factory.mktemp("verdicts") / "repository"
    commits = synthetic.repository(folder, ["Start", "More"])
    for machine, scatter in NOISE.items():
        place = folder / "results" / machine
        place.mkdir(parents=True)
        described = ABOUT | {"machine": machine, "version": 1}
        (place / "machine.json").write_text(json.dumps(described))
        if machine != "unchecked":
            write(place / "tuning.jsonl", [check(DATE, scatter), check("2026-02-01", 0.3)])
        write(place / "claims.jsonl", claims_of(root, machine, commits[-1]))
    generations(root, folder / "results", commits)
    done = synthetic.publish(root, folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "left out" not in done.stdout
    return folder


def write(file, lines):
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))


def check(when, scatter):
    kernels = {
        "loop": {"within": 0.0, "between": scatter / 2},
        "exp": {"within": 0.0, "between": scatter},
    }
    checked = datetime.fromisoformat(when).isoformat()
    return {"checked": checked, "checks": [], "noise": {"kernels": kernels}}


def claims_of(root, machine, commit):
    """Yield lines as ``make claims`` stores them: some of few processes, some without a value."""
    yield {"commit": commit, "date": DATE, "python": "3.11.7", "installed": {"numpy": "2.4.6"}}
    rng = random.Random(machine)
    sizes = iter(FROM_SIZES[machine])
    for number, claim in enumerate(claims(root)):
        told = {"what": claim["what"], "target": claim["target"], "verdict": "never read"}
        told |= {"source": claim["source"], "note": ""}
        if claim["sizes"]:
            value, low = next(sizes)
            yield told | {"measured": value, "low": low, "high": value}
            continue
        if not claim["quantity"].startswith("times"):
            yield told | {"measured": 0.5, "low": 0.5, "high": 0.5}
            continue
        if number % 12 == 5:
            yield told | {"verdict": "not measured here: cupy: no CUDA device"}
            continue
        spread = rng.choice([0.003, 0.05])
        width = math.hypot(spread, 2.576 * NOISE[machine])
        edge = rng.choice([1.0, *edges(claim["target"])])
        # The lower end, the upper one or the value itself is a little before the edge, or beyond.
        value = short(edge * rng.choice([0.998, 1.002]) / rng.choice([1 - width, 1 + width, 1.0]))
        told |= {"measured": value}
        if number % 12 != 9:
            told |= {"low": short(value * (1 - spread)), "high": short(value * (1 + spread))}
        yield told


def short(value):
    return float(f"{value:.4g}")


def edges(target):
    relation, bound = target.split()[:2]
    return [float(bound) / 1.5, float(bound) * 1.5] if relation == "about" else [float(bound)]


def generations(root, results, commits):
    """Store times of three generations at one commit, and of another one at the commit before."""
    suites = json.loads((root / "results/benchmarks.json").read_text())
    params = [[f"'{value}'" for value in values] for values in (TOOLS, DTYPES, SIZES)]
    suites = {SUITE: suites[SUITE] | {"params": params}, "version": suites["version"]}
    (results / "benchmarks.json").write_text(json.dumps(suites))
    rng = random.Random(3)
    newest = {key: (rng.uniform(1e-6, 1e-3), 0.03) for key in product(TOOLS, DTYPES, SIZES)}
    generation(rng, results, commits[0], ("2.2.6", "1.15.3"), suites[SUITE], newest)
    for libraries in reversed(GENERATIONS):
        newest = generation(rng, results, commits[1], libraries, suites[SUITE], newest)


def generation(rng, results, commit, libraries, bench, newest):
    """Store times next to where they count as slower, or as faster, than the newest.

    Of those, tool, dtype and size -> time and half of its interval, as share.
    """
    between = 2.576 * NOISE["quiet"]
    drift = DRIFT[libraries[0]]
    values, spreads, there = [], [], {}
    for key in newest:
        tool, dtype, size = key
        base, of_base = newest[key]
        spread = rng.uniform(0.002, 0.05)
        width = math.hypot(spread, between)
        beyond = rng.choice([(1 + of_base) / (1 - width), (1 - of_base) / (1 + width)])
        value = base * rng.choice([1.0, drift]) * rng.choice([0.998, 1.002]) * beyond
        if libraries == GENERATIONS[-1]:
            there[key] = value, width
        if tool == "python":  # it has no time of float32, nor of many elements
            value = 1e-3 * drift if (dtype, size) in PYTHON else math.nan
        elif rng.random() < 0.08:
            value = rng.choice([math.nan, None])
        values.append(value)
        spreads.append(spread)

    def of_each(found):
        """Put None where there is no time, as asv does."""
        return [one if v == v and v else None for one, v in zip(found, values, strict=True)]

    low, high = (
        of_each([(v or 0) * (1 + sign * s) for v, s in zip(values, spreads, strict=True)])
        for sign in (-1, 1)
    )
    row = [
        values,
        bench["params"],
        bench["version"],
        1000 * seconds(DATE),
        1.0,
        low,
        high,
        low,
        high,
    ]
    counts = of_each([1] * len(values)), of_each(rng.choices([9, 4], [15, 1], k=len(values)))
    columns = "result params version started_at duration stats_ci_99_a stats_ci_99_b stats_q_25"
    result = {
        "version": 2,
        "commit_hash": commit,
        "env_name": f"pinned-py3.11-numpy{libraries[0]}-LSEKERNELS_THREADS1",
        "date": int(1000 * seconds(DATE)),
        "params": ABOUT | {"machine": "quiet", "python": "3.11"},
        "python": "3.11",
        "requirements": dict(zip(("numpy", "scipy"), libraries, strict=True)),
        "env_vars": {"LSEKERNELS_THREADS": "1"},
        "result_columns": [*columns.split(), "stats_q_75", "stats_number", "stats_repeat"],
        "results": {SUITE: [*row, *counts]},
        "durations": {},
    }
    (results / f"quiet/{commit[:8]}-{result['env_name']}.json").write_text(json.dumps(result))
    return there or newest


def seconds(when):
    return datetime.fromisoformat(when).timestamp()


# -- claims ----------------------------------------------------------------------------------------


def claims(root):
    """Return what is claimed: the table, with its repetitions written out."""
    table = tomllib.loads((root / "lsebench/run/claims.toml").read_text())
    usual = {"source": table["source"], "quantity": table["quantity"], "sizes": []}
    return [
        usual | claim | {"group": group}
        for several in table["group"]
        for group in each(several)
        for checked in group["check"]
        for claim in each(checked)
    ]


def each(node):
    """Yield a copy of `node` for each combination of what its ``each`` lists, put in its place."""
    lists = node.get("each", {})
    rest = json.dumps({key: value for key, value in node.items() if key != "each"})
    for one in lists if isinstance(lists, list) else [lists]:
        for values in product(*(v if isinstance(v, list) else [v] for v in one.values())):
            text = rest
            for name, value in zip(one, values, strict=True):
                text = text.replace(f"{{{name}}}", json.dumps(str(value))[1:-1])
            yield json.loads(text)


def judged(claim, value, low, high):
    """Return the verdict on a claim of which `value` was measured, and its reason."""
    relation, bound = claim["target"].split()[:2]
    bound, times = float(bound), claim["quantity"].startswith("times")
    least = {"about": bound / 1.5, ">=": bound, "<=": -math.inf}[relation]
    most = {"about": bound * 1.5, ">=": math.inf, "<=": bound}[relation]
    if claim["sizes"] and high >= NEVER:
        return ("undecided" if low < NEVER else "does not hold"), ""
    if high < least or low > most:
        if relation != "about":
            return "does not hold", ""
        if (high < 1) if bound > 1 else (low > 1):
            return "does not hold", "the other way round"
        return "does not hold", "more than said" if low > most else "less than said"
    if times and low <= 1 <= high:
        return "undecided", "not told from equal"
    return ("holds" if least <= low and high <= most else "undecided"), ""


def of_suites(rows, claim):
    """Return the ratio of two calls of the suites, where both are warm ones on one thread."""
    group = claim["group"]
    if group.get("threads", "1") != "1" or claim["sizes"]:
        return None
    times = []
    for name in claim["above"], claim.get("below"):
        call = group.get("calls", {}).get(name)
        if (
            call is None
            and name in group.get("backends", ())
            and not isinstance(group["size"], list)
        ):
            call = [
                "backend",
                name,
                group.get("method", "logsumexp"),
                group.get("dtype", "float64"),
                group["size"],
            ]
        if call is None or call[0] != "backend":
            return None
        _, tool, method, dtype, size = call
        times.append(warm(rows, tool, method, dtype, str(size)))
    return reach(*times)


def warm(rows, tool, method, dtype, size):
    """Return a time of the suite with the longest name that `method` begins with."""
    words = method.split("_")
    for count in range(len(words), 0, -1):
        name = f"warm.{suite('_'.join(words[:count]))}.track_time"
        if any(of == name for of, _ in rows):
            form = "_".join(words[count:])
            return rows.get((name, (f"{tool}:{form}" if form else tool, dtype, size)))
    return None


def reach(above, below):
    """Return a ratio and its ends, of what is published of both: five digits."""
    if not above or not below:
        return None
    (value, low, high), (base, least, most) = map(published, (above, below))
    known = low is not None and bool(least)
    return value / base, low / most if known else None, high / least if known else None


def published(row):
    return [None if one is None else float(f"{one:.5g}") for one in row]


def told(claim, found):
    """Return the verdict on a ratio of the suites, its reason, and the interval that was judged."""
    if claim["target"] == "none":
        return "", "", found[1:]
    if found[1] is None:
        return "no verdict", "too few samples for an interval", found[1:]
    return *judged(claim, *found), found[1:]


def expected(root, results):
    """Return machine -> claim -> verdict, reason, interval, and the verdict in a young heap."""
    known, runs = checks(results), stored(results)
    lines = {}
    for file in results.glob("*/claims.jsonl"):
        facts, *rows = map(json.loads, file.read_text().splitlines())
        scatter = noise(known.get(file.parent.name), seconds(facts["date"]))
        lines[file.parent.name] = {row["what"]: row for row in rows}, scatter
    found = {}
    for machine in {*lines, *(machine for machine, threads in runs if threads == "1")}:
        rows, (of_claims, scatter) = runs.get((machine, "1"), {}), lines.get(machine, ({}, None))
        for claim in claims(root):
            line = of_claims.get(claim["what"])
            if line is None:
                ratio = of_suites(rows, claim)
                said = told(claim, ratio) if ratio else ("not measured", None, (None, None))
            elif "measured" not in line:
                said = line["verdict"].split(":")[0].removesuffix(" here"), None, (None, None)
            elif "low" not in line:
                none = claim["target"] == "none"
                said = (
                    *(("", "") if none else ("no verdict", "fewer than 5 processes")),
                    (None, None),
                )
            else:
                ends = line["low"], line["high"]
                if claim["quantity"].startswith("times"):
                    ends = widened(line["measured"], *ends, scatter)
                none = claim["target"] == "none"
                said = *(("", "") if none else judged(claim, line["measured"], *ends)), ends
            found.setdefault(machine, {})[claim["what"]] = *said, young(rows, claim, said[0])
    return found


def young(rows, claim, settled):
    """Return the verdict in a young heap, where it is another; without new arrays it is none."""
    if not (claim["source"] == "the talk" and claim["above"] == "scipy"):
        return None

    def of(tool):
        row = rows.get(("heap.YoungLogsumexp.track_time", (tool, "10000000")))
        if row is None and not registry.declaration(tool).temporaries:
            row = warm(rows, tool, "logsumexp", "float64", "10000000")
        return row

    found = reach(of(claim["above"]), of(claim["below"]))
    said = told(claim, found)[0] if found else None
    return said if said and settled and said != settled else None


CLAIMS = """() => {
  const first = (cell) => (cell.firstChild?.textContent ?? "").trim().replace(/\\s+/g, " ");
  const small = (cell) => cell.querySelector("small")?.textContent ?? "";
  const judged = (cell, interval, more) => (
    { verdict: first(cell), mark: cell.className, young: small(cell), interval, ...more });
  const sections = [...document.querySelectorAll("section[data-machine]")];
  return Object.fromEntries(sections.map((section) => {
    const [talk, lines] = section.querySelectorAll("tbody");
    return [section.dataset.machine, {
      talk: [...talk.rows].slice(1).map(({ cells }) => judged(cells[1], small(cells[2]))),
      lines: [...lines.rows].map(({ cells }) =>
        judged(cells[1], cells[3].textContent, { what: first(cells[0]) })),
    }];
  }));
}"""
"""Machine -> what stands in the rows of both of its tables, in their order."""


@pytest.mark.parametrize("site", ["own", "made"])
def test_every_verdict_on_a_claim(visit, sites, root, made, site):
    folder = root if site == "own" else made
    place = (sites / "own" if site == "own" else made / "html") / "claims.html"
    shown = visit(place.as_uri()).evaluate(CLAIMS)
    true = expected(root, folder / "results")
    assert set(shown) <= set(true)
    seen = Counter()
    talk = [
        claim["what"]
        for claim in claims(root)
        if claim["source"] == "the talk" and claim["above"] == "scipy"
    ]
    for machine, tables in shown.items():
        rows = tables["lines"] + [
            row | {"what": what} for row, what in zip(tables["talk"], talk, strict=True)
        ]
        assert {row["what"] for row in rows} >= set(true[machine])
        for row in rows:
            if row["what"] not in true[machine]:
                continue  # of an older table
            verdict, reason, (low, high), other = true[machine][row["what"]]
            said = row["verdict"].split(";")[0].partition(": ")
            assert said[0] == verdict, (machine, row, low, high)
            assert reason is None or said[2] == reason, (machine, row, low, high)
            assert row["mark"] == {"holds": "good", "does not hold": "bad"}.get(verdict, "")
            heap = re.match("in a young heap: ([^:]*)", row["young"])
            assert (heap and heap[1]) == other, (machine, row)
            if low is None or low == high:
                assert row["interval"] == ""
            else:
                ends = row["interval"].replace(",", "").split(" to ")
                read = [NEVER if end == "never" else float(end) for end in ends]
                assert read == pytest.approx([low, high], rel=6e-3)
            seen[verdict] += 1
    assert set(shown) == set(NOISE) or site == "own"
    if site == "made":
        assert min(seen[one] for one in ("holds", "does not hold", "undecided")) >= 10, seen
        assert seen["no verdict"] > 3


# -- libraries -------------------------------------------------------------------------------------


def tables(results):
    """Return machine and cores -> kernel -> (dtype, size) -> tool -> a time of each generation.

    Of one commit: the newest that the most generations have.
    """
    groups = {}
    for one in numbers(results):
        group = groups.setdefault((one.machine, one.kind, one.threads, one.python), {})
        group.setdefault(tuple(sorted(one.versions.items())), []).append(one)
    dates = {
        r["commit_hash"]: r["date"]
        for r in map(json.loads, (f.read_text() for f in results.glob("*/*-py3*.json")))
    }
    found = {}
    for about, runs in groups.items():
        counts = Counter(
            commit for rows in runs.values() for commit in {row.commit for row in rows}
        )
        commit = max(counts, key=lambda one: (counts[one], dates[one]))
        if counts[commit] < 2:
            continue
        common = set.intersection(*({name for name, _ in versions} for versions in runs))
        names = sorted(common, key=lambda name: (name != "numpy", name.lower()))
        there = [v for v, rows in runs.items() if any(row.commit == commit for row in rows)]
        ordered = sorted(there, key=lambda v: ([Version(dict(v)[name]) for name in names], -len(v)))
        kernels = {}
        for place, versions in enumerate(ordered):
            for row in runs[versions]:
                if row.commit == commit and row.suite.startswith("warm."):
                    sizes = kernels.setdefault(row.suite.split(".")[1], {})
                    tools = sizes.setdefault(row.key[1:], {})
                    tools.setdefault(row.key[0], [None] * len(ordered))[place] = row
        found[about] = kernels, len(ordered)
    return found


def band(sizes, at, old, new):
    """Return from where to where a ratio of old to new says nothing: plain Python's, and 1."""
    for tools in ([sizes[at]], [t for key, t in sizes.items() if key[0] == at[0]]):
        pairs = [
            (row[old], row[new])
            for t in tools
            for name, row in t.items()
            if name.split(":")[0] == "python"
        ]
        ratios = [a.value / b.value for a, b in pairs if a and b and a.value and b.value]
        if ratios:
            return min(1, *ratios), max(1, *ratios)
    return 1, 1


def word(one, newest, none):
    """Return what the page says of a time beside that of the newest generation."""
    if one is None:
        return None
    if one.value is None:
        return "failed"
    if one is newest:
        return "the newest"
    if newest is None or newest.value is None:
        return "no time with the newest"
    _, low, high = reach(one[-3:], newest[-3:])
    if low is None:
        return "too few samples to tell"
    return "slower" if low > none[1] else "faster" if high < none[0] else "within the noise"


TABLE = """() => {
  const shown = (cell) => ({
    mark: cell.className,
    text: cell.textContent,
    word: [...cell.querySelectorAll("button small")].at(-1)?.textContent ?? "",
    colour: getComputedStyle(cell).backgroundColor.match(/[\\d.]+/g).map(Number),
  });
  const rows = [...document.querySelectorAll("#numbers tbody tr")];
  return rows.map(({ cells: [head, ...rest] }) => [head.textContent, rest.map(shown)]);
}"""
NUMBER = r"[\d.,]+"
MARKS = {
    "slower": "number slower", "faster": "number faster", "failed": "number bad",
    "the newest": "number", None: "",
}  # fmt: skip


@pytest.fixture(params=["own", "made"])
def libraries(request, visit, sites, root, made):
    """The page of libraries, and what is stored of what it shows."""
    own = request.param == "own"
    page = visit(((sites / "own" if own else made / "html") / "libraries.html").as_uri())
    return page, tables((root if own else made) / "results"), own


def show(page, **asked):
    page.evaluate("state => { location.hash = Site.address('', state); }", asked)
    for field, value in asked.items():
        expect(page.locator(f"#{field}")).to_have_value(value)


def choices(page, known):
    """Choose one kernel, dtype and size of each group after the other; yield what is stored of it.

    That is all sizes of the kernel, and the one that is shown.
    """
    shown = page.evaluate("Site.data.libraries")["groups"]
    fields = "machine", "kind", "threads", "python"
    assert {tuple(group[name] for name in fields) for group in shown} == set(known)
    for group in shown:
        kernels, count = known[tuple(group[name] for name in fields)]
        assert len(group["environments"]) == count
        about = {name: group[name] for name in ("machine", "threads", "python")}
        for kernel, dtypes in group["kernels"].items():
            for dtype, size in ((dtype, size) for dtype, of in dtypes.items() for size in of):
                show(page, **about, kernel=kernel, dtype=dtype, n=size)
                yield kernels[suite(kernel)], (dtype, size)


def test_every_mark_of_the_libraries(libraries):
    page, known, own = libraries
    seen = Counter()
    for sizes, at in choices(page, known):
        titles = page.evaluate(
            "(all) => all.map((one) => [Site.titleOf(Site.data.libraries.backends, one), one])",
            list(sizes[at]),
        )
        names = dict(titles)
        cells = {names[title]: cells for title, cells in page.evaluate(TABLE)}
        assert set(cells) == set(sizes[at])
        for tool, row in sizes[at].items():
            for place, (one, cell) in enumerate(zip(row, cells[tool], strict=True)):
                verdict = word(one, row[-1], band(sizes, at, place, len(row) - 1))
                seen[verdict] += 1
                where = at, tool, place, verdict, cell
                assert cell["mark"] == MARKS.get(verdict, "number same"), where
                assert verdict in (None, "failed") or cell["word"] == verdict, where
                red, green = cell["colour"][:2]
                assert (red > green) == (verdict in ("slower", "failed")), where
                assert (green > red) == (verdict == "faster"), where
                if re.match(NUMBER, cell["text"]) and "×" in cell["text"]:  # noqa: RUF001
                    ratio = float(re.match(NUMBER, cell["text"])[0].replace(",", ""))
                    assert ratio == pytest.approx(one.value / row[-1].value, rel=6e-3)
    often = "slower", "faster", "within the noise", "too few samples to tell", "failed", None
    assert own or min(seen[verdict] for verdict in often) > 1, seen


LISTS = """() => [...document.querySelectorAll("#changes h3")].map((head) => {
  const texts = [];
  let next = head;
  while ((next = next.nextElementSibling) && next.tagName !== "H3")
    for (const one of next.tagName === "P" ? [next] : next.querySelectorAll("li"))
      texts.push(one.textContent);
  return texts;
})"""
SAID = re.compile(
    rf"(?P<what>.*), (?P<size>\d[^a-z]*)( [a-z]+)?, (?P<dtype>float\d+), "
    rf"(takes|is) (?P<times>{NUMBER}) times as (?P<way>long|fast) "
    rf"\((?P<low>{NUMBER}) to (?P<high>{NUMBER})\)(; so also at (?P<more>\d+) other sizes?)?"
)


def changes(kernels, old, new):
    """Return (kernel, tool, dtype, word) -> size -> ratio of new to old, and of how many pairs."""
    found, compared = {}, 0
    for kernel, sizes in kernels.items():
        for (dtype, size), tools in sizes.items():
            least, most = band(sizes, (dtype, size), old, new)
            for tool, row in tools.items():
                if tool.split(":")[0] == "python" or not (
                    row[old] and row[new] and row[old].value and row[new].value
                ):
                    continue
                ratio, low, high = reach(row[new][-3:], row[old][-3:])
                if low is None:
                    continue
                compared += 1
                if low > 1 / least or high < 1 / most:
                    key = kernel, tool, dtype, "long" if low > 1 / least else "fast"
                    found.setdefault(key, {})[size] = ratio, low, high
    return found, compared


def test_every_sentence_of_what_became_slower_or_faster(libraries):
    page, known, own = libraries
    shown = page.evaluate("Site.data.libraries")
    said = 0
    for group in shown["groups"]:
        show(page, **{name: group[name] for name in ("machine", "threads", "python")})
        about = tuple(group[name] for name in ("machine", "kind", "threads", "python"))
        kernels, count = known[about]
        steps = [*([(0, count - 1)] if count > 2 else []), *reversed(list(pairwise(range(count))))]
        for texts, (old, new) in zip(page.evaluate(LISTS), steps, strict=True):
            true, compared = changes(kernels, old, new)
            assert not compared or any(f"{compared:,} times were compared" in t for t in texts)
            found = [match for text in texts if (match := SAID.fullmatch(text))]
            said += len(found)
            names = {
                (named(shown, kernel, tool), dtype, way): sizes
                for (kernel, tool, dtype, way), sizes in true.items()
            }
            assert sorted((one["what"], one["dtype"], one["way"]) for one in found) == sorted(names)
            for one in found:
                sizes = names[one["what"], one["dtype"], one["way"]]
                size = max(sizes, key=lambda n: abs(math.log(sizes[n][0])))
                assert re.findall(r"\d+", one["size"].replace(",", "")) == size.split("x")
                assert int(one["more"] or 0) == len(sizes) - 1
                ratio, low, high = sizes[size]
                if one["way"] == "fast":
                    ratio, low, high = 1 / ratio, 1 / high, 1 / low
                read = [float(one[name].replace(",", "")) for name in ("times", "low", "high")]
                assert read == pytest.approx([ratio, low, high], rel=6e-3)
    assert own or said > 10


def named(shown, kernel, tool):
    """Return what a sentence calls a tool and a kernel."""
    name, _, form = tool.partition(":")
    (title,) = (one["title"] for key, one in shown["kernels"].items() if suite(key) == kernel)
    return f"{shown['backends'][name]['title']}{f' ({form})' if form else ''}: {title}"
