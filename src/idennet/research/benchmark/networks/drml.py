"""DRML (Zhao, Chu and Zhang, CVPR 2016): a convolution of its own for each of 64 regions of the face.

56,855,136 weights without biases for 12 Action Units. The release reads 170 x 170 crops of 200 x 200 faces
minus the mean picture; here 128 x 128 crops are resized to 170 and one mean colour is subtracted.
"""

import torch
from torch import Tensor, nn

from idennet.models.trunk import check_num_aus
from idennet.research.benchmark.networks.alexnet import fill_gaussian
from idennet.research.benchmark.networks.resized import resize_faces

SIDE = 170
"""Height and width of the picture that the first layer sees."""

_MEAN_RGB = (122.7, 116.7, 104.0)


class RegionLayer(nn.Module):
    """A grid of regions, each with a residual convolution of its own weights.

    In each region: batch normalisation without scale and shift, ReLU, convolution 3 x 3 with a border of
    zeros round the region. The regions are put back, the input is added, and ReLU applied to the sum.

    The released layer addresses regions correctly in the first sample of a batch only, so about 60 % of the
    planes of a batch of 64 keep the plain convolution; and it takes batch statistics in tests too. Here all
    regions of all samples are treated, and tests use running means: a score does not depend on the batch.

    All regions are computed at once: they become channels of a grouped convolution.

    Args:
        channels: Of input and output.
        grid: Regions in a row and in a column; it divides height and width.
    """

    def __init__(self, channels: int = 32, grid: int = 8) -> None:
        super().__init__()
        self.grid = grid
        regions = grid * grid
        self.norm = nn.BatchNorm2d(regions * channels, affine=False)
        self.conv = nn.Conv2d(regions * channels, regions * channels, 3, padding=1, groups=regions)

    def forward(self, features: Tensor) -> Tensor:
        """Return (N, C, H, W) from (N, C, H, W)."""
        regions = self.conv(self.norm(self.cut(features)).relu())
        return (features + self.join(regions)).relu()

    def cut(self, features: Tensor) -> Tensor:
        """Return the regions, row by row, as channels: (N, grid * grid * C, H / grid, W / grid)."""
        count, channels, height, width = features.shape
        grid = self.grid
        cells = features.view(count, channels, grid, height // grid, grid, width // grid)
        return cells.permute(0, 2, 4, 1, 3, 5).reshape(
            count, grid * grid * channels, height // grid, width // grid
        )

    def join(self, regions: Tensor) -> Tensor:
        """Return (N, C, H, W): the inverse of `cut`."""
        count, channels, height, width = regions.shape
        grid = self.grid
        cells = regions.view(count, grid, grid, channels // grid**2, height, width)
        return cells.permute(0, 3, 1, 4, 2, 5).reshape(
            count, channels // grid**2, grid * height, grid * width
        )


class DRML(nn.Module):
    """Convolution, region layer, four convolutions, three full layers.

    Args:
        num_aus: Number A of Action Units.
        generator: Source of the initial weights; PyTorch's global one by default.
    """

    mean: Tensor

    def __init__(self, num_aus: int = 12, *, generator: torch.Generator | None = None) -> None:
        super().__init__()
        check_num_aus(num_aus)
        self.num_aus = num_aus
        self.conv1 = nn.Conv2d(3, 32, 11)
        self.region = RegionLayer(32, 8)
        self.pool = nn.MaxPool2d(2)
        self.norm = nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75)
        self.conv2 = nn.Conv2d(32, 16, 8)
        self.conv3 = nn.Conv2d(16, 16, 8)
        self.conv4 = nn.Conv2d(16, 16, 6, stride=2)
        self.conv5 = nn.Conv2d(16, 16, 5)
        self.fc6 = nn.Linear(16 * 27 * 27, 4096)
        self.fc7 = nn.Linear(4096, 2048)
        self.fc8 = nn.Linear(2048, num_aus)
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
        features = self.conv1(255 * resize_faces(faces, SIDE) - self.mean)
        features = self.norm(self.pool(self.region(features)))
        features = self.conv3(self.conv2(features).relu()).relu()
        features = self.conv5(self.conv4(features).relu()).relu().flatten(start_dim=1)
        features = self.dropout(self.fc6(features).relu())
        features = self.dropout(self.fc7(features).relu())
        logits: Tensor = self.fc8(features)
        return logits

    def initialize(self, generator: torch.Generator | None = None) -> None:
        """Draw new weights as the release does: normal, biases 1, those of the first and last layer 0."""
        ones = (self.region.conv, self.conv2, self.conv3, self.conv4, self.conv5, self.fc6, self.fc7)
        for layer in (self.conv1, *ones, self.fc8):
            deviation = 0.005 if layer in (self.fc6, self.fc7) else 0.01
            fill_gaussian(layer, deviation, 1.0 if layer in ones else 0.0, generator)
