"""Descriptors made by hand, on which everything stood before networks: HOG, LBP and SIFT of aligned faces.

HOG and LBP cover the whole crop; SIFT stands on landmarks, and needs a store that has them.
"""

from collections.abc import Sequence
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.feature import hog, local_binary_pattern

from idennet.errors import InputError
from idennet.faces.alignment import TEMPLATE
from idennet.learning.data.store import FaceStore

DescriptorKind = Literal["hog", "lbp", "sift"]
Features = NDArray[np.float32]

INNER_POINTS: tuple[int, ...] = (*range(17, 60), *range(61, 64), *range(65, 68))
"""The 49 inner landmarks among the 68: without the outline of the face and the inner corners of the mouth."""

UPPER_POINTS: tuple[int, ...] = (17, 19, 21, 22, 24, 26, 36, 45, 27)
LOWER_POINTS: tuple[int, ...] = (48, 51, 54, 57, 31, 35, 33)
"""9 upper points (brows, outer corners of the eyes, root of the nose) and 7 lower ones (lips, nose)."""

SIFT_LENGTH = 128
"""Numbers of one point: 4 x 4 cells of 8 directions."""

_SIFT_SIZE = 4.0  # OpenCV's four cells span six times this: 24 pixels, 0.6 of the distance of the eyes
_CELL = 16  # pixels of the cells of HOG and LBP
_LBP_CODES = 59  # uniform patterns of 8 neighbours, and one for all others
_READ_AT_ONCE = 256


def describe(
    store: FaceStore,
    rows: NDArray[np.int64],
    kind: DescriptorKind,
    points: Sequence[int] = INNER_POINTS,
) -> Features:
    """Return descriptors (n, D) of the faces at `rows` of a store.

    Args:
        store: Faces, and landmarks if `kind` is `"sift"`.
        rows: (n,) rows of the store.
        kind: `"hog"` (D = 1764: 8 x 8 cells of 9 directions, blocks of 2 x 2), `"lbp"` (D = 3776: histograms
            of uniform patterns in 8 x 8 cells) or `"sift"` (D = 128 a point).
        points: Landmarks on which SIFT stands.

    Raises:
        InputError: SIFT is asked for where a landmark is unknown.
    """
    landmarks = np.empty((len(rows), 0, 2), dtype=np.float32)
    if kind == "sift":
        landmarks = store.landmarks[rows][:, list(points)]
        if unknown := int(np.isnan(landmarks).any(axis=(1, 2)).sum()):
            raise InputError(
                f"{store.path} has no landmarks of {unknown} faces, on which SIFT stands; "
                "prepare it with landmarks or choose the descriptor hog."
            )
    parts = []
    for first in range(0, len(rows), _READ_AT_ONCE):
        here = slice(first, first + _READ_AT_ONCE)
        for face, at in zip(store.read(rows[here]), landmarks[here], strict=True):
            grey = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)
            parts.append(_sift(grey, at) if kind == "sift" else _hog(grey) if kind == "hog" else _lbp(grey))
    if not parts:
        return np.empty((0, descriptor_length(kind, len(points))), dtype=np.float32)
    return np.stack(parts)


def descriptor_length(kind: DescriptorKind, points: int = len(INNER_POINTS)) -> int:
    """Return D, the numbers of one face."""
    cells = TEMPLATE.size // _CELL
    return {
        "hog": 9 * 4 * (cells - 1) ** 2,
        "lbp": _LBP_CODES * cells**2,
        "sift": SIFT_LENGTH * points,
    }[kind]


def _hog(grey: NDArray[np.uint8]) -> Features:
    return np.asarray(hog(grey, 9, (_CELL, _CELL), (2, 2)), dtype=np.float32)


def _lbp(grey: NDArray[np.uint8]) -> Features:
    """Return the share of each code in each cell: rows of cells, cells, codes."""
    codes = local_binary_pattern(grey, 8, 1, "nri_uniform").astype(np.int64)
    cells = len(grey) // _CELL
    cell = np.arange(len(grey)) // _CELL
    place = ((cell[:, None] * cells + cell) * _LBP_CODES + codes).ravel()
    counts = np.bincount(place, minlength=cells**2 * _LBP_CODES)
    return (counts / _CELL**2).astype(np.float32)


def _sift(grey: NDArray[np.uint8], points: NDArray[np.float32]) -> Features:
    """Return upright SIFT descriptors of unit length, one after the other; 0 where a patch is flat."""
    keypoints = [cv2.KeyPoint(float(x), float(y), _SIFT_SIZE, 0.0) for x, y in points]
    _, descriptors = cv2.SIFT_create().compute(grey, keypoints)  # type: ignore[attr-defined]
    length = np.linalg.norm(descriptors, axis=1, keepdims=True)
    return np.asarray((descriptors / np.maximum(length, 1e-6)).ravel(), dtype=np.float32)
