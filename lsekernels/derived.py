"""What the repository's files repeat of the backends and of the pins, made anew from them.

The backends declare what they need, and ``asv.conf.json`` pins it, once. pip, mypy and readers want
some of that in files of their own: ``python -m lsekernels --write`` writes it there, and a test
says where it is stale.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from . import kernels, registry

ROOT = Path(__file__).resolve().parent.parent
COMMAND = "python -m lsekernels --write"


def markdown() -> str:
    """Return the table of the README: backend x kernel x where it runs; nothing is loaded."""
    columns = kernels.names()
    lines = [
        " | ".join(["backend", "runs on", "compiled", *(f"`{name}`" for name in columns)]),
        " | ".join(["---"] * 3 + [":-:"] * len(columns)),
    ]
    for name in registry.names():
        declared = registry.declaration(name)
        threads = {True: ", all cores", False: ""}[declared.parallel]
        where = "GPU" if declared.device == "gpu" else f"CPU{threads}"
        forms = [len(declared.methods(kernel)) for kernel in columns]
        marks = ["" if not n else "x" if n == 1 else f"x{n}" for n in forms]
        lines.append(" | ".join([f"`{name}`", where, declared.compiled, *marks]))
    return "\n".join(f"| {line} |" for line in lines)


def extras() -> dict[str, tuple[str, ...]]:
    """Return backend -> what pip is asked for by its extra, of those that need more than NumPy."""
    found = {}
    for name in registry.names():
        declared = registry.declaration(name)
        library = declared.distribution
        if not declared.extra and library in registry.names():
            declared = registry.declaration(library)
        found[name] = declared.extra or ((library,) if library else ())
    return {name: asked for name, asked in found.items() if asked and asked != ("numpy",)}


def modules() -> list[str]:
    """Return the modules that backends import, whole packages, as mypy names them."""
    needed = {
        module.partition(".")[0]
        for name in registry.names()
        for module in registry.declaration(name).requires
    }
    return [f"{name}.*" for name in sorted(needed - {"lsekernels", "numpy"})]


def tools(conf: Mapping[str, Any]) -> dict[str, str]:
    """Return what asv's configuration pins of all tiers but the core: name -> version."""
    return {name: pin for tier in conf["tools"].values() for name, pin in tier.items()}


def pins(conf: Mapping[str, Any]) -> dict[str, str]:
    """Return all that asv's configuration pins: name -> version."""
    axes = {name: version for name, [version] in conf["matrix"]["req"].items()}
    return {**axes, **conf["harness"], **tools(conf)}


def in_repository(root: Path = ROOT) -> bool:
    """Return whether the package lies in its repository: installed, it repeats nothing."""
    return all((root / name).exists() for name in _FILES)


def stale(root: Path = ROOT) -> dict[Path, str]:
    """Return file -> its text as it should be, of those in which it is another."""
    now = {root / name: (root / name).read_text("utf-8") for name in _FILES}
    config = now[root / "asv.conf.json"]
    conf = json.loads(re.sub(r"^\s*//.*$", "", config, flags=re.M))
    made = {root / name: make(now[root / name], config, conf) for name, make in _FILES.items()}
    return {file: text for file, text in made.items() if text != now[file]}


def write(root: Path = ROOT) -> list[str]:
    """Write what is stale; return the names of the files."""
    found = stale(root)
    for file, text in found.items():
        file.write_text(text, "utf-8")
    return [file.name for file in found]


# -- files -----------------------------------------------------------------------------------------


def _project(text: str, _config: str, conf: Mapping[str, Any]) -> str:
    pinned, apart = tools(conf), conf["apart"]
    groups = {
        "tools": [f"{name}=={pin}" for name, pin in pinned.items() if name not in apart],
        "apart": [f"{name}=={pinned[name]}" for name in apart],
    }
    text = _between(text, "extras", (f"{name} = {_list(e)}" for name, e in extras().items()))
    text = _between(text, "pins", (f"{name} = {_list(each)}" for name, each in groups.items()))
    text = _between(text, "modules", [f"module = {_list(modules())}"])
    for name, pin in pins(conf).items():  # elsewhere, in the groups that are written by hand
        text = re.sub(rf'"{re.escape(name)}==[^"]*"', f'"{name}=={pin}"', text)
    return text


def _readme(text: str, _config: str, _conf: Mapping[str, Any]) -> str:
    return re.sub(r"^\| backend .*?(?=\n\n)", lambda _: markdown(), text, flags=re.S | re.M)


def _without(*settings: str) -> _Make:
    """Return what writes another configuration of asv's: its own settings, then those shared.

    What `settings` name are for the environments of ``asv.conf.json`` only.
    """
    mark = f"    // The rest is that of asv.conf.json, which says why: written by `{COMMAND}`.\n"

    def make(text: str, config: str, _conf: Mapping[str, Any]) -> str:
        own, found, _ = text.partition(mark)
        if not found:
            raise ValueError(f"a configuration of asv's lacks the line {mark.strip()!r}")
        left_out = {*_settings(own), *settings}
        rest = [f'    "{k}": {v}' for k, v in _settings(config).items() if k not in left_out]
        return own + mark + ",\n".join(rest) + "\n}\n"

    return make


def _settings(config: str) -> dict[str, str]:
    """Return name -> value of the settings in `config`, as they are written there."""
    setting = r'^    "(\w+)": (.*?),?\n+(?=    ["/]|\}|\Z)'
    return dict(re.findall(setting, config, flags=re.S | re.M))


_Make = Callable[[str, str, Mapping[str, Any]], str]
"""Makes a file's text of the one it has, and of asv's configuration: its text, and what it says."""
_BUILT = "harness", "build_command", "install_command", "build_cache_size"
_NEWEST = "tools", "apart", "gate"
"""Settings for environments into which something is built, and for the newest libraries."""
_FILES: dict[str, _Make] = {
    "asv.conf.json": lambda text, _config, _conf: text,  # what is written by hand
    "asv.libraries.json": _without(*_NEWEST),
    "asv.gpu.json": _without(*_NEWEST, *_BUILT),
    "asv.pypy.json": _without(*_NEWEST, *_BUILT),
    "pyproject.toml": _project,
    "README.md": _readme,
}


def _between(text: str, name: str, lines: Iterable[str]) -> str:
    """Return `text` with other lines between the comments that name a part of it.

    Raises
    ------
    ValueError
        The comments are not there.
    """
    begin, end = f"# {name}: written by `{COMMAND}`\n", f"# end of {name}\n"
    before, begin, rest = text.partition(begin)
    _, end, after = rest.partition(end)
    if not end:
        raise ValueError(f"pyproject.toml lacks the comments around its {name}")
    return before + begin + "".join(f"{line}\n" for line in lines) + end + after


def _list(items: Iterable[str], width: int = 100) -> str:
    """Return a list as TOML has it, one item a line where it is long."""
    quoted = [json.dumps(item) for item in items]
    short = f"[{', '.join(quoted)}]"
    if len(short) <= width - 20:
        return short
    return "[\n" + "".join(f"    {item},\n" for item in quoted) + "]"
