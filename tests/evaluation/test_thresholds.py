import numpy as np
from sklearn.metrics import f1_score

from idennet.evaluation.thresholds import GRID, best_thresholds


def test_no_threshold_of_the_grid_is_better() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, (200, 3)).astype(np.int8)
    probabilities = np.clip(0.3 * labels + rng.random((200, 3)) * 0.7, 0, 1)
    for au, threshold in enumerate(best_thresholds(probabilities, labels)):
        tried = [f1_score(labels[:, au], probabilities[:, au] >= grid) for grid in GRID]
        chosen = f1_score(labels[:, au], probabilities[:, au] >= threshold)
        assert chosen == max(tried)
        assert threshold == max(grid for grid, value in zip(GRID, tried, strict=True) if value == chosen)


def test_uncoded_labels_count_nowhere_and_absent_units_fall_back() -> None:
    probabilities = np.array([[0.9, 0.9], [0.1, 0.2], [0.99, 0.5]])
    labels = np.array([[1, 0], [0, 0], [-1, 0]], dtype=np.int8)
    thresholds = best_thresholds(probabilities, labels)
    assert 0.1 < thresholds[0] <= 0.9
    assert thresholds[1] == 0.5
