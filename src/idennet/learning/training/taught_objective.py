"""Teaching with photographs: each batch has rendered faces, exactly labelled, and photographs with a teacher.

What the paper has no photographs for: its Eq. 4 counts on rendered faces, a teacher's graded values count on
photographs, and the difference between two photographs of one person counts without that person.
"""

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
from idennet.learning.losses.distillation import relation_loss
from idennet.learning.losses.grades import graded_loss
from idennet.learning.losses.mining import HardNegativeMiner
from idennet.learning.losses.teacher import taught_au_loss, within_person_loss
from idennet.learning.losses.triplet import triplet_loss
from idennet.learning.training.batches import Batch, Drawing, Objective, Pairs, Seen, Targets, named_seed
from idennet.learning.training.corpus import Corpus
from idennet.settings import Config


class TaughtSettings(Config):
    """A batch: pairs of one rendered person, pairs of one photographed person, then single faces of both."""

    kind: Literal["taught"] = "taught"
    rendered: int = Field(default=40, ge=4, description="rendered faces of a batch")
    rendered_pairs: int = Field(default=8, ge=2, description="pairs among them, of distinct identities")
    photographs: int = Field(default=40, ge=0, description="photographs of a batch; 0: renderings only")
    photograph_pairs: int = Field(default=12, ge=0, description="pairs among them, of distinct identities")
    relative: bool = Field(default=True, description="the teacher's values relative to the person's usual")
    alpha_identity: float = Field(default=0.1, ge=0, description="weight of the triplet loss (Eq. 2)")
    alpha_taught: float = Field(default=1.0, ge=0, description="weight of the teacher's soft targets")
    alpha_within: float = Field(default=0.5, ge=0, description="weight of differences within a person")
    alpha_known: float = Field(
        default=0.0, ge=0, description="weight of how alike a teacher finds two people"
    )
    alpha_sides: float = Field(default=0.5, ge=0, description="weight of intensity by side")
    alpha_parts: float = Field(default=0.2, ge=0, description="weight of which parts can be seen")
    alpha_consistency: float = Field(default=0.0, ge=0, description="weight of the consistency loss")
    kept: tuple[int, ...] = Field(
        default=(),
        description="Action Units that the first weights teach on photographs, as nobody else does",
    )
    kept_weight: float = Field(default=0.5, ge=0, le=1, description="how far they are believed")
    num_negatives: int = Field(default=4, ge=1)
    hard_fraction: float = Field(default=0.5, ge=0, le=1)
    margin: float = Field(default=0.5, gt=0)

    def drawing(self, corpus: Corpus, seed: int, *, learn_aus: bool, learn_identity: bool) -> Drawing:
        """Return how a stage draws batches of a corpus.

        Raises:
            InputError: There are no photographs with a teacher's labels, but some are asked for.
        """
        return TaughtDrawing(self, corpus, seed)

    def objective(self, corpus: Corpus, *, learn_aus: bool) -> Objective:
        """Return what a stage learns from them."""
        return TaughtObjective(self)


