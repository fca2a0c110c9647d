"""Linear maps that are fitted, not trained, against a library and against loops."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from idennet.learning.training.closed_form import others_mean, ridge


@pytest.mark.parametrize("weighted", [False, True])
def test_the_linear_map_is_that_of_a_library(weighted: bool) -> None:
    rng = np.random.default_rng(0)
    x, y, weight = rng.normal(size=(40, 6)), rng.normal(size=(40, 3)), rng.uniform(0.1, 2, 40)
    given = weight if weighted else None
    mine = ridge(x, y, 0.05, given)
    library = Ridge(alpha=0.05 * (weight.sum() if weighted else len(x))).fit(x, y, sample_weight=given)
    np.testing.assert_allclose(mine[0], library.coef_, atol=1e-8)
    np.testing.assert_allclose(mine[1], library.intercept_, atol=1e-8)


def test_the_mean_of_others_is_without_the_picture_itself() -> None:
    people, values = np.array([0, 1, 0, 0, 2, 1]), np.random.default_rng(0).normal(size=(6, 2))
    mean, count = others_mean(values, people)
    assert count.tolist() == [2, 1, 2, 2, 0, 1]
    for row in np.flatnonzero(count):
        others = [other for other in range(6) if people[other] == people[row] and other != row]
        np.testing.assert_allclose(mean[row], values[others].mean(axis=0))
