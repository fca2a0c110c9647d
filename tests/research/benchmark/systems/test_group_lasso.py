"""The group lasso against its conditions of optimality, and on planted patches."""

import numpy as np
import pytest
from scipy.optimize import minimize

from idennet.research.benchmark.systems.group_lasso import duality_gap, group_lasso_logistic, group_norms

GROUP = 4


@pytest.fixture(scope="module")
def planted() -> tuple[np.ndarray, np.ndarray]:
    """The first Action Unit shows in patch 1, the second in patches 0 and 3 of six; a tenth is not coded."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(300, 6 * GROUP))
    first = features[:, 4:8] @ [1.0, -2.0, 1.0, 0.5]
    second = features[:, 0:4] @ [1.0, 1.0, 0, 0] + features[:, 12:16] @ [0, 0, 1.0, -1.0]
    labels = (np.stack([first, second], axis=1) + rng.normal(0, 0.3, (300, 2)) > 0).astype(np.int8)
    labels[rng.random((300, 2)) < 0.1] = -1
    return features, labels


def test_the_planted_patches_are_kept(planted: tuple[np.ndarray, np.ndarray]) -> None:
    weights = group_lasso_logistic(*planted, GROUP, strength=0.08)
    kept = group_norms(weights, GROUP) > 0
    assert np.flatnonzero(kept[:, 0]).tolist() == [1]
    assert np.flatnonzero(kept[:, 1]).tolist() == [0, 3]


def test_conditions_of_optimality(planted: tuple[np.ndarray, np.ndarray]) -> None:
    features, labels = planted
    weights = group_lasso_logistic(features, labels, GROUP, strength=0.02, most_steps=5000, tolerance=1e-11)
    for au in range(2):
        coded = labels[:, au] >= 0
        signs = np.where(labels[coded, au] == 1, 1.0, -1.0)
        slope = -signs / (1 + np.exp(signs * (features[coded] @ weights[:, au])))
        gradient = (features[coded].T @ slope / coded.sum()).reshape(-1, GROUP)
        for own, down in zip(weights[:, au].reshape(-1, GROUP), gradient, strict=True):
            if np.any(own):
                np.testing.assert_allclose(down, -0.02 * own / np.linalg.norm(own), atol=1e-5)
            else:
                assert np.linalg.norm(down) <= 0.02 + 1e-6


def test_objective_equals_scipys_and_the_gap_bounds_it(planted: tuple[np.ndarray, np.ndarray]) -> None:
    features, labels = planted

    def objective(weights: np.ndarray) -> float:
        coded = labels[:, 0] >= 0
        signs = np.where(labels[coded, 0] == 1, 1.0, -1.0)
        lengths = np.sqrt((weights.reshape(-1, GROUP) ** 2).sum(1) + 1e-14)
        return float(np.logaddexp(0, -signs * (features[coded] @ weights)).mean() + 0.02 * lengths.sum())

    oracle = minimize(objective, np.full(6 * GROUP, 1e-2), method="BFGS", options={"maxiter": 400}).fun
    weights = group_lasso_logistic(features, labels, GROUP, strength=0.02, most_steps=3000, tolerance=1e-9)
    value, gap = duality_gap(features, labels, weights, GROUP, 0.02)
    assert value[0] == pytest.approx(oracle, abs=1e-4)
    assert -1e-12 <= gap[0] <= 1e-8
    rough = group_lasso_logistic(features, labels, GROUP, strength=0.02, most_steps=3)
    above, bound = duality_gap(features, labels, rough, GROUP, 0.02)
    assert (above - value <= bound).all()
    assert bound.min() > 1e-3


def test_a_large_strength_leaves_nothing(planted: tuple[np.ndarray, np.ndarray]) -> None:
    features, labels = planted
    assert not group_lasso_logistic(features, labels, GROUP, strength=10.0).any()
    nobody = np.full((300, 1), -1, dtype=np.int8)
    assert not group_lasso_logistic(features, nobody, GROUP, strength=1e-3).any()
