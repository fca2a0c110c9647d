"""YuNet through OpenCV (Wu et al., Machine Intelligence Research 2023); its file is not bundled."""

import threading
from pathlib import Path

import cv2
import numpy as np

from idennet.errors import WeightsError
from idennet.faces.boxes import NO_BOXES, BoxFinder, Pixels, boxes_of
from idennet.faces.crop import Floats

_LONGEST = 1280  # pixels; larger pictures are reduced
_BORDER = 0.15  # share of the longer side, so that faces that fill the picture are found
_SIDE, _DOWN = 1.10, 0.095  # landmark square in units of YuNet's box, measured on rendered faces
_OVERLAP = 0.4


class YuNetFinder(BoxFinder):
    """Finds boxes by YuNet. Licence of the model: MIT or Apache 2.0, see its source."""

    def __init__(self, file: Path, threshold: float = 0.5) -> None:
        """Read the model.

        Args:
            file: YuNet's ONNX file, for example `face_detection_yunet_2023mar.onnx` of OpenCV's zoo.
            threshold: The lowest score that is proposed.

        Raises:
            WeightsError: There is no such file, or OpenCV cannot read it.
        """
        if not file.is_file():
            raise WeightsError(f"There is no file {file}; give YuNet's ONNX file, or none.")
        self._file, self._threshold = file, threshold
        self._local = threading.local()  # OpenCV's networks keep state between calls
        self._network()

    def find(self, pixels: Pixels) -> Floats:
        """Return boxes (K, 5) of a picture (H, W, 3); see `BoxFinder`."""
        longest = max(pixels.shape[:2])
        scale, border = min(1.0, _LONGEST / longest), int(_BORDER * longest)
        framed = cv2.copyMakeBorder(pixels, border, border, border, border, cv2.BORDER_CONSTANT)
        size = (max(1, round(framed.shape[1] * scale)), max(1, round(framed.shape[0] * scale)))
        small = cv2.resize(framed, size, interpolation=cv2.INTER_AREA)[..., ::-1]
        network = self._network()
        network.setInputSize(size)
        _, found = network.detect(np.ascontiguousarray(small))
        if found is None:
            return NO_BOXES
        x, y, width, height = found[:, :4].T / scale - np.array([[border], [border], [0], [0]])
        larger = np.maximum(width, height)
        middle_y = y + height / 2 + _DOWN * larger
        return boxes_of(
            x + width / 2, middle_y, _SIDE * larger, np.asarray(found[:, -1], np.float32), _OVERLAP
        )

    def _network(self) -> cv2.FaceDetectorYN:
        """Return this thread's network."""
        if not hasattr(self._local, "network"):
            try:
                self._local.network = cv2.FaceDetectorYN.create(
                    str(self._file), "", (320, 320), self._threshold
                )
            except cv2.error as error:
                raise WeightsError(
                    f"OpenCV cannot read {self._file} as YuNet; give its ONNX file."
                ) from error
        network: cv2.FaceDetectorYN = self._local.network
        return network
