"""``python -m lsebench claims``: what the sources claim, measured side by side today.

The talk of 2020 timed logsumexp of a 1-D array: SciPy 6.7 s, NumPy 6.2, Numba in object mode 6.9
and in nopython mode 6.0, Pythran 5.45, CuPy 1.6 (Xeon Silver 4116, GTX 1080 Ti). Its companion
texts add the other kernels. A ratio says how many times as fast the second of two is as the first.
"""

from __future__ import annotations

from collections.abc import Sequence

from . import side_by_side
from .side_by_side import Claim, Group, Times, call, ratio

TEXTS = "companion texts"
LARGE = 10**7
"""Elements; the talk does not say how many it took."""


def _tool(name: str, said: str, size: int = LARGE) -> Group:
    title = {"numba": "Numba (nopython)", "numba_object": "Numba (object mode)"}.get(name, name)
    return Group(
        {"scipy": call("scipy", size), name: call(name, size)},
        (Claim(f"{title} against SciPy, {size:.0e}", f"about {said}", ratio("scipy", name)),),
    )


def _pair(what: str, slow: list[object], fast: list[object], target: str, **more: str) -> Group:
    claim = Claim(what, target, ratio("slow", "fast"), source=TEXTS, **more)  # type: ignore[arg-type]
    return Group({"slow": slow, "fast": fast}, (claim,))


def _idioms(slow: str, fast: str, what: str) -> Group:
    size = 10_000
    return _pair(
        f"Python: {what}",
        call("python", size, method=f"python_idioms_{slow}"),
        call("python", size, method=f"python_idioms_{fast}"),
        ">= 1.05",
    )


def _first(name: str, track: str) -> list[object]:
    return ["fresh", "first_call", name, track]


def _growth(name: str, method: str, what: str, target: str) -> Group:
    """Return how much longer 1e7 random numbers take than 1e4: a thousand times as many."""
    few, many = (call(name, size, method=method) for size in (10**4, 10**7))
    claim = Claim(what, target, ratio("many", "few"), source=TEXTS)
    return Group({"few": few, "many": many}, (claim,))


def _break_even(slow_to_start: str, other: str, threads: str = "1") -> Group:
    """Return from how many elements on the first of two is the faster one."""
    sizes = [10**k for k in range(2, 8)]
    calls = {f"{name} {n}": call(name, n) for n in sizes for name in (slow_to_start, other)}

    def value(times: Times) -> float:
        won = [n for n in sizes if times[f"{slow_to_start} {n}"] < times[f"{other} {n}"]]
        lost = [n for n in sizes if n not in won]
        return float(min((n for n in won if n > max(lost, default=0)), default=10**9))

    what = f"{slow_to_start} beats {other} from so many elements on"
    note = "1e+09: not up to 1e+07" + (", two threads" if threads != "1" else "")
    return Group(calls, (Claim(what, ">= 1000", value, source=TEXTS, note=note),), threads, 1)


