"""Hard negative mining (Section III, Fig. 3): which triplets are worth a gradient.

For each positive pair some negatives are the hardest ones and the others are drawn at random, so that the
decisive images come first and every image still has its chance.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from idennet.errors import InputError, ShapeError
from idennet.learning.losses.triplet import check_embeddings


@dataclass(frozen=True)
class HardNegativeMiner:
    """Picks the negatives of positive pairs, as the paper describes.

    The `num_negatives * hard_fraction` candidates nearest to the anchor (largest loss in Eq. 2; ties by
    index) are taken outright, rounded to a whole number, halves up. The rest is drawn without replacement
    from the remaining candidates, each as likely. A pair with fewer candidates gets each of them once.

    Attributes:
        num_negatives: The paper's n, negatives of one pair.
        hard_fraction: The paper's r, between 0 and 1.
    """

    num_negatives: int = 4
    hard_fraction: float = 0.5

    def __post_init__(self) -> None:
        check_mining(self.num_negatives, self.hard_fraction)

    @torch.no_grad()
    def __call__(
        self,
        embeddings: Tensor,
        identity_labels: Tensor,
        pairs: Tensor,
        *,
        generator: torch.Generator | None = None,
        memory: Tensor | None = None,
        memory_labels: Tensor | None = None,
    ) -> Tensor:
        """Return triplets (K, 3) int64: anchor, positive, negative; pair by pair, the hard negatives first.

        Args:
            embeddings: (N, D) floating point.
            identity_labels: (N,) integers.
            pairs: (P, 2) int64, rows of anchor and positive index: two images of one identity.
            generator: Source of the random negatives (of any device); PyTorch's global one by default.
            memory: (M, D) embeddings that negatives come from instead of the batch; the third column then
                refers to its rows.
            memory_labels: (M,) identities of the memory.

        Raises:
            ShapeError: A tensor has another shape or dtype than stated.
            InputError: A pair is one image twice, of two identities, or outside the batch; or only one of
                memory and memory labels is given.
        """
        check_embeddings(embeddings, "Embeddings")
        check_labels(identity_labels, embeddings)
        _check_pairs(pairs, identity_labels)
        if (memory is None) != (memory_labels is None):
            raise InputError("A memory of embeddings and its identity labels must be given together.")
        if memory is None or memory_labels is None:
            memory, memory_labels = embeddings, identity_labels
        check_embeddings(memory, "Memory embeddings")
        check_labels(memory_labels, memory)

        anchor, positive = pairs.unbind(dim=1)
        candidate = memory_labels != identity_labels[anchor, None]  # (P, M)
        # Differences instead of a matrix product: equal images then have exactly equal distances.
        distance = torch.cdist(
            embeddings[anchor].float(), memory.float(), compute_mode="donot_use_mm_for_euclid_dist"
        ).masked_fill(~candidate, torch.inf)
        hard = distance.argsort(dim=1, stable=True)[:, : hard_count(self.num_negatives, self.hard_fraction)]
        rest = candidate.scatter(1, hard, False)
        drawn, is_drawn = draw_without_replacement(rest, self.num_negatives - hard.shape[1], generator)
        negative = torch.cat([hard, drawn], dim=1)
        exists = torch.cat([candidate.gather(1, hard), is_drawn], dim=1)
        row, column = exists.nonzero(as_tuple=True)
        return torch.stack([anchor[row], positive[row], negative[row, column]], dim=1)


def draw_without_replacement(
    available: Tensor, count: int, generator: torch.Generator | None
) -> tuple[Tensor, Tensor]:
    """Draw `count` of the available columns of each row, all equally likely.

    Args:
        available: (P, M) bool.
        count: How many to draw; more than there are columns means all columns.
        generator: Source of randomness; one uniform key is drawn for each entry, the largest keys win.

    Returns:
        Column indices (P, min(count, M)) int64, and a bool of the same shape that is False where a row had
        nothing left to draw.
    """
    device = available.device if generator is None else generator.device
    keys = torch.rand(available.shape, generator=generator, device=device).to(available.device)
    keys = keys.masked_fill(~available, -1)
    drawn = keys.topk(min(count, available.shape[1]), dim=1)
    return drawn.indices, drawn.values >= 0


def hard_count(num_negatives: int, hard_fraction: float) -> int:
    """Return how many of the negatives are hard: n * r, rounded, halves up."""
    return math.floor(num_negatives * hard_fraction + 0.5)


def check_mining(num_negatives: int, hard_fraction: float) -> None:
    """Raise `InputError` unless both numbers of a mining scheme are allowed."""
    if num_negatives < 1:
        raise InputError(f"Mining {num_negatives} negatives for a pair is not possible; ask for at least 1.")
    if not 0 <= hard_fraction <= 1:
        raise InputError(f"The hard fraction is {hard_fraction}; it must lie between 0 and 1.")


def check_labels(identity_labels: Tensor, embeddings: Tensor) -> None:
    """Raise `ShapeError` unless there is one integer label for each embedding."""
    if identity_labels.shape != embeddings.shape[:1] or identity_labels.is_floating_point():
        raise ShapeError(
            f"Identity labels are {identity_labels.dtype} {tuple(identity_labels.shape)}; "
            f"give one integer for each of {len(embeddings)} embeddings."
        )


def _check_pairs(pairs: Tensor, identity_labels: Tensor) -> None:
    if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.dtype != torch.int64:
        raise ShapeError(f"Pairs are {pairs.dtype} {tuple(pairs.shape)}; give int64 (pairs, 2).")
    if ((pairs < 0) | (pairs >= len(identity_labels))).any():
        raise InputError(f"A pair points outside the batch of {len(identity_labels)} images.")
    anchor, positive = pairs.unbind(dim=1)
    if (anchor == positive).any():
        raise InputError("A pair has the same image as anchor and positive; a pair needs two images.")
    if (identity_labels[anchor] != identity_labels[positive]).any():
        raise InputError("A pair joins images of two identities; anchor and positive must share one.")
