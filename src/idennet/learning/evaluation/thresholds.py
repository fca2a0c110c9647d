"""From which probability on an Action Unit is present, and which ones are read well enough."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from idennet.errors import ShapeError

PRESENT = 0.5
"""An Action Unit is called present where it is more likely than not, by calibrated probabilities."""

GRID = np.linspace(0.05, 0.95, 91)
"""Probabilities that are tried."""

RELIABLE_AUC, RELIABLE_GAIN = 0.85, 0.1
"""What an Action Unit needs on test subjects, at least: AUC, and F1 above that of always saying present."""


def best_thresholds(
    probabilities: NDArray[np.floating], labels: NDArray[np.int8], beta: float = 1.0
) -> NDArray[np.float64]:
    """Return for each Action Unit the threshold of the grid with the largest F-beta, (A,); ties: the highest.

    An Action Unit that no face shows gets 0.5.

    Args:
        probabilities: (N, A), 0 to 1.
        labels: (N, A) in {1, 0, -1}; -1 counts nowhere.
        beta: Weight of recall against precision.

    Raises:
        ShapeError: The shapes differ.
    """
    if probabilities.shape != labels.shape or labels.ndim != 2:
        raise ShapeError(
            f"Probabilities {probabilities.shape} and labels {labels.shape} must both be (N, A)."
        )
    predicted = probabilities >= GRID[:, None, None]
    present, absent = labels == 1, labels == 0
    hits = (1 + beta**2) * (predicted & present).sum(1)
    errors = beta**2 * (~predicted & present).sum(1) + (predicted & absent).sum(1)
    scores = hits / np.maximum(hits + errors, 1e-9)  # (grid, A)
    highest = len(GRID) - 1 - scores[::-1].argmax(0)
    return np.where(present.any(0), GRID[highest], 0.5)


def is_reliable(score: Mapping[str, float]) -> bool:
    """Return whether an Action Unit is read well enough: a row of `Evaluation.table` decides."""
    gain = score.get("f1", 0.0) - score.get("f1_all_positive", 1.0)
    return score.get("auc", 0.0) >= RELIABLE_AUC and gain >= RELIABLE_GAIN
