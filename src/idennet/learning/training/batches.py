"""What batches are, and what a batch costs; the two ways to form them are `separate.py` and `mixed.py`."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from idennet.learning.losses.consistency import consistency_loss
from idennet.learning.training.corpus import Corpus
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
class Losses:
    """What one batch costs: the weighted total and its parts, None where a part does not apply."""

    total: Tensor
    identity: Tensor | None
    au: Tensor | None
    consistency: Tensor | None = None

    def detached(self) -> "Losses":
        """Return the numbers without the graph that made them."""
        parts = (self.identity, self.au, self.consistency)
        return Losses(self.total.detach(), *(None if part is None else part.detach() for part in parts))


@dataclass(frozen=True)
class Targets:
    """What is known of a batch's faces: identity labels (N,) int64 and AU labels (N, A) int8."""

    identities: Tensor
    au_labels: Tensor


class Batching(Protocol):
    """A way to form batches and judge them."""

    @property
    def epoch_steps(self) -> int:
        """Steps in which about every face is seen once."""

    @property
    def memory(self) -> EmbeddingMemory | None:
        """State that a checkpoint must hold."""

    def draw(self, step: int) -> Batch:
        """Return the faces of a step; a pure function of the step."""

    def au_loss(self, logits: Tensor, targets: Targets) -> Tensor:
        """Return the AU loss of all faces of a batch from their logits (N, A)."""

    def identity_loss(
        self, batch: Batch, targets: Targets, embeddings: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Return the identity loss of all faces of a batch from their embeddings (N, D)."""


def weighted_losses(
    batching: Batching,
    batch: Batch,
    targets: Targets,
    logits: Tensor | None,
    embeddings: Tensor | None,
    teacher_probs: Tensor | None,
    generator: torch.Generator,
) -> Losses:
    """Return alpha L_ID + (1 - alpha) L_AU (Eq. 5) and its parts, with the weights that the batch names.

    Beyond the paper, faces without Action Units may add the consistency loss.

    Args:
        batching: Where the batch comes from.
        batch: Its faces and weights.
        targets: What is known of them.
        logits: (N, A), or None if the network was not asked.
        embeddings: (N, D), or None if the network has none.
        teacher_probs: Probabilities (N, A) by the teacher, or None if it was not asked.
        generator: Source of the random negatives.
    """
    au = identity = consistency = None
    terms = []
    if logits is not None and batch.au_weight > 0:
        au = batching.au_loss(logits, targets)
        terms.append(batch.au_weight * au)
    if embeddings is not None and batch.identity_weight > 0:
        identity = batching.identity_loss(batch, targets, embeddings, generator)
        terms.append(batch.identity_weight * identity)
    if logits is not None and teacher_probs is not None:
        consistency = consistency_loss(logits, teacher_probs)
        terms.append(batch.consistency_weight * consistency)
    return Losses(torch.stack(terms).sum(), identity, au, consistency)


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
