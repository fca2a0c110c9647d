"""Calibration against loops, a plain logistic regression, and logistic truths that are known."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from idennet.errors import ShapeError
from idennet.learning.evaluation.calibration import (
    fit_apart,
    fit_calibration,
    fit_to_teacher,
    quietened,
    reliability,
    reliability_curve,
)
from idennet.learning.evaluation.metrics import auc
from idennet.models.calibration import IDENTITY, calibrate


def sigmoid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-values))


def logistic_truth(
    scale: float, shift: float, frames: int, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    """Probabilities (N, 1) whose labels follow sigmoid(scale * logit + shift)."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (frames, 1))
    labels = (rng.random((frames, 1)) < sigmoid(scale * logits + shift)).astype(np.int8)
    return sigmoid(logits), labels


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (0.5, -1.5), (2.0, 0.7)])
def test_a_known_logistic_is_recovered_and_makes_the_error_small(scale: float, shift: float) -> None:
    probabilities, labels = logistic_truth(scale, shift, 40_000)
    (found,) = fit_calibration(probabilities, labels)
    np.testing.assert_allclose(found, (scale, shift), atol=0.06)
    unseen, truth = logistic_truth(scale, shift, 40_000, seed=1)
    assert reliability_curve(calibrate(unseen, [found])[:, 0], truth[:, 0]).error < 0.01


def test_it_is_logistic_regression_on_the_targets_of_platt() -> None:
    probabilities, labels = logistic_truth(0.7, -1.0, 300)
    logits = np.log(probabilities / (1 - probabilities))
    present = int(labels.sum())
    target = np.where(labels[:, 0] == 1, (present + 1) / (present + 2), 1 / (300 - present + 2))
    twice, classes = np.concatenate([logits, logits]), np.repeat([1, 0], 300)
    weights = np.concatenate([target, 1 - target])  # each frame once as present and once as absent
    oracle = LogisticRegression(C=1e12, tol=1e-10).fit(twice, classes, weights)
    (found,) = fit_calibration(probabilities, labels)
    np.testing.assert_allclose(found, (oracle.coef_[0, 0], oracle.intercept_[0]), rtol=1e-3)


def test_uncoded_frames_count_nowhere() -> None:
    probabilities, labels = logistic_truth(0.6, -1.0, 400)
    coded = np.arange(400) % 3 > 0
    hidden = np.where(coded[:, None], labels, np.int8(-1))
    np.testing.assert_array_equal(
        fit_calibration(probabilities, hidden), fit_calibration(probabilities[coded], labels[coded])
    )


@pytest.mark.parametrize("label", [0, 1, -1])
def test_one_class_gives_no_change(label: int) -> None:
    probabilities = np.random.default_rng(0).random((50, 2))
    labels = np.full((50, 2), label, dtype=np.int8)
    labels[:, 1] = probabilities[:, 1] > 0.5
    unchanged, changed = fit_calibration(probabilities, labels)
    assert tuple(unchanged) == IDENTITY
    assert tuple(changed) != IDENTITY
    np.testing.assert_allclose(calibrate(probabilities[:, :1], [unchanged]), probabilities[:, :1])


@pytest.mark.parametrize("turned", [False, True])
def test_separate_classes_and_turned_rankings_give_finite_increasing_maps(turned: bool) -> None:
    probabilities = np.linspace(0.001, 0.999, 200)[:, None]
    labels = ((probabilities > 0.5) ^ turned).astype(np.int8)
    (found,) = fit_calibration(probabilities, labels)
    assert np.isfinite(found).all()
    assert found[0] > 0
    assert (np.diff(calibrate(probabilities, [found])[:, 0]) > 0).all()


def test_no_area_under_a_curve_changes() -> None:
    rng = np.random.default_rng(3)
    probabilities, labels = rng.random((500, 4)), rng.integers(-1, 2, (500, 4)).astype(np.int8)
    after = calibrate(probabilities, fit_calibration(probabilities, labels))
    for au in range(4):
        assert auc(after[:, au], labels[:, au]) == auc(probabilities[:, au], labels[:, au])


def test_certain_probabilities_stay_finite() -> None:
    after = calibrate(np.array([[0.0], [1.0]]), [(2.0, -1.0)])
    assert 0 < after[0, 0] < 1e-12
    assert 1 - 1e-12 < after[1, 0] <= 1


