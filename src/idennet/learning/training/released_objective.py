"""The training of the authors' released code: half of each batch has Action Units, half has none."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from idennet.learning.data.samplers import ConsecutivePairSampler
from idennet.learning.losses.au import masked_au_loss
from idennet.learning.losses.rank_hard import RankHardLoss
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
from idennet.settings import Config


class MixedSettings(Config):
    """Mixed batches and `RankHardLoss`; the defaults are those of the released code."""

    kind: Literal["mixed"] = "mixed"
    faces: int = Field(default=64, ge=8, multiple_of=4, description="half of them with AUs, half without")
    num_negatives: int = Field(default=4, ge=1)
    hard_fraction: float = Field(default=0.5, ge=0, le=1)
    margin: float = Field(default=0.5, gt=0, description="on dot products: half the margin of Eq. 2")

    def drawing(self, corpus: Corpus, seed: int, *, learn_aus: bool, learn_identity: bool) -> Drawing:
        """Return how a stage draws batches of a corpus."""
        return MixedDrawing(self, corpus, seed, learn_aus=learn_aus, learn_identity=learn_identity)

    def objective(self, corpus: Corpus, *, learn_aus: bool) -> Objective:
        """Return what a stage learns from them."""
        return ReleasedObjective(self)


class MixedDrawing:
    """Half of the pairs with AUs, half without, cut from shuffled faces; both losses have weight 1.

    An epoch ends when the pairs with AUs are used up; the other pairs start again on their own.
    """

    def __init__(
        self, settings: MixedSettings, corpus: Corpus, seed: int, *, learn_aus: bool, learn_identity: bool
    ) -> None:
        self._learn_aus, self._learn_identity = learn_aus, learn_identity
        self._kinds: list[tuple[NDArray[np.int64], ConsecutivePairSampler]] = []
        au_rows = np.flatnonzero(corpus.au_coded) if learn_aus else np.empty(0, np.int64)
        kinds = [rows for rows in (au_rows, identity_rows(corpus, learn_aus, learn_identity)) if len(rows)]
        for number, rows in enumerate(kinds):
            pairs = settings.faces // 2 // len(kinds) if not learn_aus else settings.faces // 4
            sampler = ConsecutivePairSampler(corpus.identities[rows], pairs, named_seed(seed, number))
            self._kinds.append((rows, sampler))

    @property
    def pairs(self) -> tuple[Pairs, ...]:
        """Pairs of the first batch of an epoch; fewer than wanted where an epoch has no more."""
        purposes: list[Literal["Action Units", "identity alone"]] = ["Action Units", "identity alone"]
        if not self._learn_aus:
            purposes.reverse()
        return tuple(
            Pairs(purpose, len(sampler.draw(0)), sampler.pairs)
            for purpose, (_, sampler) in zip(purposes, self._kinds, strict=False)
        )

    @property
    def epoch_steps(self) -> int:
        """Steps until the pairs with AUs (or, without AUs, all pairs) are used up."""
        return self._kinds[0][1].epoch_steps

    def draw(self, step: int) -> Batch:
        """Return the faces of a step: all in pairs."""
        rows = np.concatenate([rows[sampler.draw(step).ravel()] for rows, sampler in self._kinds])
        return Batch(rows, len(rows) // 2, float(self._learn_identity), float(self._learn_aus))


class ReleasedObjective:
    """`RankHardLoss` over all pairs; the AU loss is divided by all faces of the batch, with AUs or not."""

    memory = None

    def __init__(self, settings: MixedSettings) -> None:
        self._rank_hard = RankHardLoss(settings.num_negatives, settings.hard_fraction, settings.margin)

    def au_loss(self, logits: Tensor, targets: Targets) -> Tensor:
        """Return the cross entropy, divided by all faces."""
        return masked_au_loss(logits, targets.au_labels, normalizer="batch")

    def identity_loss(
        self, batch: Batch, targets: Targets, embeddings: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Return the `RankHardLoss` of all pairs."""
        return self._rank_hard(embeddings, targets.identities, generator=generator)

    def further_losses(
        self, batch: Batch, targets: Targets, seen: Seen
    ) -> Mapping[str, tuple[float, Tensor]]:
        """Return nothing: the paper has two losses."""
        return {}
