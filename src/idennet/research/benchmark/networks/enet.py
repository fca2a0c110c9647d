"""E-Net (Li et al., FG 2017 and PAMI 2018): VGG-19 that looks harder where Action Units show.

In groups 3 and 4, the features of the first convolution, weighted by an attention map round 20 points, are
added to those of the last. 131,192,512 weights without biases for 12 Action Units, as in the authors'
release; the paper's ">12,351.1K" is the convolutions of a smaller VGG alone.

`AdversarialENet` is E-Net + ATF (Zhang et al., BMVC 2018), for which no code was found: a second head names
the subject, and reversed gradients make the features forget it.
"""

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from idennet.errors import InputError, WeightsError
from idennet.models.layers import initialize_gaussian
from idennet.models.trunk import check_num_aus
from idennet.research.benchmark.networks.au_centres import attention_map, au_centres
from idennet.research.benchmark.networks.resized import resize_faces
from idennet.research.benchmark.networks.vgg import (
    VGG19_DEPTHS,
    check_side,
    convolutions,
    initialize_relu,
    load_imagenet,
    vgg_groups,
)


class EnhancedTrunk(nn.Module):
    """The groups of VGG-19 up to `depths`, the third and fourth of them enhanced by attention.

    Args:
        depths: Convolutions in each group.
        width: Channels of the first group.
        side: Height and width of its picture.
    """

    def __init__(self, depths: tuple[int, ...] = VGG19_DEPTHS, width: int = 64, side: int = 224) -> None:
        super().__init__()
        check_side(side)
        self.side = side
        self.groups = vgg_groups(depths, width)
        self.pool = nn.MaxPool2d(2)

    def forward(self, faces: Tensor, landmarks: Tensor) -> Tensor:
        """Return the features of the last group, without the pooling after it.

        Args:
            faces: Aligned RGB faces, (N, 3, 128, 128): `uint8`, or floating point in [0, 1].
            landmarks: (N, 68, 2) pixels of the aligned face.

        Raises:
            ShapeError: Faces or landmarks have another shape or dtype.
            InputError: A landmark that the attention hangs on is unknown.
        """
        features = resize_faces(faces, self.side)
        attention = attention_map(au_centres(landmarks), self.side)
        for number, group in enumerate(self.groups):
            if number > 0:
                features = self.pool(features)
                attention = self.pool(attention)
            first, features = group(features)
            if number in (2, 3):
                features = features + first * attention
        return features

    def initialize(self, generator: torch.Generator | None = None) -> None:
        """Draw new weights as for networks of ReLUs."""
        for convolution in convolutions(self.groups):
            initialize_relu(convolution, generator)


