"""What another model says of photographs that nobody coded: graded targets, and differences within a person.

A teacher's value is a logit: 0 where it is undecided, positive where it sees the Action Unit. Between a
quarter and a half of the variance of such values is the person and not the movement, so they teach in two
ways: as soft targets (one photograph), and by the difference between two photographs of one person, in which
nothing constant about that person remains. Neither the paper nor its released code has them.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from idennet.errors import ShapeError


def taught_au_loss(au_logits: Tensor, teacher_logits: Tensor, weights: Tensor) -> Tensor:
    """Return the weighted mean cross entropy between teacher and network, a scalar.

    Its least value is the teacher's own entropy, not 0; the gradient vanishes where both agree.

    Args:
        au_logits: (N, A) of the network.
        teacher_logits: (N, A); NaN where the teacher says nothing, which has no gradient at all.
        weights: (N, A), at least 0: how far the teacher is believed; 0 is not taught.

    Returns:
        The loss; 0 with zero gradient when nothing is taught.

    Raises:
        ShapeError: The tables differ in shape, or the weights do not fit.
    """
    _check(au_logits, teacher_logits, weights)
    losses = F.binary_cross_entropy_with_logits(
        au_logits, teacher_logits.nan_to_num().sigmoid(), reduction="none"
    )
    return _weighted_mean(losses, weights * ~teacher_logits.isnan())


def within_person_loss(au_logits: Tensor, teacher_logits: Tensor, pairs: Tensor, weights: Tensor) -> Tensor:
    """Return how far the network's differences are from the teacher's, over pairs of pictures of one person.

    For a pair (i, j) the network's probability that i shows more than j, sigmoid(z_i - z_j), has the target
    sigmoid(t_i - t_j): cross entropy, as for ranked pairs (Burges et al., "Learning to rank using gradient
    descent", ICML 2005), but with graded targets. Adding a constant to all logits of a person, the network's
    or the teacher's, changes nothing.

    Args:
        au_logits: (N, A) of the network.
        teacher_logits: (N, A); NaN where the teacher says nothing.
        pairs: (P, 2) rows of two pictures of one person each.
        weights: (N, A), at least 0; a pair has the mean of its two pictures.

    Returns:
        The weighted mean over pairs and Action Units; 0 with zero gradient when nothing is taught.

    Raises:
        ShapeError: The tables differ in shape, or pairs or weights do not fit.
    """
    _check(au_logits, teacher_logits, weights)
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise ShapeError(f"Pairs have shape {tuple(pairs.shape)}; give two rows of the tables for each.")
    one, other = pairs.unbind(dim=1)
    taught = teacher_logits[one] - teacher_logits[other]
    losses = F.binary_cross_entropy_with_logits(
        au_logits[one] - au_logits[other], taught.nan_to_num().sigmoid(), reduction="none"
    )
    return _weighted_mean(losses, (weights[one] + weights[other]) / 2 * ~taught.isnan())


def _weighted_mean(losses: Tensor, weights: Tensor) -> Tensor:
    total = weights.sum()
    return (losses * weights).sum() / torch.where(total > 0, total, 1)


def _check(au_logits: Tensor, teacher_logits: Tensor, weights: Tensor) -> None:
    if au_logits.ndim != 2 or au_logits.shape != teacher_logits.shape:
        raise ShapeError(
            f"Logits have shape {tuple(au_logits.shape)} and the teacher's {tuple(teacher_logits.shape)}; "
            "both must be (faces, Action Units)."
        )
    if weights.shape != au_logits.shape:
        raise ShapeError(
            f"Weights have shape {tuple(weights.shape)}; give one for each of the logits "
            f"{tuple(au_logits.shape)}."
        )
