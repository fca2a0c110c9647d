"""The one face of a picture that counts, for data sets that come without landmarks."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from idennet.faces.finder import FaceFinder


class MainFaceLocator:
    """Finds the landmarks of the face nearest the middle of a picture, measured in sizes of that face.

    A large face may be further from the middle than a small one. May be called from several threads:
    each has a finder of its own, since OpenCV's detectors keep state.
    """

    def __init__(self, detector_model: Path | None = None) -> None:
        """Make the first finder, so that a wrong model file shows at once.

        Args:
            detector_model: YuNet ONNX file; without it the built-in detector finds the faces.
        """
        self._detector_model = detector_model
        self._local = threading.local()
        self._finder()

    def __call__(self, picture: NDArray[np.uint8]) -> NDArray[np.floating] | None:
        """Return the landmarks (68, 2) in a picture (H, W, 3) uint8 RGB, or None without a face."""
        found = self._finder().find(picture)
        if not found:
            return None
        boxes = [tuple(face.box) for face in found]
        return np.asarray(found[most_central(boxes, picture.shape[1], picture.shape[0])].landmarks)

    def _finder(self) -> "FaceFinder":
        """Return this thread's finder."""
        if not hasattr(self._local, "finder"):
            from idennet.faces.finder import FaceFinder

            self._local.finder = FaceFinder(self._detector_model)
        finder: FaceFinder = self._local.finder
        return finder


def most_central(boxes: Sequence[tuple[float, ...]], width: int, height: int) -> int:
    """Return the position of the box (x0, y0, x1, y1) nearest the middle in units of its own size."""
    corners = np.asarray(boxes, dtype=np.float64).reshape(-1, 2, 2)
    distance = np.linalg.norm(corners.mean(axis=1) - [(width - 1) / 2, (height - 1) / 2], axis=1)
    size = np.sqrt(np.prod(corners[:, 1] - corners[:, 0], axis=1))
    return int(np.argmin(distance / size))