class ENet(nn.Module):
    """Action Units from a whole face and its landmarks.

    Args:
        num_aus: Number A of Action Units.
        width: Channels of the first group; 64 is the published network.
        hidden: Length of the two hidden layers; 4096 and 2048 are published.
        side: Height and width of its picture; 224 is published.
        generator: Source of the initial weights; PyTorch's global one by default.
    """

    def __init__(
        self,
        num_aus: int = 12,
        *,
        width: int = 64,
        hidden: tuple[int, int] = (4096, 2048),
        side: int = 224,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        check_num_aus(num_aus)
        self.num_aus = num_aus
        self.trunk = EnhancedTrunk(width=width, side=side)
        self.fc6 = nn.Linear(8 * width * (side // 32) ** 2, hidden[0])
        self.fc7 = nn.Linear(*hidden)
        self.fc8 = nn.Linear(hidden[1], num_aus)
        self.dropout = nn.Dropout(0.5)
        self.initialize(generator)

    def forward(self, faces: Tensor, landmarks: Tensor) -> Tensor:
        """Return logits (N, A).

        Args:
            faces: Aligned RGB faces, (N, 3, 128, 128): `uint8`, or floating point in [0, 1].
            landmarks: (N, 68, 2) pixels of the aligned face.

        Raises:
            ShapeError: Faces or landmarks have another shape or dtype.
            InputError: A landmark that the attention hangs on is unknown.
        """
        logits: Tensor = self.fc8(self.dropout(self.features(faces, landmarks)))
        return logits

    def features(self, faces: Tensor, landmarks: Tensor) -> Tensor:
        """Return the last hidden layer (N, 2048) after its ReLU."""
        pooled = self.trunk.pool(self.trunk(faces, landmarks)).flatten(start_dim=1)
        return torch.relu(self.fc7(self.dropout(torch.relu(self.fc6(pooled)))))

    def initialize(self, generator: torch.Generator | None = None) -> None:
        """Draw new weights as for networks of ReLUs; the last layer starts small."""
        self.trunk.initialize(generator)
        initialize_relu(self.fc6, generator)
        initialize_relu(self.fc7, generator)
        initialize_gaussian(self.fc8, generator)

    def start_from_imagenet(self, path: Path) -> None:
        """Take convolutions and FC6 of a VGG-19, as the release does.

        Args:
            path: A safetensors file in torchvision's layout.

        Raises:
            WeightsError: The file is missing, or is of another network than VGG-19.
        """
        tensors = load_imagenet(self.trunk.groups, path)
        weight, bias = tensors.get("classifier.0.weight"), tensors.get("classifier.0.bias")
        if weight is None or bias is None or weight.shape != self.fc6.weight.shape:
            raise WeightsError(f"{path} has no classifier.0 of shape {tuple(self.fc6.weight.shape)}.")
        with torch.no_grad():
            self.fc6.weight.copy_(weight)
            self.fc6.bias.copy_(bias)


class AdversarialENet(nn.Module):
    """E-Net with a head that names the subject, and features that learn to make that hard.

    The paper of ATF leaves open where the head is attached and how deep it is: here, at the last hidden
    layer, with one hidden layer of its own.

    Args:
        enet: The network of Action Units.
        num_subjects: People of the training set, one class each.
        hidden: Length of the head's hidden layer; 0 is a linear head.
        generator: Source of the head's initial weights; PyTorch's global one by default.
    """

    def __init__(
        self, enet: ENet, num_subjects: int, *, hidden: int = 512, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        if num_subjects < 2:
            raise InputError(f"Telling subjects apart needs at least two of them, not {num_subjects}.")
        self.enet = enet
        length = enet.fc8.in_features
        last = nn.Linear(hidden or length, num_subjects)
        initialize_gaussian(last, generator)
        if hidden:
            middle = nn.Linear(length, hidden)
            initialize_relu(middle, generator)
            self.identity_head = nn.Sequential(middle, nn.ReLU(), last)
        else:
            self.identity_head = nn.Sequential(last)

    def forward(self, faces: Tensor, landmarks: Tensor, reversal: float) -> tuple[Tensor, Tensor]:
        """Return logits of Action Units (N, A) and of subjects (N, S).

        Args:
            faces: As `ENet.forward`.
            landmarks: As `ENet.forward`.
            reversal: The loss of subjects reaches the features times minus this.
        """
        features = self.enet.features(faces, landmarks)
        au_logits = self.enet.fc8(self.enet.dropout(features))
        return au_logits, self.name_subjects(reverse_gradient(features, reversal))

    def name_subjects(self, features: Tensor) -> Tensor:
        """Return logits of subjects (N, S) from features (N, 2048) of any length.

        They are brought to mean 0 and deviation 1 first. The reversed loss has no bound, and would else be
        lowered by ever larger features instead of by features that forget.
        """
        logits: Tensor = self.identity_head(F.layer_norm(features, features.shape[1:]))
        return logits


def reverse_gradient(features: Tensor, strength: float) -> Tensor:
    """Return features unchanged, whose gradient comes back times `-strength` (Ganin and Lempitsky, 2015)."""
    reversed_features: Tensor = _ReverseGradient.apply(features, strength)
    return reversed_features


class _ReverseGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return features.view_as(features)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * gradients[0], None
