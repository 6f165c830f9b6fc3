"""Which tools lose every digit of the log-sum-exp of [0, -40]."""

from __future__ import annotations

from collections.abc import Mapping

import mpmath

from lsebench.site.families import described, title
from lsebench.site.rows import accuracy, words
from lsebench.site.rows.results import Run, Series
from lsekernels import kernels

from . import finding
from .finding import Chart, Finding, Found

FINDING = Finding(
    id="digits",
    title="The textbook formula loses every digit",
    about="The error of log(exp(0) + exp(-40)), in units of the last place (ulp): 1 is as good as "
    "can be, some 10^15 is a result without a right digit. exp(-40) is lost where it is added to "
    "1, whether the largest number was subtracted first or not. Tools without a logsumexp of their "
    "own have the formula in three lines. An error is computed, not timed: "
    "it is the same in every run.",
    missing="Not measured yet: the errors of logsumexp on [0, -40]. make bench measures them.",
    sources=[
        (
            "P. Blanchard, D. J. Higham and N. J. Higham, Accurately computing the log-sum-exp "
            "and softmax functions",
            "https://doi.org/10.1093/imanum/draa038",
        ),
    ],
)
INPUT = "two_terms_far_apart"
BENCHMARK = "accuracy.Logsumexp.track_error"
NAMED = 5
"""So many tools are in the sentence; the table has all."""
LEAST = 0.1
"""Where the axis begins."""
LOST, KEPT = "#d55e00", "#0072b2"


def found(runs: Mapping[Run, Series]) -> Finding:
    """Return what was found."""
    return FINDING.on([_of_run(run, series) for run, series in finding.single(runs)])


def _of_run(run: Run, series: Series) -> Found | None:
    errors = {
        (tool, data): value.value
        for (tool, dtype, data), value in series.values.get(BENCHMARK, {}).items()
        if dtype == finding.DTYPE and value.value is not None
    }
    asked = {tool: error for (tool, data), error in errors.items() if data == INPUT}
    if not asked:
        return None
    lost = [tool for tool, error in asked.items() if _lost(error)]
    kept = [tool for tool in asked if tool not in lost]
    inputs = list(kernels.load(finding.KERNEL).INPUT_CLASSES)
    inputs = [name for name in inputs if any(name == data for _, data in errors)]
    return Found(
        **finding.origin(run, series),
        sentence=_sentence(lost, kept),
        more=[f"Of {len(asked)} tools measured here, {len(lost)} lose every digit."]
        if lost
        else (),
        chart=_chart(asked) if lost else None,
        columns=("tool", *(f"{name.replace('_', ' ')} (ulp)" for name in inputs)),
        rows=[
            (title(tool), *(_text(errors.get((tool, name))) for name in inputs))
            for tool in sorted(asked, key=lambda tool: (asked[tool], title(tool)))
        ],
        links=[("all errors", "accuracy.html", _state(run))],
    )


def _sentence(lost: list[str], kept: list[str]) -> str:
    true = mpmath.nstr(_true(), 2)
    right = f"; {_names(kept)} {'keep' if len(kept) > 1 else 'keeps'} them" if kept else ""
    if not lost:
        return (
            f"No tool measured here loses all digits of log-sum-exp of [0, -40], which is {true}."
        )
    get = "get" if len(lost) > 1 else "gets"
    return (
        f"{_names(lost)} {get} no digit of log-sum-exp of [0, -40] right, which is {true}{right}."
    )


def _names(tools: list[str]) -> str:
    """Return some of the tools in words, and whether our own are among them."""
    others = [tool for tool in tools if not described(tool)["ours"]]
    named = [title(tool) for tool in finding.known(others)[:NAMED]]
    return words.several([*named, *(["our own"] if len(others) < len(tools) else [])])


def _true() -> mpmath.mpf:
    truth = kernels.load(finding.KERNEL)
    return truth.reference(*truth.CASES[INPUT].arguments(finding.DTYPE))


def _lost(error: float) -> bool:
    limit = accuracy.lost(finding.KERNEL, finding.DTYPE, INPUT)
    return accuracy.grade(error, limit) == accuracy.NOTHING_RIGHT


def _text(error: float | None) -> str:
    return "not measured" if error is None else words.error(error)


def _state(run: Run) -> dict[str, str]:
    return {
        "kernel": finding.KERNEL,
        "dtype": finding.DTYPE,
        "machine": run.place,
        "threads": run.threads,
        "input": INPUT,
    }


def _chart(errors: Mapping[str, float]) -> Chart:
    plain = [tool for tool in errors if "_" not in tool] or list(errors)
    plain.sort(key=lambda tool: (errors[tool], title(tool)))
    rows = [
        {
            "place": place,
            "name": title(tool),
            "value": max(errors[tool], LEAST),
            "text": f"{errors[tool]:.2g}",  # raised digits are in few fonts
            "colour": LOST if _lost(errors[tool]) else KEPT,
            "stem": LEAST,
        }
        for place, tool in enumerate(plain)
    ]
    return Chart(
        name="dots",
        rows=rows,
        titles={"x": "error in ulp"},
        said=[f"{row['name']} {row['text']} ulp" for row in rows],
        options={"labels": "ulps"},
    )
