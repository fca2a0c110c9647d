"""Photographs whose brows, lids and corners of the mouth are moved: real skin with movements it never showed.

People in the news smile; they hardly ever raise their brows, frown or open their eyes wide, so photographs of
them teach little about that. A photograph bent so that its brows sit higher differs from the first in nothing
but the brows: the person, the light and the camera are the same. What a teacher says of it is worth the same
as of any photograph, and between the two of them everything constant about the person falls out.

Neither the paper nor its released code has it. What is bent is a likeness: no furrow appears, no lid shuts.
"""

import hashlib
from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator

from idennet.errors import ShapeError
from idennet.faces.boxes import Pixels
from idennet.faces.landmarks import MIRROR, eye_centres

Shift = tuple[float, float]
"""Outward and up, in distances between the eyes."""


MOVEMENTS: Mapping[int, Mapping[int, Shift]] = {
    1: {19: (0, 0.06), 20: (0, 0.14), 21: (0, 0.2)},
    2: {17: (0.01, 0.13), 18: (0, 0.2), 19: (0, 0.16), 20: (0, 0.05)},
    4: {19: (-0.01, -0.04), 20: (-0.03, -0.07), 21: (-0.04, -0.09)},
    5: {37: (0, 0.055), 38: (0, 0.055)},
    7: {37: (0, -0.02), 38: (0, -0.02), 40: (0, 0.025), 41: (0, 0.025)},
    15: {48: (0.01, -0.09), 60: (0.01, -0.07), 49: (0, -0.03), 59: (0, -0.05)},
}
"""How far an Action Unit at full strength moves landmarks of the face's right half; the left half mirrors it.
Set by eye, by how photographs look that are moved so."""

MOVED = "~moved"
"""End of the name of a photograph to which a movement was added; before it stands the photograph's own."""

TOGETHER: tuple[tuple[int, ...], ...] = (
    (1,), (2,), (1, 2), (1, 2, 5), (5,), (4,), (4, 7), (7,), (1, 4), (15,), (1, 15), (4, 15),
)  # fmt: skip
"""Movements that are added at once, each of these as often: alone, surprise, anger, distress, sadness."""

CLEAR = 0.5
"""Strength from which an added movement counts as shown."""

_LEAST = 0.35  # strength
_ONE_MAP = np.empty(0, np.float32)  # both coordinates are in the first of OpenCV's two maps
_GRID = 4  # pixels between the points at which the bending is worked out
_PINNED = 1.1  # distances of the eyes beyond the landmarks at which nothing moves


def move(pixels: Pixels, landmarks: NDArray[np.floating], strengths: Mapping[int, float]) -> Pixels:
    """Return a picture whose face shows Action Units more than it did.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        landmarks: (68, 2) of the face in it.
        strengths: From 0 to 1 for each moved Action Unit of `MOVEMENTS`, added to what the face shows.

    Returns:
        A new picture of the same size; far from the face it is unchanged.

    Raises:
        ShapeError: `landmarks` is not (68, 2).
        KeyError: An Action Unit is not among `MOVEMENTS`.
    """
    if landmarks.shape != (68, 2):
        raise ShapeError(f"Landmarks must have shape (68, 2), but have {landmarks.shape}.")
    after = landmarks + displacements(landmarks, strengths)
    right, left = eye_centres(landmarks)
    distance = float(np.linalg.norm(left - right))
    low, high = landmarks.min(axis=0) - _PINNED * distance, landmarks.max(axis=0) + _PINNED * distance
    frame = np.array(
        [(x, y) for x in np.linspace(low[0], high[0], 6) for y in np.linspace(low[1], high[1], 6)]
    )
    edge = frame[np.isclose(frame, low).any(axis=1) | np.isclose(frame, high).any(axis=1)]
    back = RBFInterpolator(
        np.concatenate([after, edge]),
        np.concatenate([landmarks - after, np.zeros_like(edge)]),
        kernel="thin_plate_spline",
    )
    height, width = pixels.shape[:2]
    x0, y0 = np.maximum(np.floor(low), 0).astype(int)
    x1, y1 = np.minimum(np.ceil(high) + 1, (width, height)).astype(int)
    columns = np.arange(x0, x1 + _GRID, _GRID, dtype=np.float64)
    rows = np.arange(y0, y1 + _GRID, _GRID, dtype=np.float64)
    nodes = np.stack(np.meshgrid(columns, rows), axis=-1)
    coarse = back(nodes.reshape(-1, 2)).reshape(nodes.shape).astype(np.float32)
    here = np.stack(np.meshgrid(np.arange(x1 - x0), np.arange(y1 - y0)), axis=-1).astype(np.float32)
    field = cv2.remap(coarse, here / np.float32(_GRID), _ONE_MAP, cv2.INTER_LINEAR)
    origin = here + np.array([x0, y0], np.float32) + field
    moved = pixels.copy()
    moved[y0:y1, x0:x1] = cv2.remap(
        pixels, origin, _ONE_MAP, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return moved


def drawn_movement(name: str) -> dict[int, float]:
    """Return the strengths to add to a photograph: the same name always gets the same."""
    rng = np.random.default_rng(list(hashlib.sha256(name.encode()).digest()))
    return {au: float(rng.uniform(_LEAST, 1)) for au in TOGETHER[rng.integers(len(TOGETHER))]}


def original(name: str) -> str:
    """Return the name of the photograph that a picture was made of; its own if nothing was added."""
    return name.removesuffix(MOVED)


def added_to(name: str) -> dict[int, float]:
    """Return the strengths that were added to the picture of a name; none to a photograph as it was."""
    return drawn_movement(original(name)) if name.endswith(MOVED) else {}


def displacements(landmarks: NDArray[np.floating], strengths: Mapping[int, float]) -> NDArray[np.float64]:
    """Return how far each of the landmarks (68, 2) goes, (68, 2) pixels."""
    right, left = eye_centres(landmarks)
    across = left - right
    up = np.array([across[1], -across[0]])
    found = np.zeros((68, 2))
    for au, strength in strengths.items():
        for point, (outward, upward) in MOVEMENTS[au].items():
            found[point] += strength * (upward * up - outward * across)
            found[MIRROR[point]] += strength * (upward * up + outward * across)
    return found
