"""The convolutions of VGG-16 and VGG-19, on which E-Net and ROINet stand.

Pictures are RGB in [0, 1]. Released networks were fed BGR from 0 to 255, with or without a mean; order,
scale and mean are absorbed by the first convolution, which `load_imagenet` folds them into.
"""

from collections.abc import Sequence
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor, nn

from idennet.errors import InputError, WeightsError

VGG16_DEPTHS = (2, 2, 3, 3, 3)
"""Convolutions in each of the five groups."""

VGG19_DEPTHS = (2, 2, 4, 4, 4)
"""Convolutions in each of the five groups."""

_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's RGB pixels in [0, 1]: what weights in torchvision's layout expect to be taken out."""


class VGGGroup(nn.Module):
    """Convolutions of 3 x 3, each followed by ReLU, at one resolution.

    Args:
        channels_in: Channels that come in.
        channels: Channels of each convolution.
        depth: Number of convolutions.
    """

    def __init__(self, channels_in: int, channels: int, depth: int) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            nn.Conv2d(channels_in if first else channels, channels, 3, padding=1)
            for first in (position == 0 for position in range(depth))
        )

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the first and what the last convolution give."""
        first = features = torch.relu(self.convolutions[0](features))
        for convolution in self.convolutions[1:]:
            features = torch.relu(convolution(features))
        return first, features


def vgg_groups(depths: Sequence[int], width: int = 64) -> nn.ModuleList:
    """Return groups of convolutions of the given depths, with 1, 2, 4, 8 and 8 times `width` channels.

    The published networks have a width of 64. Pooling 2 / 2 between the groups is up to the caller.
    """
    widths = [width * factor for factor in (1, 2, 4, 8, 8)]
    return nn.ModuleList(
        VGGGroup(channels_in, channels, depth)
        for channels_in, channels, depth in zip([3, *widths], widths, depths, strict=False)
    )


def convolutions(groups: nn.ModuleList) -> list[nn.Conv2d]:
    """Return the convolutions of groups, in order."""
    return [layer for group in groups for layer in group.convolutions]  # type: ignore[union-attr]


def freeze_convolutions(groups: nn.ModuleList, count: int) -> None:
    """Keep the first `count` convolutions as they are while the rest learns."""
    for convolution in convolutions(groups)[:count]:
        convolution.requires_grad_(False)


def initialize_relu(layer: nn.Conv2d | nn.Linear, generator: torch.Generator | None = None) -> None:
    """Draw weights that keep the size of features through a ReLU (He et al., 2015); biases become 0."""
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)


@torch.no_grad()
def load_imagenet(groups: nn.ModuleList, path: Path) -> dict[str, Tensor]:
    """Copy ImageNet's convolutions into groups, from a safetensors file in torchvision's layout.

    Torchvision's networks see pixels less a mean and divided by a deviation; the first convolution gets
    both, which is exact but for the border, where zeros stood for the mean and now stand for black.

    Args:
        groups: Of `vgg_groups`, with the published width; changed in place.
        path: Tensors `features.0.weight`, `features.0.bias`, ...; those of classification layers may follow.

    Returns:
        All tensors of the file, by their names.

    Raises:
        WeightsError: The file is missing, or its convolutions are not those of the groups.
    """
    if not path.is_file():
        raise WeightsError(f"There is no {path}; give a safetensors file of a VGG network.")
    try:
        tensors = safetensors.torch.load_file(path)
    except safetensors.SafetensorError as error:
        raise WeightsError(f"{path} is no safetensors file: {error}.") from error
    names = _convolution_names([len(group.convolutions) for group in groups])  # type: ignore[arg-type]
    layers = convolutions(groups)
    for name, layer in zip(names, layers, strict=True):
        weight, bias = tensors.get(f"{name}.weight"), tensors.get(f"{name}.bias")
        if weight is None or bias is None or weight.shape != layer.weight.shape:
            raise WeightsError(
                f"{path} has no {name} of shape {tuple(layer.weight.shape)}; it is another VGG."
            )
        assert layer.bias is not None
        layer.weight.copy_(weight)
        layer.bias.copy_(bias)
    first = layers[0]
    assert first.bias is not None
    first.weight.div_(torch.tensor(_DEVIATION).view(3, 1, 1))
    first.bias.sub_((first.weight * torch.tensor(_MEAN).view(3, 1, 1)).sum(dim=(1, 2, 3)))
    return tensors


def check_side(side: int) -> None:
    """Raise `InputError` unless pictures of this side can be pooled five times without a rest."""
    if side < 32 or side % 32:
        raise InputError(f"A VGG for pictures of side {side} is not possible; give a multiple of 32.")


def _convolution_names(depths: Sequence[int]) -> list[str]:
    """Return torchvision's names: a ReLU follows each convolution, a pooling each group."""
    names, position = [], 0
    for depth in depths:
        names += [f"features.{position + 2 * step}" for step in range(depth)]
        position += 2 * depth + 1
    return names
