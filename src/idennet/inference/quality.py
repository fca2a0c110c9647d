"""What spoils a reading: flags of a face, from its pixels, its landmarks and what the network says.

docs/outputs.md says what each flag means and how much worse marked faces are read; `benchmarks/quality.py`
measures it.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from idennet.faces.landmarks import SMALLEST_EYE_DISTANCE, eye_distances

MOST_YAW, MOST_PITCH = 40.0, 20.0
"""Degrees beyond which a head counts as turned away."""

LEAST_DETAIL = 0.25
"""Contrast of one to two pixels over that of four to eight, in the crop; of LFW .7 % have less."""

LEAST_LIGHT = 30.0
"""Mean grey of the face, 0 to 255."""

MOST_DOUBT = 0.12
"""Share of the Action Units that calibrated probabilities themselves expect to be judged wrongly."""

_FACE = (slice(20, 116), slice(22, 106))  # rows and columns of an aligned crop without hair and background


class Flag(StrEnum):
    """Why a face may be read badly."""

    SMALL = "small"
    TURNED = "turned"
    BLURRED = "blurred"
    DARK = "dark"
    OCCLUDED = "occluded"
    UNSURE = "unsure"

    @property
    def sentence(self) -> str:
        """What it means, in a few words for people."""
        return _SENTENCES[self]


_SENTENCES = {
    Flag.SMALL: "small face",
    Flag.TURNED: "head turned or tilted away",
    Flag.BLURRED: "blurred",
    Flag.DARK: "dark",
    Flag.OCCLUDED: "eyes, brows or mouth are covered",
    Flag.UNSURE: "unlike what the weights know",
}


def flags_of(
    crop: NDArray[np.uint8],
    landmarks: ArrayLike,
    yaw: float,
    pitch: float,
    probs: Mapping[int, float],
    hidden: Collection[str] = (),
) -> tuple[Flag, ...]:
    """Return the flags of a face, in the order of `Flag`.

    Args:
        crop: (128, 128, 3) uint8 RGB, aligned.
        landmarks: (68, 2) pixels of the picture.
        yaw: Of the head, degrees.
        pitch: Of the head, degrees.
        probs: Calibrated probability of each Action Unit that was read.
        hidden: Which of `facs.PARTS` cannot be seen.
    """
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)[_FACE]
    raised = {
        Flag.SMALL: eye_distances(landmarks) < SMALLEST_EYE_DISTANCE,
        Flag.TURNED: abs(yaw) > MOST_YAW or abs(pitch) > MOST_PITCH,
        Flag.BLURRED: detail(grey) < LEAST_DETAIL,
        Flag.DARK: grey.mean() < LEAST_LIGHT,
        Flag.OCCLUDED: bool(hidden),
        Flag.UNSURE: sum(min(prob, 1 - prob) for prob in probs.values()) > MOST_DOUBT * len(probs),
    }
    return tuple(flag for flag, is_raised in raised.items() if is_raised)


def detail(grey: NDArray[Any]) -> float:
    """Return how much fine contrast a grey face (H, W) has beside coarse contrast: near 0 when blurred."""
    levels: list[NDArray[Any]] = [grey.astype(np.float32)]
    for _ in range(3):
        levels.append(cv2.pyrDown(levels[-1]))
    fine, coarse = (
        float(np.std(levels[k] - cv2.pyrUp(levels[k + 1], dstsize=levels[k].shape[::-1]))) for k in (0, 2)
    )
    return fine / (coarse + 1)
