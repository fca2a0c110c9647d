"""Training of the networks that find faces: recipe and pictures in, weights and their card out."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Annotated, Generic, TypeVar

import torch
import yaml
from pyarrow import parquet
from pydantic import Field
from torch import Tensor, nn

from idennet.errors import RecipeError
from idennet.faces.card import Material, NetworkCard, to_bytes, write_network
from idennet.faces.weights import with_weights
from idennet.files import draft_path, drafts_of
from idennet.learning.training.checkpoint import load_checkpoint
from idennet.learning.training.engine import Cost, Engine, Lesson, Numbers, Pace, running_mean
from idennet.learning.training.folder import LAST, MANIFEST, RECIPE
from idennet.learning.training.optimiser import Optimiser
from idennet.learning.training.progress import Reporter, forget_metrics_after
from idennet.settings import Config, load_config

Prepared = TypeVar("Prepared")
Network = TypeVar("Network", bound=nn.Module)
RECORD_EVERY = 50
"""Steps over which recorded losses are averaged."""


class DecoupledAdam(Optimiser):
    """AdamW: weights decay by themselves, not through the gradient."""

    average: float = Field(default=0.995, gt=0, lt=1, description="decay of the running mean, which is kept")

    def build(self, network: nn.Module) -> torch.optim.Optimizer:
        """Return AdamW over all parameters, fused into one pass."""
        return torch.optim.AdamW(
            network.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay, fused=True
        )


class FaceNetworkRecipe(Config):
    """How a network that finds faces is trained.

    Attributes:
        name: Of the recipe.
        seed: Of the first weights and of everything that is drawn.
        steps: Length.
        batch_size: Pictures a step.
        checkpoint_every: Steps between checkpoints; errors are measured after each.
        optimiser: How it steps.
    """

    name: str
    seed: Annotated[int, Field(ge=0)] = 0
    steps: Annotated[int, Field(ge=1)]
    batch_size: Annotated[int, Field(ge=1)]
    checkpoint_every: Annotated[int, Field(ge=1)] = 500
    optimiser: DecoupledAdam = DecoupledAdam()


@dataclass(frozen=True)
class Study(Generic[Network, Prepared]):
    """What a network that finds faces learns from, and how it is judged.

    Attributes:
        draw: Returns the batch of a step, a pure function of it; called in threads, ahead of time.
        loss: Returns the loss of a network on a batch.
        errors: Returns named errors of a network in evaluation mode on held-out people.
        trained_on: The pictures, those of held-out people included.
        learned: How many of them gradients come from.
        held_out: How many of them the errors are from.
    """

    draw: Callable[[int], Prepared]
    loss: Callable[[Network, Prepared], Tensor]
    errors: Callable[[Network], Numbers]
    trained_on: tuple[Material, ...]
    learned: int
    held_out: int


def load_face_recipe(recipe: str | Path, overrides: Sequence[str] = ()) -> FaceNetworkRecipe:
    """Return the recipe of a file, or a bundled one by the name of its network: "landmarks".

    Raises:
        RecipeError: There is no such recipe, or a field is unknown or not allowed.
    """
    if Path(recipe).suffix:
        return load_config(FaceNetworkRecipe, Path(recipe), overrides)
    with resources.as_file(resources.files("idennet.learning") / "recipes" / "faces") as folder:
        if not (folder / f"{recipe}.yaml").is_file():
            known = ", ".join(sorted(file.stem for file in folder.glob("*.yaml")))
            raise RecipeError(f"There is no recipe {recipe} here; bundled are {known}, or give a YAML file.")
        return load_config(FaceNetworkRecipe, folder / f"{recipe}.yaml", overrides)


def train_face_network(
    build: Callable[[], Network],
    recipe: FaceNetworkRecipe,
    study: Study[Network, Prepared],
    out: Path,
    *,
    start: Path | None = None,
    quiet: bool = False,
) -> Path:
    """Train a network that finds faces, and return its weights file.

    Its folder gets `recipe.yaml`, `run.json`, `metrics.jsonl` and a checkpoint, from which the same call
    continues; at the end the weights (float16, the running mean), named after the recipe, and their card.

    Args:
        build: Returns the network with its first, random weights.
        recipe: How to train.
        study: On what.
        out: Folder of the training.
        start: Weights to start from instead of random ones.
        quiet: Show nothing.

    Raises:
        RecipeError: The folder holds another training.
        WeightsError: `start` holds no weights of this network.
    """
    _prepare_folder(out, recipe, study, start)
    torch.manual_seed(recipe.seed)
    network = build() if start is None else with_weights(build(), start)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = running_mean(network, recipe.optimiser.average)
    checkpoint = load_checkpoint(out / LAST) if (out / LAST).is_file() else None
    forget_metrics_after(out, [recipe.name], checkpoint[1].step if checkpoint else 0)
    with Reporter(out, active=True, quiet=quiet) as reporter:

        def keep(judged: nn.Module, numbers: Numbers) -> None:
            reporter.scores(int(numbers["step"]), study.errors(judged.eval()))  # type: ignore[arg-type]

        engine = Engine(
            network,
            Lesson(
                study.draw,
                lambda batch, _: Cost(study.loss(network, batch), faces=recipe.batch_size),
                judge=None,  # the newest weights are kept: held-out people choose nothing
                keep=keep,
            ),
            recipe.optimiser,
            Pace(recipe.steps, recipe.checkpoint_every, recipe.checkpoint_every, RECORD_EVERY),
            seed=recipe.seed,
            device=torch.device("cpu"),
            checkpoint=out / LAST,
            listener=reporter,
            stage=recipe.name,
            average=average,
        )
        if checkpoint:
            engine.restore(*checkpoint)
        engine.run()
    final = build()
    final.load_state_dict({name: value.half() for name, value in average.module.state_dict().items()})
    content = to_bytes(final)
    digest = hashlib.sha256(content).hexdigest()
    card = NetworkCard(
        version=f"{recipe.name}-{digest[:8]}",
        network=type(final).__name__,
        sha256=digest,
        recipe=recipe.name,
        recipe_digest=recipe.digest(),
        steps=recipe.steps,
        seed=recipe.seed,
        trained_on=study.trained_on,
        learned=study.learned,
        held_out=study.held_out,
        started_from=_sha256(start),
        errors=study.errors(final.eval()),
        date=datetime.now(UTC).date().isoformat(),
    )
    weights = out / f"{recipe.name}.safetensors"
    write_network(content, card, weights)
    return weights


def check_training_folder(out: Path) -> None:
    """Raise `RecipeError` if a folder holds something else than a training of a network of this kind.

    Points that a teacher saw (`points-*.npz`) may lie there before a training begins, and what a kill left.
    """
    if out.is_file() or (out.is_dir() and not (out / MANIFEST).is_file()):
        others = [] if out.is_dir() else [out]
        own = ("points-*.npz", *(draft_path(out / name).name for name in ("points-*.npz", RECIPE, MANIFEST)))
        others += [file for file in out.glob("*") if not any(file.match(pattern) for pattern in own)]
        if others:
            raise RecipeError(f"{out} holds other files; choose an empty or new folder for the training.")


def rendered_material(corpus: Path) -> Material:
    """Return what a card says of a corpus in the SynFACS format."""
    manifest = json.loads((corpus / "corpus.json").read_text(encoding="utf-8"))
    people = [parquet.read_metadata(file).num_rows for file in (corpus / "subjects").glob("*.parquet")]
    return Material(
        name=manifest["name"], fingerprint=manifest["digest"], pictures=sum(people), people=len(people)
    )


def _prepare_folder(
    out: Path, recipe: FaceNetworkRecipe, study: Study[Network, Prepared], start: Path | None
) -> None:
    run = {
        "recipe": recipe.name,
        "recipe_digest": recipe.digest(),
        "trained_on": [material.model_dump() for material in study.trained_on],
        "started_from": _sha256(start),
    }
    check_training_folder(out)
    manifest = out / MANIFEST
    if manifest.is_file():
        if json.loads(manifest.read_text(encoding="utf-8")) != run:
            raise RecipeError(f"{out} holds another training; choose another folder.")
        return
    out.mkdir(parents=True, exist_ok=True)
    with drafts_of(out / RECIPE, manifest) as (settings, record):
        settings.write_text(yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False), encoding="utf-8")
        record.write_text(json.dumps(run, indent=2) + "\n", encoding="utf-8")


def _sha256(file: Path | None) -> str | None:
    return None if file is None else hashlib.sha256(file.read_bytes()).hexdigest()
