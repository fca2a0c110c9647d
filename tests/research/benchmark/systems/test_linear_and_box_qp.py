"""The shared solvers against SciPy and scikit-learn's definitions."""

import numpy as np
import pytest
from scipy.optimize import LinearConstraint, minimize

from idennet.research.benchmark.systems.box_qp import minimise_in_box, project
from idennet.research.benchmark.systems.linear import (
    choose_rows,
    margins,
    penalised_machine,
    principal_components,
    scores_of,
    support_vector_machine,
)


@pytest.mark.parametrize(
    ("seed", "sums"), [(0, (6.0, 9.0)), (1, (0.0, 2.0)), (2, (24.0, 30.0)), (3, (5.0, 5.0))]
)
def test_quadratic_programme_equals_scipys(seed: int, sums: tuple[float, float]) -> None:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(15, 6))
    matrix, linear = points @ points.T, rng.normal(size=15)
    found = minimise_in_box(
        matrix, linear, upper=2.0, sums=sums, start=np.ones(15), tolerance=1e-10, most_steps=20_000
    )
    assert found.min() >= 0
    assert found.max() <= 2
    assert sums[0] - 1e-9 <= found.sum() <= sums[1] + 1e-9

    def value(s: np.ndarray) -> float:
        return float(0.5 * s @ matrix @ s + linear @ s)

    oracle = minimize(
        value,
        np.full(15, np.mean(sums) / 15),
        jac=lambda s: matrix @ s + linear,
        bounds=[(0, 2)] * 15,
        constraints=LinearConstraint(np.ones(15), *sums),
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 1000},
    )
    assert value(found) == pytest.approx(oracle.fun, abs=1e-6)
    assert value(found) <= oracle.fun + 1e-7


@pytest.mark.parametrize("sums", [(1.0, 2.0), (7.0, 9.0), (0.0, 20.0)])
def test_projection_is_the_nearest_point(sums: tuple[float, float]) -> None:
    values = np.random.default_rng(0).normal(0.7, 1.5, 10)
    nearest = project(values, 1.0, sums)
    oracle = minimize(
        lambda s: float(((s - values) ** 2).sum()),
        np.full(10, 0.5),
        bounds=[(0, 1)] * 10,
        constraints=LinearConstraint(np.ones(10), *sums),
        method="SLSQP",
        options={"ftol": 1e-14},
    )
    np.testing.assert_allclose(nearest, oracle.x, atol=1e-5)


def test_machine_minimises_the_weighted_hinge() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(40, 3))
    signs = np.where(features[:, 0] + 0.8 * rng.normal(size=40) > 0.4, 1.0, -1.0)
    weights = rng.uniform(0, 2, 40)
    weights[:5] = 0

    def objective(theta: np.ndarray) -> float:
        hinge = np.maximum(0, 1 - signs * margins(features, theta))
        return float(0.5 * theta[:-1] @ theta[:-1] + 0.7 * weights @ hinge)

    theta, is_support = support_vector_machine(features, signs, 0.7, weights)
    assert not is_support[:5].any()
    inside = signs * margins(features, theta) < 1 - 1e-3
    assert is_support[inside & (weights > 0)].all()
    for seed in range(200):
        moved = theta + np.random.default_rng(seed).normal(0, 0.05, 4)
        assert objective(moved) >= objective(theta) - 1e-3


def test_balance_is_the_same_as_repeating_the_rarer_class() -> None:
    rng = np.random.default_rng(1)
    features = np.concatenate([rng.normal(1, 1, (10, 2)), rng.normal(-1, 1, (30, 2))])
    signs = np.repeat([1.0, -1.0], [10, 30])
    balanced, _ = support_vector_machine(features, signs, 0.3, balanced=True)
    repeated, _ = support_vector_machine(
        np.concatenate([features, features[:10], features[:10]]), np.append(signs, np.ones(20)), 0.3 * 40 / 60
    )
    np.testing.assert_allclose(balanced, repeated, atol=2e-3)


def test_a_penalised_bias_is_one_more_weight() -> None:
    rng = np.random.default_rng(2)
    features = rng.normal(size=(30, 2)) + 1
    signs = np.where(features[:, 0] + 0.3 * rng.normal(size=30) > 1.5, 1.0, -1.0)
    theta, is_support = penalised_machine(features, signs, 0.5)
    price = 0.5 * np.where(signs > 0, 15 / (signs > 0).sum(), 15 / (signs < 0).sum())

    def objective(theta: np.ndarray) -> float:
        return float(0.5 * theta @ theta + price @ np.maximum(0, 1 - signs * margins(features, theta)))

    for seed in range(200):
        moved = theta + np.random.default_rng(seed).normal(0, 0.05, 3)
        assert objective(moved) >= objective(theta) - 1e-3
    assert is_support[signs * margins(features, theta) < 1].all()
    assert not is_support.all()


def test_components_keep_the_energy_asked_for() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(300, 10)) * [10, 5, 2, 1, 1, 0.1, 0.1, 0.1, 0.1, 0.1] + 3
    projection = principal_components(features, 0.98, 256)
    total = features.var(axis=0).sum()
    shares = np.cumsum(projection(features).var(axis=0)) / total
    assert shares[-1] >= 0.98 > shares[-2]
    np.testing.assert_allclose(
        projection.basis @ projection.basis.T, np.eye(len(projection.basis)), atol=1e-8
    )
    assert len(principal_components(features, 1.0, 4).basis) == 4


def test_scores_are_half_at_margin_zero_and_keep_the_order() -> None:
    values = np.array([-800.0, -1.0, 0.0, 2.0, 800.0])
    scores = scores_of(values)
    assert scores[2] == 0.5
    assert (np.diff(scores) > 0).all()
    assert scores.min() >= 0
    assert scores.max() <= 1


def test_rows_are_cut_by_subject() -> None:
    subject = np.repeat([0, 1, 2], [3, 10, 5])
    rows = choose_rows(subject, 4, seed=0)
    assert np.bincount(subject[rows]).tolist() == [3, 4, 4]
    assert (np.diff(rows) > 0).all()
    np.testing.assert_array_equal(rows, choose_rows(subject, 4, seed=0))
