"""Loss of graded targets: how strong an Action Unit is, or how surely a part of the face can be seen."""

import torch
import torch.nn.functional as F
from torch import Tensor

from idennet.errors import ShapeError


def graded_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the mean cross entropy between sigmoid(logits) and graded targets, a scalar.

    Its least value is the targets' own entropy, at logits whose sigmoids are the targets. Unlike a squared
    difference it does not fade where the network is surely wrong.

    Args:
        logits: Any shape.
        targets: Same shape, 0 to 1; NaN where nobody knows, which has no gradient at all.

    Returns:
        The loss; 0 with zero gradient where no target is known.

    Raises:
        ShapeError: The shapes differ.
    """
    if logits.shape != targets.shape:
        raise ShapeError(f"Logits have shape {tuple(logits.shape)} and targets {tuple(targets.shape)}.")
    known = ~targets.isnan()
    losses = F.binary_cross_entropy_with_logits(logits, targets.nan_to_num(), reduction="none")
    return torch.where(known, losses, 0).sum() / known.sum().clamp(min=1)
