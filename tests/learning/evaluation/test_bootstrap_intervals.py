"""Intervals against SciPy with the same draws, and against a bootstrap by loops over frames."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy import stats

from idennet.learning.evaluation.fold_results import count_wins
from idennet.learning.evaluation.intervals import Bootstrap, draw_subjects
from idennet.learning.evaluation.metrics import count, f1

VALUES = np.random.default_rng(5).gamma(1.5, size=24)  # skewed, so that BCa and percentile differ


def mean_of(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    return (weights @ VALUES / weights.sum(1))[:, None]


@pytest.mark.parametrize(("method", "name"), [("bca", "BCa"), ("percentile", "percentile")])
def test_the_mean_of_one_group_equals_scipy(method: str, name: str) -> None:
    bootstrap = Bootstrap.model_validate({"method": method, "repetitions": 500, "seed": 11})
    ours = bootstrap.interval(mean_of, [np.arange(24)])
    theirs = stats.bootstrap(
        (VALUES,), np.mean, n_resamples=500, method=name, rng=np.random.default_rng(11)
    ).confidence_interval
    assert ours.estimate[0] == pytest.approx(VALUES.mean())
    assert (ours.low[0], ours.high[0]) == pytest.approx((theirs.low, theirs.high), rel=1e-12)


@pytest.mark.parametrize(("method", "name"), [("bca", "BCa"), ("percentile", "percentile")])
def test_groups_are_resampled_separately_as_scipy_does(method: str, name: str) -> None:
    groups = [np.arange(10), np.arange(10, 24)]

    def difference(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        means = [weights[:, at] @ VALUES[at] / weights[:, at].sum(1) for at in groups]
        return (means[0] - means[1])[:, None]

    bootstrap = Bootstrap.model_validate({"method": method, "repetitions": 400, "confidence": 0.9})
    ours = bootstrap.interval(difference, groups)
    theirs = stats.bootstrap(
        (VALUES[:10], VALUES[10:]),
        lambda one, other, axis: one.mean(axis) - other.mean(axis),
        n_resamples=400,
        method=name,
        confidence_level=0.9,
        rng=np.random.default_rng(0),
    ).confidence_interval
    assert (ours.low[0], ours.high[0]) == pytest.approx((theirs.low, theirs.high), rel=1e-12)


def test_draws_from_counts_are_draws_of_frames() -> None:
    """Repeating the frames of drawn subjects one by one gives the F1 that weighted counts give."""
    rng = np.random.default_rng(0)
    people = np.array([f"s{number}" for number in rng.integers(0, 6, 200)])
    labels, predicted = rng.integers(0, 2, (200, 2)).astype(np.int8), rng.random((200, 2)) < 0.5
    counts = count(predicted, labels, people, (6, 12))
    for weights in draw_subjects([np.arange(6)], 20, seed=4):
        frames = [
            frame
            for name, times in zip(counts.subjects, weights, strict=True)
            for _ in range(int(times))
            for frame in np.flatnonzero(people == name)
        ]
        tables = (counts.true_positive, counts.false_positive, counts.false_negative)
        fast = f1(*(table @ weights for table in tables))
        slow = count(predicted[frames], labels[frames], people[frames], (6, 12)).f1()
        np.testing.assert_allclose(fast, slow, rtol=1e-12)


def test_wins_equal_a_comparison_of_all_pairs() -> None:
    rng = np.random.default_rng(1)
    people = np.array([f"s{number}" for number in rng.integers(0, 4, 60)])
    scores = np.round(rng.random((60, 2)), 1)
    labels = rng.choice([-1, 0, 1], (60, 2)).astype(np.int8)
    slow = np.zeros((2, 4, 4), dtype=np.int64)
    for a in range(2):
        for i in np.flatnonzero(labels[:, a] == 1):
            for j in np.flatnonzero(labels[:, a] == 0):
                outcome = 2 * (scores[i, a] > scores[j, a]) + (scores[i, a] == scores[j, a])
                slow[a, int(people[i][1]), int(people[j][1])] += outcome
    assert np.array_equal(count_wins(scores, labels, people), slow)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.integers(0, 50))
def test_every_group_keeps_its_size(sizes: list[int], seed: int) -> None:
    ends = np.cumsum(sizes)
    order = np.random.default_rng(seed).permutation(ends[-1])
    strata = [order[end - size : end] for end, size in zip(ends, sizes, strict=True)]
    weights = draw_subjects(strata, 7, seed)
    assert weights.shape == (7, ends[-1])
    for stratum in strata:
        assert (weights[:, stratum].sum(1) == len(stratum)).all()
    assert np.array_equal(weights, draw_subjects(strata, 7, seed))


def test_what_one_subject_decides_has_no_interval() -> None:
    positives = np.array([0, 0, 5.0, 0])

    def share(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        hits = weights @ positives
        return np.column_stack([np.where(hits > 0, 0.6, np.nan), weights @ np.arange(4) / 4])

    interval = Bootstrap(repetitions=100).interval(share, [np.arange(4)])
    assert interval.estimate.tolist() == [0.6, 1.5]
    assert np.isnan([interval.low[0], interval.high[0]]).all()
    assert interval.low[1] < 1.5 < interval.high[1]


def test_a_value_that_never_varies_has_an_interval_of_no_width() -> None:
    constant = Bootstrap(repetitions=50).interval(lambda w: np.full((len(w), 1), 0.5), [np.arange(5)])
    assert (constant.low[0], constant.high[0]) == (0.5, 0.5)


@pytest.mark.parametrize("wrong", [{"confidence": 1.0}, {"repetitions": 0}, {"method": "normal"}])
def test_wrong_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Bootstrap.model_validate(wrong)


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    """Means of 30 subjects from a known distribution; 200 repetitions, nominal 90 %."""
    rng, covered = np.random.default_rng(8), 0
    for seed in range(200):
        values = rng.normal(size=30)
        interval = Bootstrap(repetitions=300, confidence=0.9, seed=seed).interval(
            lambda weights, values=values: (weights @ values / weights.sum(1))[:, None], [np.arange(30)]
        )
        covered += bool(interval.low[0] <= 0 <= interval.high[0])
    assert 0.82 <= covered / 200 <= 0.96
