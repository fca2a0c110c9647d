"""SVTPT on planted people, whose boundary moves with where their unlabelled faces lie."""

import numpy as np
import pytest
from sklearn.svm import SVR

from idennet.research.benchmark.systems.linear import large_machine, margins
from idennet.research.benchmark.systems.parameter_transfer import (
    Bias,
    Transfer,
    choose_c,
    learn_sources,
    learn_transfer,
    regress,
)
from idennet.research.benchmark.systems.set_kernel import Sets, median_gamma, self_similarity

SETTINGS = {
    "machine_cs": (0.1, 1.0, 10.0),
    "bias": "penalised",
    "regression_c": 100.0,
    "regression_epsilon": 1e-3,
    "least_sources": 3,
}


def person(shift: float, seed: int, frames: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Faces around (shift, 0, 0); the Action Unit is where the first number exceeds the shift."""
    rng = np.random.default_rng(seed)
    offset = rng.normal(0, 1.0, frames)
    features = np.stack([shift + offset, rng.normal(0, 0.3, frames), rng.normal(0, 0.3, frames)], axis=1)
    return features, (offset > 0).astype(np.int8)


@pytest.fixture(scope="module")
def people() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    made = [person(shift, seed) for seed, shift in enumerate(np.linspace(-4, 4, 17))]
    features = np.concatenate([features for features, _ in made])
    labels = np.concatenate([labels for _, labels in made])[:, None]
    return features, labels, np.arange(17) * 60


def accuracy(values: np.ndarray, labels: np.ndarray) -> float:
    return float(((values > 0) == (labels == 1)).mean())


@pytest.mark.parametrize("bias", ["penalised", "free"])
def test_it_beats_one_machine_for_all(people: tuple[np.ndarray, np.ndarray, np.ndarray], bias: Bias) -> None:
    features, labels, starts = people
    transfer = learn_transfer(features, labels, starts, **(SETTINGS | {"bias": bias}))
    signs = np.where(labels[:, 0] == 1, 1.0, -1.0)
    pooled = large_machine(features, signs, 1.0, balanced=True, seed=0)
    personal, common = [], []
    for seed, shift in enumerate((-3.3, -1.7, 0.4, 2.2, 3.6), start=100):
        new, truth = person(shift, seed)
        personal.append(accuracy(margins(new, transfer.thetas(new)[0]), truth))
        common.append(accuracy(margins(new, pooled), truth))
    assert min(personal) > 0.75
    assert np.mean(personal) > np.mean(common) + 0.2


def test_kernel_between_sets_equals_loops() -> None:
    rng = np.random.default_rng(0)
    features, starts = rng.normal(size=(12, 4)), np.array([0, 3, 8])
    counted = rng.random((2, 12)) > 0.4
    counted[1, :3] = False
    sets, others = Sets(features, starts, counted), rng.normal(size=(5, 4))

    def loops(first: np.ndarray, second: np.ndarray) -> float:
        pairs = [np.exp(-0.3 * ((a - b) ** 2).sum()) for a in first for b in second]
        return float(np.mean(pairs)) if pairs else 0.0

    groups = [slice(0, 3), slice(3, 8), slice(8, 12)]
    members = [[features[group][counted[case, group]] for group in groups] for case in range(2)]
    expected = [[[loops(a, b) for b in case] for a in case] for case in members]
    np.testing.assert_allclose(sets.among(0.3), expected, atol=1e-12)
    np.testing.assert_allclose(
        sets.against(others, 0.3), [[loops(a, others) for a in case] for case in members], atol=1e-12
    )
    assert self_similarity(others, 0.3) == pytest.approx(loops(others, others))


def test_gamma_is_the_inverse_of_the_median_squared_distance() -> None:
    assert median_gamma(np.array([[0.0], [1.0], [3.0]]), seed=0) == pytest.approx(1 / 4)
    assert median_gamma(np.zeros((4, 2)), seed=0) == 1.0


def test_regression_is_one_svr_for_each_parameter() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(8, 2))
    kernel = np.exp(-((points[:, None] - points) ** 2).sum(-1))
    thetas = np.stack([points[:, 0] * 50, 3 - points[:, 1], np.full(8, 7.0)], axis=1)
    dual, offset = regress(kernel, thetas, 5.0, 0.01)
    predicted = offset + kernel @ dual
    for column in (0, 1):
        mean, deviation = thetas[:, column].mean(), thetas[:, column].std()
        target = (thetas[:, column] - mean) / deviation
        oracle = SVR(kernel="precomputed", C=5.0, epsilon=0.01, tol=1e-6).fit(kernel, target).predict(kernel)
        np.testing.assert_allclose((predicted[:, column] - mean) / deviation, oracle, atol=1e-5)
    np.testing.assert_allclose(predicted[:, 2], 7.0)


def test_subjects_with_one_label_are_no_sources() -> None:
    features = np.random.default_rng(0).normal(size=(12, 2))
    labels = np.array([1, 1, 1, 1, 1, 0, 1, 0, -1, 0, 1, -1], dtype=np.int8)
    sources = learn_sources(features, labels, np.array([0, 4, 8]), (1.0,), "free")
    assert sources.subjects.tolist() == [1, 2]
    assert not sources.is_support[:4].any()
    assert not sources.is_support[labels == -1].any()


def test_too_few_sources_give_one_machine_for_everybody() -> None:
    features, label = person(0.0, 1)
    nobody = np.zeros(60, dtype=np.int8)
    transfer = learn_transfer(features, np.stack([label, nobody], axis=1), np.array([0, 30]), **SETTINGS)
    assert transfer.sources.tolist() == [2, 0]
    thetas = transfer.thetas(features)
    np.testing.assert_array_equal(thetas, transfer.thetas(features[:7] + 5))
    assert accuracy(margins(features, thetas[0]), label) > 0.9
    assert (margins(features, thetas[1]) < 0).all()


def test_price_of_errors_is_chosen_within_subjects() -> None:
    rng = np.random.default_rng(3)
    wide = rng.normal(size=(80, 1)) * 0.01  # a tiny c leaves no margin on such small numbers
    signs = np.where(wide[:, 0] + rng.normal(0, 1e-4, 80) > 0.004, 1.0, -1.0)
    groups = [np.arange(40), np.arange(40, 80)]
    assert choose_c(wide, signs, groups, (1e-3, 1e3), "free") == 1e3
    assert choose_c(wide, signs, [np.arange(2)], (1e-3, 0.2, 10.0), "free") == 0.2


def test_sources_are_similar_to_themselves_at_most(people: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    transfer: Transfer = learn_transfer(*people, **SETTINGS)
    kernel = transfer.sets.among(transfer.gamma)[0]
    cosine = kernel / np.outer(transfer.own[0], transfer.own[0])
    np.testing.assert_allclose(np.diag(cosine), 1)
    assert cosine.max() <= 1 + 1e-12
