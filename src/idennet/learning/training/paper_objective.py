"""The paper's training: batches of faces with Action Units or with identity only, and their losses."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from idennet.errors import InputError
from idennet.learning.data.samplers import BalancedFaceSampler, IdentityPairSampler
from idennet.learning.losses.au import masked_au_loss
from idennet.learning.losses.mining import HardNegativeMiner
from idennet.learning.losses.triplet import triplet_loss
from idennet.learning.training.batches import (
    Batch,
    Drawing,
    Objective,
    Pairs,
    Seen,
    Targets,
    identity_rows,
    named_seed,
)
from idennet.learning.training.corpus import Corpus
from idennet.learning.training.memory import EmbeddingMemory
from idennet.settings import Config

CONSISTENCY_WARM_UP = 100
"""Steps in which the weight of the consistency loss rises from zero."""


class SeparateSettings(Config):
    """Separate batches of both kinds, mined triplets; the defaults are the paper's (sections III and IV)."""

    kind: Literal["separate"] = "separate"
    identities: int = Field(default=16, ge=2, description="distinct identities of a batch, one pair each")
    au_faces: int = Field(
        default=32, ge=4, description="faces of a batch with AUs: its pairs, then single faces"
    )
    rare_aus: bool = Field(
        default=False, description="draw those single faces the more often the rarer their AUs"
    )
    au_batches: float = Field(default=0.5, gt=0, le=1, description="share of batches with AUs in stage au")
    num_negatives: int = Field(default=4, ge=1)
    hard_fraction: float = Field(default=0.5, ge=0, le=1)
    margin: float = Field(default=0.5, gt=0)
    reduction: Literal["sum", "mean"] = Field(default="sum", description="over triplets; Eq. 2 has a sum")
    memory: int = Field(
        default=0, ge=0, description="embeddings of earlier batches to mine in; 0: this batch"
    )
    alpha_au: float = Field(
        default=0.5, ge=0, le=1, description="weight of the identity loss, batches with AUs"
    )
    alpha_identity: float = Field(default=1.0, gt=0, description="weight of the identity loss, other batches")
    alpha_consistency: float = Field(
        default=0.0,
        ge=0,
        description="weight of the consistency loss, batches without AUs of stage au; not in the paper",
    )
    consistency_from: int = Field(
        default=0, ge=0, description="step from which it counts: an ignorant teacher misleads"
    )
    positive_weight_bound: float = Field(
        default=1.0, ge=1, description="bound of sqrt(absent / present) as weight of present AUs; 1 is off"
    )

    def drawing(self, corpus: Corpus, seed: int, *, learn_aus: bool, learn_identity: bool) -> Drawing:
        """Return how a stage draws batches of a corpus."""
        return SeparateDrawing(self, corpus, seed, learn_aus=learn_aus, learn_identity=learn_identity)

    def objective(self, corpus: Corpus, *, learn_aus: bool) -> Objective:
        """Return what a stage learns from them."""
        return PaperObjective(self, corpus.au_labels[corpus.au_coded] if learn_aus else None)


