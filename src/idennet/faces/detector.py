"""Where faces may be: YuNet, when its model file is given, or the cascade in scikit-image's wheel.

Both propose boxes of one meaning, the upright square that the landmark network reads first; the network then
rejects false alarms. So the cascade runs with the lowest neighbour threshold.
"""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.data import lbp_frontal_face_cascade_filename
from skimage.feature import Cascade

from idennet.errors import WeightsError
from idennet.faces.crop import Floats

Picture = np.ndarray  # (H, W, 3) uint8 RGB

NO_BOXES: Floats = np.zeros((0, 5), np.float32)


def suppress(boxes: Floats, overlap: float = 0.4) -> Floats:
    """Return boxes (K, 5), best first, without those that overlap a better one (intersection over union)."""
    kept: list[Floats] = []
    for box in boxes[np.argsort(-boxes[:, 4], kind="stable")]:
        if all(_overlap(box, other) < overlap for other in kept):
            kept.append(box)
    return np.array(kept, np.float32).reshape(-1, 5)


def _overlap(a: Floats, b: Floats) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return float(shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared))


def _squares(x: NDArray, y: NDArray, side: NDArray, score: NDArray) -> Floats:
    half = side / 2
    return np.stack([x - half, y - half, x + half, y + half, score], axis=1).astype(np.float32)


class YuNetDetector:
    """YuNet through OpenCV (Wu et al., Machine Intelligence Research 2023); its file is not bundled."""

    longest = 1280  # pixels; larger pictures are reduced
    border = 0.15  # share of the longer side, so that faces that fill the picture are found
    side, down = 1.10, 0.095  # landmark square in units of YuNet's box, measured on rendered faces

    def __init__(self, model: Path, threshold: float = 0.5) -> None:
        """Read the model.

        Args:
            model: The ONNX file of YuNet, for example `face_detection_yunet_2023mar.onnx` of OpenCV's zoo.
            threshold: The lowest score that is proposed.

        Raises:
            WeightsError: There is no such file, or OpenCV cannot read it.
        """
        if not model.is_file():
            raise WeightsError(
                f"There is no YuNet model {model}; give its ONNX file, or none to use the cascade."
            )
        try:
            self._network = cv2.FaceDetectorYN.create(str(model), "", (320, 320), threshold)
        except cv2.error as error:
            raise WeightsError(f"OpenCV cannot read {model} as YuNet; give its ONNX file.") from error

    def detect(self, picture: Picture) -> Floats:
        """Return boxes (K, 5) of a picture (H, W, 3): x0, y0, x1, y1 in pixels and score, 0 to 1."""
        scale = min(1.0, self.longest / max(picture.shape[:2]))
        border = int(self.border * max(picture.shape[:2]))
        framed = cv2.copyMakeBorder(picture, border, border, border, border, cv2.BORDER_CONSTANT)
        small = cv2.resize(framed, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)[..., ::-1]
        self._network.setInputSize((small.shape[1], small.shape[0]))
        _, found = self._network.detect(np.ascontiguousarray(small))
        if found is None:
            return NO_BOXES
        x, y, width, height = found[:, :4].T / scale - np.array([[border], [border], [0], [0]])
        size = np.maximum(width, height)
        return suppress(
            _squares(x + width / 2, y + height / 2 + self.down * size, self.side * size, found[:, -1])
        )


class CascadeDetector:
    """Local binary pattern cascade of scikit-image (Liao et al., ICB 2007), frontal faces."""

    longest = 640  # pixels of the working copy
    window = 24  # pixels of the smallest face there
    step = 1.25  # times the scale, in pixels: a third of the time of 1, at little loss
    border = 0.15  # share of the longer side, so that faces that fill the picture are found
    side, down = 1.25, 0.125  # landmark square in units of the cascade's window, measured on rendered faces

    def __init__(self) -> None:
        self._cascade = Cascade(lbp_frontal_face_cascade_filename())

    def detect(self, picture: Picture) -> Floats:
        """Return boxes (K, 5) of a picture (H, W, 3): x0, y0, x1, y1 in pixels and score (always 0.5)."""
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        scale = min(1.0, self.longest / max(grey.shape))
        small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        border = int(self.border * max(small.shape))
        framed = cv2.copyMakeBorder(small, border, border, border, border, cv2.BORDER_REPLICATE)
        found = self._cascade.detect_multi_scale(
            framed,
            scale_factor=1.2,
            step_ratio=self.step,
            min_size=(self.window, self.window),
            max_size=(max(framed.shape), max(framed.shape)),
            min_neighbor_number=1,
        )
        if not found:
            return NO_BOXES
        column, row, window = np.array([[f["c"], f["r"], f["width"]] for f in found], np.float64).T
        x = (column + window / 2 - border) / scale
        y = (row + (0.5 + self.down) * window - border) / scale
        return suppress(_squares(x, y, self.side * window / scale, np.full(len(x), 0.5)), overlap=0.6)
