"""The shape branch: where brows, lids, lips and chin of a face are, and what that says of its movements.

FC6 sees skin, folds and shading; how far a brow stands above an eye, or two lids apart, are distances of a
pixel or two, which it learns badly from a few thousand photographs. Points can be learnt exactly, since a
teacher says where each is. Neither the paper nor its released code has this branch.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from idennet.models.fastcpu.shape import heat_cells

SHAPE_POINTS = 146
"""Points of a shape: those of MediaPipe's 478 from which its third network reads, in its order."""

SHAPE_FEATURES = 2 * SHAPE_POINTS
"""Length of the vector that a shape is read from."""

SHAPE_MIRROR: tuple[int, ...] = (
    0, 1, 2, 3, 4, 75, 6, 7, 8, 9, 10, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 93,
    94, 95, 96, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 115,
    116, 52, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 63, 127, 128, 129, 130, 131, 132, 133, 71, 72,
    134, 135, 5, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33,
    34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 53, 54, 55, 56, 57, 58, 59, 60,
    61, 62, 64, 65, 66, 67, 68, 69, 70, 73, 74, 141, 144, 143, 142, 145, 136, 139, 138, 137, 140,
)  # fmt: skip
"""`mirrored = points[SHAPE_MIRROR]` after x has been mirrored (an involution)."""

EYE_CORNERS = ((12, 44), (109, 77))
"""Outer and inner corner of the subject's right eye, inner and outer of the left, among the points."""

_SIDE = 128
_HEAT = 32  # cells a side of a heat map
_REACH = 1.1  # the grid reaches beyond the face, so that points just outside it have a place


class Shape(NamedTuple):
    """What the branch says of N faces."""

    points: Tensor
    """(N, 146, 2) points (x, y) in pixels of the face."""
    features: Tensor
    """(N, 292), the upright points less the usual face's, in units of their spread."""


class ShapeBranch(nn.Module):
    """Faces (N, 3, 128, 128), floating point in [0, 1], to a `Shape`; each point is the middle of a heat map.

    Coordinates enter in units of their spread about the usual face, two numbers that a training finds first:
    lids a pixel apart are as large there as a chin.

    Args:
        normalised: With batch normalisation, as it is trained; without, as it is used: see `plain`.
    """

    def __init__(self, normalised: bool = False) -> None:
        super().__init__()
        self.stem = _unit(normalised, 3, 16, 5, 2)
        self.quarter = nn.Sequential(_unit(normalised, 16, 32, stride=2), _Residual(normalised, 32))
        self.eighth = nn.Sequential(
            _unit(normalised, 32, 64, stride=2), _Residual(normalised, 64), _Residual(normalised, 64)
        )
        self.sixteenth = nn.Sequential(_unit(normalised, 64, 128, stride=2), _Residual(normalised, 128))
        self.from_sixteenth = nn.Conv2d(128, 64, 1)
        self.merge_eighth = _unit(normalised, 64, 48)
        self.from_quarter = nn.Conv2d(32, 48, 1)
        self.merge_quarter = _unit(normalised, 48, 48)
        self.heat = nn.Conv2d(48, SHAPE_POINTS, 1)
        self.usual: Tensor
        self.spread: Tensor
        self.register_buffer("usual", torch.zeros(SHAPE_POINTS, 2))
        self.register_buffer("spread", torch.ones(SHAPE_POINTS, 2))

    def forward(self, faces: Tensor) -> Shape:
        """Return points of `faces` (N, 3, 128, 128), floating point, and what they are read from."""
        # Where there are compiled kernels for this machine they compute the same, equal but for rounding.
        cells = heat_cells(self, faces, _PLAIN)
        points = self._points(faces) if cells is None else _place(cells)
        return Shape(points, ((upright(points) - self.usual) / self.spread).flatten(1))

    def _points(self, faces: Tensor) -> Tensor:
        centred = faces - faces.mean(dim=(1, 2, 3), keepdim=True)
        spread = centred.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
        quarter = self.quarter(self.stem(centred / (spread + 0.02)))
        eighth = self.eighth(quarter)
        coarse = _mixed(self.from_sixteenth, self.sixteenth(eighth))
        merged = self.merge_eighth(eighth + F.interpolate(coarse, scale_factor=2.0))
        merged = self.merge_quarter(
            _mixed(self.from_quarter, quarter) + F.interpolate(merged, scale_factor=2.0)
        )
        return _mixed(self.heat, merged).flatten(2).softmax(dim=2) @ _places(faces)

    @torch.no_grad()
    def plain(self) -> "ShapeBranch":
        """Return the same function, in evaluation mode, without batch normalisation."""
        found = ShapeBranch()
        tensors = dict(self.state_dict())
        for name, layer in self.named_modules():
            if isinstance(layer, _Unit) and layer.normalise is not None:
                folded = nn.utils.fuse_conv_bn_eval(layer.convolve.eval(), layer.normalise.eval())
                tensors |= {f"{name}.convolve.{key}": value for key, value in folded.state_dict().items()}
        found.load_state_dict({name: tensors[name] for name in found.state_dict()})
        return found.eval()


