"""ROINet (Li, Abtahi and Zhu, CVPR 2017): small networks of their own round each of 20 points of the face.

The paper's "first 12 convolutions" has two public readings. The port's (SilverFI) is the default, because
only it has the 12,351,168 weights that IdenNet's paper reports for ROINet: VGG-16 up to CONV5_2, one cell in
16 pixels, pictures of 224. `EnhancedROINet` is the authors' release: E-Net's trunk up to CONV4_4, one cell
in 8 pixels, kept as E-Net left it.

Without biases, for 12 Action Units: 121,001,664 weights and 88,512,192.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from idennet.errors import ShapeError
from idennet.models.layers import initialize_gaussian
from idennet.models.trunk import check_num_aus
from idennet.research.benchmark.networks.au_centres import NUM_CENTRES, au_centres, centre_cells
from idennet.research.benchmark.networks.enet import EnhancedTrunk
from idennet.research.benchmark.networks.resized import resize_faces
from idennet.research.benchmark.networks.vgg import (
    check_side,
    convolutions,
    initialize_relu,
    load_imagenet,
    vgg_groups,
)

REGION_FEATURES = 150
"""What each region's network says about it."""


class RegionNetworks(nn.Module):
    """Twenty networks, each for the 3 x 3 cells round one point: upscaling, convolution, one full layer.

    Networks of all regions are computed at once, as groups of one convolution; nothing is shared.

    Args:
        channels: Of the feature map.
        features: That each region gives.
        padded: Whether the convolution keeps 6 x 6 cells (the port, upscaled bilinearly) or leaves 4 x 4
            (the release, upscaled by repeating).
    """

    def __init__(self, channels: int, features: int = REGION_FEATURES, *, padded: bool = True) -> None:
        super().__init__()
        total = NUM_CENTRES * channels
        self.padded = padded
        self.convolution = nn.Conv2d(total, total, 3, padding=int(padded), groups=NUM_CENTRES)
        self.full = nn.Conv2d(total, NUM_CENTRES * features, 6 if padded else 4, groups=NUM_CENTRES)

    def forward(self, feature_map: Tensor, centres: Tensor) -> Tensor:
        """Return (N, 20 x 150) features, region by region.

        Args:
            feature_map: (N, C, cells, cells).
            centres: (N, 20, 2) pixels of the aligned face.
        """
        crops = crop_regions(feature_map, centre_cells(centres, feature_map.shape[-1])).flatten(1, 2)
        if self.padded:
            crops = F.interpolate(crops, scale_factor=2, mode="bilinear")
        else:
            crops = F.interpolate(crops, scale_factor=2, mode="nearest")
        return torch.relu(self.full(torch.relu(self.convolution(crops)))).flatten(start_dim=1)

    def initialize(self, generator: torch.Generator | None = None) -> None:
        """Draw new weights as for networks of ReLUs."""
        initialize_relu(self.convolution, generator)
        initialize_relu(self.full, generator)


def crop_regions(feature_map: Tensor, cells: Tensor) -> Tensor:
    """Return the 3 x 3 cells round given ones, (N, R, C, 3, 3).

    Args:
        feature_map: (N, C, height, width).
        cells: (N, R, 2) int64, column and row, at least one away from the border.
    """
    if feature_map.ndim != 4 or cells.ndim != 3 or len(cells) != len(feature_map):
        raise ShapeError(
            f"A map {tuple(feature_map.shape)} and cells {tuple(cells.shape)} must be of the same faces."
        )
    around = torch.arange(-1, 2, device=cells.device)
    column, row = cells.unbind(dim=2)
    rows = row[..., None, None] + around[:, None]
    columns = column[..., None, None] + around
    face = torch.arange(len(cells), device=cells.device)[:, None, None, None]
    # Indices on both sides of a slice put the slice last: (N, R, 3, 3, C).
    return feature_map[face, :, rows, columns].permute(0, 1, 4, 2, 3)


