"""Calibrated probabilities: scale and shift of each Action Unit's logit, which are kept with the weights.

`idennet.learning.evaluation.calibration` fits them.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from idennet.errors import ShapeError

IDENTITY = (1.0, 0.0)
"""Scale and shift that change nothing."""

CLIP = 1e-7
"""How far from 0 and 1 probabilities are kept, so that logits stay finite: about the spacing of float32."""


def calibrate(probabilities: NDArray[np.floating], calibration: ArrayLike) -> NDArray[np.float64]:
    """Return (N, A) calibrated probabilities, sigmoid(scale * logit + shift).

    Args:
        probabilities: (N, A), 0 to 1.
        calibration: (A, 2), scale and shift of each Action Unit.

    Raises:
        ShapeError: The shapes do not belong together.
    """
    scale_and_shift = np.asarray(calibration, dtype=np.float64)
    if probabilities.ndim != 2 or scale_and_shift.shape != (probabilities.shape[1], 2):
        raise ShapeError(
            f"Probabilities (N, A) need a calibration (A, 2), not {probabilities.shape} and "
            f"{scale_and_shift.shape}."
        )
    scale, shift = scale_and_shift.T
    return sigmoid(scale * logits_of(probabilities) + shift)


def logits_of(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return finite logits, element by element, also of 0 and 1."""
    inside = np.clip(probabilities.astype(np.float64), CLIP, 1 - CLIP)
    return np.log(inside) - np.log1p(-inside)


def sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1 / (1 + exp(-logit)), element by element, without overflow."""
    return np.exp(-np.logaddexp(0, -logits))
