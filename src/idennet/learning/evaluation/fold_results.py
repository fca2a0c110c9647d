"""Outcome of one system on the test subjects of one fold: counts of frames, and of pairs of frames."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from idennet.learning.evaluation.intervals import Weights
from idennet.learning.evaluation.metrics import Counts, f1
from idennet.learning.evaluation.protocols import Fold

MOST_GROUPS = 200
"""More subjects than this are put into so many groups: the AUC needs a count for each pair of them."""


@dataclass(frozen=True)
class FoldResult:
    """Counts of one fold, from which every score follows, for all its subjects or for a sample of them.

    A score is undefined (NaN) for an Action Unit that no weighted frame shows; it is never 0 for that reason.

    Attributes:
        fold: Who was trained, validated and tested on.
        counts: True and false positives and negatives of the test subjects, by Action Unit and subject.
        doubled_wins: (A, S, S) integers, from `count_wins`.
        thresholds: (A,) probability from which a frame was called present; NaN where the system itself
            said present or absent.
    """

    fold: Fold
    counts: Counts
    doubled_wins: NDArray[np.int64]
    thresholds: NDArray[np.float64]

    def restricted_to(self, at: Sequence[int]) -> "FoldResult":
        """Return the outcome of the Action Units at some positions."""
        return FoldResult(
            self.fold, self.counts.at(at), self.doubled_wins[list(at)], self.thresholds[list(at)]
        )

    def outcomes(self, weights: Weights) -> tuple[NDArray[np.float64], ...]:
        """Return weighted true and false positives, false and true negatives, each (R, A)."""
        return weighted_outcomes(self.counts, weights)

    def f1(self, weights: Weights) -> NDArray[np.float64]:
        """Return the F1-frame of each sample and Action Unit, (R, A)."""
        return f1_if_shown(*self.outcomes(weights)[:3])

    def f1_all_positive(self, weights: Weights) -> NDArray[np.float64]:
        """Return the F1-frame of somebody who says "present" to every frame, (R, A)."""
        return f1_all_positive(*self.outcomes(weights))

    def auc(self, weights: Weights) -> NDArray[np.float64]:
        """Return the area under the ROC curve over all pairs of frames, (R, A)."""
        return weighted_auc(self.counts, self.doubled_wins, weights)


def weighted_outcomes(counts: Counts, weights: Weights) -> tuple[NDArray[np.float64], ...]:
    """Return weighted true and false positives, false and true negatives, each (R, A)."""
    tables = (counts.true_positive, counts.false_positive, counts.false_negative, counts.true_negative)
    return tuple(weights @ table.T for table in tables)


def weighted_auc(counts: Counts, doubled_wins: NDArray[np.int64], weights: Weights) -> NDArray[np.float64]:
    """Return the area under the ROC curve of each sample and Action Unit, (R, A); NaN without pairs."""
    hit, false_alarm, miss, correct_rejection = weighted_outcomes(counts, weights)
    pairs = 2 * (hit + miss) * (false_alarm + correct_rejection)
    wins = np.einsum("rs,ast,rt->ra", weights, doubled_wins, weights, optimize=True)
    return np.divide(wins, pairs, out=np.full(pairs.shape, np.nan), where=pairs > 0)


def f1_if_shown(
    true_positive: NDArray[np.floating],
    false_positive: NDArray[np.floating],
    false_negative: NDArray[np.floating],
) -> NDArray[np.float64]:
    """Return the F1-frame element by element; NaN where no frame is labelled present."""
    scores = f1(true_positive, false_positive, false_negative)
    return np.where(true_positive + false_negative > 0, scores, np.nan)


def f1_all_positive(
    true_positive: NDArray[np.floating],
    false_positive: NDArray[np.floating],
    false_negative: NDArray[np.floating],
    true_negative: NDArray[np.floating],
) -> NDArray[np.float64]:
    """Return what the F1-frame would be if every frame were called present."""
    present = true_positive + false_negative
    return f1_if_shown(present, false_positive + true_negative, np.zeros_like(present))


def count_wins(
    scores: NDArray[np.floating], labels: NDArray[np.int8], subject_of_frame: Sequence[str] | NDArray[np.str_]
) -> NDArray[np.int64]:
    """Return doubled wins (A, S, S): `[a, s, t]` compares present frames of subject s with absent ones of t.

    Of every such pair of frames, the present one scoring higher counts 2, a tie 1. The area under the ROC
    curve of any group of subjects is their sum over twice the number of their pairs, so resampling subjects
    needs no scores.

    Args:
        scores: (N, A).
        labels: (N, A) in {1, 0, -1}; -1 enters nothing.
        subject_of_frame: (N,); subjects are numbered in sorted order.
    """
    subjects, position = np.unique(np.asarray(subject_of_frame, dtype=str), return_inverse=True)
    size = len(subjects)
    wins = np.zeros((scores.shape[1], size, size), dtype=np.int64)
    for a in range(scores.shape[1]):
        present, absent = labels[:, a] == 1, labels[:, a] == 0
        rising, owner = scores[present, a], position[present]
        for t in range(size):
            beaten = np.sort(scores[absent & (position == t), a])
            won = np.searchsorted(beaten, rising, "left") + np.searchsorted(beaten, rising, "right")
            np.add.at(wins[a, :, t], owner, won)
    return wins


def groups_of_subjects(
    subject_of_frame: Sequence[str] | NDArray[np.str_], most: int = MOST_GROUPS
) -> NDArray[np.str_]:
    """Return the group that stands for each frame's subject, (N,): the subject, or one of so many groups.

    The names alone decide who is in which group.
    """
    names, subject = np.unique(np.asarray(subject_of_frame, dtype=str), return_inverse=True)
    if len(names) <= most:
        return names[subject]
    group_of_subject = np.random.default_rng(0).permutation(len(names)) % most
    return np.array([f"group {number + 1:03d}" for number in range(most)])[group_of_subject[subject]]
