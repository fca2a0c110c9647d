"""Two ways to form batches, each with the identity loss that belongs to it.

`SeparateBatches` is the paper's: a batch comes either from faces with Action Units or from faces with an
identity only. `MixedBatches` is that of the authors' released code: half of every batch is of each kind.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from idennet.data.samplers import BalancedFaceSampler, ConsecutivePairSampler, IdentityPairSampler
from idennet.errors import InputError
from idennet.losses.au import masked_au_loss
from idennet.losses.mining import HardNegativeMiner
from idennet.losses.rank_hard import RankHardLoss
from idennet.losses.triplet import triplet_loss
from idennet.settings import Config
from idennet.training.corpus import Corpus
from idennet.training.memory import EmbeddingMemory


@dataclass(frozen=True)
class Batch:
    """Faces of one step, as rows of the corpus; the first `2 * pairs` are anchor, positive, anchor, ..."""

    rows: NDArray[np.int64]
    pairs: int
    identity_weight: float
    au_weight: float


@dataclass(frozen=True)
class Losses:
    """What one batch costs: the weighted total and its parts, None where a part does not apply."""

    total: Tensor
    identity: Tensor | None
    au: Tensor | None

    def detached(self) -> "Losses":
        """Return the numbers without the graph that made them."""
        identity = None if self.identity is None else self.identity.detach()
        return Losses(self.total.detach(), identity, None if self.au is None else self.au.detach())


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

    def loss(
        self,
        batch: Batch,
        targets: Targets,
        logits: Tensor | None,
        embeddings: Tensor | None,
        generator: torch.Generator,
    ) -> Losses:
        """Return the losses of a batch from what the network said about it."""


class SeparateSettings(Config):
    """Settings of `SeparateBatches`; the defaults are the paper's (sections III and IV)."""

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
    positive_weight_bound: float = Field(
        default=1.0, ge=1, description="bound of sqrt(absent / present) as weight of present AUs; 1 is off"
    )

    def build(self, corpus: Corpus, seed: int, *, learn_aus: bool, learn_identity: bool) -> Batching:
        """Return the batches of a stage over a corpus."""
        return SeparateBatches(self, corpus, seed, learn_aus=learn_aus, learn_identity=learn_identity)


class MixedSettings(Config):
    """Settings of `MixedBatches`; the defaults are those of the released code."""

    kind: Literal["mixed"] = "mixed"
    faces: int = Field(default=64, ge=8, multiple_of=4, description="half of them with AUs, half without")
    num_negatives: int = Field(default=4, ge=1)
    hard_fraction: float = Field(default=0.5, ge=0, le=1)
    margin: float = Field(default=0.5, gt=0, description="on dot products: half the margin of Eq. 2")

    def build(self, corpus: Corpus, seed: int, *, learn_aus: bool, learn_identity: bool) -> Batching:
        """Return the batches of a stage over a corpus."""
        return MixedBatches(self, corpus, seed, learn_aus=learn_aus, learn_identity=learn_identity)


