"""Faces of photographs: a detector proposes squares, the landmark network refines and judges them.

A square is read three times: each reading's landmarks give the upright square of the next. A face is kept
when the readings of its own square agree that it is one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from idennet.errors import ShapeError
from idennet.faces.crop import (
    CROP_SIZE,
    MIRROR,
    Floats,
    crop_to_picture,
    cut,
    eye_pairs,
    roll_degrees,
    squares_around,
    transform,
)
from idennet.faces.detector import NO_BOXES, CascadeDetector, Picture, YuNetDetector, suppress
from idennet.faces.landmark_net import LandmarkNet, load_landmark_net

ROUNDS = 3
BATCH = 64
SMALLEST_EYE_DISTANCE = 6.0  # pixels; below, nothing can be read from a face


@dataclass(frozen=True)
class FoundFace:
    """A face of a picture; points and box in picture pixels, which may lie a little outside the picture."""

    box: tuple[float, float, float, float]
    """x0, y0, x1, y1: the landmarks' bounding box, higher by a quarter for the forehead."""
    landmarks: Floats
    """(68, 2) in the usual order of 68 points: jaw, brows, nose, eyes, mouth."""
    confidence: float
    """0 to 1, mean of the readings of the face's own square."""
    yaw: float
    """Degrees, positive when the nose points to the right of the picture; a reading, not a measurement."""
    pitch: float
    """Degrees, as `pitch` of the rendered corpora."""
    roll: float
    """Degrees of the line through the eyes, positive clockwise as seen."""

    @property
    def eyes(self) -> Floats:
        """The subject's right and left eye centres, (2, 2)."""
        return eye_pairs(self.landmarks)


@dataclass
class _Reading:
    """What the network says of squares (K, 4) of one picture."""

    landmarks: Floats
    confidence: Floats
    pose: Floats


