"""The shared layers S(x) of Table I: four convolutions of LightCNN model A, from faces to 4800 features.

Pictures enter here, so their scaling lives here: `uint8` RGB is divided by 255, nothing is subtracted.

The released code feeds OpenCV's BGR; this network takes RGB. A network that starts at random does not
notice. Weights trained on BGR (a converted Caffe model) need the input channels of their first
convolution reversed once: `conv1.weight[:, [2, 1, 0]]`.
"""

import torch
from torch import Tensor, nn

from idennet.errors import InputError, ShapeError
from idennet.models.fastcpu.trunk import kernels_for, trunk_features
from idennet.models.layers import MaxFeatureMap, initialize_xavier

FACE_SHAPE = (3, 128, 128)
"""Channels, height and width of one aligned face."""

TRUNK_FEATURES = 192 * 5 * 5
"""Length of the feature vector that the trunk makes of one face."""


class Trunk(nn.Module):
    """Faces (N, 3, 128, 128) to features (N, 4800); layers and their order as in Table I.

    The last pooling rounds up (9 to 5), as Caffe's does; that is what the parameter count of Table I needs.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 96, 9)
        self.pool1 = nn.MaxPool2d(2)
        self.mfm1 = MaxFeatureMap()
        self.conv2 = nn.Conv2d(48, 192, 5)
        self.pool2 = nn.MaxPool2d(2)
        self.mfm2 = MaxFeatureMap()
        self.conv3 = nn.Conv2d(96, 256, 5)
        self.pool3 = nn.MaxPool2d(2)
        self.mfm3 = MaxFeatureMap()
        self.conv4 = nn.Conv2d(128, 384, 4)
        self.pool4 = nn.MaxPool2d(2, ceil_mode=True)
        self.mfm4 = MaxFeatureMap()

    def forward(self, faces: Tensor) -> Tensor:
        """Return features (N, 4800).

        Args:
            faces: RGB, (N, 3, 128, 128): `uint8`, or floating point in [0, 1].

        Raises:
            ShapeError: The faces have another shape or dtype.
        """
        pixels = scaled(faces, self.conv1.weight.dtype)
        # Where there are compiled kernels for this machine they compute the same, equal but for rounding.
        kernels = kernels_for(self.children(), pixels)
        if kernels is not None:
            return trunk_features(kernels, self, pixels)
        # Pooling before MFM costs more forward but half as much forward and backward together (measured on
        # a CPU with channels last), and equals the other order exactly.
        features = self.mfm1(self.pool1(self.conv1(pixels)))
        features = self.mfm2(self.pool2(self.conv2(features)))
        features = self.mfm3(self.pool3(self.conv3(features)))
        features = self.mfm4(self.pool4(self.conv4(features)))
        return features.flatten(start_dim=1)

    def initialize(self, generator: torch.Generator | None = None) -> None:
        """Draw new weights as the released code does: Caffe's xavier, biases 0."""
        for convolution in (self.conv1, self.conv2, self.conv3, self.conv4):
            initialize_xavier(convolution, generator)


def scaled(faces: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return faces (N, 3, 128, 128) as floating point in [0, 1].

    Raises:
        ShapeError: The faces have another shape or dtype.
    """
    check_faces(faces)
    pixels = faces.to(dtype)
    if faces.dtype == torch.uint8:
        pixels = pixels / 255
    if pixels.device.type == "cpu":
        # Convolutions are faster in this layout: a training step takes 0.8 of the time.
        pixels = pixels.contiguous(memory_format=torch.channels_last)
    return pixels


def check_faces(faces: Tensor) -> None:
    """Raise `ShapeError` unless faces are (N, 3, 128, 128), of `uint8` or floating point."""
    if faces.ndim != 4 or faces.shape[1:] != FACE_SHAPE:
        raise ShapeError(
            f"Faces have shape {tuple(faces.shape)}; the network reads RGB faces (N, 3, 128, 128)."
        )
    if faces.dtype != torch.uint8 and not faces.is_floating_point():
        raise ShapeError(
            f"Faces have dtype {faces.dtype}; give torch.uint8, or floating point between 0 and 1."
        )


def check_num_aus(num_aus: int) -> None:
    """Raise `InputError` unless a network for `num_aus` Action Units can be built."""
    if num_aus < 1:
        raise InputError(f"A network for {num_aus} Action Units was asked for; it needs at least 1.")
