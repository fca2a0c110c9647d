"""The one face of a picture that counts, for data sets that come without landmarks."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


class MainFaceLocator:
    """Finds the landmarks of the face nearest the middle of a picture, measured in sizes of that face.

    A large face may be further from the middle than a small one. May be called from several threads.
    """

    def __init__(self, finder: Path | None = None) -> None:
        """Open the finder, so that a wrong model file shows at once.

        Args:
            finder: Model file to find faces with; see `idennet.faces.finder.open_finder`.
        """
        from idennet.faces.finder import open_finder

        self._finder = open_finder(finder)

    def __call__(self, picture: NDArray[np.uint8]) -> NDArray[np.floating] | None:
        """Return the landmarks (68, 2) in a picture (H, W, 3) uint8 RGB, or None without a face."""
        found = self._finder.find(picture)
        if not found:
            return None
        boxes = [face.box for face in found]
        return np.asarray(found[most_central(boxes, picture.shape[1], picture.shape[0])].landmarks)


def most_central(boxes: Sequence[tuple[float, ...]], width: int, height: int) -> int:
    """Return the position of the box (x0, y0, x1, y1) nearest the middle in units of its own size."""
    corners = np.asarray(boxes, dtype=np.float64).reshape(-1, 2, 2)
    distance = np.linalg.norm(corners.mean(axis=1) - [(width - 1) / 2, (height - 1) / 2], axis=1)
    size = np.sqrt(np.prod(corners[:, 1] - corners[:, 0], axis=1))
    return int(np.argmin(distance / size))
