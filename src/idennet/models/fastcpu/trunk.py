"""The trunk by compiled kernels: when they can stand in for PyTorch's layers, and how gradients flow."""

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules import module as hooks

from idennet.models.fastcpu.library import LAYERS, Kernels, LayerShape, choose_kernels, split_filters
from idennet.models.layers import MaxFeatureMap

if TYPE_CHECKING:
    from idennet.models.trunk import Trunk

TRUNK_LAYERS = (nn.Conv2d, nn.MaxPool2d, MaxFeatureMap)
"""What the trunk's layers are."""


def kernels_for(
    layers: Iterable[nn.Module], pixels: Tensor, kinds: Collection[type[nn.Module]] = TRUNK_LAYERS
) -> Kernels | None:
    """Return the kernels if they compute what `layers` would; None: let PyTorch do it.

    They are for float32 on a CPU and for parameters' gradients. PyTorch computes whatever looks into or
    changes its layers: hooks, replaced layers, autocast, compiling, exporting, tracing and `torch.func`.

    Args:
        layers: All that could be listened to or replaced.
        pixels: What they are to read.
        kinds: What they must be.
    """
    if pixels.device.type != "cpu" or pixels.dtype != torch.float32 or type(pixels) is not Tensor:
        return None
    if pixels.requires_grad or len(pixels) == 0 or torch.is_autocast_enabled("cpu"):
        return None
    if torch.compiler.is_compiling() or torch.jit.is_tracing() or torch._C._are_functorch_transforms_active():
        return None
    if hooks._has_any_global_hook() or not all(_is_plain(layer, kinds) for layer in layers):
        return None
    return choose_kernels().kernels


def trunk_features(kernels: Kernels, trunk: "Trunk", pixels: Tensor) -> Tensor:
    """Return features (N, 4800) of pixels (N, 3, 128, 128), equal to the layers' but for rounding."""
    pictures = kernels.expand(pixels.permute(0, 2, 3, 1).contiguous())
    convolutions = (trunk.conv1, trunk.conv2, trunk.conv3, trunk.conv4)
    for layer, convolution in zip(LAYERS, convolutions, strict=True):
        pictures = _apply_layer(kernels, layer, convolution, pictures)
    features: Tensor = trunk.pool4(pictures.permute(0, 3, 1, 2))
    return features.flatten(start_dim=1)


def _is_plain(layer: nn.Module, kinds: Collection[type[nn.Module]]) -> bool:
    """Return whether a layer is of one of these kinds and nobody listens to it."""
    if layer._forward_hooks or layer._forward_pre_hooks or layer._backward_hooks or layer._backward_pre_hooks:
        return False
    if type(layer) not in kinds:
        return False
    own = layer._parameters.values()
    return all(p is None or (p.dtype == torch.float32 and p.device.type == "cpu") for p in own)


def _apply_layer(kernels: Kernels, layer: LayerShape, convolution: nn.Conv2d, pictures: Tensor) -> Tensor:
    weight, bias = convolution.weight, convolution.bias
    assert bias is not None, "every convolution of the trunk has a bias"
    packed = kernels.pack(layer, convolution)
    needed = any(tensor.requires_grad for tensor in (pictures, weight, bias))
    if not (needed and torch.is_grad_enabled()):
        return kernels.forward(layer, pictures, packed, bias)
    filters = split_filters(weight) if layer.number == 1 else weight
    result: Tensor = ConvolutionPoolMFM.apply(pictures, filters, bias, packed, kernels, layer)
    return result


class ConvolutionPoolMFM(torch.autograd.Function):
    """One convolution with its max pooling and MFM, channels last: (N, side, side, C) to (N, out, out, C/2).

    Where values tie, the first takes the whole gradient.
    """

    @staticmethod
    def forward(
        ctx: Any,
        pictures: Tensor,
        weight: Tensor,
        bias: Tensor,
        packed: Tensor,
        kernels: Kernels,
        layer: LayerShape,
    ) -> Tensor:
        """Return the layer's outputs."""
        argmax = torch.empty(
            len(pictures), layer.out_side, layer.out_side, layer.out_channels, dtype=torch.uint8
        )
        ctx.save_for_backward(pictures, weight, bias)
        ctx.argmax, ctx.packed, ctx.kernels, ctx.layer = argmax, packed, kernels, layer
        return kernels.forward(layer, pictures, packed, bias, argmax)

    @staticmethod
    def backward(ctx: Any, *out_gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Return gradients of pictures, weight and bias; by PyTorch if they must be differentiable again."""
        pictures, weight, bias = ctx.saved_tensors
        needs = ctx.needs_input_grad[:3]
        if torch.is_grad_enabled():
            inputs = (pictures, weight, bias)
            gradients = _differentiable_gradients(ctx.layer, inputs, needs, out_gradients[0])
        else:
            gradients = ctx.kernels.backward(
                ctx.layer, pictures, ctx.packed, ctx.argmax, out_gradients[0], weight, needs[0]
            )
        return (*gradients, None, None, None)


def _differentiable_gradients(
    layer: LayerShape, inputs: tuple[Tensor, Tensor, Tensor], needs: Sequence[bool], out_gradients: Tensor
) -> tuple[Tensor | None, ...]:
    """Return the gradients that are needed, by PyTorch's own layers, so that they can be differentiated."""
    pictures, weight, bias = inputs
    outputs = functional.conv2d(pictures[..., : weight.shape[1]].permute(0, 3, 1, 2), weight, bias)
    outputs = MaxFeatureMap()(functional.max_pool2d(outputs, layer.pool)).permute(0, 2, 3, 1)
    asked = [tensor for tensor, need in zip(inputs, needs, strict=True) if need]
    found = iter(torch.autograd.grad(outputs, asked, out_gradients, create_graph=True))
    return tuple(next(found) if need else None for need in needs)
