"""Where Action Units show: the 20 landmark-centred points of E-Net and ROINet, and E-Net's attention map.

All lengths are measured by a ruler, the distance in x between the inner corners of the eyes. The points
need neither jaw nor nose, so sets of 49 landmarks are enough.

Source: the release of E-Net (wiibrew/EAC-Net), notes of its loader; two of its defects are not repeated: it
loses windows that begin outside the map instead of clipping them, and turns errors into empty maps.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from idennet.errors import InputError, ShapeError
from idennet.models.trunk import FACE_SHAPE

NUM_CENTRES = 20
"""Ten kinds of point, each on the right and on the left half of the face."""

# Landmark on one side and on the other, and how many rulers below the landmark the point lies.
_CENTRES = (
    (21, 22, -1 / 2),  # AU1, above the inner brow
    (18, 25, -1 / 3),  # AU2, above the outer brow
    (19, 24, 1 / 3),  # AU4, below the middle of the brow
    (41, 46, 1.0),  # AU6, below the eye
    (38, 43, 0.0),  # AU7, upper lid
    (49, 53, 0.0),  # AU10, upper lip
    (48, 54, 0.0),  # AU12, AU14, AU15, corners of the lips
    (51, 57, 0.0),  # AU23, AU24, middle of the lips
    (61, 63, 0.0),  # AU10, AU23, AU24, inner upper lip
    (56, 58, 1 / 2),  # AU17, below the lower lip
)
_INNER_CORNERS = (39, 42)
_MAP = 100
"""Side of the grid in which the release measures, whatever the size of the face."""


def au_centres(landmarks: Tensor) -> Tensor:
    """Return the 20 points (N, 20, 2), pixels (x, y) of the aligned face, kind by kind.

    Args:
        landmarks: (N, 68, 2) floating point pixels of the aligned face.

    Raises:
        ShapeError: The landmarks have another shape.
        InputError: A landmark that a point hangs on is unknown (NaN).
    """
    if landmarks.ndim != 3 or landmarks.shape[1:] != (68, 2) or not landmarks.is_floating_point():
        raise ShapeError(
            f"Landmarks are {landmarks.dtype} {tuple(landmarks.shape)}; give floating point (N, 68, 2)."
        )
    ruler = (landmarks[:, _INNER_CORNERS[0], 0] - landmarks[:, _INNER_CORNERS[1], 0]).abs()
    points = landmarks[:, [landmark for *pair, _ in _CENTRES for landmark in pair]].clone()
    below = landmarks.new_tensor([share for *_, share in _CENTRES for _ in range(2)])
    points[..., 1] += ruler[:, None] * below
    lost = ~points.isfinite().all(dim=(1, 2))
    if lost.any():
        raise InputError(
            f"Face {int(lost.nonzero()[0])} of a batch lacks landmarks of brows, eyes or mouth; this network "
            "reads round them, so prepare the store from a source with landmarks."
        )
    return points


def centre_cells(centres: Tensor, cells: int) -> Tensor:
    """Return the cells (N, 20, 2) int64 of a feature map in which points (N, 20, 2) of the face lie.

    Positions are truncated, and kept one cell away from the border: around each, 3 x 3 cells are there.

    Args:
        centres: Pixels of the aligned face.
        cells: Height and width of the feature map, 3 or more.
    """
    return (_share(centres) * cells).floor().clamp(1, cells - 2).long()


def attention_map(centres: Tensor, side: int) -> Tensor:
    """Return E-Net's attention (N, 1, side, side), 0 to 1: how near each pixel is to one of the points.

    In a grid of 100 x 100, each point gives 1 - 0.07 d at Manhattan distance d within a window of 14 x 14
    round it, from 7 before to 6 after; the largest of all points counts, and the grid is then resized.
    (The paper of E-Net has 1 - 0.095 d; that is the release's window of a single AU.)

    Args:
        centres: (N, 20, 2) pixels of the aligned face.
        side: Height and width of the network's picture.
    """
    points = (_share(centres) * _MAP).floor()
    grid = torch.arange(_MAP, device=points.device, dtype=points.dtype)
    offset = grid - points[..., None]  # (N, 20, 2, 100)
    far = 2 * _MAP
    distance = torch.where((offset >= -7) & (offset <= 6), offset.abs(), far)
    across, down = distance.unbind(dim=2)
    nearest = (down[..., :, None] + across[..., None, :]).amin(dim=1)  # (N, 100, 100)
    attention = torch.where(nearest < far, 1 - 0.07 * nearest, 0)
    return F.interpolate(attention[:, None], (side, side), mode="bilinear")


def _share(pixels: Tensor) -> Tensor:
    """Return positions as shares of the face, 0 to 1: pixel centres lie at whole numbers."""
    return (pixels + 0.5) / FACE_SHAPE[-1]
