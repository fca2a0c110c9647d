"""The two layers of IdenNet that PyTorch does not have, and how released networks are initialised.

Neither layer has parameters. There is no ReLU, dropout or batch normalisation anywhere in these networks.
"""

import math

import torch
from torch import Tensor, nn


class MaxFeatureMap(nn.Module):
    """Element-wise maximum of the first and the second half of the channels (LightCNN's activation).

    Channel i competes with channel i + C/2. Input (N, C, ...) with C even, output (N, C/2, ...).
    Max pooling and this layer are both maxima and commute exactly.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Return the larger of each pair of channels."""
        first, second = features.chunk(2, dim=1)
        return torch.maximum(first, second)


class L2Normalize(nn.Module):
    """Rows scaled to unit length: x / sqrt(sum x^2 + 1e-6), the released code's `Normalize` layer.

    The constant keeps the gradient finite at zero; rows much shorter than 1e-3 stay shorter than 1.
    """

    def forward(self, rows: Tensor) -> Tensor:
        """Return rows (N, D) of unit length."""
        return rows * torch.rsqrt(rows.square().sum(dim=1, keepdim=True) + 1e-6)


def count_weights(model: nn.Module) -> int:
    """Return the number of weights without biases and other vectors, which is how the paper counts."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.ndim > 1)


def initialize_xavier(layer: nn.Conv2d | nn.Linear, generator: torch.Generator | None = None) -> None:
    """Draw weights uniformly from +-sqrt(3 / fan_in), Caffe's `xavier` filler; biases become 0."""
    bound = math.sqrt(3 / layer.weight[0].numel())
    nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
    _zero_bias(layer)


def initialize_gaussian(layer: nn.Linear, generator: torch.Generator | None = None) -> None:
    """Draw weights from a normal distribution of standard deviation 0.01; biases become 0."""
    if not layer.weight.is_meta:  # to draw nothing, PyTorch would load its compiler
        nn.init.normal_(layer.weight, std=0.01, generator=generator)
    _zero_bias(layer)


def _zero_bias(layer: nn.Conv2d | nn.Linear) -> None:
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