def test_the_error_is_that_of_a_loop_over_sorted_frames() -> None:
    rng = np.random.default_rng(2)
    probabilities, labels = rng.random(103), rng.integers(-1, 2, 103).astype(np.int8)
    curve = reliability_curve(probabilities, labels, bins=7)
    pairs = sorted((p, y) for p, y in zip(probabilities, labels, strict=True) if y >= 0)
    bins: dict[int, list[tuple[float, int]]] = {}
    for rank, pair in enumerate(pairs):
        bins.setdefault(rank * 7 // len(pairs), []).append(pair)
    assert list(curve.count) == [len(frames) for frames in bins.values()]
    assert max(curve.count) - min(curve.count) <= 1
    error = 0.0
    for number, frames in bins.items():
        said = sum(p for p, _ in frames) / len(frames)
        seen = sum(y for _, y in frames) / len(frames)
        assert curve.mean_probability[number] == pytest.approx(said)
        assert curve.observed_rate[number] == pytest.approx(seen)
        error += len(frames) / len(pairs) * abs(said - seen)
    assert curve.error == pytest.approx(error)


def test_frames_of_one_probability_share_a_bin_in_any_order() -> None:
    probabilities = np.array([0.2] * 6 + [0.9] * 4)
    labels = np.array([0, 0, 0, 1, 1, 1, 1, 1, 1, 0], dtype=np.int8)
    curve = reliability_curve(probabilities, labels, bins=10)
    assert list(curve.count) == [6, 4]
    assert curve.error == pytest.approx((6 * 0.3 + 4 * 0.15) / 10)
    order = np.random.default_rng(0).permutation(10)
    assert reliability_curve(probabilities[order], labels[order]).error == pytest.approx(curve.error)


def test_curves_by_action_unit_and_pooled() -> None:
    rng = np.random.default_rng(4)
    probabilities, labels = rng.random((80, 3)), rng.integers(0, 2, (80, 3)).astype(np.int8)
    labels[:, 2] = -1
    curves = reliability(probabilities, labels, (6, 12, 25))
    assert list(curves.by_au) == [6, 12, 25]
    assert curves.errors[1] == reliability_curve(probabilities[:, 1], labels[:, 1]).error
    assert math.isnan(curves.errors[2])
    assert curves.pooled.count.sum() == 160


def test_shapes_that_do_not_belong_together_are_refused() -> None:
    some, labels = np.full((4, 2), 0.5), np.zeros((4, 3), np.int8)
    for function in (fit_calibration, lambda p, y: reliability(p, y, (6, 12))):
        with pytest.raises(ShapeError, match="must both be"):
            function(some, labels)
    with pytest.raises(ShapeError, match="need a calibration"):
        calibrate(some, [(1.0, 0.0)])


def test_a_teachers_own_map_is_found_again_where_it_says_something() -> None:
    rng = np.random.default_rng(3)
    logits = rng.normal(0, 2, (300, 2))
    taught = 1.7 * logits - 0.6
    taught[::4, 0] = np.nan
    taught[:, 1] = np.nan
    found = fit_to_teacher(sigmoid(logits), taught)
    np.testing.assert_allclose(found[0], (1.7, -0.6), atol=1e-3)
    assert tuple(found[1]) == IDENTITY


def test_faces_at_rest_become_quiet_and_quiet_action_units_stay_as_they_are() -> None:
    rng = np.random.default_rng(4)
    probabilities = sigmoid(rng.normal((0.5, -6), (1, 0.3), (200, 2)))
    calibration = np.array([(2.0, 0.3), (1.5, 0.2)])
    found = quietened(calibration, probabilities, most=np.array([0.03, 0.03]))
    present = calibrate(probabilities, found) >= 0.5
    assert present[:, 0].sum() == 6  # no more than allowed, and no fewer
    np.testing.assert_array_equal(found[:, 0], calibration[:, 0])
    np.testing.assert_array_equal(found[1], calibration[1])
    assert found[0, 1] < 0.3
    each = quietened(calibration, probabilities[:, [0, 0]], most=np.array([0.03, 0.015]))
    assert (calibrate(probabilities[:, [0, 0]], each) >= 0.5).sum(axis=0).tolist() == [6, 3]


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_the_share_that_shows_it_counts_and_not_how_many_are_given(share: float) -> None:
    rng = np.random.default_rng(4)
    present, absent = sigmoid(rng.normal(1, 1, 40_000)), sigmoid(rng.normal(-1, 1, 20_000))
    scale, shift = fit_apart(present, absent, share)
    assert scale == pytest.approx(2, rel=0.05)  # the log density ratio of both is twice the logit
    assert shift == pytest.approx(np.log(share / (1 - share)), abs=0.05)
    again = fit_apart(present[:10_000], absent, share)
    assert again == pytest.approx((scale, shift), abs=0.1)
