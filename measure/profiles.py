"""Which benchmarks a profile runs: regular expressions for ``asv run --bench``."""

from __future__ import annotations

from dataclasses import dataclass

from lsekernels import registry

_PARALLEL = "|".join(n for n in registry.names() if registry.declaration(n).parallel)
_GPU = "|".join(n for n in registry.names() if registry.declaration(n).device == "gpu")
_HUGE = "100000000"


@dataclass(frozen=True)
class Profile:
    """A selection of benchmarks.

    Profiles differ in what they run, never in how: a number measured by ``quick`` counts as
    measured for ``full``.
    """

    help: str
    one: tuple[str, ...]
    """Run with one thread."""
    many: tuple[str, ...] = ()
    """Run with all cores; only backends that can use them."""
    device: str = "cpu"
    """At least one backend of this device must be available."""


PROFILES = {
    "quick": Profile(
        "float64, four sizes: a first look in about a quarter of an hour",
        one=(
            r"^warm\..*'float64', (10|1000|100000|10000000|'1000x1000')\)$",
            r"^limits\..*'float64', (10|1000|100000|10000000)\)$",
            r"^limits\.EmptyCall",
            r"^(first_call|imports)\.",
            r"^transfer\..*'float64', (10|1000|100000)\)$",
            r"^memory\..*'float64'",
            r"^accuracy\..*'float64', '(normal_100000|spread|two_terms_far_apart)'",
        ),
        many=(rf"^warm\..*'({_PARALLEL})(:\w+)?', 'float64', (100000|10000000)\)$",),
    ),
    "full": Profile(
        "both dtypes (rows: float64), sizes to 1e7: what is compared over time, over an hour",
        one=tuple(
            rf"^(?!limits\.Gpu){suite}(?!.*{_HUGE}\))(?!.*'float32', '.*x)"
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
        one=(r"^warm\..*'float64', (10|10000|1000000)\)$", r"^(imports|first_call)\."),
    ),
    "gpu": Profile(
        "everything for GPU backends, with NumPy beside it; by `make bench-gpu`",
        one=(
            r"^(gpu|limits\.Gpu)",
            rf"^warm\..*'({_GPU})[':]",
            rf"'({_GPU})[':]",
            rf"^warm\.Logsumexp\.(?!.*{_HUGE}\)).*'numpy'",
            r"^limits\.EmptyCall",
        ),
        device="gpu",
    ),
    "smoke": Profile(
        "two backends, two sizes: does everything work?",
        one=(r"^warm\..*\('(numpy|cython|cupy)', 'float64', (10|1000)\)$", "limits.EmptyCall"),
        many=(r"^warm\..*\('cython_openmp', 'float64', 1000000\)$",),
    ),
}