class ROIHead(nn.Module):
    """What follows the trunk in both readings: regions, one hidden layer, Action Units.

    Args:
        channels: Of the feature map.
        num_aus: Number A of Action Units.
        hidden: Length of the hidden layer; 2048 is published.
        features: That each region gives; 150 is published.
        released: Whether details are the release's (no padding, dropout) or the port's.
    """

    def __init__(self, channels: int, num_aus: int, hidden: int, features: int, *, released: bool) -> None:
        super().__init__()
        self.regions = RegionNetworks(channels, features, padded=not released)
        self.fc1 = nn.Linear(NUM_CENTRES * features, hidden)
        self.fc2 = nn.Linear(hidden, num_aus)
        self.dropout = nn.Dropout(0.5 if released else 0.0)

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (N, A) of hidden features (N, 2048)."""
        logits: Tensor = self.fc2(self.dropout(features))
        return logits

    def features(self, feature_map: Tensor, centres: Tensor) -> Tensor:
        """Return the hidden layer (N, 2048) after its ReLU, from which R-T1 and R-T2 read."""
        return torch.relu(self.fc1(self.regions(feature_map, centres)))

    def initialize(self, generator: torch.Generator | None = None) -> None:
        """Draw new weights as for networks of ReLUs; the last layer starts small."""
        self.regions.initialize(generator)
        initialize_relu(self.fc1, generator)
        initialize_gaussian(self.fc2, generator)


class ROINet(nn.Module):
    """Action Units from regions of a VGG-16's features; the port's reading.

    Args:
        num_aus: Number A of Action Units.
        width: Channels of the first group; 64 is the published network.
        hidden: Length of the hidden layer; 2048 is published.
        features: That each region gives; 150 is published.
        side: Height and width of its picture; 224 is published.
        generator: Source of the initial weights; PyTorch's global one by default.
    """

    def __init__(
        self,
        num_aus: int = 12,
        *,
        width: int = 64,
        hidden: int = 2048,
        features: int = REGION_FEATURES,
        side: int = 224,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        check_num_aus(num_aus)
        check_side(side)
        self.num_aus, self.side = num_aus, side
        self.groups = vgg_groups((2, 2, 3, 3, 2), width)
        self.pool = nn.MaxPool2d(2)
        self.head = ROIHead(8 * width, num_aus, hidden, features, released=False)
        self.initialize(generator)

    def forward(self, faces: Tensor, landmarks: Tensor) -> Tensor:
        """Return logits (N, A).

        Args:
            faces: Aligned RGB faces, (N, 3, 128, 128): `uint8`, or floating point in [0, 1].
            landmarks: (N, 68, 2) pixels of the aligned face.

        Raises:
            ShapeError: Faces or landmarks have another shape or dtype.
            InputError: A landmark that a region hangs on is unknown.
        """
        logits: Tensor = self.head(self.features(faces, landmarks))
        return logits

    def features(self, faces: Tensor, landmarks: Tensor) -> Tensor:
        """Return the last hidden layer (N, 2048) after its ReLU."""
        centres = au_centres(landmarks)
        return self.head.features(self.feature_map(faces), centres)

    def feature_map(self, faces: Tensor) -> Tensor:
        """Return CONV5_2, (N, 512, 14, 14)."""
        _, features = self.groups[0](resize_faces(faces, self.side))
        for group in self.groups[1:]:
            _, features = group(self.pool(features))
        return features

    def initialize(self, generator: torch.Generator | None = None) -> None:
        """Draw new weights as for networks of ReLUs; the last layer starts small."""
        for convolution in convolutions(self.groups):
            initialize_relu(convolution, generator)
        self.head.initialize(generator)

    def start_from_imagenet(self, path: Path) -> None:
        """Take the convolutions of a VGG-16 from a safetensors file in torchvision's layout.

        Raises:
            WeightsError: The file is missing, or is of another network than VGG-16.
        """
        load_imagenet(self.groups, path)


class EnhancedROINet(nn.Module):
    """Action Units from regions of E-Net's features; the authors' release (their C-Net).

    Local response normalisation (size 5, alpha 0.002, k 2, beta 0.75) precedes the cropping.

    Args:
        trunk: E-Net's, up to CONV4_4; its weights stay as they are.
        num_aus: Number A of Action Units.
        hidden: Length of the hidden layer; 2048 is published.
        features: That each region gives; 150 is published.
        generator: Source of the head's initial weights; PyTorch's global one by default.
    """

    def __init__(
        self,
        trunk: EnhancedTrunk,
        num_aus: int = 12,
        *,
        hidden: int = 2048,
        features: int = REGION_FEATURES,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        check_num_aus(num_aus)
        self.num_aus = num_aus
        self.trunk = trunk.requires_grad_(False)
        self.normalize = nn.LocalResponseNorm(5, alpha=0.002, beta=0.75, k=2)
        self.head = ROIHead(
            convolutions(trunk.groups)[-1].out_channels, num_aus, hidden, features, released=True
        )
        self.head.initialize(generator)

    def forward(self, faces: Tensor, landmarks: Tensor) -> Tensor:
        """Return logits (N, A); arguments and errors as `ROINet.forward`."""
        logits: Tensor = self.head(self.features(faces, landmarks))
        return logits

    def features(self, faces: Tensor, landmarks: Tensor) -> Tensor:
        """Return the last hidden layer (N, 2048) after its ReLU."""
        feature_map = self.normalize(self.trunk(faces, landmarks))
        return self.head.features(feature_map, au_centres(landmarks))
