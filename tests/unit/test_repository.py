"""Rules of the design that would break without a sound."""

import ast
import re

import pytest

ROOMS = ["records", "environments", "run", "machine", "gate", "history", "site"]
"""Of lsebench: each may import those before it, and what lies beside them all."""
BESIDE = {"cli", "git", "signals"}
ALLOWED = {
    "lsekernels": {"lsekernels"},
    "benchmarks": {"benchmarks", "lsekernels"},
    "lsebench": {"lsebench", "lsekernels"},
}
FOREIGN = {"lsekernels": {"asv", "asv_runner"}, "benchmarks": {"asv"}}


def imports(file):
    """Yield the name of each absolute import, wherever it stands in the file."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("folder", ALLOWED)
def test_imports_go_one_way(root, folder):
    for file in (root / folder).rglob("*.py"):
        found = {name.partition(".")[0] for name in imports(file)}
        wrong = found & (set(ALLOWED) - ALLOWED[folder]) | found & FOREIGN.get(folder, set())
        assert not wrong, f"{file.relative_to(root)} imports {wrong}"


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_import_those_before_them(root, room):
    allowed = {*ROOMS[: ROOMS.index(room) + 1], *BESIDE}
    for file in (root / "lsebench" / room).rglob("*.py"):
        found = {name.split(".")[1] for name in imports(file) if name.startswith("lsebench.")}
        assert found <= allowed, f"{file.relative_to(root)} imports {found - allowed}"


def test_names_of_stored_files_are_written_in_one_room(root):
    """What another room stores is known through `records` alone."""
    for room in (*ROOMS[1:], "*.py"):
        for file in (root / "lsebench").glob(f"{room}/**/*.py" if room in ROOMS else room):
            found = re.findall(r"[\w-]*\.jsonl|machine\.json|benchmarks\.json", file.read_text())
            assert not found, f"{file.relative_to(root)} writes {found}: see records/"


def test_what_lies_beside_the_rooms_imports_none(root):
    there = {file.stem for file in (root / "lsebench").glob("*.py")} - {"__init__", "__main__"}
    assert there == BESIDE
    for name in BESIDE:
        found = {
            n.split(".")[1] for n in imports(root / f"lsebench/{name}.py") if n[:8] == "lsebench"
        }
        assert found <= BESIDE


def test_publishing_puts_back_the_file_that_is_tracked(root):
    from lsebench.site import write

    assert (root / "html/README.md").read_text() == write.README


def test_backends_are_listed_nowhere_else(root):
    """Names of backends come from the folder; only CI requires them by name."""
    from lsekernels import registry

    names = set(registry.names())
    for folder in ("lsekernels", "benchmarks", "lsebench"):
        for file in (root / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.List | ast.Tuple | ast.Set):
                    strings = {e.value for e in node.elts if isinstance(e, ast.Constant)}
                    found = strings & names
                    known = (
                        file.name
                        in (
                            "check_timing.py",
                            "heap.py",
                            "claims.py",
                        )  # their subject
                        or found <= {"numpy", "numba"}  # threads.py names libraries
                        or (file.parent.name == "backends" and file.stem in found)  # requires
                    )
                    assert len(found) < 2 or known, f"{file}: {found}"


def test_ci_requires_every_backend_of_a_tier(root):
    text = (root / ".ci/run").read_text()
    assert re.findall(r"^LSEKERNELS_REQUIRE=(.*)$", text, re.M) == [
        "core make test",
        "all make test-rest",
    ]


def test_every_compiled_source_has_a_row_in_the_build(root):
    rows = (root / "meson.build").read_text()
    sources = [p for p in (root / "lsekernels/_compiled").iterdir() if p.suffix in (".pyx", ".py")]
    for source in sources:
        if not source.stem.startswith("__") and source.stem != "build_info":
            assert f"'{source.stem}'" in rows


def test_every_algorithm_names_its_source(root):
    """Whoever takes exponentials has one; a library's own logsumexp is the library's matter."""
    for folder in ("backends", "_compiled", "chunked"):
        for file in (root / "lsekernels" / folder).rglob("*.*"):
            if file.suffix in (".py", ".pyx", ".cu", ".hpp", ".cpp"):
                text = re.sub(r"sum\(exp\(x\)\)", "", file.read_text("utf-8"))  # says what, not how
                assert "Source:" in text or not re.search(r"(?<![a-z_])exp2?\(", text), file


def test_nothing_is_linked_with_fast_math(root):
    text = (root / "meson.build").read_text()
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    assert "ffast-math" not in code
    assert "march=native" not in code


def test_version_is_stated_once_more_only_where_it_must_be(root):
    import lsekernels

    assert f"version: '{lsekernels.__version__}'" in (root / "meson.build").read_text()


def test_readme_starts_with_the_two_commands(root):
    text = (root / "README.md").read_text()
    first = re.search(r"```\w*\n(.*?)```", text, re.S)[1]
    assert re.findall(r"^make (\w+)", first, re.M) == ["bench", "test"]


def test_what_follows_from_backends_and_pins_is_written():
    from lsekernels import derived

    names = ", ".join(sorted(file.name for file in derived.stale()))
    assert not names, f"{names} stale: {derived.COMMAND}"


def test_what_shares_fixtures_runs_in_one_process(request):
    """pytest-xdist 3.8 names groups where pytest 9.2 does not look, and says nothing."""
    assert ("@" in request.node.nodeid) == request.config.getoption("loadgroup", False)
