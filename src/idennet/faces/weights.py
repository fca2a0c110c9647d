"""Weights of the networks that find faces: a safetensors file and a JSON record that states its sha256."""

import copy
import hashlib
import json
from importlib import resources
from pathlib import Path
from typing import TypeVar

from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from torch import channels_last, nn, tensor
from torch.nn.utils.fusion import fuse_conv_bn_eval

from idennet.errors import WeightsError

Network = TypeVar("Network", bound=nn.Module)


def bundled(name: str) -> Path:
    """Return the path of a weights file that ships with the package."""
    return Path(str(resources.files("idennet") / "assets" / name))


def with_weights(network: Network, file: Path) -> Network:
    """Return the network in evaluation mode with the weights of a file.

    Args:
        network: A network, which is changed.
        file: A safetensors file with a JSON file of the same name beside it that states its `sha256`.

    Raises:
        WeightsError: A file is missing, its checksum differs, or it belongs to another network.
    """
    record = file.with_suffix(".json")
    if not file.is_file() or not record.is_file():
        raise WeightsError(f"Face weights need {file} and {record.name} beside it; one is missing.")
    content = file.read_bytes()
    try:
        stated = json.loads(record.read_text()).get("sha256")
    except (ValueError, AttributeError) as error:
        raise WeightsError(f"{record} is damaged; fetch it again.") from error
    if hashlib.sha256(content).hexdigest() != stated:
        raise WeightsError(f"{file} differs from the sha256 that {record.name} states; fetch it again.")
    counters = {name: tensor(0) for name in network.state_dict() if name.endswith("num_batches_tracked")}
    try:
        network.load_state_dict(counters | load_tensors(content))
    except (RuntimeError, SafetensorError) as error:
        raise WeightsError(f"{file} belongs to another network than {type(network).__name__}.") from error
    return network.eval()


def for_reading(network: Network) -> Network:
    """Return a copy for inference: batch normalisation folded into the convolutions, channels last.

    This takes a third less time than the network as it was trained (`benchmarks/faces.py`).
    """
    network = copy.deepcopy(network).eval()
    for sequence in [module for module in network.modules() if isinstance(module, nn.Sequential)]:
        for k in range(len(sequence) - 1):
            convolution, norm = sequence[k], sequence[k + 1]
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                sequence[k], sequence[k + 1] = fuse_conv_bn_eval(convolution, norm), nn.Identity()
    for parameter in network.requires_grad_(False).parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=channels_last)
    return network
