"""Scores of Action Units whose difference has an interval by person."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from idennet.learning.evaluation.intervals import Interval


def won(
    logits: NDArray[np.float64], labels: NDArray[np.int8], people: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return (2, A, S, S): pairs of a present face of one and an absent of another person, won and in all."""
    size, number = people.max() + 1, logits.shape[1]
    pairs = np.zeros((2, number, size, size))
    for au in range(number):
        present, absent = labels[:, au] == 1, labels[:, au] == 0
        wins = logits[present, au][:, None] > logits[absent, au][None]
        for which, value in enumerate((wins, np.ones_like(wins))):
            np.add.at(pairs[which, au], (people[present][:, None], people[absent][None]), value.astype(float))
    return pairs


def difference(
    weights: NDArray[np.float64], before: NDArray[np.float64], after: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (R, A + 1) gains in AUC of each Action Unit, and their mean, for weights (R, S) of people."""

    def aucs(pairs: NDArray[np.float64]) -> NDArray[np.float64]:
        wins, total = (np.einsum("rs,ast,rt->ra", weights, part, weights, optimize=True) for part in pairs)
        return np.divide(wins, total, out=np.full_like(wins, np.nan), where=total > 0)

    gains = aucs(after) - aucs(before)
    return np.column_stack([gains, np.nanmean(gains, axis=1)])


def mean_auc(pairs: NDArray[np.float64]) -> float:
    """Return the mean AUC over Action Units."""
    wins, total = pairs.sum(axis=(2, 3))
    return round(float(np.nanmean(wins / np.where(total > 0, total, np.nan))), 4)


def mean_f1(logits: NDArray[np.float64], labels: NDArray[np.int8]) -> float:
    """Return the mean F1-frame at a probability of .5."""
    present = (logits >= 0) & (labels >= 0)
    hits = (present & (labels == 1)).sum(axis=0)
    return round(float(np.nanmean(2 * hits / (present.sum(axis=0) + (labels == 1).sum(axis=0)))), 4)


def false_alarms(logits: NDArray[np.float64], labels: NDArray[np.int8]) -> float:
    """Return how often an absent Action Unit is called present."""
    return round(float((logits >= 0)[labels == 0].mean()), 4)


def share(probs: NDArray[np.float64]) -> float:
    """Return in which share an Action Unit is present."""
    return round(float((probs >= 0.5).mean()), 3)


def told(interval: Interval, names: Sequence[str]) -> dict[str, list[float]]:
    """Return values with the ends of their intervals as plain data."""
    return {
        name: [round(float(value), 4) for value in values]
        for name, *values in zip(names, interval.estimate, interval.low, interval.high, strict=True)
    }
