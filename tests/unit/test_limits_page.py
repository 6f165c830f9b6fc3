"""How far from the limit: throughput, what is a limit, and what the intervals allow to say."""

import json
import random
import re

import pytest

from lsebench.records.stored import Facts, Target
from lsebench.run import table, targets
from lsebench.site import families
from lsebench.site.rows import limits
from lsebench.site.rows.results import Run, Series, Value
from lsekernels import kernels

from .. import spoiled

WARM = "warm.Logsumexp.track_time"
READ, EXP, EMPTY = limits.SUITES["read"], limits.SUITES["exp"], limits.EMPTY
CACHES = [
    {"level": 3, "kind": "Unified", "size": 2**25, "shared_by": 2},
    {"level": 1, "kind": "Instruction", "size": 2**15, "shared_by": 1},
    {"level": 1, "kind": "Data", "size": 2**15, "shared_by": 1},
]


def of(seconds, width=0.1, samples=20):
    ends = (None, None) if width is None else (seconds * (1 - width), seconds * (1 + width))
    return Value(seconds, *ends, "a" * 40, samples)


def run(machine="m", threads="1"):
    return Run(machine, "pinned", threads, "3.11", (("numpy", "2.4.6"),))


READING, EXPS = of(1e-3), of(2e-3)


def series(tools, read=READING, exp=EXPS, size="1000000", context=None, **more):
    compared = {READ: read, EXP: exp}
    values = {WARM: {(tool, "float64", size): value for tool, value in tools.items()}}
    values |= {name: {("float64", size): value} for name, value in compared.items() if value}
    return Series({**values, **more}, {"a" * 40: 86400.0}, context or {})


def site(found, folder):
    made = limits.site(found, folder)
    json.dumps(made, allow_nan=False)
    return made


def part(tmp_path, *args, kernel="logsumexp", device="cpu", **kwargs):
    (only,) = site({run(): series(*args, **kwargs)}, tmp_path)["runs"]
    return only["tasks"][device][kernel]["float64"]


def test_throughput_is_the_bytes_of_the_kernel_over_the_time(tmp_path):
    found = part(tmp_path, {"numpy": of(4e-3)})
    assert found["bytes"] == {"1000000": 8_000_000}
    value, low, high = found["tools"]["numpy"]["1000000"]
    assert value == pytest.approx(2e9)
    assert low == pytest.approx(2e9 / 1.1, rel=1e-4)
    assert high == pytest.approx(2e9 / 0.9, rel=1e-4)


def test_the_ceiling_is_the_larger_of_the_times(tmp_path):
    found = part(tmp_path, {"numpy": of(4e-3)})
    assert found["comparisons"]["ceiling"]["1000000"]["rate"][0] == pytest.approx(4e9)
    value, low, high = found["shares"]["numpy"]["1000000"]
    assert value == 0.5
    assert low == pytest.approx(0.5 * 0.9 / 1.1, rel=1e-4)
    assert high == pytest.approx(0.5 * 1.1 / 0.9, rel=1e-4)


def test_an_interval_that_begins_at_nothing_is_none():
    assert limits.rate(8, [1.0, 0.0, 2.0]) == [8.0, None, None]
    assert limits.share([1.0, 0.5, 1.5], [1.0, 0.0, 2.0]) == [1.0, None, None]
    assert limits.share([1.0, None, None], [1.0, 0.5, 2.0]) == [1.0, None, None]


@pytest.mark.parametrize(("ceiling", "tool"), [(1.0, 0.7), (1.0, 0.9), (1.0, 1.4), (1.0, 1.0)])
def test_a_share_holds_1_where_the_times_are_not_told_apart(ceiling, tool):
    ends = [[x, 0.9 * x, 1.1 * x] for x in (ceiling, tool)]
    _, low, high = limits.share(*ends)
    assert limits.apart(*ends) == (not low <= 1 <= high)


@pytest.mark.parametrize(
    ("seconds", "kind", "why"),
    [
        (4e-3, "limit", "every tool is told to be slower"),
        (2.2e-3, "open", "C++ (SIMD) is not told to be slower"),
        (1.95e-3, "open", "C++ (SIMD) is not told to be slower"),
        (1e-3, "beaten", "C++ (SIMD) is faster"),
    ],
)
def test_a_limit_is_what_everything_is_slower_than(tmp_path, seconds, kind, why):
    found = part(tmp_path, {"simd": of(seconds), "numpy": of(9e-3)})
    assert found["held"] == {"1000000": kind}
    exp = found["comparisons"]["exp"]["1000000"]
    assert (exp["kind"], exp["why"]) == (kind, why)
    said = " ".join(found["sentences"]["1000000"])
    assert ("a limit here: every tool" in said) == (kind == "limit")
    assert ("no limit: C++" in said) == (kind == "beaten")


