"""One threshold an Action Unit, chosen on faces that are neither trained nor tested on."""

import numpy as np
from numpy.typing import NDArray

from idennet.errors import ShapeError
from idennet.evaluation.metrics import f1

GRID = np.linspace(0.05, 0.95, 91)
"""Probabilities that are tried."""

RELIABLE_AUC = 0.75
"""An Action Unit with a smaller AUC on test subjects is marked as unreliable."""


def best_thresholds(
    probabilities: NDArray[np.floating], labels: NDArray[np.int8], fallback: float = 0.5
) -> NDArray[np.float64]:
    """Return for each Action Unit the threshold of the grid with the largest F1, (A,); ties: the highest.

    Args:
        probabilities: (N, A), 0 to 1.
        labels: (N, A) in {1, 0, -1}; -1 counts nowhere.
        fallback: Threshold of an Action Unit that no face shows.

    Raises:
        ShapeError: The shapes differ.
    """
    if probabilities.shape != labels.shape or labels.ndim != 2:
        raise ShapeError(
            f"Probabilities {probabilities.shape} and labels {labels.shape} must both be (N, A)."
        )
    predicted = probabilities >= GRID[:, None, None]
    present, absent = labels == 1, labels == 0
    scores = f1(
        (predicted & present).sum(1), (predicted & absent).sum(1), (~predicted & present).sum(1)
    )  # (grid, A)
    highest = len(GRID) - 1 - np.nan_to_num(scores[::-1]).argmax(0)
    return np.where(present.any(0), GRID[highest], fallback)
