"""Loss of face clustering: the triplet hinge on squared Euclidean distances (Eq. 2)."""

from typing import Literal

import torch
from torch import Tensor

from idennet.errors import ShapeError


def triplet_loss(
    embeddings: Tensor,
    triplets: Tensor,
    margin: float = 0.5,
    *,
    negatives: Tensor | None = None,
    reduction: Literal["sum", "mean"] = "sum",
) -> Tensor:
    """Return the sum of max(0, margin + |a - p|^2 - |a - n|^2) over triplets (a, p, n).

    The sum is Eq. 2, hence the default; its gradient grows with the number of triplets. `"mean"` divides
    by that number, satisfied triplets included.

    Args:
        embeddings: (N, D) floating point.
        triplets: (K, 3) int64, rows of anchor, positive and negative index; K may be 0, the loss is then 0.
        margin: The k of Eq. 2; squared distances of unit vectors lie between 0 and 4.
        negatives: (M, D) that negative indices refer to instead of `embeddings`: a memory of earlier batches.
        reduction: `"sum"` or `"mean"` over triplets.

    Raises:
        ShapeError: A tensor has another shape or dtype than stated.
    """
    check_embeddings(embeddings, "Embeddings")
    if triplets.ndim != 2 or triplets.shape[1] != 3 or triplets.dtype != torch.int64:
        raise ShapeError(f"Triplets are {triplets.dtype} {tuple(triplets.shape)}; give int64 (triplets, 3).")
    bank = embeddings if negatives is None else negatives
    if bank.ndim != 2 or bank.shape[1] != embeddings.shape[1]:
        raise ShapeError(
            f"Negatives have shape {tuple(bank.shape)}; give (negatives, {embeddings.shape[1]}) "
            "like the embeddings."
        )
    anchor, positive, negative = triplets.unbind(dim=1)
    anchors = embeddings[anchor]
    to_positive = (anchors - embeddings[positive]).square().sum(dim=1)
    to_negative = (anchors - bank[negative]).square().sum(dim=1)
    total = torch.relu(margin + to_positive - to_negative).sum()
    return total if reduction == "sum" else total / max(len(triplets), 1)


def check_embeddings(embeddings: Tensor, name: str) -> None:
    """Raise `ShapeError` unless `embeddings` is a floating point table; `name` starts the sentence."""
    if embeddings.ndim != 2 or not embeddings.is_floating_point():
        raise ShapeError(
            f"{name} are {embeddings.dtype} {tuple(embeddings.shape)}; give floating point (images, D)."
        )
