"""The identity loss of the released code: `RankHardLoss` of a Caffe fork (xiaolonw/caffe-video_triplet).

It differs from the paper in distance, choice of negatives, symmetry and normalisation, each named below.
On unit vectors |a - b|^2 = 2 - 2 <a, b>, so one hinge of margin m here is half of Eq. 2's with margin 2m.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from idennet.errors import InputError, ShapeError
from idennet.learning.losses.mining import check_labels, check_mining, draw_without_replacement, hard_count
from idennet.learning.losses.triplet import check_embeddings


@dataclass(frozen=True)
class RankHardLoss:
    """Hinge on dot products over a batch of consecutive pairs, with its own mining.

    Candidates of a pair are the images of other identities whose hinge with the anchor is above zero. Up to
    `num_negatives` of them are all used. Of more, the hardest `num_negatives` (largest dot product with the
    anchor; ties by index) form a short list: `num_negatives * hard_fraction` negatives are drawn from that
    list, and the rest from all candidates left, the list's included.
    Every negative gives two hinges, with anchor and positive in either role. Their sum is divided by the
    constant 2 * num_negatives * pairs, however many hinges are active.

    Attributes:
        num_negatives: Negatives of one pair.
        hard_fraction: Share drawn from the short list, between 0 and 1.
        margin: Margin m on dot products.
    """

    num_negatives: int = 4
    hard_fraction: float = 0.5
    margin: float = 0.5

    def __post_init__(self) -> None:
        check_mining(self.num_negatives, self.hard_fraction)

    def __call__(
        self, embeddings: Tensor, identity_labels: Tensor, *, generator: torch.Generator | None = None
    ) -> Tensor:
        """Return the loss of a batch as a scalar, 0 where no candidate violates the margin.

        Args:
            embeddings: (N, D) floating point; images 2i and 2i + 1 are the anchor and positive of pair i.
            identity_labels: (N,) integers.
            generator: Source of the random choices (of any device); PyTorch's global one by default.

        Raises:
            ShapeError: A tensor has another shape or dtype than stated.
            InputError: The batch is no sequence of pairs of one identity each.
        """
        check_embeddings(embeddings, "Embeddings")
        check_labels(identity_labels, embeddings)
        if len(embeddings) % 2:
            raise ShapeError(f"The batch has {len(embeddings)} images; pairs need an even number.")
        if (identity_labels[::2] != identity_labels[1::2]).any():
            raise InputError("Images 2i and 2i + 1 of a batch must show one identity; a pair here joins two.")
        anchors, positives = embeddings[::2], embeddings[1::2]
        to_positive = (anchors * positives).sum(dim=1, keepdim=True)
        # Dot products stand for negative distances: (P, N) hinges of every pair with every image.
        from_anchor = torch.relu(self.margin - to_positive + anchors @ embeddings.T)
        from_positive = torch.relu(self.margin - to_positive + positives @ embeddings.T)
        chosen = self._choose(from_anchor.detach(), identity_labels, generator)
        total = torch.where(chosen, from_anchor + from_positive, 0).sum()
        return total / max(2 * self.num_negatives * len(anchors), 1)

    def _choose(self, hinge: Tensor, labels: Tensor, generator: torch.Generator | None) -> Tensor:
        """Return which images (P, N) serve as negatives of each pair, given their hinges with the anchor."""
        candidate = (labels != labels[::2, None]) & (hinge > 0)
        # Of one anchor, the order of hinges is the order of dot products.
        order = hinge.masked_fill(~candidate, -1).argsort(dim=1, descending=True, stable=True)
        hardest = order[:, : self.num_negatives]
        short_list = torch.zeros_like(candidate).scatter(1, hardest, True) & candidate
        num_hard = hard_count(self.num_negatives, self.hard_fraction)
        hard = _mark(*draw_without_replacement(short_list, num_hard, generator), like=candidate)
        rest = candidate & ~hard
        drawn = _mark(
            *draw_without_replacement(rest, self.num_negatives - num_hard, generator), like=candidate
        )
        few = candidate.sum(dim=1, keepdim=True) <= self.num_negatives
        return torch.where(few, candidate, hard | drawn)


def _mark(columns: Tensor, valid: Tensor, like: Tensor) -> Tensor:
    return torch.zeros_like(like).scatter(1, columns, valid)
