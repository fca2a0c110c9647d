"""Where faces may be: what every finder of boxes gives, whatever network is behind it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from idennet.faces.crop import Floats

Numbers = NDArray[np.floating]

Pixels = NDArray[np.uint8]
"""(H, W, 3) RGB."""

Grey = NDArray[np.uint8]
"""(H, W)."""


def in_grey(pixels: Pixels) -> Grey:
    """Return a picture in grey, as all networks that find faces see it."""
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)


NO_BOXES: Floats = np.zeros((0, 5), np.float32)


class BoxFinder(ABC):
    """Proposes faces; may be called from several threads at once.

    A box is x0, y0, x1, y1 in pixels of the upright square that the landmark network expects
    (`crop.squares_around`), and a score, 0 to 1. It may reach outside the picture.
    """

    @abstractmethod
    def find(self, pixels: Pixels) -> Floats:
        """Return boxes (K, 5) of a picture (H, W, 3) uint8 RGB; of doubles, the first counts."""

    def find_all(
        self,
        pictures: Sequence[Pixels],
        greys: Sequence[Grey],
        expected: Sequence[Floats | None] | None = None,
    ) -> list[Floats]:
        """Return the boxes of each picture.

        Args:
            pictures: Perhaps of different sizes.
            greys: The same pictures in grey.
            expected: For each picture the squares (M, 4) of faces that were there a moment ago: once boxes
                about all of them are found, the rest may be left out. None: find everything.
        """
        return [self.find(pixels) for pixels in pictures]


def boxes_of(x: Numbers, y: Numbers, side: Numbers, score: Numbers, overlap: float) -> Floats:
    """Return boxes (K, 5), best first, of squares about (x, y), each (N,), without doubles.

    Args:
        x: Middles, in pixels.
        y: Middles, in pixels.
        side: Sides, in pixels.
        score: Scores, 0 to 1.
        overlap: Intersection over union with a better box from which on a box is a double.
    """
    corners = np.stack([x - side / 2, y - side / 2, side, side], axis=1).astype(np.float64)
    kept = np.asarray(cv2.dnn.NMSBoxes(corners.tolist(), score.tolist(), 0.0, overlap), np.int64).reshape(-1)
    left, top, width, height = corners[kept].T
    return np.stack([left, top, left + width, top + height, score[kept]], axis=1).astype(np.float32)


def overlaps(first: Floats, second: Floats) -> NDArray[np.float64]:
    """Return intersection over union (K, L) of boxes (K, 4 or more) and (L, 4 or more)."""
    one, two = (boxes[:, None].astype(np.float64) for boxes in (first, second))
    two = two.swapaxes(0, 1)
    sides = np.minimum(one[..., 2:4], two[..., 2:4]) - np.maximum(one[..., :2], two[..., :2])
    common = sides.clip(0).prod(-1)
    areas = [(boxes[..., 2:4] - boxes[..., :2]).prod(-1) for boxes in (one, two)]
    return np.asarray(common / (areas[0] + areas[1] - common))
