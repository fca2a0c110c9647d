"""What the two stages are: which faces they learn from and by which number they are judged.

Stage `identity` learns to tell people apart (alpha = 1); stage `au` learns Action Units on top.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from idennet.errors import InputError
from idennet.learning.data.teacher import SURE, lesson_weights
from idennet.learning.evaluation.metrics import auc, verification_auc
from idennet.learning.evaluation.scores import score
from idennet.learning.training.batches import Drawing, Objective
from idennet.learning.training.corpus import Corpus
from idennet.learning.training.recipe import Recipe, Stage
from idennet.models.idennet import IdenNet
from idennet.models.weights import Network

StageName = Literal["identity", "au"]
FEW = 5
"""Faces of either kind that an AUC needs."""

_BATCH = 64
_STREAMS: dict[StageName, int] = {"identity": 1, "au": 2}


class Judge(Protocol):
    """Measures a network on validation faces."""

    def __call__(self, model: Network, device: torch.device) -> dict[str, float]:
        """Return named numbers; `score` is the one to make large."""


@dataclass(frozen=True)
class StagePlan:
    """A stage of a recipe, ready for the engine. `seed` differs from stage to stage; `judge` may be None."""

    name: StageName
    settings: Stage
    drawing: Drawing
    objective: Objective
    seed: int
    judge: Judge | None

    @property
    def steps(self) -> int:
        """Length of the stage."""
        if self.settings.steps is not None:
            return self.settings.steps
        return (self.settings.epochs or 0) * self.drawing.epoch_steps

    @property
    def validate_every(self) -> int:
        """Steps from one validation to the next."""
        return self.settings.validate_every or self.drawing.epoch_steps


def plan_stages(recipe: Recipe, training: Corpus, validation: Corpus) -> list[StagePlan]:
    """Return the stages of a recipe over a corpus, in order.

    Raises:
        InputError: Stage `au` has no faces with Action Units to learn from.
    """
    plans = []
    if recipe.identity_stage is not None:
        seed = _stage_seed(recipe.seed, "identity")
        batches = recipe.identity_stage.batches
        drawing = batches.drawing(training, seed, learn_aus=False, learn_identity=True)
        objective = batches.objective(training, learn_aus=False)
        judge = _identity_judge(recipe, validation)
        plans.append(StagePlan("identity", recipe.identity_stage, drawing, objective, seed, judge))
    if recipe.au_stage is not None:
        if not training.au_coded.any():
            raise InputError("Stage au needs faces with Action Units; give at least one store with --au.")
        seed = _stage_seed(recipe.seed, "au")
        learn_identity = recipe.model.kind == "idennet"
        drawing = recipe.au_stage.batches.drawing(
            training, seed, learn_aus=True, learn_identity=learn_identity
        )
        objective = recipe.au_stage.batches.objective(training, learn_aus=True)
        judge = _au_judge(recipe, validation)
        plans.append(StagePlan("au", recipe.au_stage, drawing, objective, seed, judge))
    return plans


@dataclass(frozen=True)
class VerifyIdentities:
    """Judges stage `identity`: are two faces of one unseen person closer than two of different people?"""

    faces: Corpus

    def __call__(self, model: Network, device: torch.device) -> dict[str, float]:
        """Return the area under the ROC curve of all pairs of validation faces."""
        assert isinstance(model, IdenNet)
        embeddings = [model.embed(faces).float().cpu().numpy() for faces in _batches(self.faces, device)]
        area = verification_auc(np.concatenate(embeddings), self.faces.identities)
        return {"score": area, "verification_auc": area}


@dataclass(frozen=True)
class DetectAUs:
    """Judges stage `au` by the mean AUC over Action Units of unseen people."""

    faces: Corpus

    def __call__(self, model: Network, device: torch.device) -> dict[str, float]:
        """Return mean AUC (the score), mean F1 at 0.5 and, with an identity branch, verification AUC."""
        outputs = [model(faces) for faces in _batches(self.faces, device)]
        probabilities = torch.cat([output.au_logits.float().sigmoid() for output in outputs]).cpu().numpy()
        corpus = self.faces
        names = np.array(corpus.subjects)[corpus.identities]
        evaluation = score(probabilities, corpus.au_labels, names, corpus.aus)
        area = evaluation.mean_auc
        numbers = {"score": area, "mean_auc": area, "mean_f1": evaluation.mean_f1}
        if outputs[0].identity_embedding is not None and len(np.unique(corpus.identities)) > 1:
            embeddings = torch.cat([output.identity_embedding.float() for output in outputs]).cpu().numpy()
            numbers["verification_auc"] = verification_auc(embeddings, corpus.identities)
        return numbers


@dataclass(frozen=True)
class ReadPhotographs:
    """Judges stage `au` by rendered people with exact labels and by photographs with a teacher's alike.

    Attributes:
        rendered: Judges the rendered faces.
        photographs: Faces with a teacher's labels.
    """

    rendered: DetectAUs
    photographs: Corpus

    def __call__(self, model: Network, device: torch.device) -> dict[str, float]:
        """Return the numbers of `DetectAUs`, `taught_auc`, and the mean of both AUCs as the score.

        `taught_auc` is the mean over Action Units whose teacher is believed, of photographs where it is sure.
        """
        numbers = self.rendered(model, device)
        logits = [
            model(faces).au_logits.float().cpu().numpy() for faces in _batches(self.photographs, device)
        ]
        areas = taught_aucs(np.concatenate(logits), self.photographs.taught, self.photographs.aus)
        area = float(np.nanmean(areas))
        return {**numbers, "score": (numbers["mean_auc"] + area) / 2, "taught_auc": area}


def taught_aucs(
    scores: NDArray[np.floating], taught: NDArray[np.floating], aus: Sequence[int]
) -> NDArray[np.float64]:
    """Return for each Action Unit (A,) the AUC of scores (N, A) where a teacher's logits (N, A) are sure.

    NaN where the teacher is not believed by half, or is sure of fewer than `FEW` present or absent faces.
    """
    areas = np.full(len(aus), np.nan)
    for column in np.flatnonzero(lesson_weights(aus) >= 0.5):
        present, absent = taught[:, column] > SURE, taught[:, column] < -SURE
        if min(present.sum(), absent.sum()) >= FEW:
            areas[column] = auc(scores[present | absent, column], present[present | absent].astype(np.int8))
    return areas


def _identity_judge(recipe: Recipe, validation: Corpus) -> Judge | None:
    faces = validation.only(~validation.au_coded) if not validation.au_coded.all() else validation
    faces = faces.sample(recipe.validation.faces, recipe.validation.seed)
    _, counts = np.unique(faces.identities, return_counts=True)
    return VerifyIdentities(faces) if len(counts) > 1 and counts.max() > 1 else None


def _au_judge(recipe: Recipe, validation: Corpus) -> Judge | None:
    faces = validation.only(validation.au_coded).sample(recipe.validation.faces, recipe.validation.seed)
    has_both = ((faces.au_labels == 1).any(axis=0) & (faces.au_labels == 0).any(axis=0)).any()
    if not has_both:
        return None
    taught = validation.only(validation.is_taught & ~validation.is_moved)
    taught = taught.sample(recipe.validation.faces, recipe.validation.seed)
    if np.isnan(taught_aucs(taught.taught, taught.taught, taught.aus)).all():
        return DetectAUs(faces)
    return ReadPhotographs(DetectAUs(faces), taught)


def _batches(corpus: Corpus, device: torch.device) -> Iterator[torch.Tensor]:
    for start in range(0, len(corpus), _BATCH):
        yield to_tensor(corpus.read(np.arange(start, min(start + _BATCH, len(corpus)))), device)


def to_tensor(faces: NDArray[np.uint8], device: torch.device) -> torch.Tensor:
    """Return (n, 128, 128, 3) faces as an (n, 3, 128, 128) tensor without moving a byte on the CPU."""
    return torch.from_numpy(faces).to(device, non_blocking=True).permute(0, 3, 1, 2)


def _stage_seed(seed: int, stage: StageName) -> int:
    return int(np.random.SeedSequence((seed, _STREAMS[stage])).generate_state(1)[0])
