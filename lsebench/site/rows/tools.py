"""All tools, and a page for each: what it is, the lines that are timed, and what they take."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_for_filename

from lsebench.site import families
from lsekernels import kernels, registry
from lsekernels.threads import VARIABLES

from . import code, compiled_code, home, words
from .machines import SETTINGS
from .results import Row, Run, Series, apart, newest, ratio, rounded, usual_first

BASELINE, FIRST = home.BASELINE, home.TIMED
SHOWN_AT = "100000"
"""Elements of logsumexp for which the list says a time, as the front page does when it is opened;
else the most that was measured."""
DTYPE = "float64"
BACK = "from NumPy arrays and back"
COMPILED = {
    "no": "not compiled",
    "jit": "compiled at the first call",
    "ahead": "compiled ahead of time",
}
ENDINGS = {".cu": "x.cpp", ".pyx": "x.pyx"}


def write(site: Any, runs: Mapping[Run, Series], series: Sequence[str]) -> None:
    """Write the list of all tools, and the page of each.

    Parameters
    ----------
    site : Site
        Of ``write.py``.
    runs : mapping
    series : sequence of str
        The scripts that open a history in place.
    """
    known = [(run, each, home.of_run(run, each)) for run, each in newest(runs).items()]
    known = [row for row in known if row[2]["times"]]
    known.sort(key=lambda row: usual_first(row[2], len(row[2]["times"])))
    found = [row[2] for row in known]
    site.page("tools.html", listed(found), groups=grouped(), empty=not found)
    for name in registry.names():
        own = of_tool(name, found)
        site.page(
            families.page(name),
            own,
            "tool",
            scripts=series,
            template="tool.html",
            data=f"tools/{name}",
            empty=not own["runs"],
            **told(name, found, site.source),
        )


# -- all of them -----------------------------------------------------------------------------------


def grouped() -> list[dict[str, Any]]:
    """Return the families, NumPy's first and those for GPUs last, with what their tools are."""
    names = registry.names()
    tiers = ("core", "all", "gpu")
    seen = [BASELINE, *families.featured(), *names]

    def place(family: str) -> tuple[bool, int]:
        own = registry.declaration(family if family in names else seen[0])
        return family != BASELINE, tiers.index(own.tier)

    order = sorted(dict.fromkeys(map(families.family, seen)), key=place)
    return [
        {
            "title": _title(family),
            "tools": [
                {**families.described(name), "name": name, "what": what(name)}
                for name in sorted(names, key=lambda n: (n != family, n))
                if families.family(name) == family
            ],
        }
        for family in order
    ]


