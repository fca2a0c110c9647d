"""Loss of E-Net and ROINet: cross entropy of probabilities that are kept away from 0 and 1 by an offset."""

import torch
from torch import Tensor

from idennet.errors import ShapeError
from idennet.facs import MISSING


def offset_cross_entropy(au_logits: Tensor, au_labels: Tensor, offset: float = 0.05) -> Tensor:
    """Return the mean of -[t log((p + o) / (1 + o)) + (1 - t) log((1 + o - p) / (1 + o))] over coded labels.

    No error costs more than log((1 + o) / o), 3.04 by default.

    Args:
        au_logits: (N, A) floating point; p is their sigmoid.
        au_labels: (N, A) of any real dtype: t is 1 present, 0 absent; -1 is not coded.
        offset: The release's 0.05; 0 would be plain cross entropy.

    Returns:
        The loss; 0 with zero gradient when no label is coded.

    Raises:
        ShapeError: Logits and labels are not two tables of equal shape.
    """
    if au_logits.ndim != 2 or au_logits.shape != au_labels.shape:
        raise ShapeError(
            f"Logits have shape {tuple(au_logits.shape)} and labels {tuple(au_labels.shape)}; "
            "both must be (faces, Action Units)."
        )
    coded = au_labels != MISSING
    probability = torch.where(au_labels == 1, au_logits, -au_logits).sigmoid()  # of what is true
    losses = -torch.log((probability + offset) / (1 + offset))
    return torch.where(coded, losses, 0).sum() / coded.sum().clamp(min=1)
