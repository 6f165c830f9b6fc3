"""Which benchmarks a profile runs: regular expressions, as for ``asv run --bench``."""

from __future__ import annotations

from dataclasses import dataclass

from lsekernels import registry

_PARALLEL = "|".join(n for n in registry.names() if registry.declaration(n).parallel)
_GPU = "|".join(n for n in registry.names() if registry.declaration(n).device == "gpu")
_POOLS = "|".join(n for n in registry.names() if not registry.declaration(n).in_process)
_PYPY = "|".join(n for n in registry.names() if registry.declaration(n).pypy)
_SLOW = "|".join(
    n
    for n in registry.names()
    if registry.declaration(n).slow_start or not registry.declaration(n).in_process
)
_FEATURED = "|".join(n for n in registry.names() if registry.declaration(n).featured)
_LIBRARIES = "|".join(
    {registry.declaration(n).distribution or n: n for n in _FEATURED.split("|")[::-1]}.values()
)
"""One of those of each library: what they pay at the start differs little."""
_HUGE = "100000000"
_FOUR = "(10|1000|100000|10000000)"


@dataclass(frozen=True)
class Profile:
    """A selection of benchmarks.

    Profiles differ in what they run, never in how: a number measured by ``quick`` counts as
    measured for ``full``.
    """

    help: str
    one: tuple[str, ...]
    """Run with one thread: a part for each expression, after which the site is made."""
    many: tuple[str, ...] = ()
    """Run with all cores; only backends that can use them."""
    device: str = "cpu"
    """At least one backend of this device must be available."""


PROFILES = {
    "quick": Profile(
        "float64: four sizes of logsumexp, rows, limits, errors, first call, imports, young heap; "
        "two minutes",
        one=(
            # With one thread the parallel tools do what their plain ones do; a loop in plain Python
            # takes seconds for 1e7.
            rf"^warm\.Logsumexp\.(?!.*('({_PARALLEL})'|'python', .*0{{7}})).*'float64', {_FOUR}\)$",
            rf"^limits\.(EmptyCall|(?!Gpu).*'float64', {_FOUR}\)$)"
            rf"|^(?!.*'({_PARALLEL})')("
            r"accuracy\.Logsumexp\..*'float64', '(normal_100000|two_terms_far_apart)'"
            rf"|warm\.LogsumexpRows\..*'({_FEATURED})', 'float64', '1000x1000'\)$"
            rf"|(first_call\.Logsumexp|imports)\..*'({_LIBRARIES})')",
            # A script that has done nothing before; and the best that a user can do without a tool.
            r"^heap\.YoungLogsumexp\.(.*'(numpy|scipy)', 100000|.*'(numba|numba_object)', 10{7})\)$"
            r"|^heap\.(Young|Tuned)Logsumexp\..*'(numpy|scipy)', 10{7}\)$",
        ),
        many=(rf"^warm\.Logsumexp\..*'(?=({_PARALLEL})')({_FEATURED})', 'float64', 10{{7}}\)$",),
    ),
    "wide": Profile(
        "quick, and one size of most kernels, transfers, memory, small calls; by `make bench-all`",
        one=(
            rf"^(warm\.Logsumexp\..*'float64', {_FOUR}\)$|limits\.EmptyCall)",
            rf"^limits\.(?!Gpu).*'float64', {_FOUR}\)$",
            r"^accuracy\.Logsumexp\..*'float64', '(normal_100000|two_terms_far_apart)'"
            r"|^(first_call\.Logsumexp\.|imports\.)",
            r"^transfer\.Logsumexp\..*'float64', (1000|100000|10000000)\)$",
            r"^warm\.LogsumexpRows\..*'float64', '1000x1000'\)$"
            r"|^warm\.Lu\..*'float64', (10|256)\)$"
            r"|^warm\.(?!Logsumexp\.|Log10|Hypot)\w+\..*'float64', 100000\)$"
            r"|^warm\.(MovingAverage|PythonIdioms|PingPong)\..*'float64', 10000\)$",
            r"^heap\.YoungLogsumexp\..*, (100000|10000000)\)$|^heap\.(Tuned|Faults)Logsumexp\.",
            # Not by other processes: thousands of tasks take minutes, and the answer is plain.
            rf"^many_small\.Logsumexp\.(?!.*'({_POOLS})').*, (1|1000)\)$|^memory\..*'float64'"
            r"|^functions\.",
        ),
        many=(rf"^warm\.Logsumexp\..*'({_PARALLEL})', 'float64', (100000|10000000)\)$",),
    ),
    "full": Profile(
        "both dtypes of logsumexp, float64 of the rest, sizes to 1e7: what is compared over time, "
        "some hours",
        one=tuple(
            rf"^(?!limits\.Gpu|gpu\.|warm\.(?!Logsumexp\.).*'float32'){suite}(?!.*{_HUGE}\))"
            for suite in (r"warm\.Logsumexp\.", "limits", "")
        ),
        many=(
            rf"^(warm\.(?!.*{_HUGE}\)).*'({_PARALLEL})(:\w+)?', 'float64'|limits\.Read.*'float64')",
        ),
    ),
    "huge": Profile(
        "1e8 elements, needs 8 GB of memory",
        one=(rf"^(warm|limits)\..*{_HUGE}\)$",),
        many=(rf"^warm\..*'({_PARALLEL})[':].*{_HUGE}\)$",),
    ),
    "libraries": Profile(
        "three sizes in float64 and the imports: to compare library generations",
        one=(
            r"^warm\.(Logsumexp|Power8|Lu|Uniform)\..*'float64', (10|10000|1000000)\)$",
            r"^(imports|first_call)\.",
        ),
    ),
    "gpu": Profile(
        "everything for GPU backends, with NumPy beside it; by `make bench-gpu`",
        one=(
            r"^(gpu|limits\.Gpu)",
            rf"^warm\.Logsumexp\..*'({_GPU})'",
            rf"'({_GPU})[':]",
            rf"^warm\.Logsumexp\.(?!.*{_HUGE}\)).*'numpy'",
            r"^limits\.EmptyCall",
        ),
        device="gpu",
    ),
    "pypy": Profile(
        "pure Python in float64, by `make bench-pypy`",
        one=(
            rf"^(?!.*{_HUGE}\))(?!.*'float32')"
            rf"(warm|first_call|imports|accuracy)\..*'({_PYPY})[':]",
            r"^limits\.EmptyCall",
        ),
    ),
    "smoke": Profile(
        "two backends, two sizes: does everything work?",
        one=(
            r"^warm\.Logsumexp\..*\('(numpy|cython|cupy)', 'float64', (10|1000)\)$",
            "limits.EmptyCall",
        ),
        many=(r"^warm\.Logsumexp\..*\('cython_openmp', 'float64', 1000000\)$",),
    ),
}


def named(expression: str) -> str:
    """Return `expression` with sets of backends in place of their names.

    ``{slow}`` are those that are slow to start or to compile, ``{libraries}`` one of each library.
    """
    return expression.replace("{slow}", _SLOW).replace("{libraries}", _LIBRARIES)