def listed(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return for the list of tools each run's time of one call on NumPy arrays, against NumPy's.

    Returns
    -------
    dict
        ``runs``: each with ``tools``: name -> [size, time, ratio, own]; the ratio is that of
        `against`, or None where NumPy was not timed there. A tool with arrays of its own has the
        time with transfers, and `own` is its time without, which is not compared. ``absent``:
        name -> why there is no time; ``own``: what is known of those, [size, time].
    """
    rows = []
    for run in found:
        tools: dict[str, Any] = {}
        absent: dict[str, str] = {}
        alone: dict[str, list[Any]] = {}
        times, own = home.times_of(run, DTYPE, "numpy"), home.times_of(run, DTYPE)
        for name in registry.names():
            table = times.get(name)
            if not table:
                absent[name] = why_absent(name, run)
                if there := own.get(name):
                    alone[name] = [size := _shown(there), there[size][:3]]
                continue
            size = _shown(table)
            base = times.get(BASELINE, {}).get(size)
            than = against(base, table[size]) if base and name != BASELINE else None
            without = own[name].get(size) if home.moves(name) and name in own else None
            tools[name] = [size, table[size][:3], than, without and without[:3]]
        rows.append({**_head(run), "tools": tools, "absent": absent, "own": alone})
    return {"runs": rows, "dtype": DTYPE, "size": SHOWN_AT}


def _shown(table: Mapping[str, Any]) -> str:
    return SHOWN_AT if SHOWN_AT in table else max(table, key=int)


def what(name: str) -> str:
    """Return in some words what a backend is: ``compiled at the first call, CPU, one thread``."""
    declared = registry.declaration(name)
    threads = "all cores" if declared.parallel else "one thread"
    where = ["GPU"] if declared.device == "gpu" else ["CPU", threads]
    ours = ["ours"] if declared.ours else []
    return ", ".join([COMPILED[declared.compiled], *where, *ours])


def against(base: Row, value: Row) -> list[Any]:
    """Return how many times as fast as `base` a time is.

    Returns
    -------
    list
        [ratio, least, most, 1 where it is told apart and faster, -1 where slower, else 0]
    """
    times, *ends = ratio(base, value)
    if times is None:
        return [None, None, None, 0]
    if not apart(base, value):
        return [rounded(times), None, None, 0]
    known = [rounded(end) if end is not None and math.isfinite(end) else None for end in ends]
    return [rounded(times), *known, 1 if times > 1 else -1]


def why_absent(name: str, run: Mapping[str, Any]) -> str:
    """Return why a run has no time of a backend, or how to measure it."""
    declared = registry.declaration(name)
    if FIRST not in declared.kernels():
        return f"It has no {FIRST}; its page has what it has."
    if name in run["reasons"]:
        return str(run["reasons"][name])
    if run["threads"] != "1" and not declared.parallel:
        return "It uses one thread: see the run with one thread."
    if home.times_of(run, DTYPE).get(name):
        return f"Its transfers were not measured in this run: {measure(name, wide=True)} does it."
    return f"Not measured in this run: {measure(name)} measures it."


def measure(name: str, wide: bool = False) -> str:
    """Return the command that measures a backend; `wide`: with its transfers and more."""
    declared = registry.declaration(name)
    if declared.device == "gpu":
        return "make bench-gpu"
    if declared.interpreter == "PyPy":
        return "make bench-pypy"
    return "make bench" if declared.tier == "core" and not wide else "make bench-all"


# -- one of them -----------------------------------------------------------------------------------


def of_tool(name: str, found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what was measured of a backend, with NumPy beside it.

    Returns
    -------
    dict
        ``runs``: each with ``kernels``: kernel -> dtype -> rows of `_times`; ``facts``: dtype ->
        rows of `_facts`; ``pays``: dtype -> sentences; ``absent``: why there is nothing.
    """
    declared = registry.declaration(name)
    runs = []
    for run in found:
        tables = {
            kernel: table
            for kernel in declared.kernels()
            if kernel in run["times"] and (table := _times(name, kernel, run))
        }
        absent = "" if tables else _why_none(name, run)
        runs.append(
            {
                **_head(run),
                "kernels": tables,
                "facts": {dtype: _facts(name, run, dtype) for dtype in declared.dtypes},
                "pays": {dtype: pays(name, run, dtype) for dtype in declared.dtypes},
                "absent": absent,
            }
        )
    runs.sort(key=lambda run: not run["kernels"])  # it opens with one in which it was measured
    return {
        "tool": name,
        "moves": home.moves(name),
        "moved": FIRST,
        "measure": measure(name, wide=True),
        "runs": runs,
        "backends": {each: families.described(each) for each in sorted({name, BASELINE})},
        "kernels": {kernel: home.about_kernel(kernel) for kernel in declared.kernels()},
    }


def _why_none(name: str, run: Mapping[str, Any]) -> str:
    declared = registry.declaration(name)
    if name in run["reasons"]:
        return str(run["reasons"][name])
    if run["threads"] != "1" and not declared.parallel:
        return "It uses one thread: choose one thread."
    return f"It was not measured in this run: {measure(name)} measures it."


def _times(name: str, kernel: str, run: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return dtype -> rows [form, size, time, NumPy's of this form, against it]; None where not.

    The data is where the tool wants it. Of a tool with arrays of its own there follow, where they
    were measured: the time from NumPy arrays and back, and that against NumPy's.
    """
    found: dict[str, list[Any]] = {}
    measured = run["times"][kernel]["settled"]
    sizes = home.about_kernel(kernel)["sizes"]
    tools = [tool for tool in measured if families.backend_of(tool) == name]
    for tool in sorted(tools):
        form = tool.partition(":")[2]
        other = measured.get(f"{BASELINE}:{form}" if form else BASELINE, {})
        for dtype, table in measured[tool].items():
            back = _transfers(tool, kernel, run).get(dtype, {})
            for size in sorted(table, key=lambda size: sizes.index(size) if size in sizes else -1):
                base = other.get(dtype, {}).get(size)
                row = [form, size, *_beside(name, base, table[size])]
                if moved := back.get(size):
                    row += [moved[:3], _beside(name, base, moved)[2]]
                found.setdefault(dtype, []).append(row)
    return found


def _beside(name: str, base: Any, cell: Any) -> list[Any]:
    """Return [time, NumPy's, the one against the other]; None where something is not known."""
    than = against(base, cell) if cell and base and name != BASELINE else None
    return [cell and cell[:3], base and base[:3], than]


def _transfers(tool: str, kernel: str, run: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return dtype -> size -> time from NumPy arrays and back, where it was measured."""
    if kernel != FIRST or not home.moves(families.backend_of(tool)):
        return {}
    found: Mapping[str, Any] = run["transfer"]["settled"].get(tool, {})
    return found


def _facts(name: str, run: Mapping[str, Any], dtype: str) -> list[dict[str, Any]]:
    """Return what else is known of a backend in a run: clock, title, kind, its value, NumPy's."""
    errors, memory = run["errors"].get(dtype, {}), run["memory"].get(dtype, {})
    rows: list[dict[str, Any]] = []

    def add(clock: str, title: str, kind: str, values: Mapping[str, Any], missing: str) -> None:
        own, numpy = values.get(name), values.get(BASELINE)
        told = {"own": own, "numpy": None if name == BASELINE else numpy, "missing": missing}
        rows.append({"clock": clock, "title": title, "kind": kind, **told})

    full = "make bench-full measures it"
    if FIRST in registry.declaration(name).kernels():
        add("error", "largest error of logsumexp", "error", errors, full)
        add("memory", "memory that a call of logsumexp adds", "bytes", memory, full)
    add("import", "import", "seconds", run["imports"], f"{measure(name)} measures it")
    if FIRST in registry.declaration(name).kernels():
        add("first_call", "first call, compile cache empty", "seconds", run["first"]["empty"], full)
        cached = "" if home.caches(name) else "it has no compile cache"
        filled = run["first"]["filled"] if home.caches(name) else {}
        add("cached", "first call, compile cache filled", "seconds", filled, cached or full)
    return rows


def pays(name: str, run: Mapping[str, Any], dtype: str) -> list[str]:
    """Return sentences that say from how many calls on a compiled backend pays against NumPy."""
    declared = registry.declaration(name)
    if declared.compiled == "no" or FIRST not in declared.kernels():
        return []
    caches = ["empty", "filled"] if home.caches(name) else ["empty"]
    rows = run["pays"].get(dtype, {})
    told = [_paid(name, rows.get(cache, []), dtype, cache) for cache in caches]
    if lacking := _settled_alone(name, run, dtype):
        told.append(
            f"Of {_and(lacking)} numbers that is not known: in the heap of a fresh process the "
            "transfers were not timed."
        )
    return told


def _settled_alone(name: str, run: Mapping[str, Any], dtype: str) -> list[str]:
    """Return the sizes of which transfers were timed in a settled heap and not in a young one."""
    settled, young = (
        {
            size
            for size, value in run["transfer"][heap].get(name, {}).get(dtype, {}).items()
            if value
        }
        for heap in ("settled", "young")
    )
    return [words.size(size) for size in sorted(settled - young, key=int)]


def _paid(name: str, rows: Sequence[Mapping[str, Any]], dtype: str, cache: str) -> str:
    start = "In a fresh process"
    if home.caches(name):
        start += f" with its compile cache {cache}"
    if home.moves(name):
        start += f", {BACK},"
    row = next((row for row in rows if row["tool"] == name), None)
    if row is None or row["missing"] or not row["calls"]:
        lacks = (row or {}).get("missing") or [f"{FIRST} of {dtype} in a fresh process"]
        return f"{start.rstrip(',')}: not known, for this was not measured: {', '.join(lacks)}."
    groups: dict[int | str, list[str]] = {}
    for size, number in sorted(row["calls"].items(), key=lambda item: int(item[0])):
        groups.setdefault(number, []).append(words.size(size))
    parts = [
        f"of {_and(sizes)} numbers {_calls(number, row['about'])}"
        for number, sizes in groups.items()
    ]
    vague = " The starts have too few samples for an interval." if row["about"] else ""
    return f"{start} import and compilation have paid against NumPy: {'; '.join(parts)}.{vague}"


def _and(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def _calls(number: int | str, vague: bool) -> str:
    if number == "never":
        return "never, for it is slower"
    if number == "unclear":
        return "no one can tell, for neither is told to be faster"
    return f"after {words.calls(int(number), vague)}"


def told(name: str, found: Sequence[Mapping[str, Any]], source: str) -> dict[str, Any]:
    """Return what a backend's page says without a script, for the template."""
    declared = registry.declaration(name)
    order = sorted(declared.kernels(), key=lambda kernel: (kernel != FIRST, kernel))
    return {
        "tool": families.described(name),
        "about": families.about(name),
        "what": what(name),
        "needs": families.needs(name),
        "where": _where(name),
        "threads": _threads(name),
        "dtypes": declared.dtypes,
        "tier": declared.tier,
        "measure": measure(name),
        "origin": code.file_of(name),
        "places": _places(name, found),
        "failures": _failures(name),
        "code": lines_timed(name, order, source),
        "kinds": [*_family(name)],
    }


def _where(name: str) -> str:
    """Return in a sentence where the data is when a call is timed."""
    if not home.moves(name):
        return "in NumPy arrays, which it takes as they are"
    also = f"; of {FIRST} also {BACK}" if FIRST in registry.declaration(name).kernels() else ""
    return f"where it wants it{also}"


def _threads(name: str) -> list[str]:
    """Return the variables by which it is told how many threads to use; none where it has one."""
    declared = registry.declaration(name)
    if not declared.parallel:
        return []
    return [VARIABLES[0], *declared.thread_variables]


def _family(name: str) -> list[dict[str, Any]]:
    """Return the other tools of the family."""
    others = [n for n in registry.names() if families.family(n) == families.family(name)]
    return [families.described(other) for other in others if other != name]


def _places(name: str, found: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a sentence for each run: whether it was measured there, or why not."""
    sentences = []
    for run in found:
        kernels_there = sorted(
            kernel
            for kernel, heaps in run["times"].items()
            if any(families.backend_of(tool) == name for tool in heaps["settled"])
        )
        threads = SETTINGS.get(run["threads"], run["threads"])
        there = f"{run['machine']} ({threads}, Python {run['python']})"
        if kernels_there:
            sentences.append(f"{there}: measured ({', '.join(kernels_there)}).")
        else:
            sentences.append(f"{there}: not measured. {_why_none(name, run)}")
    return sentences


def _failures(name: str) -> list[str]:
    """Return what a backend is known to get wrong: a sentence for each reason."""
    reasons: dict[str, list[str]] = {}
    for case, reason in registry.declaration(name).known_failures.items():
        reasons.setdefault(reason, []).append(" ".join(case).replace("_", " "))
    return [f"{', '.join(cases)}: {reason}" for reason, cases in reasons.items()]


def lines_timed(name: str, order: Sequence[str], source: str) -> list[dict[str, Any]]:
    """Return for each kernel the lines that are timed, highlighted.

    Lines that were shown with an earlier kernel are not shown again; the method itself always is.
    """
    found = []
    shown: set[compiled_code.Lines] = set()
    for kernel in order:
        pieces, shown = code.pieces(name, kernel, shown)
        blocks = [
            {
                "path": piece.path,
                "line": piece.line,
                "href": f"{source}/blob/HEAD/{piece.path}#L{piece.line}" if source else "",
                "html": highlighted(piece),
                "lines": piece.text.count("\n") + 1,
            }
            for piece in pieces
        ]
        found.append({"kernel": kernel, **_words(name, kernel), "blocks": blocks})
    return found


def _words(name: str, kernel: str) -> dict[str, Any]:
    """Return the title of a kernel, and what those of its forms are that a backend has."""
    truth = kernels.load(kernel)
    methods = registry.declaration(name).methods(kernel)
    sentences = getattr(truth, "FORMS", {})
    forms = {f: text for f, text in sentences.items() if f"{kernel}_{f}" in methods}
    return {"title": getattr(truth, "TITLE", kernel), "forms": forms}


def highlighted(piece: code.Piece) -> Markup:
    """Return some lines with their words marked by classes, whose colours are in ``site.css``."""
    ending = piece.path[piece.path.rindex(".") :]
    lexer = get_lexer_for_filename(ENDINGS.get(ending, piece.path), stripnl=False)
    return Markup(highlight(piece.text, lexer, HtmlFormatter(nowrap=True, classprefix="code-")))


def _title(family: str) -> str:
    names = registry.names()
    return registry.declaration(family).title if family in names else family.capitalize()


def _head(run: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a script is told of a run."""
    keys = "machine kind threads python versions newest measured noise"
    return {key: run[key] for key in keys.split()}