@pytest.mark.parametrize("seconds", [0.5e-3, 1.5e-3, 1.9e-3, 2e-3, 2.3e-3, 2.5e-3, 6e-3])
def test_the_word_of_a_size_is_true_of_its_shares(tmp_path, seconds):
    """No share of a limit reaches 100 %, and some share of a comparison is all above."""
    found = part(tmp_path, {"simd": of(seconds), "numpy": of(9e-3)})
    shares = [of_size["1000000"] for of_size in found["shares"].values()]
    word = "limit" if all(high < 1 for _, _, high in shares) else "open"
    word = "beaten" if any(low > 1 for _, low, _ in shares) else word
    assert found["held"] == {"1000000": word}


def test_a_tool_without_an_interval_counts_by_its_value(tmp_path):
    def held(seconds):
        return part(tmp_path, {"simd": of(seconds, None), "numpy": of(9e-3)})["held"]["1000000"]

    assert [held(seconds) for seconds in (1e-3, 2.1e-3, 3e-3)] == ["open", "open", "limit"]


def test_without_an_interval_nothing_is_a_limit(tmp_path):
    found = part(tmp_path, {"numpy": of(4e-3)}, exp=of(2e-3, None))
    assert found["held"] == {"1000000": "open"}
    assert found["shares"]["numpy"]["1000000"] == [0.5, None, None]
    assert "too few samples" in " ".join(found["sentences"]["1000000"])


def test_another_kernel_may_beat_it_and_a_gpu_may_not(tmp_path):
    rows = {("simd", "float64", "1000x1000"): of(1e-3)}
    more = {"warm.LogsumexpRows.track_time": rows}
    assert part(tmp_path, {"numpy": of(4e-3)}, **more)["held"] == {"1000000": "beaten"}
    found = part(tmp_path, {"numpy": of(4e-3), "cupy": of(1e-5)})
    assert found["held"] == {"1000000": "limit"}
    assert "cupy" not in found["tools"]


def test_only_what_was_measured_is_the_ceiling(tmp_path):
    found = part(tmp_path, {"numpy": of(4e-3)}, exp=None)
    assert "ceiling" not in found["comparisons"]
    assert found["shares"]["numpy"]["1000000"][0] == 0.25
    said = " ".join(found["sentences"]["1000000"])
    assert "of what reading once reaches" in said
    assert "Not measured at this size: exp of each number (make bench-full)" in said
    found = part(tmp_path, {"numpy": of(4e-3)}, exp=None, read=None)
    assert found["shares"] == {"numpy": {}}
    assert found["sentences"]["1000000"][0] == "At 1,000,000 float64 numbers NumPy reads 2 GB/s."


def test_an_empty_call_counts_where_calls_are_short(tmp_path):
    empty = {EMPTY: {(): of(1e-7)}}
    long = part(tmp_path, {"numpy": of(4e-3)}, **empty)
    assert "empty" not in long["comparisons"]
    short = part(tmp_path, {"numpy": of(4e-7)}, of(2e-7), of(1e-7), "10", **empty)
    assert short["comparisons"]["empty"]["10"]["rate"][0] == pytest.approx(8e8)


def test_softmax_is_compared_with_a_copy(tmp_path):
    more = {
        "warm.SoftmaxRows.track_time": {("numpy", "float64", "1x10000000"): of(0.1)},
        limits.SUITES["copy"]: {("float64", "10000000"): of(0.02)},
    }
    found = part(tmp_path, {"numpy": of(4e-3)}, kernel="softmax_rows", **more)
    assert found["bytes"] == {"1x10000000": 160_000_000}
    assert found["shares"]["numpy"]["1x10000000"][0] == pytest.approx(0.2)
    assert found["sentences"]["1x10000000"][0].endswith(
        "NumPy reads and writes 1.6 GB/s, 20 % (16.4 to 24.4 %) of what copying reaches."
    )


def test_a_gpu_is_compared_with_half_the_time_of_a_copy(tmp_path):
    more = {
        "gpu.Logsumexp.track_time": {("cupy", "float64", "1000000"): of(1e-5)},
        limits.SUITES["gpu_copy"]: {("float64", "1000000"): of(1e-5)},
    }
    found = part(tmp_path, {"numpy": of(4e-3)}, device="gpu", **more)
    assert found["shares"]["cupy"]["1000000"][0] == pytest.approx(0.5)


# -- sentences -------------------------------------------------------------------------------------