class FaceFinder:
    """Finds faces in photographs.

    YuNet proposes, when its model file is given; else scikit-image's cascade does, and where that leads to no
    face, the landmark network itself is slid over the picture, which finds heads turned aside and tilted.
    """

    threshold = 0.95  # confidence of a face that a detector proposed; see docs/faces.md
    slid_threshold = 0.995  # confidence of a face that only the network saw: many more squares are tried

    def __init__(self, detector_model: Path | None = None, network: LandmarkNet | None = None) -> None:
        """Load the networks.

        Args:
            detector_model: YuNet's ONNX file, or None for the cascade.
            network: A landmark network, or None for the bundled one.

        Raises:
            WeightsError: A model file is missing or unfit.
        """
        self._network = load_landmark_net() if network is None else network
        self._proposals: list[tuple[Callable[[Picture], Floats], float]]
        if detector_model is None:
            self._proposals = [(CascadeDetector().detect, self.threshold), (self._slide, self.slid_threshold)]
        else:
            self._proposals = [(YuNetDetector(detector_model).detect, self.threshold)]

    def find(self, picture: Picture) -> list[FoundFace]:
        """Return the faces of a picture (H, W, 3) uint8 RGB from left to right; none is an empty list.

        Raises:
            ShapeError: The picture has another shape or type.
        """
        if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
            raise ShapeError(f"A picture is (H, W, 3) uint8 RGB, not {picture.shape} {picture.dtype}.")
        grey = _grey(picture)
        for propose, threshold in self._proposals:
            faces = self._refine(grey, propose(picture), threshold)
            if faces:
                return faces
        return []

    def _refine(self, grey: np.ndarray, boxes: Floats, threshold: float) -> list[FoundFace]:
        if not len(boxes):
            return []
        x0, y0, x1, y1, _ = boxes.T
        squares = np.stack([(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, np.zeros_like(x0)], axis=1)
        reading = self._read(grey, squares)
        confidence: list[Floats] = []
        for _ in range(ROUNDS - 1):
            hopeful = reading.confidence > 0.1
            if not hopeful.any():
                return []
            confidence = [c[hopeful] for c in confidence]
            reading = self._read(grey, squares_around(reading.landmarks[hopeful]), mirrored=True)
            confidence.append(reading.confidence)
        return _faces(reading, np.mean(confidence, axis=0), threshold)

    def _read(self, grey: np.ndarray, squares: Floats, mirrored: bool = False) -> _Reading:
        """Return the reading of squares (K, 4); if `mirrored`, its mean with that of the mirror images."""
        crops = np.stack([cut(grey, square) for square in squares])
        if not mirrored:
            points, confidence, pose = self._run(crops)
        else:
            points, confidence, pose = self._run(np.concatenate([crops, crops[:, :, ::-1]]))
            (points, other), (pose, other_pose) = np.split(points, 2), np.split(pose, 2)
            other = other[:, MIRROR]
            other[..., 0] = CROP_SIZE - 1 - other[..., 0]
            other_pose[:, 0] *= -1
            points, pose = np.float32(0.5) * (points + other), np.float32(0.5) * (pose + other_pose)
            confidence = np.mean(np.split(confidence, 2), axis=0)
        return _Reading(transform(points, crop_to_picture(squares)), confidence, pose)

    @torch.inference_mode()
    def _run(self, crops: np.ndarray) -> tuple[Floats, Floats, Floats]:
        parts = [self._network(torch.from_numpy(crops[i : i + BATCH])) for i in range(0, len(crops), BATCH)]
        points = torch.cat([part.landmarks for part in parts]).numpy()
        confidence = torch.cat([part.face_logit for part in parts]).sigmoid().numpy()
        return points, confidence, torch.cat([part.pose for part in parts]).numpy()

    def _slide(self, picture: Picture) -> Floats:
        """Return the squares (K, 5) of a grid over the picture in which the network sees a face.

        The grid has five sizes; the smallest square is a sixth of the picture's longer side.
        """
        grey = _grey(picture)
        height, width = grey.shape
        side, squares = max(height, width) * 1.1, []
        for _ in range(5):
            columns = np.linspace(0, width, max(2, round(width / (0.3 * side))))
            rows = np.linspace(0, height, max(2, round(height / (0.3 * side))))
            squares += [(x, y, side, 0.0) for y in rows for x in columns]
            side /= 1.6
        grid = np.array(squares, np.float32)
        reading = self._read(grey, grid)
        seen = reading.confidence > 0.8
        x, y, half = grid[seen, 0], grid[seen, 1], grid[seen, 2] / 2
        if not seen.any():
            return NO_BOXES
        return suppress(np.stack([x - half, y - half, x + half, y + half, reading.confidence[seen]], axis=1))


def _faces(reading: _Reading, confidence: Floats, threshold: float) -> list[FoundFace]:
    """Return confident faces without doubles, from left to right."""
    kept: list[int] = []
    between = np.linalg.norm(np.diff(eye_pairs(reading.landmarks), axis=1)[:, 0], axis=1)
    sides = squares_around(reading.landmarks)[:, 2]
    for i in np.argsort(-confidence, kind="stable"):
        if confidence[i] < threshold or between[i] < SMALLEST_EYE_DISTANCE:
            continue
        distances = [
            np.linalg.norm(reading.landmarks[i] - reading.landmarks[j], axis=1).mean()
            / max(sides[i], sides[j])
            for j in kept
        ]
        if all(distance > 0.25 for distance in distances):
            kept.append(int(i))
    kept.sort(key=lambda i: float(reading.landmarks[i, :, 0].mean()))
    return [_face(reading.landmarks[i], float(confidence[i]), reading.pose[i]) for i in kept]


def _grey(picture: Picture) -> Picture:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)


def _face(landmarks: Floats, confidence: float, pose: Floats) -> FoundFace:
    (x0, y0), (x1, y1) = landmarks.min(0), landmarks.max(0)
    box = (float(x0), float(y0 - 0.25 * (y1 - y0)), float(x1), float(y1))
    return FoundFace(
        box, landmarks, confidence, float(pose[0]), float(pose[1]), float(roll_degrees(landmarks))
    )
