"""Alignment: every face becomes a 128 x 128 crop whose eye centres lie at fixed places.

The same function serves the face stores that networks learn from and the photographs that they read later.
Points are pixels (x, y); the centre of the first pixel is (0, 0). The paper crops CelebA and BP4D to
128 x 128 around the face without saying where the eyes go; the places here leave chin and brows inside.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from idennet.errors import InputError, ShapeError
from idennet.faces.landmarks import eye_centres


@dataclass(frozen=True)
class Template:
    """Where an aligned crop has its eye centres.

    Attributes:
        name: Stored with face stores and weights, so that different crops never meet.
        size: Side of the square crop in pixels.
        right_eye: (x, y) of the subject's right eye, which is on the left of the picture.
        left_eye: (x, y) of the subject's left eye.
    """

    name: str
    size: int
    right_eye: tuple[float, float]
    left_eye: tuple[float, float]

    @property
    def eyes(self) -> NDArray[np.float64]:
        """Both eye centres, right eye first, (2, 2)."""
        return np.array([self.right_eye, self.left_eye], dtype=np.float64)


TEMPLATE = Template("eyes-44-84-44", 128, (44.0, 44.0), (84.0, 44.0))
"""The one template of this package."""

_SHRINK_LIMIT = 1.5
"""Bilinear sampling skips pixels, and so aliases, when it shrinks much more than this."""


def similarity(source: ArrayLike, target: ArrayLike) -> NDArray[np.float64]:
    """Return the similarity transform (2, 3) that takes `source` points (K, 2) nearest to `target` (K, 2).

    Rotation, uniform scale and shift, no reflection; exact for two points, least squares for more.

    Raises:
        ShapeError: The shapes are not both (K, 2) with K of at least 2.
        InputError: A point is not finite, or all points of a side coincide.
    """
    start, goal = np.asarray(source, dtype=np.float64), np.asarray(target, dtype=np.float64)
    if start.shape != goal.shape or start.ndim != 2 or start.shape[1] != 2 or len(start) < 2:
        raise ShapeError(f"A similarity needs two arrays (K, 2), K >= 2, not {start.shape}, {goal.shape}.")
    if not (np.isfinite(start).all() and np.isfinite(goal).all()):
        raise InputError("A similarity needs finite points, but some are infinite or not a number.")
    # As complex numbers the transform is w = factor * z + shift: ordinary least squares with one unknown.
    z, w = start @ [1, 1j], goal @ [1, 1j]
    z_centred, w_centred = z - z.mean(), w - w.mean()
    spread = np.vdot(z_centred, z_centred).real
    factor = np.vdot(z_centred, w_centred) / spread if spread > 0 else 0j
    if abs(factor) < 1e-9:
        raise InputError("A similarity needs points that differ, but all points of one side coincide.")
    shift = w.mean() - factor * z.mean()
    return np.array([[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]])


def to_template(points: ArrayLike, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return `points` (..., 2) of the picture as points of the crop, by the `matrix` of `similarity`."""
    return np.asarray(points, dtype=np.float64) @ matrix[:, :2].T + matrix[:, 2]


def align(
    picture: NDArray[np.uint8], landmarks: ArrayLike, template: Template = TEMPLATE
) -> NDArray[np.uint8]:
    """Return the aligned face as (size, size, 3) uint8 RGB.

    What lies outside the picture is filled with the nearest edge pixel. A face much larger than the
    template is shrunk by area averages first, so that it does not alias.

    Args:
        picture: (H, W, 3) uint8 RGB.
        landmarks: (68, 2) pixels of the picture.
        template: Where the eyes go.

    Raises:
        ShapeError: A shape or dtype differs from the above.
        InputError: Both eyes are at one point, or a landmark is not finite.
    """
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8 or picture.size == 0:
        raise ShapeError(
            f"A picture must be (H, W, 3) uint8 RGB, but is {picture.shape} {picture.dtype}; "
            "idennet.media.pictures.as_frame converts others."
        )
    return warp(picture, similarity(eye_centres(landmarks), template.eyes), template.size)


def warp(picture: NDArray[np.uint8], matrix: NDArray[np.float64], size: int) -> NDArray[np.uint8]:
    """Return the (size, size, 3) crop that a similarity `matrix` (2, 3) maps the picture to, antialiased."""
    shrink = 1.0 / float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if shrink > _SHRINK_LIMIT:
        picture, matrix = _shrink_around_crop(picture, matrix, size, shrink)
    crop = cv2.warpAffine(
        picture, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(crop, dtype=np.uint8)


def _shrink_around_crop(
    picture: NDArray[np.uint8], matrix: NDArray[np.float64], size: int, shrink: float
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Cut the part of the picture that the crop sees, shrink it to the crop's scale, adapt the matrix."""
    last = size - 1
    back = np.asarray(cv2.invertAffineTransform(matrix), dtype=np.float64)
    corners = to_template([[0, 0], [last, 0], [0, last], [last, last]], back)
    margin = 3 * shrink
    limit = np.array([picture.shape[1], picture.shape[0]])
    low = np.clip(np.floor(corners.min(axis=0) - margin), 0, limit - 1).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0) + margin), low + 1, limit).astype(int)
    region = picture[low[1] : high[1], low[0] : high[0]]

    extent = high - low
    shrunk_extent = np.maximum(np.round(extent / shrink), 1).astype(int)
    small = cv2.resize(region, (int(shrunk_extent[0]), int(shrunk_extent[1])), interpolation=cv2.INTER_AREA)

    # Pixel j of the small picture covers `step` pixels, centred at low + (j + 0.5) * step - 0.5.
    step = extent / shrunk_extent
    origin = low + 0.5 * step - 0.5
    adapted = np.column_stack([matrix[:, :2] * step, matrix[:, :2] @ origin + matrix[:, 2]])
    return np.asarray(small, dtype=np.uint8), adapted
