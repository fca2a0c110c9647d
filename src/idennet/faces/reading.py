"""Landmarks by the bundled network: squares of pictures to points, in the pictures' own pixels."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from idennet.faces.crop import CROP_SIZE, Floats, crop_to_picture, cut, transform
from idennet.faces.landmark_net import LandmarkNet, load_landmark_net
from idennet.faces.landmarks import MIRROR
from idennet.faces.weights import for_reading

_BATCH = 64
_GRID: Floats = np.array([32, 32, 32, 1024], np.float32)  # steps a pixel, and a radian
_STEPS_A_PIXEL = 64
_FLIP: Floats = np.array([-1, 1], np.float32)


class Reading(NamedTuple):
    """What the network says of N squares."""

    landmarks: Floats
    """(N, 68, 2) in pixels of the square's picture."""
    confidence: Floats
    """(N,) how surely a face fills the square, 0 to 1."""
    pose: Floats
    """(N, 2) yaw and pitch of the head against the upright square, in degrees."""

    def of(self, squares: NDArray[np.bool_] | NDArray[np.int64]) -> "Reading":
        """Return the reading of some of the squares."""
        return Reading(*(values[squares] for values in self))


class LandmarkReader:
    """Reads squares; may be called from several threads at once.

    Squares and landmarks lie on fine grids: what a picture gives does not depend on the batch that it was in,
    although sums are rounded in another way there.
    """

    def __init__(self, network: LandmarkNet | None = None) -> None:
        """Prepare a network for reading, by default the bundled one.

        Raises:
            WeightsError: The bundled weights are damaged.
        """
        self._network = for_reading(load_landmark_net() if network is None else network)

    def read(self, greys: Sequence[np.ndarray], squares: Floats, mirrored: bool = False) -> Reading:
        """Return the reading of N squares.

        Args:
            greys: The picture (H, W) uint8 of each square.
            squares: (N, 4), see `idennet.faces.crop`.
            mirrored: Return the mean of the readings of the square and of its mirror image.
        """
        if not len(squares):
            return Reading(np.zeros((0, 68, 2), np.float32), squares[:, 0], squares[:, :2])
        squares = (np.round(squares * _GRID) / _GRID).astype(np.float32)
        crops = np.stack([cut(grey, square) for grey, square in zip(greys, squares, strict=True)])
        if not mirrored:
            points, confidence, pose = self._run(crops)
        else:
            both = self._run(np.concatenate([crops, crops[:, :, ::-1]]))
            (points, other), (pose, other_pose) = np.split(both.landmarks, 2), np.split(both.pose, 2)
            other = other[:, MIRROR] * _FLIP + np.array([CROP_SIZE - 1, 0], np.float32)
            points = np.float32(0.5) * (points + other)
            pose = np.float32(0.5) * (pose + other_pose * _FLIP)
            confidence = np.mean(np.split(both.confidence, 2), axis=0)
        landmarks = np.round(transform(points, crop_to_picture(squares)) * _STEPS_A_PIXEL) / _STEPS_A_PIXEL
        return Reading(landmarks.astype(np.float32), confidence, pose)

    @torch.inference_mode()
    def _run(self, crops: np.ndarray) -> Reading:
        """Return what the network says of crops (N, 64, 64), points in crop pixels."""
        parts = [self._network(torch.from_numpy(crops[i : i + _BATCH])) for i in range(0, len(crops), _BATCH)]
        points = torch.cat([part.landmarks for part in parts]).numpy()
        confidence = torch.cat([part.face_logit for part in parts]).sigmoid().numpy()
        return Reading(points, confidence, torch.cat([part.pose for part in parts]).numpy())