def groups() -> list[Group]:
    """Return all claims, in the order of the table."""
    power = {form: call("numpy", 10**6, method=f"power8_{form}") for form in ("power", "multiply")}
    power["squarings"] = call("numpy", 10**6, method="power8_squarings")
    ulp = {form: ["error", "numpy", f"power8_{form}", "float64", 10**4] for form in power}
    lu = {name: call(name, 10, method="lu") for name in ("numpy", "numba", "python", "scipy")}
    large = {name: call(name, 1024, method="lu") for name in ("scipy", "numba", "numba_tuned")}
    eager = {
        "lazy": _first("numba", "track_cold"),
        "cached": _first("numba", "track_cached"),
        "warm": call("numba", 1000),
    }
    return [
        _tool("numpy", "1.08"),
        _tool("numba_object", "0.97"),
        _tool("numba", "1.12"),
        _tool("pythran", "1.23"),
        _tool("cupy", "4.2"),
        Group(
            {"numpy": call("numpy", LARGE), "cupy": ["round_trip", "cupy", "float64", LARGE]},
            (
                Claim(
                    "GPU? try CuPy: against NumPy, with both transfers, 1e+07",
                    ">= 1",
                    ratio("numpy", "cupy"),
                ),
            ),
        ),
        Group(
            {name: call(name, LARGE) for name in ("numba_tuned", "pythran_tuned")},
            (
                Claim(
                    "CPU: Numba first, then Pythran: the best form of each, 1e+07",
                    ">= 1",
                    ratio("pythran_tuned", "numba_tuned"),
                ),
            ),
        ),
        Group(
            power,
            (
                Claim(
                    "x**8: naive multiplication against the power function, 1e+06",
                    "about 5",
                    ratio("power", "multiply"),
                    source=TEXTS,
                    note="NumPy's power is vectorized where the CPU has AVX-512",
                ),
                Claim(
                    "x**8: three squarings against the power function, 1e+06",
                    ">= 1",
                    ratio("power", "squarings"),
                    source=TEXTS,
                ),
            ),
        ),
        Group(
            ulp,
            tuple(
                Claim(f"x**8: error of {form}", "none", lambda t, f=form: t[f], source=TEXTS)  # type: ignore[misc]
                for form in ulp
            ),
            processes=1,
        ),
        Group(
            lu,
            (
                Claim(
                    "LU, n = 10: Numba against NumPy row operations",
                    "about 23",
                    ratio("numpy", "numba"),
                    source=TEXTS,
                ),
                Claim(
                    "LU, n = 10: Numba against LAPACK through SciPy",
                    ">= 1",
                    ratio("scipy", "numba"),
                    source=TEXTS,
                    note="what SciPy's checks cost",
                ),
                Claim(
                    "LU, n = 10: NumPy row operations against plain Python",
                    ">= 1",
                    ratio("python", "numpy"),
                    source=TEXTS,
                ),
            ),
        ),
        Group(
            large,
            (
                Claim(
                    "LU, n = 1024: LAPACK against Numba's loops",
                    ">= 1",
                    ratio("numba", "scipy"),
                    source=TEXTS,
                ),
                Claim(
                    "LU, n = 1024: LAPACK against Numba in blocks",
                    ">= 1",
                    ratio("numba_tuned", "scipy"),
                    source=TEXTS,
                ),
            ),
        ),
        _growth(
            "numpy",
            "uniform_legacy",
            "random numbers on the CPU: 1e+07 take so many times 1e+04",
            ">= 300",
        ),
        _growth(
            "cupy",
            "uniform_generator",
            "random numbers on the GPU: 1e+07 take so many times 1e+04",
            "<= 10",
        ),
        _pair(
            "moving average: guvectorize against NumPy, 1e+06",
            call("numpy", 10**6, method="moving_average"),
            call("numba_guvectorize", 10**6, method="moving_average"),
            ">= 1",
        ),
        Group(
            eager,
            (
                Claim(
                    "compiling: Numba's first call against a warm one, 1000 elements",
                    ">= 1000",
                    ratio("lazy", "warm"),
                    source=TEXTS,
                ),
                Claim(
                    "cache=True: Numba's first call with and without a filled cache",
                    ">= 2",
                    ratio("lazy", "cached"),
                    source=TEXTS,
                ),
            ),
        ),
        _pair(
            "a forgotten decorator: both jitted against an unjitted helper, 1e+05",
            call("numba_object", 10**5, method="stdev_variance"),
            call("numba", 10**5, method="stdev_variance"),
            ">= 2",
            note="in nopython mode it is an error today; this is object mode",
        ),
        _idioms("len_called", "len_cached", "a cached len(x) in a loop against len(x) each time"),
        _idioms("concat_plus", "concat_fstring", "an f-string against +"),
        _idioms("sum_loop", "sum_builtin", "the builtin sum against a loop"),
        _idioms("call_per_item", "call_per_container", "a call per container against one per item"),
        _idioms("attribute_looked_up", "attribute_cached", "a cached attribute against a lookup"),
        _pair(
            "many small: 1e+06 numbers in 1e+05 calls take so many times one call, NumPy",
            ["many_small", "numpy", 100_000],
            ["many_small", "numpy", 1],
            ">= 10",
        ),
        _pair(
            "many small: 1e+06 numbers in 1e+05 calls take so many times one call, CuPy",
            ["many_small", "cupy", 100_000],
            ["many_small", "cupy", 1],
            ">= 1000",
        ),
        _break_even("numba_parallel", "numba", threads="2"),
        _break_even("cupy", "numpy"),
        Group(
            {name: call(name, LARGE) for name in ("threads", "processes", "numba")},
            (
                Claim(
                    "threads against processes, where the GIL is released, 1e+07",
                    ">= 1",
                    ratio("processes", "threads"),
                    source=TEXTS,
                    note="two of each; the data lie in shared memory already",
                ),
            ),
            threads="2",
        ),
        Group(
            {name: call(name, LARGE) for name in ("numpy", "torch", "torch_cuda")},
            (
                Claim(
                    "PyTorch on the GPU against NumPy, 1e+07",
                    ">= 4",
                    ratio("numpy", "torch_cuda"),
                    source=TEXTS,
                ),
            ),
        ),
        Group(
            {name: call(name, LARGE) for name in ("numpy", "opencl")},
            (
                Claim(
                    "OpenCL against NumPy, 1e+07",
                    ">= 1",
                    ratio("numpy", "opencl"),
                    source=TEXTS,
                    note="on the CPU, by PoCL",
                ),
            ),
        ),
    ]


def main(arguments: Sequence[str]) -> int:
    """Measure, judge and store; return the exit code."""
    return side_by_side.main("claims", "the claims of the sources", groups(), arguments)
