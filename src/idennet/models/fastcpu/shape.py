"""The shape branch by compiled kernels, where no gradient of it is wanted."""

from collections.abc import Collection

import torch
from torch import Tensor, nn

from idennet.models.fastcpu.trunk import kernels_for

_FILTERS = (
    *((16, 3, 5, 5), (32, 16, 3, 3), (32, 32, 3, 3), (32, 32, 3, 3)),
    *((64, 32, 3, 3), (64, 64, 3, 3), (64, 64, 3, 3), (64, 64, 3, 3), (64, 64, 3, 3)),
    *((128, 64, 3, 3), (128, 128, 3, 3), (128, 128, 3, 3), (64, 128, 1, 1), (48, 64, 3, 3)),
    *((48, 32, 1, 1), (48, 48, 3, 3), (146, 48, 1, 1)),
)
"""Shapes of the weights that the kernels know, in the order in which the branch has its convolutions."""

_SHAPES = [torch.Size(shape) for filters in _FILTERS for shape in (filters, filters[:1])]
"""Those of weights and biases."""


def heat_cells(branch: nn.Module, faces: Tensor, kinds: Collection[type[nn.Module]]) -> Tensor | None:
    """Return in which cells (column, row) the heat maps of faces have their middles, (N, 146, 2).

    None where PyTorch must compute it: as in the trunk, and wherever a gradient of the branch is wanted.

    Args:
        branch: A `ShapeBranch`.
        faces: Floating point in [0, 1].
        kinds: What its layers must be for the kernels: without batch normalisation.
    """
    layers = list(branch.modules())[1:]
    kernels = kernels_for(layers, faces, kinds)
    if kernels is None or faces.shape[1:] != (3, 128, 128):
        return None
    tensors = [t for layer in layers for t in layer._parameters.values() if t is not None]
    if [tensor.shape for tensor in tensors] != _SHAPES:
        return None
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors):
        return None
    packed = kernels.pack_shape(branch, tensors)
    return kernels.find_cells(faces.detach().permute(0, 2, 3, 1).contiguous(), packed)
