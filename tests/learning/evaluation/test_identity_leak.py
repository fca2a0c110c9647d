import numpy as np
import pytest

from idennet.errors import ShapeError
from idennet.learning.evaluation.identity import nearest_shares


def test_equals_a_search_by_loops() -> None:
    rng = np.random.default_rng(0)
    features, groups = rng.normal(size=(40, 5)), rng.integers(0, 4, 40)
    same = 0
    for i in range(40):
        others = [(np.linalg.norm(features[i] - features[j]), j) for j in range(40) if j != i]
        same += groups[min(others)[1]] == groups[i]
    assert nearest_shares(features, groups) == pytest.approx(same / 40)


def test_subtracting_each_subjects_mean_removes_the_subject() -> None:
    rng = np.random.default_rng(1)
    subjects = np.repeat(np.arange(10), 20)
    offset = 5 * rng.normal(size=(10, 8))
    features = offset[subjects] + rng.normal(size=(200, 8))
    assert nearest_shares(features, subjects) > 0.95
    assert nearest_shares(features - offset[subjects], subjects) < 0.3


def test_lengths_must_agree() -> None:
    with pytest.raises(ShapeError, match="two or more faces"):
        nearest_shares(np.zeros((3, 2)), np.zeros(4))
