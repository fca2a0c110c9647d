"""The short-range face finder of MediaPipe's face landmarker, run by OpenCV; its file is not bundled.

BlazeFace (Bazarevsky et al., 2019) reads the whole picture at 128 x 128 pixels, so it is fast and misses
faces smaller than about a fifth of the picture's longer side. Google licenses the model under Apache 2.0.
"""

import tempfile
import threading
import zipfile
from pathlib import Path

import cv2
import numpy as np

from idennet.errors import WeightsError
from idennet.faces.boxes import BoxFinder, Pixels, boxes_of
from idennet.faces.crop import Floats

_MEMBER = "face_detector.tflite"
_INPUT = 128
_GRIDS = ((16, 2), (8, 6))  # cells a side, boxes a cell
_SIDE, _DOWN = 1.27, 0.03  # landmark square in units of its box, measured on photographs
_OVERLAP = 0.3


class MediaPipeFinder(BoxFinder):
    """Finds boxes by the first network of `face_landmarker.task`."""

    def __init__(self, file: Path, threshold: float = 0.5) -> None:
        """Read the model.

        Args:
            file: MediaPipe's `face_landmarker.task`.
            threshold: The lowest score that is proposed.

        Raises:
            WeightsError: There is no such file, or it holds no such network.
        """
        try:
            with zipfile.ZipFile(file) as bundle:
                self._content = bundle.read(_MEMBER)
        except (OSError, zipfile.BadZipFile, KeyError) as error:
            raise WeightsError(
                f"{file} holds no {_MEMBER}; give MediaPipe's face_landmarker.task."
            ) from error
        self._file, self._threshold = file, threshold
        self._local = threading.local()  # OpenCV's networks keep state between calls
        self._network()
        cells = [np.repeat(_middles(cells), boxes, axis=0) for cells, boxes in _GRIDS]
        self._anchors = np.concatenate(cells)

    def find(self, pixels: Pixels) -> Floats:
        """Return boxes (K, 5) of a picture (H, W, 3); see `BoxFinder`."""
        height, width = pixels.shape[:2]
        longest = max(height, width)
        size = [max(1, round(side * _INPUT / longest)) for side in (width, height)]
        left, top = (_INPUT - size[0]) // 2, (_INPUT - size[1]) // 2
        canvas = np.zeros((_INPUT, _INPUT, 3), np.uint8)
        shrunk = longest > _INPUT
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if shrunk else cv2.INTER_LINEAR)
        canvas[top : top + size[1], left : left + size[0]] = small

        network = self._network()
        network.setInput(cv2.dnn.blobFromImage(canvas, 1 / 127.5, mean=(127.5, 127.5, 127.5)))
        outputs = network.forward(network.getUnconnectedOutLayersNames())
        logits, shapes = sorted((out.reshape(len(self._anchors), -1) for out in outputs), key=np.size)
        score = 1 / (1 + np.exp(-np.clip(logits[:, 0], -80, 80)))
        likely = score >= self._threshold
        middle = self._anchors[likely] + shapes[likely, :2] / _INPUT
        side = shapes[likely, 2:4].max(1) / _INPUT
        x = (middle[:, 0] * _INPUT - left) * (width / size[0])
        y = (middle[:, 1] * _INPUT - top) * (height / size[1])
        return boxes_of(x, y + _DOWN * side * longest, _SIDE * side * longest, score[likely], _OVERLAP)

    def _network(self) -> cv2.dnn.Net:
        """Return this thread's network."""
        if not hasattr(self._local, "network"):
            # Only the classic engine reads this network, and OpenCV 5.0 takes it for files alone.
            with tempfile.TemporaryDirectory() as folder:
                copy = Path(folder, _MEMBER)
                copy.write_bytes(self._content)
                try:
                    self._local.network = cv2.dnn.readNetFromTFLite(str(copy), cv2.dnn.ENGINE_CLASSIC)
                except cv2.error as error:
                    raise WeightsError(f"OpenCV cannot read the networks of {self._file}.") from error
        network: cv2.dnn.Net = self._local.network
        return network


def _middles(cells: int) -> Floats:
    """Return the middles (cells * cells, 2) of a grid's cells, x and y from 0 to 1, row by row."""
    axis = (np.arange(cells, dtype=np.float32) + 0.5) / cells
    x, y = np.meshgrid(axis, axis)
    return np.stack([x.ravel(), y.ravel()], axis=1)