class TaughtDrawing:
    """Draws both kinds of faces; rare Action Units, coded or taught, are drawn more often."""

    def __init__(self, settings: TaughtSettings, corpus: Corpus, seed: int) -> None:
        self._settings = settings
        self._kinds: list[
            tuple[NDArray[np.int64], IdentityPairSampler | None, int, BalancedFaceSampler, int]
        ] = []
        taught = corpus.is_taught & ~corpus.au_coded
        if settings.photographs and not taught.any():
            raise InputError(
                "These batches have photographs, but none has a teacher's labels; give them with --teacher, "
                "or set au_stage.batches.photographs=0."
            )
        seen = np.where(np.isnan(corpus.taught), -1, corpus.taught > 0).astype(np.int8)
        kinds = [
            (corpus.au_coded, corpus.au_labels, settings.rendered, settings.rendered_pairs),
            (taught, seen, settings.photographs, settings.photograph_pairs),
        ]
        for number, (chosen, labels, faces, pairs) in enumerate(kinds):
            if not faces:
                continue
            rows = np.flatnonzero(chosen)
            sampler = None
            if pairs:
                sampler = IdentityPairSampler(corpus.identities[rows], pairs, named_seed(seed, 2 * number))
                pairs = min(sampler.identities, faces // 2)
            singles = BalancedFaceSampler(labels[rows], named_seed(seed, 2 * number + 1))
            self._kinds.append((rows, sampler, pairs, singles, faces - 2 * pairs))

    @property
    def pairs(self) -> tuple[Pairs, ...]:
        """Pairs of a batch."""
        settings, kinds = self._settings, self._kinds
        found = [Pairs("Action Units", kinds[0][2], settings.rendered_pairs)]
        if settings.photographs:
            found.append(Pairs("identity alone", kinds[1][2], settings.photograph_pairs))
        return tuple(found)

    @property
    def epoch_steps(self) -> int:
        """Steps in which as many rendered faces are drawn as there are."""
        return max(round(len(self._kinds[0][0]) / self._settings.rendered), 1)

    def draw(self, step: int) -> Batch:
        """Return the faces of a step: all pairs, then all single faces."""
        pairs = [rows[sampler.draw(step)[:count]] for rows, sampler, count, _, _ in self._kinds if sampler]
        singles = [rows[faces.draw(step, count)] for rows, _, _, faces, count in self._kinds]
        paired = np.concatenate([own.ravel() for own in pairs])
        return Batch(
            np.concatenate([paired, *singles]),
            len(paired) // 2,
            self._settings.alpha_identity,
            1.0,
            self._settings.alpha_consistency,
        )


class TaughtObjective:
    """Cross entropy of exact labels and of a teacher's, a person's differences, likeness, sides and parts."""

    memory = None

    def __init__(self, settings: TaughtSettings) -> None:
        self._settings = settings
        self._miner = HardNegativeMiner(settings.num_negatives, settings.hard_fraction)

    def au_loss(self, logits: Tensor, targets: Targets) -> Tensor:
        """Return the mean cross entropy of all coded Action Units (Eq. 4)."""
        return masked_au_loss(logits, targets.au_labels)

    def identity_loss(
        self, batch: Batch, targets: Targets, embeddings: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Return the mean triplet loss (Eq. 2) of all pairs."""
        settings = self._settings
        pairs = torch.arange(2 * batch.pairs, device=embeddings.device).view(-1, 2)
        triplets = self._miner(embeddings, targets.identities, pairs, generator=generator)
        return triplet_loss(embeddings, triplets, settings.margin, reduction="mean")

    def further_losses(
        self, batch: Batch, targets: Targets, seen: Seen
    ) -> Mapping[str, tuple[float, Tensor]]:
        """Return weight and value of what a teacher, sides and parts teach."""
        settings = self._settings
        logits = seen.logits
        assert logits is not None, "these batches ask for Action Units"
        pairs = torch.arange(2 * batch.pairs, device=logits.device).view(-1, 2)
        found = {
            "taught_loss": (settings.alpha_taught, taught_au_loss(logits, targets.taught, targets.believed)),
            "within_loss": (
                settings.alpha_within,
                within_person_loss(logits, targets.taught, pairs, targets.believed),
            ),
        }
        if seen.embeddings is not None:
            found["known_loss"] = (settings.alpha_known, relation_loss(seen.embeddings, targets.directions))
        if seen.sides is not None and seen.parts is not None:
            visible = torch.where(targets.visible < 0, torch.nan, targets.visible.float())
            found["sides_loss"] = (settings.alpha_sides, graded_loss(seen.sides, targets.sides))
            found["parts_loss"] = (settings.alpha_parts, graded_loss(seen.parts, visible))
        return {name: (weight, loss) for name, (weight, loss) in found.items() if weight > 0}