def test_the_order_is_told_where_the_intervals_lie_apart(tmp_path):
    tools = {"simd": of(2.5e-3), "numba_tuned": of(5e-3), "numba": of(9.1e-3), "numpy": of(20e-3)}
    assert part(tmp_path, tools)["sentences"]["1000000"][:3] == [
        "At 1,000,000 float64 numbers C++ (SIMD) reads 3.2 GB/s, 80 % (65.5 to 97.8 %) of what "
        "the slower of reading once and exp of each number reaches.",
        "Of the other families Numba (tuned) is next: 1.6 GB/s, 40 % (32.7 to 48.9 %).",
        "NumPy: 0.4 GB/s, 10 % (8.18 to 12.2 %).",
    ]


def test_else_it_is_said_that_it_cannot_be_told(tmp_path):
    tools = {"simd": of(2.5e-3), "numba": of(2.6e-3), "pythran": of(9e-3), "numpy": of(9.5e-3)}
    said = part(tmp_path, tools)["sentences"]["1000000"]
    assert said[1] == "It cannot be told from Numba."
    assert said[2].startswith("Of the other families Pythran is next: ")
    assert said[3] == "It cannot be told from NumPy."
    said = part(tmp_path, {"simd": of(2.5e-3, None), "numpy": of(9e-3)})["sentences"]["1000000"]
    assert said[1] == "Whether it is the fastest cannot be told: too few samples."
    assert not any("next" in text for text in said)


def test_all_ties_are_named_or_counted_those_of_the_family_too(tmp_path):
    tools = {"simd_openmp": of(2.5e-3), "simd": of(2.6e-3), "numba_tuned_parallel": of(2.61e-3)}
    said = part(tmp_path, tools)["sentences"]["1000000"]
    assert said[0].startswith("At 1,000,000 float64 numbers C++ (SIMD) reads")
    assert said[1] == (
        "It cannot be told from C++ (SIMD, OpenMP) and Numba (tuned, parallel)."
    )  # fmt: skip
    more = {"cython": of(2.62e-3), "pythran": of(2.63e-3), "numpy": of(2.64e-3)}
    said = part(tmp_path, tools | more)["sentences"]["1000000"]
    assert said[1] == (
        "It cannot be told from C++ (SIMD, OpenMP), Numba (tuned, parallel), Cython and 2 more."
    )


def best(size="10", **tools):
    return limits.best_of_families(tools, size)


def row(seconds, width=0.1):
    return [seconds, None, None] if width is None else [seconds, seconds - width, seconds + width]


def test_the_best_of_a_family_is_the_fastest_at_the_size():
    tools = {
        "numba": {"10": row(1.0), "100": row(2.0)},
        "numba_tuned": {"10": row(2.0), "100": row(1.0)},
        "numpy": {"10": row(9.0), "1000": row(9.0)},
        "scipy": {"1000": row(9.0), "10000": row(9.0)},
    }
    assert best("10", **tools) == {"numba": "numba", "numpy": "numpy", "scipy": "scipy"}
    assert best("100", **tools)["numba"] == "numba_tuned"
    assert best("1000", **tools)["numba"] == "numba_tuned", "at its largest, where it was not there"


def test_the_best_of_a_family_is_the_plainest_of_what_cannot_be_told():
    many, one = {"10": row(1.0)}, {"10": row(1.1)}
    assert best(cython_tuned_openmp=many, cython_tuned=one) == {"cython": "cython_tuned"}
    assert best(cython_tuned_openmp=many, cython_tuned={"10": row(1.3)}) == {
        "cython": "cython_tuned_openmp"
    }
    assert best(numba=one, numba_tuned=many) == {"numba": "numba"}
    few = {"10": row(1.1, None)}
    assert best(numba=few, numba_tuned=many) == {"numba": "numba_tuned"}, "it has no interval"
    assert best(numba=one, numba_tuned={"10": row(1.0, None)}) == {"numba": "numba_tuned"}


def test_no_plainer_tool_is_taken_that_another_family_beats():
    tools = {
        "numba_tuned": {"10": row(1.0, 0.3)},
        "numba": {"10": row(1.5, 0.3)},
        "simd": {"10": row(1.05, 0.1)},
    }
    assert best(**tools) == {"numba": "numba_tuned", "simd": "simd"}


@pytest.mark.parametrize("seed", range(100))
def test_what_the_sentence_names_is_a_row_of_the_table_and_nothing_beats_it(tmp_path, seed):
    chance = random.Random(seed)
    names = ["simd", "simd_openmp", "numba", "numba_tuned", "cython", "cython_tuned", "numpy"]
    widths = [0.02, 0.1, 0.3]
    tools = {name: of(chance.uniform(3e-3, 6e-3), chance.choice(widths)) for name in names}
    found = part(tmp_path, tools)
    shown = found["best"]["1000000"].values()
    first = re.search("numbers (.*) reads", found["sentences"]["1000000"][0])[1]
    (tool,) = (name for name in shown if families.title(name) == first)
    value, _, high = found["tools"][tool]["1000000"]
    assert all(low <= high for _, low, _ in (of["1000000"] for of in found["tools"].values()))
    assert f"{value / 1e9:.3g} GB/s" in found["sentences"]["1000000"][0]


