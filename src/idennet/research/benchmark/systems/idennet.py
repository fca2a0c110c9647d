"""IdenNet, its variants and LightCNN as systems: the two stages of `idennet train`.

`idennet-paper` and `idennet-released` train by the bundled recipes, unchanged. All others share the budget of
the benchmark's networks, so that only what is compared differs.
"""

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from idennet.learning.data.store import FaceStore
from idennet.learning.training.augment import Augmentation
from idennet.learning.training.optimiser import Optimiser
from idennet.learning.training.paper_objective import SeparateSettings
from idennet.learning.training.recipe import Model, Recipe, Stage, Validation, load_recipe
from idennet.learning.training.run import train
from idennet.models.combination import IdentityUse
from idennet.models.device import choose_device
from idennet.models.layers import count_weights
from idennet.models.weights import Network
from idennet.research.benchmark.systems.contract import (
    Budget,
    SteppedSystem,
    System,
    TrainingFaces,
    checked_scores,
    fewer_identities,
)
from idennet.research.benchmark.systems.fitting import COMMON_AUGMENTATION, sigmoid_scores
from idennet.research.benchmark.systems.folder import claim_folder
from idennet.research.benchmark.systems.steps import common_optimiser

NO_FACE_RECOGNITION = "Started from random weights, not from LightCNN's of face recognition."


