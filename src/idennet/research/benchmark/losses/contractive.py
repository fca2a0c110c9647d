"""Penalties of contractive networks (Rifai et al., ECCV 2012): how much, and where, sigmoid units look.

A unit h = sigmoid(w x + b) changes with its input by J = h (1 - h) w, so sums over Jacobians need no
automatic differentiation.
"""

import torch
from torch import Tensor

from idennet.errors import ShapeError


def contraction(hidden: Tensor, weight: Tensor) -> Tensor:
    """Return the squared Frobenius norm of dh/dx, summed over units, mean over rows.

    Args:
        hidden: (N, H) outputs of sigmoid units.
        weight: (H, D) weights of the units.

    Raises:
        ShapeError: The shapes do not belong together.
    """
    _check(hidden, weight)
    slope = hidden * (1 - hidden)
    return (slope.square() @ weight.square().sum(dim=1)).mean()


def shared_directions(first: Tensor, first_weight: Tensor, second: Tensor, second_weight: Tensor) -> Tensor:
    """Return the sum of squared products of the Jacobians of two blocks of units, mean over rows.

    It is 0 when no unit of one block reacts to a direction that one of the other reacts to.

    Args:
        first: (N, H) outputs of sigmoid units.
        first_weight: (H, D) their weights.
        second: (N, K) outputs of the other block.
        second_weight: (K, D) their weights.

    Raises:
        ShapeError: The shapes do not belong together.
    """
    _check(first, first_weight)
    _check(second, second_weight)
    products = (first_weight @ second_weight.T).square()  # (H, K)
    slopes, others = first * (1 - first), second * (1 - second)
    return torch.einsum("nh,hk,nk->n", slopes.square(), products, others.square()).mean()


def _check(hidden: Tensor, weight: Tensor) -> None:
    if hidden.ndim != 2 or weight.ndim != 2 or hidden.shape[1] != weight.shape[0]:
        raise ShapeError(
            f"Units {tuple(hidden.shape)} and weights {tuple(weight.shape)} must be (N, H) and (H, D)."
        )
