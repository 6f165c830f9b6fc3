"""``python -m lsebench speed``: the targets of the fastest kernels, measured and judged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import side_by_side
from .side_by_side import Check, Group, Times, call, ratio

BEST, BEST_PARALLEL = "simd", "simd_openmp"


def _beyond(name: str) -> Any:
    """Return what gives the nanoseconds that a call takes beyond an empty one."""

    def value(times: Times) -> float:
        return (times[name] - times["empty"]) * 1e9

    return value


def groups() -> list[Group]:
    """Return all that is measured, in the order of the table."""
    found = []
    exp_limit = (
        "the exp-throughput limit of this CPU, the higher one here",
        ratio(BEST, "exp"),
    )
    for dtype in ("float64", "float32"):
        for size, bound in ((10**6, 1.20), (10**7, 1.10), (10**8, 1.10)):
            found.append(
                Group(
                    {
                        BEST: call(BEST, size, dtype),
                        "read": ["read", dtype, size],
                        "exp": ["exp", dtype, size],
                    },
                    (
                        Check(
                            f"{BEST}, {dtype}, {size:.0e} / reading once",
                            f"<= {bound:.2f}",
                            ratio(BEST, "read"),
                            exp_limit,
                        ),
                    ),
                    processes=3 if size < 10**8 else 1,  # the reference takes long
                )
            )
        for size in (10**3, 10**4, 10**5):
            found.append(
                Group(
                    {BEST: call(BEST, size, dtype), "exp": ["exp", dtype, size]},
                    (
                        Check(
                            f"{BEST}, {dtype}, {size:.0e} / exp throughput",
                            "<= 1.20",
                            ratio(BEST, "exp"),
                        ),
                    ),
                )
            )
    others = {"scipy": 30, "torch": 8, "jax": 5}
    tools = {"numba_tuned": 15, "pythran_tuned": 12, "cython_tuned": 10, "numpy_blocked": 5}
    found.append(
        Group(
            {name: call(name, 10**6) for name in (BEST, *others, *tools)},
            tuple(
                Check(f"{BEST} against {name}, 1e+06", f">= {bound}", ratio(name, BEST))
                for name, bound in others.items()
            )
            + tuple(
                Check(f"{name} against scipy, 1e+06", f">= {bound}", ratio("scipy", name))
                for name, bound in tools.items()
            ),
        )
    )
    found.append(
        Group(
            {name: call(name, 10**7) for name in (BEST, "torch")},
            (Check(f"{BEST} against torch, 1e+07", ">= 12", ratio("torch", BEST)),),
        )
    )
    short: dict[str, tuple[list[Any], int]] = {
        BEST: (call(BEST, 10), 60),
        "numba_tuned": (call("numba_tuned", 10), 250),
        "lsekernels.logsumexp": (["public", 10], 2000),
    }
    found.append(
        Group(
            {"empty": ["empty"]} | {name: timed for name, (timed, _) in short.items()},
            tuple(
                Check(f"{name}, 10 elements, beyond an empty call", f"<= {ns} ns", _beyond(name))
                for name, (_, ns) in short.items()
            ),
        )
    )
    vector = {
        name: call(name, "1x10000000", method="softmax_rows") for name in (BEST, "scipy", "torch")
    }
    found.append(
        Group(
            vector | {"copy": ["copy", "float64", 10**7], "exp": ["exp", "float64", 10**7]},
            (
                Check(
                    f"softmax of a vector, {BEST}, 1e+07 / copying it",
                    "<= 1.15",
                    ratio(BEST, "copy"),
                    ("the time of two exp a number", lambda t: t[BEST] / (2 * t["exp"])),
                ),
                Check("softmax of a vector against scipy", ">= 5", ratio("scipy", BEST)),
                Check("softmax of a vector against torch", ">= 5", ratio("torch", BEST)),
            ),
        )
    )
    rows = {
        name: call(name, "10000x1000", method="logsumexp_rows") for name in (BEST, "torch", "jax")
    }
    found.append(
        Group(
            rows | {"read": ["read", "float64", 10**7], "exp": ["exp", "float64", 10**7]},
            (
                Check(
                    f"rows, {BEST}, 1e4 x 1e3 / the limit (reading or exp)",
                    "<= 1.20",
                    lambda t: t[BEST] / max(t["read"], t["exp"]),
                ),
                Check("rows against torch", ">= 8", ratio("torch", BEST)),
                Check("rows against jax", ">= 2", ratio("jax", BEST)),
            ),
        )
    )
    for size in (10**7, 10**8):
        found.append(
            Group(
                {
                    "one": call(BEST, size),
                    "two": call(BEST_PARALLEL, size),
                    "read": ["read", "float64", size],
                },
                (
                    Check(
                        f"{BEST_PARALLEL}, {size:.0e}, two threads against one",
                        ">= 1.7",
                        ratio("one", "two"),
                        ("reading once by two threads", ratio("two", "read")),
                    ),
                ),
                threads="2",
                processes=3 if size < 10**8 else 1,
            )
        )
    for workers in ("1", "2"):
        found.append(
            Group(
                {BEST: call(BEST, 10**8), "dask": call("dask", 10**8)},
                (Check(f"dask, {workers} worker(s) / {BEST}, 1e+08", "none", ratio("dask", BEST)),),
                threads=workers,
                processes=1,
            )
        )
    found.append(
        Group(
            {name: ["memory", name, "float64"] for name in (BEST, *list(tools)[:3])},
            tuple(
                Check(
                    f"{name}, memory beyond the input, 1e+07",
                    "<= 1 MiB",
                    lambda t, name=name: t[name] / 2**20,  # type: ignore[misc]
                )
                for name in (BEST, *list(tools)[:3])
            ),
            processes=1,
        )
    )
    found.append(
        Group(
            {
                "well": ["accuracy", BEST, "well conditioned"],
                "cancels": ["accuracy", BEST, "nearly cancelling"],
                "special": ["accuracy", BEST, "special values"],
                "large": ["accuracy_of_float32", BEST, 10**8],
            },
            (
                Check(f"{BEST}, well conditioned cases", "<= 4 ulp", lambda t: t["well"]),
                Check(f"{BEST}, [0, -40] and its like", "<= 4 ulp", lambda t: t["cancels"]),
                Check(f"{BEST}, infinities and nan", "<= 0 ulp", lambda t: t["special"]),
                Check(f"{BEST}, float32 at 1e+08", "<= 4 ulp", lambda t: t["large"]),
            ),
            processes=1,
        )
    )
    hard = (
        "ramp_of_1400",
        "ramp_of_1000000",
        "all_minus_inf",
        "log_probabilities",
        "denormal_terms",
        "denormal_numbers",
    )
    found.append(
        Group(
            {name: ["input", BEST, name] for name in ("normal", *hard)},
            tuple(
                Check(f"{BEST}, {name} / standard normal, 1e+06", "<= 4.0", ratio(name, "normal"))
                for name in hard
            ),
        )
    )
    for dtype, size in (("float32", 10**9), ("float64", 5 * 10**8)):
        found.append(
            Group(
                {name: call(name, size, dtype) for name in ("cupy_tuned", "cupy")}
                | {"copy": ["gpu_copy", dtype, size]},
                (
                    Check(
                        f"cupy_tuned, {dtype}, {size:.0e}: bandwidth / that of a copy",
                        ">= 0.8",
                        lambda t: t["copy"] / 2 / t["cupy_tuned"],  # a copy reads and writes
                    ),
                    Check(
                        f"cupy_tuned against cupy, {dtype}, {size:.0e}",
                        ">= 3",
                        ratio("cupy", "cupy_tuned"),
                    ),
                ),
                processes=1,
            )
        )
    return found


def main(arguments: Sequence[str]) -> int:
    """Measure, judge and store; return the exit code."""
    return side_by_side.main("speed", "the targets of the fastest kernels", groups(), arguments)