class TwoStageSystem(System):
    """What is trained as `idennet train` does it."""

    initial: Path | None = Field(
        default=None, description="weights to start from, such as LightCNN's of face recognition, imported"
    )

    @abstractmethod
    def training(self) -> Recipe:
        """Return what is trained; its Action Units are those of the faces."""

    def warnings(self, faces: TrainingFaces) -> tuple[str, ...]:
        """See `System.warnings`."""
        recipe = self.training()
        if recipe.model.kind == "lightcnn":
            return ()
        said: list[str] = []
        stages = {"identity": recipe.identity_stage, "au": recipe.au_stage}
        for name, stage in stages.items():
            if stage is None or not isinstance(stage.batches, SeparateSettings):
                continue
            wanted, batch = stage.batches.identities, f"A batch of stage {name}"
            if name == "identity":
                said += fewer_identities(batch, wanted, faces.identities or (faces.train,))
                continue
            said += fewer_identities(batch, min(wanted, stage.batches.au_faces // 2), [faces.train])
            if faces.identities:
                said += fewer_identities(f"{batch} without Action Units", wanted, faces.identities)
        return tuple(said)

    def fit(self, faces: TrainingFaces, folder: Path, device: str = "auto") -> "FittedTwoStage":
        """See `System.fit`; `run` in the folder is as `idennet train` makes it."""
        claim_folder(folder, self, faces)
        held_out = faces.validation
        recipe = self.training()
        run = train(
            recipe.model_copy(update={"model": recipe.model.model_copy(update={"aus": faces.aus})}),
            au_stores=[faces.train] if held_out is None else [faces.train, held_out],
            identity_stores=faces.identities if recipe.model.kind == "idennet" else (),
            out=folder / "run",
            device=device,
            initial=self.initial,
            held_out=() if held_out is None else held_out.subjects,
            quiet=True,
        )
        where = choose_device(device)
        network, _ = run.load()
        remarks = () if self.initial is not None else (NO_FACE_RECOGNITION,)
        if recipe.model.kind == "idennet" and faces.identities:
            sources = ", ".join(f"{store.source} ({store.provenance})" for store in faces.identities)
            remarks = (*remarks, f"Identities also from {sources}.")
        return FittedTwoStage(network.to(where), faces.aus, where, remarks)


class RecipeSystem(TwoStageSystem):
    """IdenNet by a bundled recipe, unchanged, with the folds of a protocol.

    Seed 0 of the budget is the recipe's own, further ones count from it. The protocol's validation subjects
    take the place of those that the recipe would set aside.
    """

    recipe: Recipe

    def training(self) -> Recipe:
        """Return the recipe."""
        return self.recipe.model_copy(update={"seed": self.recipe.seed + self.budget.seed})

    def shortest(self) -> Self:
        """See `System.shortest`."""
        stages = {
            name: stage.model_copy(update={"steps": 1, "epochs": None, "validate_every": 1})
            for name in ("identity_stage", "au_stage")
            if (stage := getattr(self.recipe, name)) is not None
        }
        return self.model_copy(update={"recipe": self.recipe.model_copy(update=stages)})


class BudgetedSystem(TwoStageSystem, SteppedSystem):
    """What IdenNet and LightCNN share; the budget's steps are those of both stages together."""

    budget: Budget = Budget()

    rare_aus: bool = Field(default=True, description="draw faces the more often the rarer their AUs")
    augmentation: Augmentation = COMMON_AUGMENTATION
    optimiser: Optimiser | None = Field(
        default=None, description="None: Adam at the budget's rate, equal for all"
    )
    fit_to_faces: bool = Field(
        default=True, description="scale the first weights to the data; the paper does not"
    )

    def _stage(self, steps: int, batches: SeparateSettings) -> Stage:
        budget = self.budget.model_copy(update={"steps": steps})
        return Stage(
            steps=steps,
            validate_every=max(1, -(-steps // budget.validations)),
            batches=batches,
            optimiser=self.optimiser or common_optimiser(budget),
        )

    def _recipe(self, model: Model, identity_stage: Stage | None, au_stage: Stage) -> Recipe:
        return Recipe(
            name=self.name,
            seed=self.budget.seed,
            checkpoint_every=au_stage.validate_every or 1,
            model=model,
            validation=Validation(subject_fraction=0, faces=4000),
            augmentation=self.augmentation,
            identity_stage=identity_stage,
            au_stage=au_stage,
        )


class IdenNetSystem(BudgetedSystem):
    """The paper's network; its `identity` and `normalize` make the variants that it is compared with.

    The defaults of the batches depart from the paper where a short training needs it: the triplet loss is a
    mean, stage `identity` draws its negatives at random, and most batches of stage `au` have Action Units.
    """

    name: str = "idennet"
    identity: IdentityUse = "translation"
    normalize: bool = Field(default=True, description="unit length of the identity embedding (NORM)")
    identity_share: float = Field(
        default=0.2, ge=0, lt=1, description="of the budget's steps for stage `identity`; 0: no such stage"
    )
    identities: int = Field(default=16, ge=2, description="distinct identities of a batch, one pair each")
    au_batches: float = Field(
        default=0.8, gt=0, le=1, description="share of batches with AUs in stage `au`; paper: not stated"
    )
    margin: float = Field(default=0.5, gt=0, description="of the triplet loss; the paper's")
    alpha_au: float = Field(
        default=0.25, ge=0, le=1, description="weight of the identity loss, batches with AUs; paper: 0.5"
    )
    alpha_identity: float = Field(
        default=0.5, gt=0, description="weight of the identity loss, other batches of stage `au`; paper: 1"
    )
    reduction: Literal["sum", "mean"] = Field(default="mean", description="over triplets; paper: sum")
    num_negatives: int = Field(default=4, ge=1, description="of a pair in stage `au`; the paper's")
    hard_fraction: float = Field(
        default=0.5, ge=0, le=1, description="of these negatives, the hardest; the paper's"
    )
    memory: int = Field(
        default=0, ge=0, description="embeddings of earlier batches to mine in; recipe `paper`: 4096"
    )
    first_negatives: int = Field(default=8, ge=1, description="of a pair in stage `identity`; paper: 4")
    first_hard_fraction: float = Field(
        default=0.0, ge=0, le=1, description="in stage `identity`: hard ones collapse what begins at random"
    )

    def training(self) -> Recipe:
        """Return both stages within the budget."""
        batches = SeparateSettings(
            identities=self.identities,
            au_faces=self.budget.batch,
            rare_aus=self.rare_aus,
            au_batches=self.au_batches,
            num_negatives=self.num_negatives,
            hard_fraction=self.hard_fraction,
            margin=self.margin,
            reduction=self.reduction,
            memory=self.memory,
            alpha_au=self.alpha_au,
            alpha_identity=self.alpha_identity,
        )
        first = round(self.identity_share * self.budget.steps)
        pairs = max(2, self.budget.batch // 2)
        drawn = {"num_negatives": self.first_negatives, "hard_fraction": self.first_hard_fraction}
        alone = batches.model_copy(update={"identities": pairs, "alpha_identity": 1.0, **drawn})
        return self._recipe(
            Model(identity=self.identity, normalize=self.normalize, fit_to_faces=self.fit_to_faces),
            self._stage(first, alone) if first else None,
            self._stage(self.budget.steps - first, batches),
        )


class LightCNNSystem(BudgetedSystem):
    """The paper's baseline: the same trunk and head without identity; identity stores are not used."""

    name: str = "lightcnn"

    def training(self) -> Recipe:
        """Return stage `au`, with all steps of the budget."""
        batches = SeparateSettings(au_faces=self.budget.batch, rare_aus=self.rare_aus)
        model = Model(kind="lightcnn", fit_to_faces=self.fit_to_faces)
        return self._recipe(model, None, self._stage(self.budget.steps, batches))


@dataclass(frozen=True)
class FittedTwoStage:
    """A trained IdenNet or LightCNN; `network` gives more than scores."""

    network: Network
    aus: tuple[int, ...]
    device: torch.device
    remarks: tuple[str, ...]

    @property
    def parameters(self) -> int:
        """Weights without biases."""
        return count_weights(self.network)

    def predict(self, store: FaceStore) -> NDArray[np.float32]:
        """Return scores (N, A) of a store's faces."""
        scores = sigmoid_scores(lambda batch: self.network(batch.faces).au_logits, store, self.device)
        return checked_scores(scores, store, self.aus)


def idennet_variants() -> tuple[IdenNetSystem, ...]:
    """Return every use of the identity, with and without NORM; the paper's network is the first."""
    uses: tuple[tuple[IdentityUse, str], ...] = (
        ("translation", "idennet"),
        ("none", "idennet-triplet-only"),
        ("concatenation", "idennet-concatenation"),
        ("affine", "idennet-affine"),
    )
    return tuple(
        IdenNetSystem(name=name if normalize else f"{name}-without-norm", identity=use, normalize=normalize)
        for use, name in uses
        for normalize in (True, False)
    )


def recipe_systems() -> tuple[RecipeSystem, ...]:
    """Return IdenNet by the paper's training, and by that of the released code."""
    return (
        RecipeSystem(name="idennet-paper", recipe=load_recipe("paper")),
        RecipeSystem(name="idennet-released", recipe=load_recipe("released_code")),
    )
