"""The released Lightened CNN (model A) becomes the trunk and the identity branch of an IdenNet.

The paper starts CONV1 to NORM from these weights. They read grey faces and Table I counts three channels, so
the first convolution is spread over red, green and blue without loss: it answers to a colour picture as the
released network does to its grey version. The released head `fc1` becomes FC5; the layer over the 10,575
people (`fc2`) is left out; FC6 and FC7 are drawn anew, as the paper does. The released network saw faces of
another alignment (`TEMPLATE_NAME`) than the stores have, to which a training has to adapt it.
"""

import hashlib
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from idennet.errors import WeightsError
from idennet.facs import SYNFACS_AUS
from idennet.models.caffemodel import read_caffemodel
from idennet.models.idennet import IdenNet
from idennet.models.weights import WeightsCard, save_weights

GREY_OF_RGB = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in a grey picture (ITU-R BT.601, as OpenCV and Caffe convert)."""

TEMPLATE_NAME = "lightcnn-eyes-64-40-mouth-48"
"""The released network's alignment: eyes level around (64, 40), the mouth 48 pixels below them."""

_LAYERS = {f"conv{number}": f"trunk.conv{number}" for number in range(1, 5)} | {"fc1": "fc5"}


def import_lightcnn(caffemodel: Path, out: Path) -> None:
    """Write `out` (ending in `.safetensors`) and its JSON file from the authors' `.caffemodel`.

    The result is a start for `idennet train --initial`, which takes trunk and identity branch from it. It
    detects nothing: FC6 and FC7 are untrained, and all Action Units count as unreliable.

    Args:
        caffemodel: Lightened CNN model A as released by Wu, He and Sun: one grey channel.
        out: File to write; an existing one is replaced.

    Raises:
        WeightsError: The file is no caffemodel, or has other layers or shapes than model A, or `out` cannot
            be written.
    """
    model = IdenNet(len(SYNFACS_AUS), generator=torch.Generator().manual_seed(0))
    tensors = model.state_dict()
    layers = read_caffemodel(caffemodel)
    for theirs, ours in _LAYERS.items():
        if len(layers.get(theirs, ())) != 2:
            raise WeightsError(
                f"{caffemodel} has no layer {theirs} with weights and biases; "
                "give the released Lightened CNN model A."
            )
        weight, bias = (torch.from_numpy(blob.copy()) for blob in layers[theirs])
        if theirs == "conv1":
            weight = torch.from_numpy(_colour(layers[theirs][0], caffemodel))
        tensors[f"{ours}.weight"] = _fit(weight, tensors[f"{ours}.weight"].shape, theirs, caffemodel)
        tensors[f"{ours}.bias"] = _fit(bias, tensors[f"{ours}.bias"].shape, theirs, caffemodel)
    model.load_state_dict(tensors)
    card = WeightsCard(
        version="lightened-cnn-a",
        aus=SYNFACS_AUS,
        template=TEMPLATE_NAME,
        thresholds=dict.fromkeys(SYNFACS_AUS, 0.5),
        unreliable_aus=SYNFACS_AUS,
        provenance={
            "source": "Lightened CNN model A (Wu, He and Sun), trained by its authors on CASIA-WebFace",
            "file": caffemodel.name,
            "file_sha256": hashlib.sha256(caffemodel.read_bytes()).hexdigest(),
            "trained": "trunk and identity branch (CONV1 to FC5); FC6 and FC7 are random",
        },
    )
    save_weights(model, out, card, half=False)


def _colour(weight: NDArray[np.float32], caffemodel: Path) -> NDArray[np.float32]:
    """Return filters of one grey channel, (F, 1, h, w), as filters of red, green and blue, (F, 3, h, w)."""
    if weight.ndim != 4 or weight.shape[1] != 1:
        raise WeightsError(
            f"conv1 of {caffemodel} has shape {weight.shape}; the released network reads one grey channel."
        )
    return np.asarray(weight * np.array(GREY_OF_RGB, dtype=np.float32)[:, None, None], dtype=np.float32)


def _fit(tensor: torch.Tensor, shape: torch.Size, layer: str, caffemodel: Path) -> torch.Tensor:
    """Return the tensor with `shape`; files of 2014 write (1, 1, 512, 4800) for (512, 4800)."""
    leading = tensor.shape[: max(tensor.ndim - len(shape), 0)]
    if any(size != 1 for size in leading) or tensor.shape[len(leading) :] != shape:
        raise WeightsError(
            f"Layer {layer} of {caffemodel} has shape {tuple(tensor.shape)}, Lightened CNN model A has "
            f"{tuple(shape)}; give the released model A."
        )
    return tensor.reshape(shape)
