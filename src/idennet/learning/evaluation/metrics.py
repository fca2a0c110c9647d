"""Numbers from labels and predictions: counts, F1-frame, area under the ROC curve, verification.

Results are kept as counts of each Action Unit and subject; every ratio is computed from them, so pooled
and per-subject figures can never disagree. Labels of -1 (not coded) enter nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from idennet.errors import ShapeError
from idennet.facs import MISSING


@dataclass(frozen=True)
class Counts:
    """True and false positives and negatives, each an (A, S) integer array: Action Units x subjects."""

    aus: tuple[int, ...]
    subjects: tuple[str, ...]
    true_positive: NDArray[np.int64]
    false_positive: NDArray[np.int64]
    false_negative: NDArray[np.int64]
    true_negative: NDArray[np.int64]

    def at(self, positions: Sequence[int]) -> "Counts":
        """Return the counts of the Action Units at some positions."""
        outcomes = (self.true_positive, self.false_positive, self.false_negative, self.true_negative)
        kept = (outcome[list(positions)] for outcome in outcomes)
        return Counts(tuple(self.aus[at] for at in positions), self.subjects, *kept)

    @property
    def positives(self) -> NDArray[np.int64]:
        """Frames labelled present, (A, S)."""
        return self.true_positive + self.false_negative

    @property
    def coded(self) -> NDArray[np.int64]:
        """Frames with a label, (A, S)."""
        return self.positives + self.false_positive + self.true_negative

    def f1(self) -> NDArray[np.float64]:
        """Return the F1-frame of each Action Unit over all frames of all subjects, (A,)."""
        return f1(self.true_positive.sum(1), self.false_positive.sum(1), self.false_negative.sum(1))

    def f1_by_subject(self) -> NDArray[np.float64]:
        """Return the F1-frame of each Action Unit and subject, (A, S); NaN where it is undefined."""
        return f1(self.true_positive, self.false_positive, self.false_negative)

    def f1_all_positive(self) -> NDArray[np.float64]:
        """Return the F1-frame of somebody who says "present" to every frame, (A,): the baseline to beat."""
        positives = self.positives.sum(1)
        return f1(positives, self.coded.sum(1) - positives, np.zeros_like(positives))

    def accuracy(self) -> NDArray[np.float64]:
        """Return the share of coded frames read rightly, (A,); NaN where nothing is coded."""
        return _ratio((self.true_positive + self.true_negative).sum(1), self.coded.sum(1))


def count(
    predicted: NDArray[np.bool_],
    labels: NDArray[np.int8],
    subject_of_frame: Sequence[str] | NDArray[np.str_],
    aus: Sequence[int],
) -> Counts:
    """Count the outcomes of (N, A) yes/no predictions against (N, A) labels in {1, 0, -1} by subject.

    Raises:
        ShapeError: The shapes do not belong together.
    """
    if predicted.shape != labels.shape or labels.shape != (len(subject_of_frame), len(aus)):
        raise ShapeError(
            f"Predictions {predicted.shape} and labels {labels.shape} must both be "
            f"({len(subject_of_frame)} frames, {len(aus)} Action Units)."
        )
    subjects, position = np.unique(np.asarray(subject_of_frame, dtype=str), return_inverse=True)

    def by_subject(outcome: NDArray[np.bool_]) -> NDArray[np.int64]:
        table = np.zeros((len(subjects), len(aus)), dtype=np.int64)
        np.add.at(table, position, outcome)
        return table.T.copy()

    return Counts(
        aus=tuple(aus),
        subjects=tuple(map(str, subjects)),
        true_positive=by_subject(predicted & (labels == 1)),
        false_positive=by_subject(predicted & (labels == 0)),
        false_negative=by_subject(~predicted & (labels == 1)),
        true_negative=by_subject(~predicted & (labels == 0)),
    )


def f1(
    true_positive: NDArray[np.number],
    false_positive: NDArray[np.number],
    false_negative: NDArray[np.number],
) -> NDArray[np.float64]:
    """Return 2 TP / (2 TP + FP + FN), element by element; NaN where nothing is present nor predicted."""
    doubled = 2 * true_positive
    return _ratio(doubled, doubled + false_positive + false_negative)


def auc(scores: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Return the area under the ROC curve: the chance that a present frame scores above an absent one.

    Ties count half. NaN when the labels (1, 0; -1 is left out) have only one class.
    """
    from sklearn.metrics import roc_auc_score  # only who scores needs to wait for its import

    coded = labels != MISSING
    present = labels[coded] == 1
    if present.all() or not present.any():
        return float("nan")
    return float(roc_auc_score(present, scores[coded]))


def drop_rate(within: NDArray[np.floating], across: NDArray[np.floating]) -> float:
    """Return which share of its F1-frame a system loses on another corpus, mean of (o - n) / o.

    Action Units whose score is undefined on either side, or 0 within the corpus, are left out.

    Args:
        within: (K,) F1 on the corpus that the system learnt from (the paper's f with o), in folds.
        across: (K,) F1 on the other corpus (n) of the same Action Units.

    Raises:
        ShapeError: The lengths differ, or there is no Action Unit.

    Source: paper, section IV. By its tables IdenNet loses 34.7 % from BP4D to DISFA, by its text 33 %.
    """
    if within.ndim != 1 or within.shape != across.shape or len(within) == 0:
        raise ShapeError(f"Scores within {within.shape} and across {across.shape} must both be (K,).")
    known = np.isfinite(within) & np.isfinite(across) & (within > 0)
    if not known.any():
        return float("nan")
    return float(np.mean((within[known] - across[known]) / within[known]))


def verification_auc(embeddings: NDArray[np.floating], identity_labels: NDArray[np.integer]) -> float:
    """Return how well cosine similarity tells same-person pairs from others, over all pairs of N faces.

    Args:
        embeddings: (N, D), of any length; all N (N - 1) / 2 pairs are compared.
        identity_labels: (N,) integer labels.
    """
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True).clip(1e-12)
    first, second = np.triu_indices(len(unit), k=1)
    same = (identity_labels[first] == identity_labels[second]).astype(np.int8)
    return auc((unit @ unit.T)[first, second], same)


def _ratio(part: NDArray[np.number], whole: NDArray[np.number]) -> NDArray[np.float64]:
    out = np.full(np.shape(whole), np.nan)
    return np.divide(part, whole, out=out, where=np.asarray(whole) > 0)
