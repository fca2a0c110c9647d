"""CPM: confident machines, virtual labels, neighbours, and a person's own machine against SciPy."""

import numpy as np
import pytest
from scipy.optimize import minimize

from idennet.research.benchmark.systems.confidence import (
    confident_machines,
    neighbour_laplacian,
    smooth_machine,
    virtual_labels,
)
from idennet.research.benchmark.systems.linear import large_machine, margins


def overlapping(seed: int = 0, count: int = 400) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    signs = np.repeat([1.0, -1.0], count // 2)
    return signs[:, None] * [1.0, 0] + rng.normal(size=(count, 2)), signs


def test_confident_machines_are_right_where_they_speak() -> None:
    features, signs = overlapping()
    present, absent = confident_machines(features, signs, c=1.0, rounds=10, balanced=False)
    new, truth = overlapping(1)
    virtual = virtual_labels(new, present, absent)
    easy = virtual != 0
    one = large_machine(features, signs, 1.0, balanced=False, seed=0)
    right = (margins(new, one) * truth > 0).mean()
    assert 0.2 < easy.mean() < 0.95
    assert (virtual[easy] == truth[easy]).mean() > right + 0.03
    assert ((margins(new, present) > 0) <= (margins(new, absent) > 0)).mean() > 0.99


def test_separable_faces_are_all_easy() -> None:
    features, signs = overlapping()
    features = features + 5 * signs[:, None]
    present, absent = confident_machines(features, signs, c=1.0, rounds=10, balanced=False)
    np.testing.assert_array_equal(present, absent)
    np.testing.assert_array_equal(virtual_labels(features, present, absent), signs)


def test_virtual_labels_are_where_both_agree() -> None:
    features = np.array([[2.0], [0.0], [-2.0], [0.5]])
    virtual = virtual_labels(features, np.array([1.0, -1.0]), np.array([1.0, 1.0]))
    assert virtual.tolist() == [1, 0, -1, 0]


def test_neighbours_are_near_in_time_and_looks_and_of_one_sequence() -> None:
    features = np.array([[0.0], [1.0], [0.1], [5.0], [0.0], [0.2], [1.0]])
    sequences = np.array([0, 0, 0, 0, 0, 1, 1])
    laplacian = neighbour_laplacian(features, sequences, neighbours=1, window=2)
    edges = {(i, j) for i in range(7) for j in range(i) if laplacian[i, j] != 0}
    # 0-2 alike; 1's nearest is 2; 3's nearest within two places is 1; 4's is 2; 5 and 6 have only each other
    assert edges == {(2, 0), (2, 1), (3, 1), (4, 2), (6, 5)}
    np.testing.assert_allclose(laplacian.sum(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(laplacian, laplacian.T)
    assert np.linalg.eigvalsh(laplacian).min() > -1e-12
    assert (neighbour_laplacian(features, np.arange(7), neighbours=3, window=9) == 0).all()


def test_own_machine_is_the_minimum() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(20, 3))
    virtual = rng.integers(-1, 2, 20).astype(np.int8)
    laplacian = neighbour_laplacian(features, np.zeros(20, dtype=np.int64), neighbours=3, window=5)

    def objective(theta: np.ndarray) -> float:
        values, easy = margins(features, theta), virtual != 0
        weights = -np.triu(laplacian, 1)
        rough = sum(weights[i, j] * (values[i] - values[j]) ** 2 for i in range(20) for j in range(i + 1, 20))
        fit = ((virtual[easy] - values[easy]) ** 2).mean()
        return float(fit + 0.3 * theta[:-1] @ theta[:-1] + 0.7 * rough / weights.sum())

    found = smooth_machine(features, virtual, laplacian, ridge=0.3, smoothness=0.7)
    oracle = minimize(objective, np.zeros(4), tol=1e-12)
    np.testing.assert_allclose(found, oracle.x, atol=1e-5)


def test_a_person_with_a_moved_boundary_gets_a_machine_of_their_own() -> None:
    features, signs = overlapping(2)
    present, absent = confident_machines(features, signs, c=1.0, rounds=10, balanced=False)
    rng = np.random.default_rng(3)
    truth = np.repeat(np.tile([1.0, -1.0], 10), 20)  # phases of 20 frames
    # this person's second number tells the Action Unit clearly, which the training people's does not
    new = np.stack([0.8 * truth + rng.normal(0, 1, 400), 1.5 * truth + rng.normal(0, 0.3, 400)], axis=1)
    virtual = virtual_labels(new, present, absent)
    laplacian = neighbour_laplacian(new, np.zeros(400, dtype=np.int64), neighbours=5, window=10)
    own = smooth_machine(new, virtual, laplacian, ridge=0.1, smoothness=1.0)
    common = (margins(new, (present + absent) / 2) * truth > 0).mean()
    assert (margins(new, own) * truth > 0).mean() > common + 0.1


@pytest.mark.parametrize("rounds", [1, 3])
def test_rounds_are_a_limit(rounds: int) -> None:
    features, signs = overlapping(4)
    first = confident_machines(features, signs, c=1.0, rounds=rounds, balanced=True)
    again = confident_machines(features, signs, c=1.0, rounds=rounds, balanced=True)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first[0], first[1])
