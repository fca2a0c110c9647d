"""Scores of probabilities against labels, and subject-exclusive splits."""

import numpy as np
import pytest

from idennet.errors import InputError, ShapeError
from idennet.learning.data.split import split_subjects
from idennet.learning.evaluation.scores import score

LABELS = np.random.default_rng(0).choice([-1, 0, 1], (150, 2)).astype(np.int8)
PEOPLE = [f"s/{index % 5}" for index in range(150)]


def test_an_oracle_is_perfect_and_half_its_thresholds_are_not() -> None:
    result = score((LABELS + 1) / 2, LABELS, PEOPLE, (6, 12), 0.9)
    assert (result.mean_f1, result.mean_auc) == (1, 1)
    low = score((LABELS + 1) / 2, LABELS, PEOPLE, (6, 12), [0.9, 0.0])
    assert low.counts.f1()[0] == 1
    assert low.counts.f1()[1] == low.counts.f1_all_positive()[1] < 1
    assert list(result.table().index) == ["AU6", "AU12", "mean"]


def test_probabilities_of_other_aus_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"frames, 1"):
        score((LABELS + 1) / 2, LABELS, PEOPLE, (6,))


@pytest.mark.parametrize("fraction", [0.0, 0.01, 0.3, 0.99])
def test_a_split_is_a_partition(fraction: float) -> None:
    names = [f"s{index}" for index in range(11)]
    kept, held = split_subjects(names * 3, fraction, seed=5)
    assert sorted(kept + held) == sorted(names)
    assert not set(kept) & set(held)
    assert len(held) == min(max(round(11 * fraction), fraction > 0), 10)
    assert split_subjects(reversed(names), fraction, seed=5) == (kept, held)


def test_the_seed_decides() -> None:
    names = [f"s{index}" for index in range(20)]
    assert len({tuple(split_subjects(names, 0.3, seed)[1]) for seed in range(5)}) > 1
    with pytest.raises(InputError, match="at least two"):
        split_subjects(["one"], 0.5)
    with pytest.raises(InputError, match="not allowed"):
        split_subjects(names, 1.0)
