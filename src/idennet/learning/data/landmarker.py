"""MediaPipe's face landmarker for the main face of a picture, run by OpenCV; its file is not bundled.

Three networks in a row: BlazeFace finds the face, the second places 478 points in a turned square about it,
the third reads 52 blendshapes from 146 of the points. Google licenses them under Apache 2.0.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from idennet.faces.boxes import Pixels, overlaps
from idennet.faces.crop import Floats
from idennet.faces.mediapipe import BlazeFace, Proposals, TaskNetwork
from idennet.learning.data.readers.locate import most_central

BLENDSHAPES: tuple[str, ...] = (
    "_neutral", "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight",
    "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft", "eyeBlinkRight", "eyeLookDownLeft",
    "eyeLookDownRight", "eyeLookInLeft", "eyeLookInRight", "eyeLookOutLeft", "eyeLookOutRight",
    "eyeLookUpLeft", "eyeLookUpRight", "eyeSquintLeft", "eyeSquintRight", "eyeWideLeft", "eyeWideRight",
    "jawForward", "jawLeft", "jawOpen", "jawRight", "mouthClose", "mouthDimpleLeft", "mouthDimpleRight",
    "mouthFrownLeft", "mouthFrownRight", "mouthFunnel", "mouthLeft", "mouthLowerDownLeft",
    "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight", "mouthPucker", "mouthRight",
    "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft",
    "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight",
    "noseSneerLeft", "noseSneerRight",
)  # fmt: skip
"""Names of the third network's outputs, in order; left and right are the subject's."""

_SIZE = 256  # of the square that the second network reads
_WIDE = 1.5  # that square in units of BlazeFace's box
_SAME = 0.3  # overlap from which on two proposals are about one face
_PRESENT = 0.5  # probability, by the second network, that the square has a face

_UPPER_LIP, _LOWER_LIP = 13, 14  # the middles of their inner edges
_EYES = [[33, 160, 158, 133, 153, 144], [362, 385, 387, 263, 373, 380]]
"""Corners and lids of the subject's right and left eye, among the 478 points."""

READ_BY_BLENDSHAPES = [
    0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66, 67, 70,
    78, 80, 81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144, 145, 146, 148, 149,
    150, 152, 153, 154, 155, 157, 158, 159, 160, 161, 162, 163, 168, 172, 173, 176, 178, 181, 185, 191, 195,
    197, 234, 246, 249, 251, 263, 267, 269, 270, 276, 282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300,
    308, 310, 311, 312, 314, 317, 318, 321, 323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375,
    377, 378, 379, 380, 381, 382, 384, 385, 386, 387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454,
    466, 468, 469, 470, 471, 472, 473, 474, 475, 476, 477,
]  # fmt: skip
"""The points that the third network takes: MediaPipe's `face_blendshapes_graph.cc`, Apache 2.0."""


@dataclass(frozen=True, eq=False)
class Landmarked:
    """A face as the landmarker sees it.

    Attributes:
        points: (478, 2) in pixels of the picture.
        blendshapes: (52,) 0 to 1, named by `BLENDSHAPES`.
    """

    points: Floats
    blendshapes: Floats


class Landmarker:
    """Reads the face nearest the middle of a picture; may be called from several threads.

    Attributes:
        digest: SHA-256 of the file, which tells one teacher from another.
    """

    def __init__(self, file: Path) -> None:
        """Open the three networks.

        Args:
            file: MediaPipe's `face_landmarker.task`.

        Raises:
            WeightsError: There is no such file, or it lacks one of the networks.
        """
        self._find = BlazeFace(file)
        self.digest = hashlib.sha256(file.read_bytes()).hexdigest()
        self._place = TaskNetwork(file, "face_landmarks_detector.tflite")
        self._grade = TaskNetwork(file, "face_blendshapes.tflite")

    def __call__(self, pixels: Pixels) -> Landmarked | None:
        """Return the main face of a picture (H, W, 3) uint8 RGB, or None if there is none."""
        proposals = self._find.propose(pixels)
        if not len(proposals.scores):
            return None
        matrix = square_of(*main_face(proposals, pixels.shape[1], pixels.shape[0]))
        square = cv2.warpAffine(pixels, matrix, (_SIZE, _SIZE), borderMode=cv2.BORDER_REPLICATE)
        placed, presence = self._place(
            cv2.dnn.blobFromImage(square, 1 / 255), ["Identity", "Identity_1"]
        )  # points in the square, and the logit of a face
        if 1 / (1 + np.exp(-np.clip(presence.item(), -80, 80))) < _PRESENT:
            return None
        points = cv2.transform(placed.reshape(1, -1, 3)[..., :2], cv2.invertAffineTransform(matrix))[0]
        (blendshapes,) = self._grade(points[None, READ_BY_BLENDSHAPES])
        return Landmarked(points, blendshapes.ravel())


def main_face(proposals: Proposals, width: int, height: int) -> tuple[Floats, float, Floats]:
    """Return middle (2,), side and eyes (2, 2) of the face nearest the middle of a picture.

    All proposals of the face count, by their scores.
    """
    half = proposals.sides[:, None] / 2
    boxes = np.hstack([proposals.middles - half, proposals.middles + half]).astype(np.float32)
    chosen = most_central([tuple(box) for box in boxes], width, height)
    weights = proposals.scores * (overlaps(boxes[chosen : chosen + 1], boxes)[0] > _SAME)
    middle, side, eyes = (
        np.average(values, axis=0, weights=weights)
        for values in (proposals.middles, proposals.sides, proposals.eyes)
    )
    return middle, float(side), eyes


def square_of(middle: Floats, side: float, eyes: Floats) -> NDArray[np.float64]:
    """Return the matrix (2, 3) from a picture to the square about a face, in which its eyes are level.

    Args:
        middle: (2,) of the face's box.
        side: Of the box.
        eyes: (2, 2) the subject's right and left eye.
    """
    across, down = eyes[1] - eyes[0]
    scale = _SIZE / (_WIDE * side)
    matrix = cv2.getRotationMatrix2D((0, 0), np.degrees(np.arctan2(down, across)), scale)
    matrix[:, 2] = _SIZE / 2 - matrix[:, :2] @ middle
    return np.asarray(matrix)


def lip_gap(points: Floats) -> float:
    """Return how far the lips' inner edges are apart, over the distance of the eyes; points are (478, 2)."""
    right, left = points[_EYES].mean(axis=1)
    return float(np.linalg.norm(points[_LOWER_LIP] - points[_UPPER_LIP]) / np.linalg.norm(left - right))
