"""The landmark network: a 64 x 64 grey crop to 68 points, how surely it is a face, and where it looks.

A small residual network; each point is the centre of mass of its own 16 x 16 heat map, so that training needs
exact points only and no target maps. Trained on rendered faces (`idennet.learning.training.landmarks`).
"""

from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from idennet.errors import ShapeError
from idennet.faces.crop import CROP_SIZE
from idennet.faces.weights import bundled, with_weights

HEAT_SIZE = CROP_SIZE // 4
HEAT_REACH = 1.25  # the grid reaches beyond the crop, so that points just outside it have a place
POSE_UNIT = 45.0  # degrees


class LandmarkOutput(NamedTuple):
    """What the network says of N crops."""

    landmarks: Tensor
    """(N, 68, 2) points (x, y) in crop pixels."""
    face_logit: Tensor
    """(N,) logit of showing a face that fills the crop."""
    pose: Tensor
    """(N, 2) yaw and pitch in degrees."""


def _unit(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _unit(width, width)
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.second(self.first(x)))


class LandmarkNet(nn.Module):
    """68 landmarks, face logit and pose of grey crops; about 0.8 million weights."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(_unit(1, 16, 5, 2), _unit(16, 24))
        self.quarter = nn.Sequential(_unit(24, 40, stride=2), _Residual(40))
        self.eighth = nn.Sequential(_unit(40, 88, stride=2), _Residual(88))
        self.sixteenth = nn.Sequential(_unit(88, 128, stride=2), _Residual(128))
        self.from_sixteenth = nn.Conv2d(128, 88, 1)
        self.merge_eighth = _unit(88, 64)
        self.from_quarter = nn.Conv2d(40, 64, 1)
        self.merge_quarter = _unit(64, 64)
        self.heat = nn.Conv2d(64, 68, 1)
        self.judge = nn.Sequential(
            nn.Flatten(), nn.Linear(128 * 16, 48), nn.ReLU(inplace=True), nn.Linear(48, 3)
        )
        middle = (CROP_SIZE - 1) / 2
        cells = torch.arange(HEAT_SIZE) * 4 + 1.5  # centre of a cell in crop pixels
        cells = middle + (cells - middle) * HEAT_REACH
        places = torch.cartesian_prod(cells, cells).flip(1)  # (x, y) of each cell, row by row
        self.register_buffer("places", places, persistent=False)

    def forward(self, crops: Tensor) -> LandmarkOutput:
        """Return what is seen in `crops` (N, 64, 64), uint8 grey.

        Raises:
            ShapeError: The crops have another shape or type.
        """
        if crops.dtype != torch.uint8 or crops.shape[1:] != (CROP_SIZE, CROP_SIZE):
            given = f"{tuple(crops.shape)} {crops.dtype}"
            raise ShapeError(f"The landmark network reads (N, 64, 64) torch.uint8 crops, not {given}.")
        x = crops[:, None].float()
        x = x - x.mean(dim=(2, 3), keepdim=True)
        spread = (x.square().sum(dim=(2, 3), keepdim=True) / (CROP_SIZE**2 - 1)).sqrt()
        quarter = self.quarter(self.stem(x / (spread + 4)))
        eighth = self.eighth(quarter)
        sixteenth = self.sixteenth(eighth)
        merged = self.merge_eighth(eighth + F.interpolate(self.from_sixteenth(sixteenth), scale_factor=2.0))
        merged = self.merge_quarter(self.from_quarter(quarter) + F.interpolate(merged, scale_factor=2.0))
        points = self.heat(merged).flatten(2).softmax(dim=2) @ self.places
        judged = self.judge(sixteenth)
        return LandmarkOutput(points, judged[:, 0], POSE_UNIT * judged[:, 1:])


def load_landmark_net(file: Path | None = None) -> LandmarkNet:
    """Return the network with the weights of a file, in evaluation mode; None for the bundled weights.

    Raises:
        WeightsError: A file is missing, its checksum differs, or it belongs to another network.
    """
    return with_weights(LandmarkNet(), bundled("landmarks.safetensors") if file is None else file)
