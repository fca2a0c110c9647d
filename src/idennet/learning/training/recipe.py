"""A recipe: everything that decides what a training does, read from one YAML file."""

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, field_validator, model_serializer, model_validator

from idennet import facs
from idennet.errors import RecipeError
from idennet.learning.training.augment import Augmentation
from idennet.learning.training.optimiser import Optimiser
from idennet.learning.training.paper_objective import SeparateSettings
from idennet.learning.training.released_objective import MixedSettings
from idennet.learning.training.taught_objective import TaughtSettings
from idennet.models.combination import IdentityUse
from idennet.settings import Config, load_config

Batches = Annotated[SeparateSettings | MixedSettings | TaughtSettings, Field(discriminator="kind")]


class Model(Config):
    """Which network is trained."""

    kind: Literal["idennet", "lightcnn"] = "idennet"
    normalize: bool = Field(
        default=True, description="unit length of the identity embedding; False is an ablation"
    )
    identity: IdentityUse = Field(
        default="translation", description="how it enters; all but the paper's translation are for comparison"
    )
    graded: bool = Field(
        default=False, description="also intensity by side, and visible parts; the paper's network is not"
    )
    fit_to_faces: bool = Field(
        default=False, description="scale the first weights to the data; paper and released code do not"
    )
    aus: tuple[int, ...] | None = Field(default=None, description="Action Units; None: those the stores have")

    @field_validator("aus")
    @classmethod
    def _known_once(cls, aus: tuple[int, ...] | None) -> tuple[int, ...] | None:
        unknown = [au for au in aus or () if au not in facs.NAMES]
        if unknown or (aus is not None and (len(set(aus)) < len(aus) or not aus)):
            raise ValueError(f"list known action units once each, such as [6, 12]; given {list(aus or ())}")
        return aus

    @model_serializer(mode="wrap")
    def _keep_digests(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave the paper's choices out, so that recipes older than the fields keep their digests."""
        values: dict[str, Any] = serialize(self)
        if not self.graded:
            del values["graded"]
        if self.identity == "translation":
            del values["identity"]
        return values


class Validation(Config):
    """Subjects of the training stores that no gradient sees; they choose the best weights."""

    subject_fraction: float = Field(
        default=0.1, ge=0, lt=1, description="0 uses all subjects and the last weights"
    )
    seed: int = Field(default=0, ge=0)
    faces: int = Field(default=2000, ge=2, description="at most so many of their faces are looked at")


class Stage(Config):
    """Length, batches and optimiser of one stage; exactly one of `steps` and `epochs` is given."""

    steps: int | None = Field(default=None, ge=1)
    epochs: int | None = Field(default=None, ge=1)
    validate_every: int | None = Field(
        default=None, ge=1, description="steps between validations; None: an epoch"
    )
    patience: int | None = Field(
        default=None, ge=1, description="validations without a better one before the end"
    )
    batches: Batches = SeparateSettings()
    optimiser: Optimiser = Optimiser()
    still: tuple[str, ...] = Field(
        default=(), description="layers that do not learn, such as [trunk, fc5]: an identity that is known"
    )

    @model_serializer(mode="wrap")
    def _keep_digests(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave `still` out where all learn, so that recipes older than the field keep their digests."""
        values: dict[str, Any] = serialize(self)
        if not self.still:
            del values["still"]
        return values

    @model_validator(mode="after")
    def _one_length(self) -> "Stage":
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("give either steps or epochs")
        return self

    @model_validator(mode="after")
    def _teacher_can_teach(self) -> "Stage":
        batches = self.batches
        if isinstance(batches, MixedSettings) or not batches.alpha_consistency:
            return self
        if not self.optimiser.average:
            raise ValueError("batches.alpha_consistency needs optimiser.average, the teacher")
        if isinstance(batches, TaughtSettings):
            return self
        if self.steps is not None and batches.consistency_from >= self.steps:
            raise ValueError(
                f"batches.consistency_from is {batches.consistency_from}, but there are {self.steps} steps; "
                "lower it, or set batches.alpha_consistency=0"
            )
        return self


class Recipe(Config):
    """A training: stage `identity` (if any), then stage `au` (if any)."""

    name: str = Field(min_length=1)
    seed: int = Field(default=0, ge=0)
    precision: Literal["float32", "bfloat16", "float16"] = Field(
        default="float32", description="of the arithmetic"
    )
    checkpoint_every: int = Field(
        default=500, ge=1, description="steps of work that an interruption can cost"
    )
    model: Model = Model()
    validation: Validation = Validation()
    augmentation: Augmentation = Augmentation()
    identity_stage: Stage | None = None
    au_stage: Stage | None = None

    @model_validator(mode="after")
    def _stages_fit(self) -> "Recipe":
        if self.identity_stage is None and self.au_stage is None:
            raise ValueError("give an identity_stage, an au_stage or both")
        if self.model.kind == "lightcnn" and self.identity_stage is not None:
            raise ValueError("a lightcnn has no identity branch; remove identity_stage")
        if self.model.kind == "lightcnn" and self.model.identity != "translation":
            raise ValueError("a lightcnn has no identity branch; remove model.identity")
        if self.model.kind == "lightcnn" and self.model.graded:
            raise ValueError("a lightcnn is not graded; remove model.graded")
        return self


def load_recipe(recipe: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """Return the recipe of a file, or a bundled one by its name.

    Args:
        recipe: Path of a YAML file, or one of `bundled_recipes()`.
        overrides: `a.b=value` texts that replace single fields.

    Raises:
        RecipeError: There is no such recipe, or a field is unknown or not allowed.
    """
    path = Path(recipe)
    if not path.suffix and str(recipe) not in bundled_recipes():
        known = ", ".join(bundled_recipes())
        raise RecipeError(f"There is no recipe {recipe!s}; bundled are {known}, or give the path of a file.")
    if not path.suffix:
        with resources.as_file(resources.files("idennet.learning") / "recipes" / f"{recipe}.yaml") as bundled:
            return load_config(Recipe, bundled, overrides)
    return load_config(Recipe, path, overrides)


def bundled_recipes() -> list[str]:
    """Return the names of the recipes that come with the package."""
    folder = resources.files("idennet.learning") / "recipes"
    return sorted(Path(file.name).stem for file in folder.iterdir() if file.name.endswith(".yaml"))
