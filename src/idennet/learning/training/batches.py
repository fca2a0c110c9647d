"""What batches are, and what they cost; the paper's and the released code's have a module of their own."""

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
    """What is known of a batch's faces: identity labels (N,) int64 and AU labels (N, A) int8."""

    identities: Tensor
    au_labels: Tensor


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


def batch_cost(
    objective: Objective,
    batch: Batch,
    targets: Targets,
    logits: Tensor | None,
    embeddings: Tensor | None,
    teacher_probs: Tensor | None,
    generator: torch.Generator,
) -> Cost:
    """Return alpha L_ID + (1 - alpha) L_AU (Eq. 5) and its parts, with the weights that the batch names.

    Beyond the paper, faces without Action Units may add the consistency loss.

    Args:
        objective: The losses of both branches.
        batch: Faces and weights.
        targets: What is known of the faces.
        logits: (N, A), or None if the network was not asked.
        embeddings: (N, D), or None if the network has none.
        teacher_probs: Probabilities (N, A) by the teacher, or None if it was not asked.
        generator: Source of the random negatives.
    """
    parts: dict[str, Tensor] = {}
    terms = []
    if logits is not None and batch.au_weight > 0:
        parts["au_loss"] = objective.au_loss(logits, targets)
        terms.append(batch.au_weight * parts["au_loss"])
    if embeddings is not None and batch.identity_weight > 0:
        parts["identity_loss"] = objective.identity_loss(batch, targets, embeddings, generator)
        terms.append(batch.identity_weight * parts["identity_loss"])
    if logits is not None and teacher_probs is not None:
        parts["consistency_loss"] = consistency_loss(logits, teacher_probs)
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
