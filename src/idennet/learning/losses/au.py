"""Loss of AU detection: sigmoid cross entropy over the labels that somebody coded (Eq. 3)."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from idennet.errors import InputError, ShapeError
from idennet.facs import MISSING


def masked_au_loss(
    au_logits: Tensor,
    au_labels: Tensor,
    normalizer: Literal["valid", "batch"] = "valid",
    positive_weight: Tensor | None = None,
) -> Tensor:
    """Return the cross entropy of Eq. 3 as a scalar; uncoded labels have no gradient at all.

    Args:
        au_logits: (N, A) floating point.
        au_labels: (N, A) of any real dtype: 1 present, 0 absent, -1 not coded.
        normalizer: What the sum over coded labels is divided by: `"valid"`, their number, which is Eq. 3
            when all are coded; `"batch"`, the number N of faces, as the released code (Caffe) does.
        positive_weight: (A,) factors on the loss of present AUs. Neither paper nor released code has them.

    Returns:
        The loss; 0 with zero gradient when no label is coded.

    Raises:
        ShapeError: Logits and labels are not two tables of equal shape, or the weights do not fit.
        InputError: A label is none of 1, 0 and -1.
    """
    if au_logits.ndim != 2 or au_logits.shape != au_labels.shape:
        raise ShapeError(
            f"Logits have shape {tuple(au_logits.shape)} and labels {tuple(au_labels.shape)}; "
            "both must be (faces, Action Units)."
        )
    if positive_weight is not None and positive_weight.shape != au_logits.shape[1:]:
        raise ShapeError(
            f"Positive weights have shape {tuple(positive_weight.shape)}; "
            f"give one for each of {au_logits.shape[1]} AUs."
        )
    coded = au_labels != MISSING
    if not ((au_labels == 1) | (au_labels == 0) | ~coded).all():
        raise InputError("AU labels hold a value other than 1 (present), 0 (absent) and -1 (not coded).")
    targets = (au_labels == 1).to(au_logits.dtype)
    losses = F.binary_cross_entropy_with_logits(
        au_logits, targets, pos_weight=positive_weight, reduction="none"
    )
    total = torch.where(coded, losses, 0).sum()
    count = coded.sum() if normalizer == "valid" else au_logits.new_tensor(len(au_logits))
    return total / count.clamp(min=1)
