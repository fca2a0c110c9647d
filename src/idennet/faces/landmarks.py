"""The 68 points of a face, and what follows from them alone: eyes, roll, mirror image."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from idennet.errors import ShapeError

BROWS = slice(17, 27)
NOSE_BRIDGE = slice(27, 31)
RIGHT_EYE = slice(36, 42)
LEFT_EYE = slice(42, 48)

SMALLEST_EYE_DISTANCE = 12.0
"""Pixels between the eyes below which a face shows too little of its Action Units to be trusted."""


def _mirror_order() -> NDArray[np.int64]:
    """Return the landmark that each of the 68 landmarks becomes in a mirrored picture."""
    runs = [(0, 17), (17, 27), (31, 36)]  # jaw, brows, nostrils: mirrored end for end
    order = np.arange(68)
    for start, stop in runs:
        order[start:stop] = order[start:stop][::-1]
    order[36:48] = [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40]
    order[48:60] = [54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55]
    order[60:68] = [64, 63, 62, 61, 60, 67, 66, 65]
    return order


MIRROR = _mirror_order()
"""`mirrored = landmarks[MIRROR]` after x has been mirrored (68 indices, an involution)."""


def eye_centres(landmarks: ArrayLike) -> NDArray[np.float64]:
    """Return the centres of the subject's right and left eye, (..., 2, 2), of landmarks (..., 68, 2).

    An eye centre is the mean of its six landmarks: 36 to 41 and 42 to 47.

    Raises:
        ShapeError: `landmarks` is not (..., 68, 2).
    """
    points = np.asarray(landmarks, dtype=np.float64)
    if points.shape[-2:] != (68, 2):
        raise ShapeError(f"Landmarks must have shape (68, 2), but have {points.shape}.")
    both = points[..., RIGHT_EYE.start : LEFT_EYE.stop, :]
    return np.asarray(both.reshape(*points.shape[:-2], 2, 6, 2).mean(axis=-2))


def eye_distances(landmarks: ArrayLike) -> NDArray[np.float64]:
    """Return the distances between the eye centres, (...), of landmarks (..., 68, 2)."""
    return np.linalg.norm(np.diff(eye_centres(landmarks), axis=-2)[..., 0, :], axis=-1)


def roll_degrees(landmarks: ArrayLike) -> NDArray[np.float64]:
    """Return the angle of the line through the eyes, degrees, positive clockwise as seen, of (..., 68, 2)."""
    line = np.diff(eye_centres(landmarks), axis=-2)[..., 0, :]
    return np.degrees(np.arctan2(line[..., 1], line[..., 0]))
