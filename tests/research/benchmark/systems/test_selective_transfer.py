"""STM on a biased sample: most training faces come from people whose boundary lies elsewhere."""

import numpy as np
import pytest
from sklearn.metrics.pairwise import rbf_kernel

from idennet.research.benchmark.systems.linear import margins, support_vector_machine
from idennet.research.benchmark.systems.selective_transfer import Selection, select_and_learn

GAMMA = 0.2


def people(count: int, place: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Faces around (place, 0); the boundary falls to the right for people at 4 and rises for those at -4."""
    rng = np.random.default_rng(seed)
    across, up = rng.normal(0, 1, (2, count))
    return np.stack([place + across, up], axis=1), np.where(across + np.sign(place) * up > 0, 1.0, -1.0)


@pytest.fixture(scope="module")
def biased() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    many, few = people(180, -4, 0), people(60, 4, 1)
    return np.concatenate([many[0], few[0]]), np.append(many[1], few[1]), *people(100, 4, 2)


def learn(features: np.ndarray, signs: np.ndarray, new: np.ndarray, **changes: float) -> Selection:
    kernel = rbf_kernel(features, features, GAMMA)
    kappa = len(features) * rbf_kernel(features, new, GAMMA).mean(axis=1)
    settings = {"c": 1.0, "transfer": 1.0, "largest_weight": 10.0, "alternations": 10, "balanced": False}
    return select_and_learn(features, signs, kernel, kappa, **(settings | changes))


def test_the_biased_sample_is_reweighted(biased: tuple[np.ndarray, ...]) -> None:
    features, signs, new, truth = biased
    selection = learn(features, signs, new)
    like, unlike = selection.weights[180:], selection.weights[:180]
    assert like.mean() > 20 * unlike.mean()
    assert selection.weights.min() >= 0
    assert selection.weights.max() <= 10
    pooled, _ = support_vector_machine(features, signs, 1.0)
    before = (margins(new, pooled) * truth > 0).mean()
    after = (margins(new, selection.theta) * truth > 0).mean()
    assert after > 0.8
    assert after > before + 0.3


@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("transfer", [0.02, 0.1])
def test_no_alternation_raises_the_objective(
    biased: tuple[np.ndarray, ...], transfer: float, balanced: bool
) -> None:
    features, signs, new, _ = biased
    selection = learn(features, signs, new, transfer=transfer, balanced=balanced)
    values = np.array(selection.objective)
    assert len(values) > 1
    assert (np.diff(values) <= 1e-3 * np.abs(values[1:])).all()


def test_a_match_of_means_alone_makes_the_means_equal(biased: tuple[np.ndarray, ...]) -> None:
    features, signs, new, _ = biased
    weights = learn(features, signs, new, transfer=1e6).weights

    def difference(weights: np.ndarray) -> float:
        share = weights / weights.sum()
        return float(
            share @ rbf_kernel(features, features, GAMMA) @ share
            - 2 * share @ rbf_kernel(features, new, GAMMA).mean(axis=1)
            + rbf_kernel(new, new, GAMMA).mean()
        )

    assert difference(weights) < 0.02 * difference(np.ones(len(weights)))


def test_errors_cost_weight() -> None:
    rng = np.random.default_rng(0)
    features = np.concatenate([rng.normal(2, 0.5, (60, 2)), rng.normal(-2, 0.5, (60, 2))])
    signs = np.repeat([1.0, -1.0], 60)
    signs[:4] = -1  # wrong labels amid the other class
    selection = learn(features, signs, features)
    assert selection.weights[:4].max() < 0.1 * selection.weights[4:60].mean()
