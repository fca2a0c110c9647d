"""The short-range face finder of MediaPipe's face landmarker, run by OpenCV; its file is not bundled.

BlazeFace (Bazarevsky et al., 2019) reads the whole picture at 128 x 128 pixels, so it is fast and misses
faces smaller than about a fifth of the picture's longer side. Google licenses the model under Apache 2.0.
"""

import tempfile
import threading
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from idennet.errors import WeightsError
from idennet.faces.boxes import BoxFinder, Numbers, Pixels, boxes_of
from idennet.faces.crop import Floats

_INPUT = 128
_GRIDS = ((16, 2), (8, 6))  # cells a side, boxes a cell
_SIDE, _DOWN = 1.27, 0.03  # landmark square in units of its box, measured on photographs
_OVERLAP = 0.3


class TaskNetwork:
    """One network of `face_landmarker.task`, run by OpenCV; may be called from several threads at once."""

    def __init__(self, file: Path, member: str) -> None:
        """Read the network.

        Args:
            file: MediaPipe's `face_landmarker.task`.
            member: Name of the network's file in it.

        Raises:
            WeightsError: There is no such file, or it holds no such network.
        """
        if not file.is_file():
            raise WeightsError(f"There is no {file}; give MediaPipe's face_landmarker.task.")
        try:
            with zipfile.ZipFile(file) as bundle:
                self._content = bundle.read(member)
        except (OSError, zipfile.BadZipFile, KeyError) as error:
            raise WeightsError(f"{file} holds no {member}; give MediaPipe's face_landmarker.task.") from error
        self._file, self._member = file, member
        self._local = threading.local()  # OpenCV's networks keep state between calls
        self._network()

    def __call__(self, given: cv2.typing.MatLike, outputs: Sequence[str] = ()) -> list[Floats]:
        """Return some outputs of an input, by their names; without names, all of them in no certain order."""
        network = self._network()
        network.setInput(given)
        names = outputs or network.getUnconnectedOutLayersNames()
        return [np.asarray(output, np.float32) for output in network.forward(names)]

    def _network(self) -> cv2.dnn.Net:
        """Return this thread's network."""
        if not hasattr(self._local, "network"):
            # Only the classic engine reads these networks, and OpenCV 5.0 takes it for files alone.
            with tempfile.TemporaryDirectory() as folder:
                copy = Path(folder, self._member)
                copy.write_bytes(self._content)
                try:
                    self._local.network = cv2.dnn.readNetFromTFLite(str(copy), cv2.dnn.ENGINE_CLASSIC)
                except cv2.error as error:
                    raise WeightsError(f"OpenCV cannot read the networks of {self._file}.") from error
        network: cv2.dnn.Net = self._local.network
        return network


@dataclass(frozen=True, eq=False)
class Proposals:
    """Where BlazeFace sees faces, in pixels of the picture; a face is proposed several times.

    Attributes:
        middles: (K, 2) of the boxes.
        sides: (K,) of the boxes.
        eyes: (K, 2, 2) the subject's right eye, then the left one.
        scores: (K,) 0 to 1.
    """

    middles: Numbers
    sides: Numbers
    eyes: Numbers
    scores: Numbers


class BlazeFace:
    """The first network of `face_landmarker.task`."""

    def __init__(self, file: Path, threshold: float = 0.5) -> None:
        """Read the network; see `TaskNetwork` for what may be wrong with the file.

        Args:
            file: MediaPipe's `face_landmarker.task`.
            threshold: The lowest score that is proposed.
        """
        self._network = TaskNetwork(file, "face_detector.tflite")
        self._threshold = threshold
        cells = [np.repeat(_middles(cells), boxes, axis=0) for cells, boxes in _GRIDS]
        self._anchors = np.concatenate(cells)

    def propose(self, pixels: Pixels) -> Proposals:
        """Return the proposals of a picture (H, W, 3)."""
        height, width = pixels.shape[:2]
        longest = max(height, width)
        size = [max(1, round(side * _INPUT / longest)) for side in (width, height)]
        left, top = (_INPUT - size[0]) // 2, (_INPUT - size[1]) // 2
        scale = np.divide(size, (width, height), dtype=np.float32)
        if longest > 2 * _INPUT:
            canvas: cv2.typing.MatLike = np.zeros((_INPUT, _INPUT, 3), np.uint8)
            small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
            canvas[top : top + size[1], left : left + size[0]] = small
        else:  # as MediaPipe samples pictures
            matrix = np.array([[scale[0], 0, left], [0, scale[1], top]])
            canvas = cv2.warpAffine(pixels, matrix, (_INPUT, _INPUT))

        outputs = self._network(cv2.dnn.blobFromImage(canvas, 1 / 127.5, mean=(127.5, 127.5, 127.5)))
        logits, shapes = sorted((out.reshape(len(self._anchors), -1) for out in outputs), key=np.size)
        scores = 1 / (1 + np.exp(-np.clip(logits[:, 0], -80, 80)))
        likely = scores >= self._threshold
        found = shapes[likely].reshape(-1, 8, 2)  # middle, width and height, then six points
        points = found[:, [0, 2, 3]] + self._anchors[likely, None] * _INPUT - (left, top)
        points /= scale
        sides = found[:, 1].max(axis=1) * longest / _INPUT
        return Proposals(points[:, 0], sides, points[:, 1:], scores[likely])


class MediaPipeFinder(BoxFinder):
    """Finds boxes by `BlazeFace`."""

    def __init__(self, file: Path, threshold: float = 0.5) -> None:
        """Read the model; see `BlazeFace`."""
        self._network = BlazeFace(file, threshold)

    def find(self, pixels: Pixels) -> Floats:
        """Return boxes (K, 5) of a picture (H, W, 3); see `BoxFinder`."""
        found = self._network.propose(pixels)
        x, y = found.middles.T
        return boxes_of(x, y + _DOWN * found.sides, _SIDE * found.sides, found.scores, _OVERLAP)


def _middles(cells: int) -> Floats:
    """Return the middles (cells * cells, 2) of a grid's cells, x and y from 0 to 1, row by row."""
    axis = (np.arange(cells, dtype=np.float32) + 0.5) / cells
    x, y = np.meshgrid(axis, axis)
    return np.stack([x.ravel(), y.ravel()], axis=1)
