"""A face's own axes: what is across it and what is up, however it is turned in the picture."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from idennet.faces.boxes import Pixels
from idennet.faces.landmarks import eye_centres


@dataclass(frozen=True, eq=False)
class Axes:
    """Coordinates in distances between the eye centres, from the middle between them.

    Attributes:
        middle: (2,) pixels.
        across: (2,) pixels, from the subject's right eye to the left.
        up: (2,) pixels, as long, towards the brows.
    """

    middle: NDArray[np.float64]
    across: NDArray[np.float64]
    up: NDArray[np.float64]

    @classmethod
    def of(cls, landmarks: NDArray[np.floating]) -> "Axes":
        """Return the axes of a face with landmarks (68, 2).

        Raises:
            ShapeError: `landmarks` is not (68, 2).
        """
        right, left = eye_centres(landmarks)
        across = left - right
        return cls((right + left) / 2, across, np.array([across[1], -across[0]]))

    @property
    def distance(self) -> float:
        """Of the eye centres, pixels."""
        return float(np.linalg.norm(self.across))

    def of_points(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return points (..., 2) of pixels in these coordinates, (..., 2)."""
        away = points - self.middle
        return np.stack([away @ self.across, away @ self.up], axis=-1) / self.distance**2


Window = tuple[slice, slice]
"""Rows and columns of a part of a picture."""


def window(pixels: Pixels, centre: NDArray[np.floating], reach: float) -> tuple[Window, NDArray[np.float64]]:
    """Return the part of a picture around a point, and the places (h, w, 2) of its pixels in the picture.

    Args:
        pixels: (H, W, 3).
        centre: (2,) pixels.
        reach: Pixels to each side.
    """
    size = pixels.shape[1::-1]
    low = np.clip(np.floor(centre - reach), 0, size).astype(int)
    high = np.clip(np.ceil(centre + reach) + 1, 0, size).astype(int)
    here = np.stack(np.meshgrid(np.arange(low[0], high[0]), np.arange(low[1], high[1])), axis=-1)
    return (slice(low[1], high[1]), slice(low[0], high[0])), here.astype(np.float64)
