"""The shot network: a grey picture to faces of 16 to 100 pixels, all in one pass.

Every cell of a grid, 8 pixels apart, says how surely the middle of a face is near, where exactly, and how
large the face is. Larger faces are found in smaller copies of the picture, by the same network.
"""

from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from idennet.faces.weights import bundled, with_weights

STRIDE = 8
"""Pixels between two cells."""

MULTIPLE = 16
"""Height and width of the network's input are multiples of this."""

UNIT_SIDE = 32.0
"""Side of the face in pixels whose log size is 0."""


class ShotOutput(NamedTuple):
    """What the network says of N pictures of R x C cells."""

    score: Tensor
    """(N, R, C) logit of the overlap that the box will have with a face; without a face, of 0."""
    boxes: Tensor
    """(N, R, C, 3) x, y of the face's middle and side of its square, in pixels of the input."""


def _unit(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [convolution, nn.BatchNorm2d(outputs)]


class _Block(nn.Module):
    """A depthwise and a pointwise convolution beside the identity."""

    def __init__(self, width: int, kernel: int = 3) -> None:
        super().__init__()
        self.branch = nn.Sequential(*_unit(width, width, kernel, groups=width), *_unit(width, width, 1))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.branch(x))


def _halved(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        *_unit(inputs, inputs, 3, 2, groups=inputs), *_unit(inputs, outputs, 1), nn.ReLU(inplace=True)
    )


class ShotNet(nn.Module):
    """Scores and boxes of faces in grey pictures; about 0.1 million weights."""

    def __init__(self) -> None:
        super().__init__()
        self.quarter = nn.Sequential(
            *_unit(1, 12, 5, 2), nn.ReLU(inplace=True), *_unit(12, 24, 3, 2), nn.ReLU(inplace=True)
        )
        self.eighth = nn.Sequential(_halved(24, 64), _Block(64), _Block(64))
        self.sixteenth = nn.Sequential(_halved(64, 128), _Block(128, 5), _Block(128, 5), _Block(128, 5))
        self.from_sixteenth = nn.Conv2d(128, 64, 1)
        self.merge = nn.Sequential(_Block(64), _Block(64))
        self.head = nn.Conv2d(64, 4, 1)
        nn.init.normal_(self.head.weight, std=0.01)
        self.head.bias = nn.Parameter(torch.tensor([-4.0, 0.0, 0.0, 0.0]))  # faces are rare

    def forward(self, pictures: Tensor) -> ShotOutput:
        """Return what is seen in `pictures` (N, H, W) uint8 grey; H and W are multiples of `MULTIPLE`."""
        x = (pictures[:, None].float() - 128) / 64
        eighth = self.eighth(self.quarter(x))
        sixteenth = self.from_sixteenth(self.sixteenth(eighth))
        out = self.head(self.merge(eighth + F.interpolate(sixteenth, scale_factor=2.0)))
        rows, columns = out.shape[2:]
        x = STRIDE * (torch.arange(columns) + 0.5 + out[:, 1]) - 0.5
        y = STRIDE * (torch.arange(rows)[:, None] + 0.5 + out[:, 2]) - 0.5
        return ShotOutput(out[:, 0], torch.stack([x, y, UNIT_SIDE * out[:, 3].exp()], dim=3))


def load_shot_net(file: Path | None = None) -> ShotNet:
    """Return the network with the weights of a file, in evaluation mode; None for the bundled weights.

    Raises:
        WeightsError: A file is missing, its checksum differs, or it belongs to another network.
    """
    return with_weights(ShotNet(), bundled("shots.safetensors") if file is None else file)
