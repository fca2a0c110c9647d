"""Square crops for the landmark network: where they lie, how they are cut, how points come back.

A square is (centre x, centre y, side, angle): side in picture pixels, angle in radians, positive when the
square is turned clockwise as seen. Training and face finding cut with the same functions.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from idennet.faces.landmarks import roll_degrees

Floats = NDArray[np.float32]

CROP_SIZE = 64
"""Side of the network's input in pixels."""

CROP_MARGIN = 1.4
"""Side of the square divided by the longer side of the landmarks' bounding box."""


def squares_around(landmarks: Floats) -> Floats:
    """Return the upright squares (N, 4) that centre faces of landmarks (N, 68, 2) for the network."""
    angle = np.radians(roll_degrees(landmarks))
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.array([[cosine, -sine], [sine, cosine]]).transpose(2, 0, 1)
    upright = landmarks.astype(np.float64) @ turn  # coordinates along and across the eyes
    low, high = upright.min(axis=1), upright.max(axis=1)
    centre = turn @ ((low + high) / 2)[..., None]
    side = CROP_MARGIN * (high - low).max(axis=1)
    return np.column_stack([centre[..., 0], side, angle]).astype(np.float32)


def crop_to_picture(squares: Floats) -> Floats:
    """Return the matrices (N, 2, 3) that take crop pixels to picture pixels."""
    x, y, side, angle = squares.astype(np.float64).T
    scale = side / CROP_SIZE
    a, b = scale * np.cos(angle), scale * np.sin(angle)
    half = (CROP_SIZE - 1) / 2
    return np.stack(
        [np.stack([a, -b, x - half * (a - b)], 1), np.stack([b, a, y - half * (a + b)], 1)], axis=1
    ).astype(np.float32)


def transform(points: Floats, matrices: Floats) -> Floats:
    """Return points (N, K, 2) after their matrices (N, 2, 3)."""
    return points @ matrices[..., :2].swapaxes(-1, -2) + matrices[..., None, :, 2]


def cut(picture: np.ndarray, square: Floats) -> np.ndarray:
    """Return the square (4,) of a picture (H, W) or (H, W, 3) as a crop of `CROP_SIZE` pixels.

    What lies outside the picture is filled with the nearest edge pixel. Large faces are first reduced by
    area averaging, which keeps the crop free of aliasing.
    """
    shrink = int(square[2] // (2 * CROP_SIZE))
    if shrink > 1:
        reach = 0.75 * float(square[2])
        height, width = picture.shape[:2]
        x0, y0 = (int(max(0, np.floor(square[i] - reach))) for i in (0, 1))
        x1, y1 = int(min(width, square[0] + reach)), int(min(height, square[1] + reach))
        if x1 - x0 >= shrink and y1 - y0 >= shrink:
            x1, y1 = x1 - (x1 - x0) % shrink, y1 - (y1 - y0) % shrink
            size = ((x1 - x0) // shrink, (y1 - y0) // shrink)
            picture = cv2.resize(picture[y0:y1, x0:x1], size, interpolation=cv2.INTER_AREA)
            offset = np.array([x0, y0]) + (shrink - 1) / 2
            square = np.array([*(square[:2] - offset) / shrink, square[2] / shrink, square[3]], np.float32)
    matrix = crop_to_picture(square[None])[0]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(
        picture, matrix, (CROP_SIZE, CROP_SIZE), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
