"""The (N + M)-tuplet cluster loss of 2B(N+M) (Liu et al., CVPR workshops 2017).

A tuplet has N faces of one expression by different people, and M faces of those people with other
expressions: the hardest distraction for expressions is the same person. The formula is as recalled.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from idennet.errors import InputError, ShapeError
from idennet.learning.losses.mining import check_labels
from idennet.learning.losses.triplet import check_embeddings
from idennet.research.benchmark.losses.contrastive import share_expression


@dataclass(frozen=True)
class TupletClusterLoss:
    """Pulls positives inside a sphere round their centre and pushes negatives out of it.

    For every face of the batch there is one tuplet: its positives are itself and, of every other person, the
    face with the same expression that is farthest from it (online positive mining); its negatives are faces
    of the same person and of those people that have another expression (identity-aware negatives).
    With distances d to the centre c of the positives, a tuplet costs the mean of max(0, d - T + tau / 2)
    over positives and the mean of max(0, T + tau / 2 - d) over negatives; the published sums would let the
    loss grow with the people of a batch.

    Attributes:
        tau: Width of the empty shell between positives and negatives.
        agreement: From which share of Action Units two faces have the same expression.
    """

    tau: float = 0.2
    agreement: float = 0.5

    def __call__(
        self, embeddings: Tensor, au_labels: Tensor, identity_labels: Tensor, threshold: Tensor
    ) -> Tensor:
        """Return the mean over tuplets that have a positive besides themselves and a negative, else 0.

        Args:
            embeddings: (N, D) floating point, unit length.
            au_labels: (N, A): 1 present, 0 absent, -1 not coded.
            identity_labels: (N,) integers.
            threshold: Scalar T, squared distance; learnt along with the network.

        Raises:
            ShapeError: A tensor has another shape or dtype than stated.
            InputError: tau is not above zero.
        """
        check_embeddings(embeddings, "Embeddings")
        check_labels(identity_labels, embeddings)
        if au_labels.ndim != 2 or len(au_labels) != len(embeddings):
            raise ShapeError(f"AU labels are {tuple(au_labels.shape)}; give ({len(embeddings)}, A).")
        if self.tau <= 0:
            raise InputError(f"tau is {self.tau}; it must be above 0.")
        positive = self._positives(embeddings.detach(), au_labels, identity_labels)
        same_expression = share_expression(au_labels[:, None], au_labels, self.agreement)
        of_whom = (positive.float() @ same_identity(identity_labels).float()) > 0
        negative = of_whom & ~same_expression
        tuplet = (positive.sum(dim=1) > 1) & negative.any(dim=1)
        if not tuplet.any():
            return embeddings.sum() * 0
        positive, negative = positive[tuplet], negative[tuplet]
        centres = positive.to(embeddings.dtype) @ embeddings / positive.sum(dim=1, keepdim=True)
        distance = (centres[:, None] - embeddings).square().sum(dim=2)
        too_far = torch.relu(distance - threshold + self.tau / 2)
        too_near = torch.relu(threshold + self.tau / 2 - distance)
        return (_row_means(too_far, positive) + _row_means(too_near, negative)).mean()

    def _positives(self, embeddings: Tensor, au_labels: Tensor, identity_labels: Tensor) -> Tensor:
        """Return which faces (N, N) are the positives of each face's tuplet, itself among them."""
        candidate = share_expression(au_labels[:, None], au_labels, self.agreement)
        candidate &= ~same_identity(identity_labels)
        distance = torch.cdist(embeddings, embeddings).masked_fill(~candidate, -1)
        chosen = torch.eye(len(embeddings), dtype=torch.bool, device=embeddings.device)
        for person in identity_labels.unique():
            of_person = distance.masked_fill(identity_labels != person, -1)
            farthest = of_person.max(dim=1)
            exists = farthest.values >= 0
            chosen[exists, farthest.indices[exists]] = True
        return chosen


def same_identity(identity_labels: Tensor) -> Tensor:
    """Return which faces (N, N) are of one person."""
    return identity_labels[:, None] == identity_labels


def _row_means(values: Tensor, mask: Tensor) -> Tensor:
    return torch.where(mask, values, 0).sum(dim=1) / mask.sum(dim=1)
