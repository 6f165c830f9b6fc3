"""The tests of SciPy and of libraries that use logsumexp, with our functions in SciPy's place."""

import json
import os
import subprocess
import sys
import sysconfig
from collections import Counter
from importlib.util import find_spec

import pytest

FOLDER = os.path.dirname(os.path.dirname(__file__))
"""Where `swapped` lies, which these processes import, and this one must not."""
TESTS = {
    "scipy": (
        "scipy.integrate.tests.test_tanhsinh",
        "scipy.stats.tests.test_continued_fraction",
        "scipy.stats.tests.test_continuous::TestMixture",
        "scipy.stats.tests.test_distributions::TestTruncnorm",
        "scipy.stats.tests.test_distributions::TestHypergeom",
    ),
    "sklearn": (
        "sklearn.mixture.tests.test_bayesian_mixture",
        "sklearn.mixture.tests.test_mixture",
        "sklearn.tests.test_naive_bayes",
        "sklearn.decomposition.tests.test_online_lda",
        "sklearn.neighbors.tests.test_nca",
        "sklearn.linear_model.tests.test_logistic::test_logreg_predict_proba_multinomial",
    ),
    "hmmlearn": (
        "hmmlearn.tests.test_base",
        "hmmlearn.tests.test_categorical_hmm",
        "hmmlearn.tests.test_gmm_hmm",
        "hmmlearn.tests.test_gmm_hmm_multisequence",
        "hmmlearn.tests.test_poisson_hmm",
    ),
    "statsmodels": (
        "statsmodels.discrete.tests.test_conditional",
        "statsmodels.tsa.regime_switching.tests",
    ),
}
"""The parts of their tests that call one of the functions, and take some seconds."""
LEAST = {
    "scipy": (350, 1_000), "sklearn": (350, 4_000), "hmmlearn": (60, 10_000),
    "statsmodels": (100, 15_000),
}  # fmt: skip
"""How many tests must pass, and how often our functions must be called."""


def outcomes(folder, swapped, *arguments):
    """Run tests of an installed library; return the outcome of each, and our functions' calls."""
    report = folder / f"swapped-{swapped}.json"
    libraries = sysconfig.get_path("platlib")  # what names a test begins there
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "swapped", "-p", "no:cacheprovider",
         "-c", os.devnull, "--rootdir", libraries, "--pyargs", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": FOLDER,
             "SWAPPED": swapped, "SWAPPED_REPORT": str(report)},
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stdout[-4000:] + done.stderr
    found = json.loads(report.read_text())
    return found["outcomes"], found["calls"], done.stdout


@pytest.fixture
def installed(pytestconfig):
    """Fail where a library is missing that `make test-all` installs."""

    def look(library):
        if find_spec(library):
            return
        if pytestconfig.getoption("--tier") == "core":
            pytest.skip(f"{library} is installed by make test-all")
        pytest.fail(f"{library} is not installed: make test-all does it")

    return look


def test_scipys_own_tests_pass(tmp_path):
    """All but the test of a helper inside of SciPy, which has no counterpart here."""
    found, calls, said = outcomes(
        tmp_path, "yes", "scipy.special.tests.test_logsumexp", "-k", "not test_wrap_radians"
    )
    wrong = [test for test, outcome in found.items() if outcome != "passed"]
    assert not wrong, said[-4000:]
    infinite = sum("infinite_elements" in test for test in found)
    assert (infinite, len(found) - infinite) == (324, 82)
    assert min(calls[name] for name in ("logsumexp", "softmax", "log_softmax")) > 10


@pytest.mark.parametrize("library", TESTS)
def test_what_passes_and_fails_is_the_same(library, tmp_path, installed):
    installed(library)
    ours, calls, said = outcomes(tmp_path, "yes", *TESTS[library])
    theirs, none, _ = outcomes(tmp_path, "no", *TESTS[library])
    assert ours == theirs, said[-4000:]
    passed, called = LEAST[library]
    assert Counter(ours.values())["passed"] >= passed, Counter(ours.values())
    assert sum(calls.values()) >= called, calls
    assert not none


# -- a library whose wheel has no tests -----------------------------------------------------------

PLANS = """
import numpy as np, ot
from numpy.testing import assert_allclose

random = np.random.RandomState(5)
a, b = random.dirichlet(np.ones(12)), random.dirichlet(np.ones(12))
cost = random.uniform(0, 1, (12, 12))

def plans():
    both = np.stack([a, b], axis=1)
    return {
        "plan": ot.sinkhorn(a, b, cost, 0.05, method="sinkhorn_log"),
        "cost": ot.sinkhorn2(a, b, cost, 0.05, method="sinkhorn_log"),
        "barycenter": ot.bregman.barycenter(both, cost, 0.1, method="sinkhorn_log"),
        "debiased": ot.bregman.barycenter_debiased(both, cost, 0.1, method="sinkhorn_log"),
        "lazy": ot.bregman.empirical_sinkhorn2(both, both[::-1], 0.1, isLazy=True),
        "unbalanced": ot.unbalanced.sinkhorn_unbalanced(
            a, b, cost, 0.1, 1.0, method="sinkhorn_translation_invariant"
        ),
    }

before = plans()
import swapped
after = plans()
for name in before:
    assert_allclose(after[name], before[name], rtol=1e-9, atol=1e-15, err_msg=name)
print(swapped.CALLS["logsumexp"])
"""


def test_optimal_transport_finds_the_same(python, installed):
    installed("ot")
    others = ("PYTORCH", "JAX", "CUPY", "TENSORFLOW")
    env = {f"POT_BACKEND_DISABLE_{name}": "1" for name in others}
    assert int(python(PLANS, PYTHONPATH=FOLDER, **env)) > 100