class SeparateDrawing:
    """Pairs of distinct identities, from one kind of face a batch.

    Batches of the two kinds alternate in the given proportion. Batches with AUs may have more faces than
    their pairs: single faces that serve the AU loss and as further negatives.
    """

    def __init__(
        self, settings: SeparateSettings, corpus: Corpus, seed: int, *, learn_aus: bool, learn_identity: bool
    ) -> None:
        self._settings = settings
        self._learn_identity = learn_identity
        self._consistency = settings.alpha_consistency if learn_aus else 0.0
        self._au_rows = np.flatnonzero(corpus.au_coded) if learn_aus else np.empty(0, np.int64)
        self._identity_rows = identity_rows(corpus, learn_aus, learn_identity)
        if len(self._au_rows):
            labels = corpus.au_labels[self._au_rows]
            self._au_pairs = IdentityPairSampler(
                corpus.identities[self._au_rows], settings.identities, named_seed(seed, 0)
            )
            weighed = labels if settings.rare_aus else np.zeros_like(labels)
            self._au_singles = BalancedFaceSampler(weighed, named_seed(seed, 1))
        if len(self._identity_rows):
            self._pairs = IdentityPairSampler(
                corpus.identities[self._identity_rows], settings.identities, named_seed(seed, 2)
            )

    @property
    def pairs(self) -> tuple[Pairs, ...]:
        """One pair of each distinct identity, of which there may be fewer than wanted."""
        found = []
        if len(self._au_rows):
            wanted, most = self._settings.identities, self._settings.au_faces // 2
            drawn = min(self._au_pairs.identities, most)
            found.append(Pairs("Action Units", drawn, min(wanted, most)))
        if len(self._identity_rows):
            found.append(Pairs("identity alone", self._pairs.identities, self._settings.identities))
        return tuple(found)

    @property
    def epoch_steps(self) -> int:
        """Steps in which as many faces are drawn as there are (faces with AUs in stage `au`)."""
        if len(self._au_rows):
            share = self._settings.au_batches if len(self._identity_rows) else 1.0
            return max(round(len(self._au_rows) / self._settings.au_faces / share), 1)
        return max(round(len(self._identity_rows) / self._settings.identities / 2), 1)

    def draw(self, step: int) -> Batch:
        """Return the faces of a step."""
        settings = self._settings
        if not self._has_aus(step):
            pairs = self._pairs.draw(step)
            risen = (step + 1 - settings.consistency_from) / CONSISTENCY_WARM_UP
            consistency = self._consistency * min(max(risen, 0.0), 1.0)
            rows = self._identity_rows[pairs.ravel()]
            return Batch(rows, len(pairs), settings.alpha_identity, 0.0, consistency)
        pairs = self._au_pairs.draw(step)[: settings.au_faces // 2]
        singles = self._au_singles.draw(step, settings.au_faces - pairs.size)
        rows = self._au_rows[np.concatenate([pairs.ravel(), singles])]
        if not self._learn_identity:
            return Batch(rows, len(pairs), 0.0, 1.0)
        return Batch(rows, len(pairs), settings.alpha_au, 1 - settings.alpha_au)

    def _has_aus(self, step: int) -> bool:
        if not len(self._identity_rows) or not len(self._au_rows):
            return len(self._au_rows) > 0
        share = self._settings.au_batches
        return int((step + 1) * share + 1e-9) > int(step * share + 1e-9)


class PaperObjective:
    """Cross entropy of coded Action Units (Eq. 4) and mined triplets (Eq. 2, Fig. 3)."""

    def __init__(self, settings: SeparateSettings, au_labels: NDArray[np.int8] | None) -> None:
        self._settings = settings
        self._miner = HardNegativeMiner(settings.num_negatives, settings.hard_fraction)
        self.memory = EmbeddingMemory(settings.memory) if settings.memory else None
        self._positive_weight: Tensor | None = None
        if au_labels is not None and settings.positive_weight_bound > 1:
            self._positive_weight = _positive_weight(au_labels, settings.positive_weight_bound)

    def au_loss(self, logits: Tensor, targets: Targets) -> Tensor:
        """Return the mean cross entropy of all coded Action Units (Eq. 4)."""
        weight = None if self._positive_weight is None else self._positive_weight.to(logits.device)
        return masked_au_loss(logits, targets.au_labels, positive_weight=weight)

    def identity_loss(
        self, batch: Batch, targets: Targets, embeddings: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Return the triplet loss (Eq. 2); the batch's embeddings go into the memory."""
        identities = targets.identities
        settings = self._settings
        pairs = torch.arange(2 * batch.pairs, device=embeddings.device).view(-1, 2)
        candidates, owners = embeddings, identities
        if self.memory is not None:  # this batch stays among the candidates, and its rows have a gradient
            candidates = torch.cat([embeddings, self.memory.embeddings.to(embeddings)])
            owners = torch.cat([identities, self.memory.identities.to(identities)])
            self.memory.add(embeddings, identities)
        triplets = self._miner(
            embeddings, identities, pairs, generator=generator, memory=candidates, memory_labels=owners
        )
        return triplet_loss(
            embeddings, triplets, settings.margin, negatives=candidates, reduction=settings.reduction
        )

    def further_losses(
        self, batch: Batch, targets: Targets, seen: Seen
    ) -> Mapping[str, tuple[float, Tensor]]:
        """Return nothing: the paper has two losses."""
        return {}


def _positive_weight(au_labels: NDArray[np.int8], bound: float) -> Tensor:
    present = (au_labels == 1).sum(axis=0)
    absent = (au_labels == 0).sum(axis=0)
    if not present.any():
        raise InputError("No face of the training subjects shows any Action Unit; there is nothing to learn.")
    weight = np.sqrt(absent / np.maximum(present, 1)).clip(1 / bound, bound)
    return torch.from_numpy(weight.astype(np.float32))
