"""Metrics against scikit-learn and against loops."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

from idennet.errors import ShapeError
from idennet.learning.evaluation.metrics import auc, count, f1, verification_auc

RNG = np.random.default_rng(0)
AUS = (1, 6, 12)
LABELS = RNG.choice([-1, 0, 1], size=(400, 3), p=[0.2, 0.5, 0.3]).astype(np.int8)
SCORES = np.round(RNG.random((400, 3)) + 0.3 * (LABELS == 1), 2)  # rounded: many ties
SUBJECTS = np.array([f"s{index % 7}" for index in range(400)])
COUNTS = count(SCORES >= 0.6, LABELS, SUBJECTS, AUS)


@pytest.mark.parametrize("column", range(3))
def test_pooled_numbers_equal_scikit_learn(column: int) -> None:
    coded = LABELS[:, column] >= 0
    truth, scores = LABELS[coded, column], SCORES[coded, column]
    assert COUNTS.f1()[column] == pytest.approx(f1_score(truth, scores >= 0.6))
    assert COUNTS.accuracy()[column] == pytest.approx(accuracy_score(truth, scores >= 0.6))
    assert COUNTS.f1_all_positive()[column] == pytest.approx(f1_score(truth, np.ones_like(truth)))
    assert auc(SCORES[:, column], LABELS[:, column]) == pytest.approx(roc_auc_score(truth, scores))


def test_counts_by_subject_equal_loops() -> None:
    for row in range(3):
        for number, subject in enumerate(COUNTS.subjects):
            frames = [index for index in range(400) if SUBJECTS[index] == subject]
            outcomes = [(SCORES[index, row] >= 0.6, LABELS[index, row]) for index in frames]
            assert COUNTS.true_positive[row, number] == outcomes.count((True, 1))
            assert COUNTS.false_positive[row, number] == outcomes.count((True, 0))
            assert COUNTS.false_negative[row, number] == outcomes.count((False, 1))
            assert COUNTS.true_negative[row, number] == outcomes.count((False, 0))
    assert (COUNTS.coded.sum(axis=1) == (LABELS >= 0).sum(axis=0)).all()


def test_undefined_is_nan_and_wrong_is_zero() -> None:
    values = f1(np.array([0, 0, 1]), np.array([0, 3, 0]), np.array([0, 0, 0]))
    assert np.isnan(values[0])
    assert values[1:].tolist() == [0, 1]
    assert np.isnan(auc(np.array([0.1, 0.9, 0.5]), np.array([1, 1, -1])))


def test_auc_depends_on_order_alone() -> None:
    once = auc(SCORES[:, 0], LABELS[:, 0])
    assert auc(np.exp(3 * SCORES[:, 0]), LABELS[:, 0]) == once
    assert auc(-SCORES[:, 0], LABELS[:, 0]) == pytest.approx(1 - once)


def test_verification_equals_all_pairs_by_loop() -> None:
    embeddings, people = RNG.normal(size=(30, 5)), RNG.integers(0, 6, 30)
    cosine, same = [], []
    for i in range(30):
        for j in range(i + 1, 30):
            a, b = embeddings[i], embeddings[j]
            cosine.append(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
            same.append(people[i] == people[j])
    assert verification_auc(embeddings, people) == pytest.approx(roc_auc_score(same, cosine))


def test_shapes_must_agree() -> None:
    with pytest.raises(ShapeError, match="must both be"):
        count(np.ones((3, 2), bool), np.ones((3, 3), np.int8), ["a", "a", "b"], (1, 2))