def _mixed(layer: nn.Conv2d, x: Tensor) -> Tensor:
    """Return what a convolution of 1 x 1 says, as a product, which is faster on one core."""
    assert layer.bias is not None, "convolutions of the branch have a bias"
    return (layer.weight.flatten(1) @ x.flatten(2) + layer.bias[:, None]).unflatten(2, x.shape[2:])


def _places(like: Tensor) -> Tensor:
    """Return (x, y) of the cells of a heat map, row by row, (1024, 2)."""
    cells = torch.arange(_HEAT, device=like.device, dtype=like.dtype)
    return torch.cartesian_prod(*2 * [_place(cells)]).flip(1)


def _place(cells: Tensor) -> Tensor:
    """Return where the middles of columns or rows of a heat map, counted from 0, lie in a face."""
    middle = (_SIDE - 1) / 2
    return middle + (1.5 - middle) * _REACH + _SIDE / _HEAT * _REACH * cells


def upright(points: Tensor) -> Tensor:
    """Return points (N, 146, 2) with the eyes level, their middle at 0 and one unit apart.

    The eyes' corners count, not the lids, which move.
    """
    right, left = ((points[:, first] + points[:, second]) / 2 for first, second in EYE_CORNERS)
    x, y = (left - right).unbind(dim=1)
    size = (x.square() + y.square()).clamp(min=1e-6)
    turn = torch.stack([x, -y, y, x], dim=1) / size[:, None]
    return (points - ((right + left) / 2)[:, None]) @ turn.unflatten(1, (2, 2))


def mirrored(points: Tensor) -> Tensor:
    """Return what upright points (N, 146, 2) become when the face is mirrored."""
    return points[:, list(SHAPE_MIRROR)] * points.new_tensor([-1.0, 1.0])


def mirrored_features(branch: ShapeBranch, features: Tensor) -> Tensor:
    """Return what the features (N, 292) of a branch become when the face is mirrored."""
    points = mirrored(features.unflatten(1, (SHAPE_POINTS, 2)) * branch.spread + branch.usual)
    return ((points - branch.usual) / branch.spread).flatten(1)


class _Unit(nn.Module):
    """A convolution, normalised or not, and ReLU or not."""

    def __init__(
        self, normalised: bool, inputs: int, outputs: int, kernel: int, stride: int, rectified: bool
    ) -> None:
        super().__init__()
        self.convolve = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=not normalised)
        self.normalise = nn.BatchNorm2d(outputs) if normalised else None
        self.rectified = rectified

    def forward(self, x: Tensor) -> Tensor:
        x = self.convolve(x)
        if self.normalise is not None:
            x = self.normalise(x)
        return F.relu(x, inplace=True) if self.rectified else x


def _unit(normalised: bool, inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> _Unit:
    return _Unit(normalised, inputs, outputs, kernel, stride, rectified=True)


class _Residual(nn.Module):
    def __init__(self, normalised: bool, width: int) -> None:
        super().__init__()
        self.first = _unit(normalised, width, width)
        self.second = _Unit(normalised, width, width, 3, 1, rectified=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.second(self.first(x)))


_PLAIN = (nn.Conv2d, nn.Sequential, _Unit, _Residual)
"""What the layers of a branch are, without batch normalisation."""
