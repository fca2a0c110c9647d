"""The contrastive loss of IACNN (Meng et al., FG 2017), for identity and for expression.

Details are as recalled; no code was found. What "the same expression" means for Action Units, of which many
occur together, is ours: `share_expression`.
"""

import torch
from torch import Tensor

from idennet.errors import InputError, ShapeError
from idennet.facs import MISSING
from idennet.learning.losses.triplet import check_embeddings


def contrastive_loss(first: Tensor, second: Tensor, same: Tensor, margin: float = 1.0) -> Tensor:
    """Return the mean over pairs of d^2 / 2 where they are the same, else of max(0, margin - d)^2 / 2.

    Args:
        first: (P, D) floating point; d is the Euclidean distance of its rows to those of `second`.
        second: (P, D).
        same: (P,) bool.
        margin: Distance beyond which different ones need not move; those of unit vectors are 0 to 2.

    Raises:
        ShapeError: A tensor has another shape or dtype than stated.
        InputError: The margin is not above zero.
    """
    check_embeddings(first, "Embeddings")
    if second.shape != first.shape or same.shape != first.shape[:1] or same.dtype != torch.bool:
        raise ShapeError(
            f"Pairs of {tuple(first.shape)} and {tuple(second.shape)} with {same.dtype} {tuple(same.shape)}; "
            "give two equal tables and one bool a row."
        )
    if margin <= 0:
        raise InputError(f"The margin is {margin}; it must be above 0.")
    squared = (first - second).square().sum(dim=1)
    # The constant keeps the gradient finite where two embeddings are equal.
    short = torch.relu(margin - (squared + 1e-12).sqrt())
    return torch.where(same, squared, short.square()).sum() / (2 * max(len(same), 1))


def share_expression(first: Tensor, second: Tensor, agreement: float = 0.5) -> Tensor:
    """Return for pairs of faces whether they show the same expression, (P,) bool.

    They do if, of the Action Units that at least one of them shows, both show that share or more; two faces
    without any do. Action Units that are not coded in both do not count.

    Args:
        first: (P, A) labels: 1 present, 0 absent, -1 not coded.
        second: (P, A).
        agreement: From 0 (exclusive) to 1; 1 asks for equal sets.
    """
    coded = (first != MISSING) & (second != MISSING)
    both = ((first == 1) & (second == 1) & coded).sum(dim=-1)
    either = (((first == 1) | (second == 1)) & coded).sum(dim=-1)
    return both >= agreement * either
