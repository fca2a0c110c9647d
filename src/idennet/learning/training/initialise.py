"""First weights that fit the data: without them the network takes hundreds of steps to begin to learn.

The paper starts from a face recognition network that cannot be shipped here. Started at random as the
released code does, and with pixels that are not centred, all faces look alike to the first layers.
"""

from collections.abc import Callable, Collection

import torch
from torch import Tensor, nn

from idennet.models.idennet import IdenNet
from idennet.models.weights import Network


@torch.no_grad()
def fit_to_faces(model: Network, faces: Tensor, kept: Collection[str] = ()) -> None:
    """Scale and shift each layer so that every output channel has mean 0 and deviation 1 over `faces`.

    FC5 is then shifted once more, so that the identity's features are centred after MFM too: unit vectors
    that share a mean lie in a cone, in which hard negatives pull all people to one point instead of apart.
    The head, FC7, keeps its small weights, and an affine combination begins as the subtraction. The same
    faces always give the same weights.

    Args:
        model: A network with random weights; changed in place.
        faces: (N, 3, 128, 128) uint8 RGB, some dozens, as in training.
        kept: Names of weights that are left alone with their layers, because they were learnt before.

    Source: Krähenbühl, Doersch, Donahue and Darrell, "Data-dependent initializations of convolutional
    neural networks", ICLR 2016, within-layer part. Neither the paper nor the released code does this.
    """
    learnt = [model.get_submodule(name.rpartition(".")[0]) for name in kept]
    if not isinstance(model, IdenNet):
        standardise_layers(model, (model.fc7, *learnt), lambda: model(faces))
        return
    untouched = (model.fc7, model.combine, *learnt)
    if model.fc5 in learnt:
        standardise_layers(model, untouched, lambda: model(faces))
    else:
        centring = model.mfm5.register_forward_hook(lambda _, __, maxima: _centre(model.fc5, maxima))
        standardise_layers(model, untouched, lambda: model(faces))
        centring.remove()


@torch.no_grad()
def standardise_layers(model: nn.Module, kept: Collection[nn.Module], look: Callable[[], object]) -> None:
    """Scale and shift layers so that their output channels have mean 0 and deviation 1, in one forward pass.

    Args:
        model: Changed in place: all its `Conv2d` and `Linear` layers that the pass reaches.
        kept: Layers, or modules of layers, that stay as they are: heads.
        look: Calls the model on some dozens of faces.
    """
    untouched = {layer for module in kept for layer in module.modules()}
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    hooks = [layer.register_forward_hook(_fit_layer) for layer in layers if layer not in untouched]
    look()
    for hook in hooks:
        hook.remove()


def _fit_layer(layer: nn.Conv2d | nn.Linear, inputs: tuple[Tensor], outputs: Tensor) -> Tensor:
    """Change a layer, and return what it gives now, so that the next layer sees it."""
    others = [axis for axis in range(outputs.ndim) if axis != 1]
    mean = outputs.mean(others)
    deviation = outputs.std(others).clamp_min(1e-4)
    layer.weight.div_(deviation.view(-1, *[1] * (layer.weight.ndim - 1)))
    if layer.bias is not None:
        layer.bias.sub_(mean).div_(deviation)
    shape = [-1 if axis == 1 else 1 for axis in range(outputs.ndim)]
    return (outputs - mean.view(shape)) / deviation.view(shape)


def _centre(layer: nn.Linear, maxima: Tensor) -> Tensor:
    """Shift both halves of a layer so that their maxima have mean 0, and return what MFM gives then."""
    mean = maxima.mean(dim=0)
    layer.bias.sub_(torch.cat([mean, mean]))
    return maxima - mean
