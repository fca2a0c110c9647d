"""CCNET + CDA (Rifai et al., ECCV 2012): expression taken apart from all else without identity labels.

CCNET is one layer of convolutions at several scales, whose kernels are learnt as contractive
auto-encoders of patches, and max pooling. CDA is one hidden layer in two blocks, expression and the rest,
which together reconstruct CCNET's features but must not look in the same directions.
Sizes are as recalled or ours; the paper's were made for faces of 48 x 48, which are kept here.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from idennet.errors import InputError
from idennet.models.layers import initialize_xavier
from idennet.models.trunk import check_num_aus
from idennet.research.benchmark.networks.resized import resize_faces

SIDE = 48
"""Height and width of the grey faces that CCNET looks at."""

_GREY = (0.299, 0.587, 0.114)


class SigmoidCode(nn.Module):
    """Sigmoid units and a linear reconstruction by the same weights: an auto-encoder with tied weights.

    Args:
        num_inputs: D.
        num_hidden: H.
        generator: Source of the initial weights; PyTorch's global one by default.
    """

    def __init__(self, num_inputs: int, num_hidden: int, *, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.encoder = nn.Linear(num_inputs, num_hidden)
        self.offset = nn.Parameter(torch.zeros(num_inputs))
        initialize_xavier(self.encoder, generator)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return hidden units (N, H), 0 to 1, of inputs (N, D)."""
        return torch.sigmoid(self.encoder(inputs))

    def reconstruct(self, hidden: Tensor) -> Tensor:
        """Return inputs (N, D) as hidden units (N, H) tell them."""
        return hidden @ self.encoder.weight + self.offset


class CCNet(nn.Module):
    """Convolutions of several sizes over a grey face, sigmoid, and the maximum in each field of a grid.

    Args:
        sizes: Sides of the kernels, pixels of the 48 x 48 face.
        kernels: Number of kernels of each size.
        grid: Fields of the grid along each side.
        generator: Source of the initial weights; PyTorch's global one by default.
    """

    def __init__(
        self,
        sizes: tuple[int, ...] = (6, 10, 14),
        kernels: int = 60,
        grid: int = 4,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        if not sizes or min(sizes) < 1 or max(sizes) + grid - 1 > SIDE:
            raise InputError(f"Kernels of sides {list(sizes)} and a grid of {grid} do not fit {SIDE} pixels.")
        self.sizes, self.grid = sizes, grid
        self.codes = nn.ModuleList(SigmoidCode(size * size, kernels, generator=generator) for size in sizes)

    @property
    def num_features(self) -> int:
        """Length of the feature vector of one face."""
        return sum(code.encoder.out_features for code in self.codes) * self.grid**2  # type: ignore[union-attr, misc]

    def forward(self, faces: Tensor) -> Tensor:
        """Return features (N, `num_features`), 0 to 1.

        Args:
            faces: Aligned RGB faces, (N, 3, 128, 128): `uint8`, or floating point in [0, 1].

        Raises:
            ShapeError: The faces have another shape or dtype.
        """
        pictures = grey_faces(faces)
        pooled = []
        for size, code in zip(self.sizes, self.codes, strict=True):
            encoder: nn.Linear = code.encoder  # type: ignore[assignment]
            responses = F.conv2d(pictures, encoder.weight.view(-1, 1, size, size), encoder.bias)
            # The sigmoid grows with its input, so it commutes with the maximum and is cheaper after it.
            pooled.append(torch.sigmoid(F.adaptive_max_pool2d(responses, self.grid)).flatten(start_dim=1))
        return torch.cat(pooled, dim=1)

    def patches(self, faces: Tensor, position: int, count: int, generator: torch.Generator) -> Tensor:
        """Return random patches (count, size * size) of faces for the auto-encoder at `position`."""
        pictures, size = grey_faces(faces)[:, 0], self.sizes[position]
        face = torch.randint(len(pictures), (count, 1, 1), generator=generator)
        top, left = torch.randint(SIDE - size + 1, (2, count, 1, 1), generator=generator)
        inside = torch.arange(size)
        rows, columns = top + inside[:, None], left + inside
        where = (index.to(pictures.device) for index in (face, rows, columns))
        return pictures[tuple(where)].flatten(start_dim=1)


@dataclass(frozen=True)
class DiscriminantOutput:
    """What CDA makes of N feature vectors.

    Attributes:
        au_logits: (N, A), from the expression block alone.
        expression: (N, E) units.
        rest: (N, R) units: identity, pose, light.
        reconstruction: (N, D) features as both blocks tell them.
    """

    au_logits: Tensor
    expression: Tensor
    rest: Tensor
    reconstruction: Tensor


class DiscriminantCode(nn.Module):
    """CDA: two blocks of sigmoid units that share the reconstruction, one of which also names Action Units.

    Args:
        num_features: D, of CCNET.
        num_aus: Number A of Action Units.
        expression: Units E of the expression block.
        rest: Units R of the other block.
        generator: Source of the initial weights; PyTorch's global one by default.
    """

    def __init__(
        self,
        num_features: int,
        num_aus: int = 12,
        expression: int = 100,
        rest: int = 100,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        check_num_aus(num_aus)
        self.num_aus = num_aus
        self.expression = SigmoidCode(num_features, expression, generator=generator)
        self.rest = SigmoidCode(num_features, rest, generator=generator)
        self.head = nn.Linear(expression, num_aus)
        initialize_xavier(self.head, generator)

    def forward(self, features: Tensor) -> DiscriminantOutput:
        """Return units, logits and reconstruction of features (N, D)."""
        expression, rest = self.expression(features), self.rest(features)
        reconstruction = self.expression.reconstruct(expression) + self.rest.reconstruct(rest)
        return DiscriminantOutput(self.head(expression), expression, rest, reconstruction)


def grey_faces(faces: Tensor) -> Tensor:
    """Return faces as grey 48 x 48 pictures of mean 0 and deviation 1, (N, 1, 48, 48).

    Args:
        faces: Aligned RGB faces, (N, 3, 128, 128): `uint8`, or floating point in [0, 1].
    """
    small = resize_faces(faces, SIDE)
    grey = torch.einsum("nchw,c->nhw", small, small.new_tensor(_GREY))[:, None]
    mean = grey.mean(dim=(2, 3), keepdim=True)
    return (grey - mean) / grey.std(dim=(2, 3), keepdim=True).clamp_min(1e-3)
