"""Aligned faces brought to the input size of networks that look at larger or smaller pictures."""

import torch
import torch.nn.functional as F
from torch import Tensor

from idennet.models.trunk import check_faces


def resize_faces(faces: Tensor, side: int) -> Tensor:
    """Return faces as floating point RGB in [0, 1], (N, 3, side, side), resized bilinearly.

    Args:
        faces: Aligned RGB faces, (N, 3, 128, 128): `uint8`, or floating point in [0, 1].
        side: Height and width that a network asks for; smaller ones are reached without aliasing.

    Raises:
        ShapeError: The faces have another shape or dtype.
    """
    check_faces(faces)
    if faces.dtype == torch.uint8:
        faces = faces / 255
    if side == faces.shape[-1]:
        return faces
    return F.interpolate(faces, (side, side), mode="bilinear", antialias=side < faces.shape[-1])
