"""What batches are, and what they cost; the paper's and the released code's have a module of their own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from idennet.learning.losses.consistency import consistency_loss
from idennet.learning.training.corpus import Corpus
from idennet.learning.training.engine import Cost
from idennet.learning.training.memory import EmbeddingMemory


@dataclass(frozen=True)
class Batch:
    """Faces of one step, as rows of the corpus; the first `2 * pairs` are anchor, positive, anchor, ..."""

    rows: NDArray[np.int64]
    pairs: int
    identity_weight: float
    au_weight: float
    consistency_weight: float = 0.0


@dataclass(frozen=True)
class Targets:
    """What is known of a batch's faces.

    Attributes:
        identities: Identity labels, (N,) int64.
        au_labels: AU labels, (N, A) int8 in {1, 0, -1}.
        taught: A teacher's logits, (N, A), NaN where it says nothing.
        believed: How far it is believed, (N, A), 0 to 1.
        sides: Intensity on the left and the right, (N, A, 2), 0 to 1, NaN where unknown.
        visible: Whether each of `facs.PARTS` can be seen, (N, 3) in {1, 0, -1}.
        directions: A teacher's embeddings of the person, (N, E), NaN where it does not know the face.
    """

    identities: Tensor
    au_labels: Tensor
    taught: Tensor
    believed: Tensor
    sides: Tensor
    visible: Tensor
    directions: Tensor


@dataclass(frozen=True)
class Seen:
    """What the network says of a batch's faces; None what it was not asked or has no branch for.

    Attributes:
        logits: Of Action Units, (N, A).
        embeddings: Of the identity, (N, D).
        sides: Logits of the intensity of each side, (N, A, 2).
        parts: Logits of visible parts, (N, 3).
    """

    logits: Tensor | None = None
    embeddings: Tensor | None = None
    sides: Tensor | None = None
    parts: Tensor | None = None


@dataclass(frozen=True)
class Pairs:
    """How many pairs of faces a batch has for one purpose.

    Attributes:
        purpose: What the faces serve; those with Action Units serve identity too.
        drawn: Pairs of a batch.
        wanted: Pairs that the settings ask for; fewer are drawn where there are not so many.
    """

    purpose: Literal["Action Units", "identity alone"]
    drawn: int
    wanted: int


class Drawing(Protocol):
    """A way to draw batches."""

    @property
    def pairs(self) -> tuple[Pairs, ...]:
        """Pairs of a batch, for each purpose that it has."""

    @property
    def epoch_steps(self) -> int:
        """Steps in which about every face is seen once."""

    def draw(self, step: int) -> Batch:
        """Return the faces of a step; a pure function of the step."""


class Objective(Protocol):
    """What is learnt from a batch: the loss of each branch."""

    @property
    def memory(self) -> EmbeddingMemory | None:
        """Earlier embeddings among which negatives are mined; a checkpoint must hold them."""

    def au_loss(self, logits: Tensor, targets: Targets) -> Tensor:
        """Return the AU loss of all faces of a batch from their logits (N, A)."""

    def identity_loss(
        self, batch: Batch, targets: Targets, embeddings: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Return the identity loss of all faces of a batch from their embeddings (N, D)."""

    def further_losses(
        self, batch: Batch, targets: Targets, seen: Seen
    ) -> Mapping[str, tuple[float, Tensor]]:
        """Return weight and value of what else is learnt, by its name in the records."""


def batch_cost(
    objective: Objective,
    batch: Batch,
    targets: Targets,
    seen: Seen,
    teacher_probs: Tensor | None,
    generator: torch.Generator,
) -> Cost:
    """Return alpha L_ID + (1 - alpha) L_AU (Eq. 5) and its parts, with the weights that the batch names.

    Beyond the paper, an objective may have further losses, and faces may add the consistency loss.

    Args:
        objective: The losses of both branches.
        batch: Faces and weights.
        targets: What is known of the faces.
        seen: What the network says of them.
        teacher_probs: Probabilities (N, A) by the running mean of weights, or None if it was not asked.
        generator: Source of the random negatives.
    """
    parts: dict[str, Tensor] = {}
    terms = []
    if seen.logits is not None and batch.au_weight > 0:
        parts["au_loss"] = objective.au_loss(seen.logits, targets)
        terms.append(batch.au_weight * parts["au_loss"])
    if seen.embeddings is not None and batch.identity_weight > 0:
        parts["identity_loss"] = objective.identity_loss(batch, targets, seen.embeddings, generator)
        terms.append(batch.identity_weight * parts["identity_loss"])
    for name, (weight, loss) in objective.further_losses(batch, targets, seen).items():
        parts[name] = loss
        terms.append(weight * loss)
    if seen.logits is not None and teacher_probs is not None:
        parts["consistency_loss"] = consistency_loss(seen.logits, teacher_probs)
        terms.append(batch.consistency_weight * parts["consistency_loss"])
    return Cost(torch.stack(terms).sum(), parts, len(batch.rows))


def identity_rows(corpus: Corpus, learn_aus: bool, learn_identity: bool) -> NDArray[np.int64]:
    """Return faces for the identity loss alone; without identity stores, stage `identity` takes all faces."""
    if not learn_identity:
        return np.empty(0, np.int64)
    rows = np.flatnonzero(~corpus.au_coded)
    if learn_aus or len(rows):
        return rows
    return np.arange(len(corpus))


def named_seed(seed: int, stream: int) -> int:
    """Return a seed of its own for each stream of random numbers."""
    return int(np.random.SeedSequence((seed, stream)).generate_state(1)[0])
