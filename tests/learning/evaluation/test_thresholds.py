import numpy as np
import pytest
from sklearn.metrics import fbeta_score

from idennet.learning.evaluation.thresholds import GRID, best_thresholds, is_reliable


@pytest.mark.parametrize("beta", [0.5, 1.0])
def test_no_threshold_of_the_grid_is_better(beta: float) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, (200, 3)).astype(np.int8)
    probabilities = np.clip(0.3 * labels + rng.random((200, 3)) * 0.7, 0, 1)
    for au, threshold in enumerate(best_thresholds(probabilities, labels, beta)):

        def score(limit: float, au: int = au) -> float:
            predicted = probabilities[:, au] >= limit
            return float(fbeta_score(labels[:, au], predicted, beta=beta, zero_division=0))

        best = max(map(score, GRID))
        assert score(threshold) == pytest.approx(best, abs=1e-12)
        assert threshold == max(limit for limit in GRID if score(limit) == pytest.approx(best, abs=1e-12))


def test_uncoded_labels_count_nowhere_and_absent_units_fall_back() -> None:
    probabilities = np.array([[0.9, 0.9], [0.1, 0.2], [0.99, 0.5]])
    labels = np.array([[1, 0], [0, 0], [-1, 0]], dtype=np.int8)
    thresholds = best_thresholds(probabilities, labels)
    assert 0.1 < thresholds[0] <= 0.9
    assert thresholds[1] == 0.5


def test_reliable_needs_both_a_high_auc_and_an_f1_above_always_present() -> None:
    assert is_reliable({"auc": 0.9, "f1": 0.5, "f1_all_positive": 0.3})
    assert not is_reliable({"auc": 0.8, "f1": 0.5, "f1_all_positive": 0.3})
    assert not is_reliable({"auc": 0.9, "f1": 0.35, "f1_all_positive": 0.3})
    assert not is_reliable({})
