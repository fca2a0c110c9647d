"""AlexNet for Action Units, as the DRML authors released it: Caffe's grouped network with another last layer.

56,907,808 weights without biases for 12 Action Units. The release reads 227 x 227 crops of 256 x 256 faces
minus the mean picture; here 128 x 128 crops are resized to 227 and one mean colour is subtracted.
"""

from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from idennet.errors import WeightsError
from idennet.models.trunk import check_num_aus
from idennet.research.benchmark.networks.resized import resize_faces

SIDE = 227
"""Height and width of the picture that the first layer sees."""

_MEAN_RGB = (122.7, 116.7, 104.0)
# Caffe's fillers: standard deviation of the weights and value of the biases of each layer.
_FILLERS = {
    "conv1": (0.01, 0.0),
    "conv2": (0.01, 1.0),
    "conv3": (0.01, 0.0),
    "conv4": (0.01, 1.0),
    "conv5": (0.01, 1.0),
    "fc6": (0.005, 1.0),
    "fc7": (0.005, 1.0),
    "fc8": (0.01, 0.0),
}


class AlexNet(nn.Module):
    """Five convolutions, three of them in two groups, and three full layers (Krizhevsky et al., 2012).

    Args:
        num_aus: Number A of Action Units.
        generator: Source of the initial weights; PyTorch's global one by default.
    """

    mean: Tensor

    def __init__(self, num_aus: int = 12, *, generator: torch.Generator | None = None) -> None:
        super().__init__()
        check_num_aus(num_aus)
        self.num_aus = num_aus
        self.conv1 = nn.Conv2d(3, 96, 11, stride=4)
        self.conv2 = nn.Conv2d(96, 256, 5, padding=2, groups=2)
        self.conv3 = nn.Conv2d(256, 384, 3, padding=1)
        self.conv4 = nn.Conv2d(384, 384, 3, padding=1, groups=2)
        self.conv5 = nn.Conv2d(384, 256, 3, padding=1, groups=2)
        self.pool = nn.MaxPool2d(3, stride=2)
        self.norm = nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75)
        self.fc6 = nn.Linear(256 * 6 * 6, 4096)
        self.fc7 = nn.Linear(4096, 4096)
        self.fc8 = nn.Linear(4096, num_aus)
        self.dropout = nn.Dropout(0.5)
        self.register_buffer("mean", torch.tensor(_MEAN_RGB).view(3, 1, 1), persistent=False)
        self.initialize(generator)

    def forward(self, faces: Tensor) -> Tensor:
        """Return AU logits (N, A).

        Args:
            faces: Aligned RGB faces, (N, 3, 128, 128): `uint8`, or floating point in [0, 1].

        Raises:
            ShapeError: The faces have another shape or dtype.
        """
        features = 255 * resize_faces(faces, SIDE) - self.mean
        features = self.norm(self.pool(self.conv1(features).relu()))
        features = self.norm(self.pool(self.conv2(features).relu()))
        features = self.conv4(self.conv3(features).relu()).relu()
        features = self.pool(self.conv5(features).relu()).flatten(start_dim=1)
        features = self.dropout(self.fc6(features).relu())
        features = self.dropout(self.fc7(features).relu())
        logits: Tensor = self.fc8(features)
        return logits

    def initialize(self, generator: torch.Generator | None = None) -> None:
        """Draw new weights as the release does: normal, biases 0 or 1."""
        for name, (deviation, bias) in _FILLERS.items():
            layer = self.get_submodule(name)
            assert isinstance(layer, nn.Conv2d | nn.Linear)
            fill_gaussian(layer, deviation, bias, generator)

    @torch.no_grad()
    def load_imagenet(self, path: Path) -> None:
        """Take all layers but the last from a file of Caffe's AlexNet.

        Args:
            path: Safetensors with `conv1.weight`, `conv1.bias`, ..., `fc7.bias`, in RGB order, for pictures
                of 0 to 255 minus the mean. Torchvision's AlexNet is another network (no groups).

        Raises:
            WeightsError: The file is missing or damaged, or its layers have other shapes.
        """
        if not path.is_file():
            raise WeightsError(f"There is no {path}; give a safetensors file of Caffe's AlexNet.")
        try:
            tensors = safetensors.torch.load_file(path)
        except SafetensorError as error:
            raise WeightsError(f"{path} is no safetensors file: {error}.") from error
        for name, parameter in self.named_parameters():
            if name.startswith("fc8"):
                continue
            if name not in tensors or tensors[name].shape != parameter.shape:
                raise WeightsError(
                    f"{path} has no {name} of shape {tuple(parameter.shape)}; it is not Caffe's AlexNet."
                )
            parameter.copy_(tensors[name])


def fill_gaussian(
    layer: nn.Conv2d | nn.Linear, deviation: float, bias: float, generator: torch.Generator | None
) -> None:
    """Draw a layer's weights from a normal distribution and set its biases to one value."""
    nn.init.normal_(layer.weight, std=deviation, generator=generator)
    assert layer.bias is not None
    nn.init.constant_(layer.bias, bias)
