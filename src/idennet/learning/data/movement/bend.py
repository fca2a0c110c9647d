"""A photograph is bent so that landmarks of its face go elsewhere."""

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator

from idennet.faces.boxes import Pixels
from idennet.faces.landmarks import MIRROR
from idennet.learning.data.movement.axes import Axes
from idennet.learning.data.movement.drawn import Sides

Shift = tuple[float, float]
"""Outward and up, in distances between the eyes."""

SHIFTS: Mapping[int, Mapping[int, Shift]] = {
    1: {19: (0, 0.06), 20: (0, 0.14), 21: (0, 0.2)},
    2: {17: (0.01, 0.13), 18: (0, 0.2), 19: (0, 0.16), 20: (0, 0.05)},
    4: {19: (-0.01, -0.04), 20: (-0.03, -0.07), 21: (-0.04, -0.09)},
    5: {37: (0, 0.055), 38: (0, 0.055)},
    7: {37: (0, -0.02), 38: (0, -0.02), 40: (0, 0.025), 41: (0, 0.025)},
    12: {
        48: (0.13, 0.15), 49: (0.07, 0.075), 50: (0.02, 0.025), 58: (0.02, 0.02), 59: (0.07, 0.06),
        60: (0.11, 0.12),
    },
    15: {48: (0.01, -0.09), 60: (0.01, -0.07), 49: (0, -0.03), 59: (0, -0.05)},
    17: {
        7: (0, 0.09), 8: (0, 0.05), 48: (0, -0.03), 50: (0, 0.02), 51: (0, 0.02), 57: (0, 0.05),
        58: (0, 0.06), 59: (0, 0.03), 66: (0, 0.03), 67: (0, 0.04),
    },
}  # fmt: skip
"""How far an Action Unit at full strength moves landmarks of the face's right half and of its middle; the
left half mirrors it. Set by eye, by how photographs look that are moved so."""

_ONE_MAP = np.empty(0, np.float32)  # both coordinates are in the first of OpenCV's two maps
_GRID = 4  # pixels between the points at which the bending is worked out
_PINNED = 1.1  # distances of the eyes beyond the landmarks at which nothing moves


def displacements(landmarks: NDArray[np.floating], strengths: Mapping[int, Sides]) -> NDArray[np.float64]:
    """Return how far each of the landmarks (68, 2) goes, (68, 2) pixels; other Action Units move none.

    Raises:
        ShapeError: `landmarks` is not (68, 2).
    """
    axes = Axes.of(landmarks)
    found = np.zeros((68, 2))
    for au, (left, right) in strengths.items():
        for point, (outward, upward) in SHIFTS.get(au, {}).items():
            twin = MIRROR[point]
            if twin == point:
                found[point] += (left + right) / 2 * upward * axes.up
            else:
                found[point] += right * (upward * axes.up - outward * axes.across)
                found[twin] += left * (upward * axes.up + outward * axes.across)
    return found


def bend(pixels: Pixels, landmarks: NDArray[np.floating], shifts: NDArray[np.floating]) -> Pixels:
    """Return a picture whose landmarks lie elsewhere, smoothly bent between them (a thin plate).

    Args:
        pixels: (H, W, 3) uint8 RGB.
        landmarks: (68, 2) of the face in it.
        shifts: (68, 2) pixels by which each of them goes.

    Returns:
        A new picture of the same size; far from the face it is unchanged.
    """
    after = landmarks + shifts
    reach = _PINNED * Axes.of(landmarks).distance
    low, high = landmarks.min(axis=0) - reach, landmarks.max(axis=0) + reach
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
    moved = pixels.copy()
    moved[y0:y1, x0:x1] = drawn_from(pixels, here + np.array([x0, y0], np.float32) + field)
    return moved


def drawn_from(pixels: Pixels, origin: NDArray[np.float32]) -> Pixels:
    """Return a picture (h, w, 3) whose pixels come from places (h, w, 2) of another."""
    if not origin.size:  # an eye outside the picture: OpenCV takes no empty map
        return np.empty((*origin.shape[:2], 3), np.uint8)
    found = cv2.remap(pixels, origin, _ONE_MAP, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.uint8)