class SeparateBatches:
    """Pairs of distinct identities, from one kind of face a batch; mined triplets (Eq. 2, Fig. 3).

    Batches of the two kinds alternate in the given proportion. Batches with AUs may have more faces than
    their pairs: single faces that serve the AU loss and as further negatives.
    """

    def __init__(
        self, settings: SeparateSettings, corpus: Corpus, seed: int, *, learn_aus: bool, learn_identity: bool
    ) -> None:
        self._settings = settings
        self._identities = corpus.identities
        self._learn_identity = learn_identity
        self._au_rows = np.flatnonzero(corpus.au_coded) if learn_aus else np.empty(0, np.int64)
        self._identity_rows = _identity_rows(corpus, learn_aus, learn_identity)
        self._miner = HardNegativeMiner(settings.num_negatives, settings.hard_fraction)
        self.memory = EmbeddingMemory(settings.memory) if settings.memory else None
        self._positive_weight: Tensor | None = None
        if len(self._au_rows):
            labels = corpus.au_labels[self._au_rows]
            self._au_pairs = IdentityPairSampler(
                corpus.identities[self._au_rows], settings.identities, _named(seed, 0)
            )
            weighed = labels if settings.rare_aus else np.zeros_like(labels)
            self._au_singles = BalancedFaceSampler(weighed, _named(seed, 1))
            self._positive_weight = _positive_weight(labels, settings.positive_weight_bound)
        if len(self._identity_rows):
            self._pairs = IdentityPairSampler(
                corpus.identities[self._identity_rows], settings.identities, _named(seed, 2)
            )

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
            return Batch(self._identity_rows[pairs.ravel()], len(pairs), settings.alpha_identity, 0.0)
        pairs = self._au_pairs.draw(step)[: settings.au_faces // 2]
        singles = self._au_singles.draw(step, settings.au_faces - pairs.size)
        rows = self._au_rows[np.concatenate([pairs.ravel(), singles])]
        if not self._learn_identity:
            return Batch(rows, len(pairs), 0.0, 1.0)
        return Batch(rows, len(pairs), settings.alpha_au, 1 - settings.alpha_au)

    def loss(
        self,
        batch: Batch,
        targets: Targets,
        logits: Tensor | None,
        embeddings: Tensor | None,
        generator: torch.Generator,
    ) -> Losses:
        """Return alpha L_ID + (1 - alpha) L_AU (Eq. 5)."""
        au = identity = None
        terms = []
        if logits is not None and batch.au_weight > 0:
            weight = None if self._positive_weight is None else self._positive_weight.to(logits.device)
            au = masked_au_loss(logits, targets.au_labels, positive_weight=weight)
            terms.append(batch.au_weight * au)
        if embeddings is not None and batch.identity_weight > 0:
            identity = self._identity_loss(batch, targets.identities, embeddings, generator)
            terms.append(batch.identity_weight * identity)
        return Losses(torch.stack(terms).sum(), identity, au)

    def _identity_loss(
        self, batch: Batch, identities: Tensor, embeddings: Tensor, generator: torch.Generator
    ) -> Tensor:
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

    def _has_aus(self, step: int) -> bool:
        if not len(self._identity_rows) or not len(self._au_rows):
            return len(self._au_rows) > 0
        share = self._settings.au_batches
        return int((step + 1) * share + 1e-9) > int(step * share + 1e-9)


class MixedBatches:
    """Half of the pairs with AUs, half without, cut from shuffled faces; `RankHardLoss` over all of them.

    An epoch ends when the pairs with AUs are used up; the other pairs start again on their own. Both losses
    have weight 1, and the AU loss is divided by all faces of the batch, with AUs or not.
    """

    memory = None

    def __init__(
        self, settings: MixedSettings, corpus: Corpus, seed: int, *, learn_aus: bool, learn_identity: bool
    ) -> None:
        self._learn_aus, self._learn_identity = learn_aus, learn_identity
        self._kinds: list[tuple[NDArray[np.int64], ConsecutivePairSampler]] = []
        au_rows = np.flatnonzero(corpus.au_coded) if learn_aus else np.empty(0, np.int64)
        kinds = [rows for rows in (au_rows, _identity_rows(corpus, learn_aus, learn_identity)) if len(rows)]
        for number, rows in enumerate(kinds):
            pairs = settings.faces // 2 // len(kinds) if not learn_aus else settings.faces // 4
            sampler = ConsecutivePairSampler(corpus.identities[rows], pairs, _named(seed, number))
            self._kinds.append((rows, sampler))
        self._identity_loss = RankHardLoss(settings.num_negatives, settings.hard_fraction, settings.margin)

    @property
    def epoch_steps(self) -> int:
        """Steps until the pairs with AUs (or, without AUs, all pairs) are used up."""
        return self._kinds[0][1].epoch_steps

    def draw(self, step: int) -> Batch:
        """Return the faces of a step: all in pairs."""
        rows = np.concatenate([rows[sampler.draw(step).ravel()] for rows, sampler in self._kinds])
        return Batch(rows, len(rows) // 2, float(self._learn_identity), float(self._learn_aus))

    def loss(
        self,
        batch: Batch,
        targets: Targets,
        logits: Tensor | None,
        embeddings: Tensor | None,
        generator: torch.Generator,
    ) -> Losses:
        """Return the sum of both losses."""
        au = identity = None
        terms = []
        if logits is not None and batch.au_weight > 0:
            au = masked_au_loss(logits, targets.au_labels, normalizer="batch")
            terms.append(au)
        if embeddings is not None and batch.identity_weight > 0:
            identity = self._identity_loss(embeddings, targets.identities, generator=generator)
            terms.append(identity)
        return Losses(torch.stack(terms).sum(), identity, au)


def _identity_rows(corpus: Corpus, learn_aus: bool, learn_identity: bool) -> NDArray[np.int64]:
    """Return faces for the identity loss alone; without identity stores, stage `identity` takes all faces."""
    if not learn_identity:
        return np.empty(0, np.int64)
    rows = np.flatnonzero(~corpus.au_coded)
    if learn_aus or len(rows):
        return rows
    return np.arange(len(corpus))


def _positive_weight(au_labels: NDArray[np.int8], bound: float) -> Tensor | None:
    if bound == 1:
        return None
    present = (au_labels == 1).sum(axis=0)
    absent = (au_labels == 0).sum(axis=0)
    if not present.any():
        raise InputError("No face of the training subjects shows any Action Unit; there is nothing to learn.")
    weight = np.sqrt(absent / np.maximum(present, 1)).clip(1 / bound, bound)
    return torch.from_numpy(weight.astype(np.float32))


def _named(seed: int, stream: int) -> int:
    """Return a seed of its own for each stream of random numbers."""
    return int(np.random.SeedSequence((seed, stream)).generate_state(1)[0])
