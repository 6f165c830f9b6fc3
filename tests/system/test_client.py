"""A library that uses logsumexp, with the function swapped in."""

import numpy as np
import pytest

import lsekernels

RANDOM = np.random.RandomState(5)


def test_a_real_client(monkeypatch):
    """scikit-learn's Gaussian mixture learns the same with the function swapped in."""
    mixture = pytest.importorskip("sklearn.mixture", reason="scikit-learn is in the test group")
    narrow, wide = RANDOM.standard_normal((2, 300, 2))
    points = np.concatenate([narrow * 0.5 + 4, wide])
    calls = []

    def counted(array, axis, xp=None):
        calls.append(array)
        return lsekernels.logsumexp(array, axis=axis)

    def learn():
        model = mixture.GaussianMixture(3, random_state=0).fit(points)
        return model, model.score_samples(points), model.predict_proba(points)

    before, scores, probabilities = learn()
    monkeypatch.setattr("sklearn.mixture._base._logsumexp", counted)
    after, new_scores, new_probabilities = learn()
    assert len(calls) >= after.n_iter_ > 1
    assert after.n_iter_ == before.n_iter_
    np.testing.assert_allclose(after.means_, before.means_, rtol=1e-9)
    np.testing.assert_allclose(new_scores, scores, rtol=1e-9)
    np.testing.assert_allclose(new_probabilities, probabilities, rtol=1e-7, atol=1e-12)