# -- caches ----------------------------------------------------------------------------------------


def test_caches_are_those_that_the_machine_last_noted(tmp_path):
    tools = {"numpy": of(4e-3)}
    runs = {
        run(): series(tools, context={"caches": CACHES}),
        run(threads="all"): series(tools),
        run("old"): series(tools),
    }
    found = {(r["machine"], r["threads"]): r["caches"] for r in site(runs, tmp_path)["runs"]}
    assert [one["level"] for one in found["m", "1"]] == [1, 3], "those that hold data"
    assert found["m", "all"] == found["m", "1"]
    assert found["old", "1"] is None


def test_nothing_was_measured(tmp_path):
    assert site({}, tmp_path)["runs"] == []
    assert site({run(): Series({}, {"a" * 40: 1.0})}, tmp_path)["runs"] == []


def test_failed_and_unknown_tools(tmp_path):
    evil = "<script>alert(1)</script>"
    found = part(tmp_path, {"numpy": of(4e-3), "jax": Value(None, None, None, "a"), evil: of(3e-3)})
    assert set(found["tools"]) == {"numpy", evil}


# -- targets ---------------------------------------------------------------------------------------


def checks():
    return [(g, c) for g in table.load(targets.TABLE) for c in g.checks if not g.exact]


def test_every_target_of_a_time_is_said_in_a_sentence():
    for group, check in checks():
        line = Target(what=check.what, target="none", verdict="", measured=2.0, low=1.5, high=2.5)
        said = limits.sentence(line)
        memory = group.calls[table.named(check.value.above)[0]][0] == "memory"
        assert (said is None) == memory, check.what
        if said:
            assert "2 " in said["text"]
            assert "(1.5 to 2.5)" in said["text"]
            assert said["text"].endswith(".")


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (
            "simd, AVX-512, float64, 1e+07 / reading once",
            "C++ (SIMD) takes 2 times (1.5 to 2.5) as long as reading it once: "
            "log-sum-exp of a vector, 10,000,000 float64 numbers, AVX-512.",
        ),
        (
            "simd against numpy, 1e+06",
            "C++ (SIMD) is 2 times (1.5 to 2.5) as fast as NumPy: "
            "log-sum-exp of a vector, 1,000,000 float64 numbers.",
        ),
        (
            "numba_tuned_parallel against numba_parallel, float32, 1e+03",
            "Numba (tuned, parallel) is 2 times (1.5 to 2.5) as fast as Numba (parallel): "
            "log-sum-exp of a vector, 1,000 float32 numbers, 2 threads.",
        ),
        (
            "public softmax, 3 x 1e5, axis 0, against the fastest library",
            "lsekernels is 2 times (1.5 to 2.5) as fast as the fastest of SciPy, PyTorch and JAX: "
            "softmax of 3 x 100,000 float64 numbers along axis 0.",
        ),
        (
            "public logsumexp, 1e6 weights of both signs, against the fastest library",
            "lsekernels is 2 times (1.5 to 2.5) as fast as the fastest of SciPy and JAX: "
            "logsumexp of 1,000,000 float64 numbers with weights of both signs.",
        ),
        (
            "simd, 10 numbers, beyond an empty call",
            "A call of C++ (SIMD) takes 2 ns (1.5 to 2.5) more than an empty call.",
        ),
    ],
)
def test_sentences_of_targets(what, said):
    line = Target(what=what, target="<= 1", verdict="not met", measured=2.0, low=1.5, high=2.5)
    assert limits.sentence(line) == {"text": said, "target": "<= 1", "verdict": "not met"}


def test_targets_without_an_interval_are_counted_and_not_said(tmp_path):
    facts = Facts.from_json(spoiled.FACTS)
    what = "simd, AVX-512, against scipy, 1e+06"
    lines = [
        Target(what=what, target=">= 30", verdict="met", measured=40.0, low=35.0, high=41.0),
        Target(what="simd against torch, 1e+07", target=">= 12", verdict="met", measured=40.0),
        Target(what="of an older table", target=">= 1", verdict="", measured=4, low=3, high=5),
        Target(what="cupy_tuned", target=">= 1", verdict="not measured here: no GPU"),
    ]
    Target.replace(tmp_path / "m", [facts, *lines])
    (found,) = limits.speed(tmp_path)
    assert (found["machine"], found["commit"]) == ("m", facts.commit)
    assert [said["verdict"] for said in found["sentences"]] == ["met"]
    assert found["without"] == 1


def test_all_tasks_are_of_kernels_that_there_are():
    assert {task.kernel for task in limits.TASKS} <= set(kernels.names())
