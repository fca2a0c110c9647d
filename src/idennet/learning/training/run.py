"""One training from stores to weights, in a folder that says what it is and can be continued.

A run's folder: `recipe.yaml` (resolved), `run.json` (what, with what, where, when), `metrics.jsonl`,
`last.safetensors` (state to continue from) and `best-<stage>.safetensors` with its card.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from idennet import facs
from idennet.errors import RecipeError
from idennet.faces.alignment import TEMPLATE
from idennet.learning.data.known_people import KnownPeople
from idennet.learning.data.store import FaceStore
from idennet.learning.data.teacher import LESSONS, Taught, TeacherLabels
from idennet.learning.training import distributed
from idennet.learning.training.checkpoint import load_checkpoint
from idennet.learning.training.corpus import Corpus, join_stores
from idennet.learning.training.engine import Engine, Lesson, Numbers, Pace, running_mean
from idennet.learning.training.fold import FoldFaces
from idennet.learning.training.folder import LAST, prepare_folder, record_continuation
from idennet.learning.training.initialise import fit_to_faces
from idennet.learning.training.lesson import Prepared, StageLesson
from idennet.learning.training.progress import Reporter, forget_metrics_after
from idennet.learning.training.recipe import Recipe
from idennet.learning.training.stages import StagePlan, plan_stages, to_tensor
from idennet.learning.training.start import check_start, start_from
from idennet.learning.training.taught_objective import TaughtSettings
from idennet.models.action_units import ActionUnitModel
from idennet.models.calibration import logits_of
from idennet.models.device import choose_device
from idennet.models.idennet import IdenNet
from idennet.models.lightcnn import LightCNN
from idennet.models.weights import (
    Network,
    WeightsCard,
    WeightsSidecar,
    best_weights,
    load_weights,
    save_weights,
    weights_file,
)

FITTING_FACES = 64
"""Faces to which a recipe with `fit_to_faces` scales the first weights."""

RECORD_EVERY = 10
"""Steps between two records of the losses, which hold the means since the last one; short stages: a 20th."""


@dataclass(frozen=True)
class Run:
    """A finished training.

    Attributes:
        folder: Where it lies.
        weights: Best weights of its last stage.
        best: Validation numbers of those weights, such as `mean_auc`, and the `step` they are from.
    """

    folder: Path
    weights: Path
    best: dict[str, float]

    def load(self) -> tuple[Network, WeightsSidecar]:
        """Return the network and its card."""
        return load_weights(self.weights)


def open_run(folder: Path) -> Run:
    """Return the run in a folder; its weights are the best so far if it is not finished.

    Raises:
        WeightsError: There is no such folder, or it has no weights of any stage.
    """
    weights = weights_file(folder)
    return Run(folder, weights, load_weights(weights)[1].provenance["validation"])


def train(
    recipe: Recipe,
    *,
    au_stores: Sequence[FaceStore] = (),
    identity_stores: Sequence[FaceStore] = (),
    out: Path,
    device: str = "auto",
    resume: bool = True,
    initial: Path | None = None,
    teacher: Path | None = None,
    known_people: Path | None = None,
    held_out: Collection[str] = (),
    fold: FoldFaces | None = None,
    quiet: bool = False,
) -> Run:
    """Train by a recipe; called again with the same arguments, continue where it was interrupted.

    Args:
        recipe: What to do.
        au_stores: Faces with Action Units; their subjects are identities as well.
        identity_stores: Faces of which only the subject is used; no Action Units, if they have any.
        out: Folder of the run.
        device: `"auto"` (CUDA if there is any), `"cpu"`, `"cuda"`, `"cuda:1"`, ...
        resume: Whether to continue an interrupted run in `out`; False begins anew and deletes it.
        initial: Weights to start from. All of them are taken if they have the same layers and Action
            Units; else trunk and identity branch (CONV1 to NORM, as in the paper). A shape branch is left
            behind: it is given to finished weights.
        teacher: A teacher's labels of pictures of `identity_stores`, written by `idennet teach`.
        known_people: A teacher's embeddings of these pictures, as `KnownPeople.open` reads them.
        held_out: Subjects of the stores for validation, instead of the random share that the recipe asks for.
        fold: The fold that it is trained for, from `faces_of_fold`; its faces, validation subjects and Action
            Units take the place of `au_stores`, `held_out` and those of the stores.
        quiet: Print nothing.

    Raises:
        InputError: Stores, weights or folder cannot be used together.
        RecipeError: The folder has a run of another recipe, or the recipe does not fit the device.
    """
    if fold is not None:
        au_stores, held_out = fold.stores, fold.validation
        aus = recipe.model.aus or fold.aus
        recipe = recipe.model_copy(update={"model": recipe.model.model_copy(update={"aus": aus})})
    where = choose_device(device, distributed.local_rank())
    if recipe.precision == "float16" and where.type != "cuda":
        raise RecipeError(f"Precision float16 needs a CUDA device, but this one is {where}; use float32.")
    batches = None if recipe.au_stage is None else recipe.au_stage.batches
    relative = not isinstance(batches, TaughtSettings) or batches.relative
    if isinstance(batches, TaughtSettings) and batches.alpha_known and known_people is None:
        raise RecipeError("batches.alpha_known needs embeddings of people; give them with --known-people.")
    corpus = join_stores(
        au_stores,
        identity_stores,
        recipe.model.aus or (None if au_stores else facs.SYNFACS_AUS),
        None if teacher is None else Taught(TeacherLabels.open(teacher), str(teacher), relative),
        None if known_people is None else KnownPeople.open(known_people),
    )
    check_start(recipe, corpus.aus, initial)
    if initial is not None and isinstance(batches, TaughtSettings) and batches.kept:
        corpus = _taught_by(initial, corpus, batches, choose_device(device, distributed.local_rank()))
    if held_out or fold is not None:
        training, validation = corpus.hold_out(held_out)
    else:
        training, validation = corpus.split(recipe.validation.subject_fraction, recipe.validation.seed)
    plans = plan_stages(recipe, training, validation)
    model = _build(recipe, len(corpus.aus))
    learnt = start_from(model, corpus.aus, initial) if initial is not None else ()
    if recipe.model.fit_to_faces:
        some = training.sample(FITTING_FACES, recipe.seed)
        fit_to_faces(model, to_tensor(some.read(np.arange(len(some))), torch.device("cpu")), learnt)
    for plan in plans:
        with _held_still(model, plan.settings.still):
            pass  # a layer that is not there is told before the folder is made
    with distributed.process_group(where):
        if distributed.is_first():
            prepare_folder(
                out,
                recipe,
                corpus,
                validation,
                initial,
                resume,
                teacher=teacher,
                known_people=known_people,
                fold=fold,
                plans=plans,
            )
        distributed.wait()
        model.to(device=where, memory_format=torch.channels_last)  # type: ignore[call-overload]
        saved = load_checkpoint(out / LAST) if (out / LAST).is_file() else None
        card = _card(recipe, corpus, fold)
        names: list[str] = [plan.name for plan in plans]
        position = names.index(saved[1].stage) if saved else 0
        if distributed.is_first():
            forget_metrics_after(out, names[: position + 1], saved[1].step if saved else 0)
            if saved and not (saved[1].finished and position == len(plans) - 1):
                record_continuation(out, saved[1].stage, saved[1].step)
        with Reporter(out, active=distributed.is_first(), quiet=quiet) as reporter:
            _tell(reporter, plans, fold)
            for plan in plans[position:]:
                with _held_still(model, plan.settings.still):
                    engine = _stage_engine(model, plan, training, recipe, out, where, reporter, card)
                    if saved and saved[1].stage == plan.name:
                        engine.restore(*saved)
                    engine.run()
                distributed.wait()
                model.load_state_dict(load_weights(best_weights(out, plan.name))[0].state_dict())
    return open_run(out)


def _taught_by(initial: Path, corpus: Corpus, batches: TaughtSettings, device: torch.device) -> Corpus:
    """Return a corpus in which weights teach the kept Action Units on faces that a teacher knows."""
    network, card = load_weights(initial)
    rows = np.flatnonzero(corpus.is_taught)
    reader = ActionUnitModel(network, card.model_copy(update={"calibration": {}}), str(device), mirror=True)
    probs = np.concatenate(
        [reader.read(corpus.read(part)).probs for part in np.array_split(rows, len(rows) // 256 + 1)]
    )
    taught, believed = corpus.taught.copy(), corpus.believed.copy()
    for au in batches.kept:
        place = corpus.aus.index(au)
        taught[rows, place] = logits_of(probs[:, card.aus.index(au)])
        believed[rows, place] = batches.kept_weight
    return replace(corpus, taught=taught, believed=believed)


@contextmanager
def _held_still(model: Network, layers: Sequence[str]) -> Iterator[None]:
    """Keep some layers from learning.

    Raises:
        RecipeError: The network has no such layer, or nothing else to learn.
    """
    held: list[nn.Parameter] = []
    for layer in layers:
        try:
            parameters = list(model.get_submodule(layer).parameters())
        except AttributeError as error:
            raise RecipeError(f"still names {layer}, which this network does not have.") from error
        held += [parameter for parameter in parameters if parameter.requires_grad]
    for parameter in held:
        parameter.requires_grad_(False)
    try:
        if not any(parameter.requires_grad for parameter in model.parameters()):
            raise RecipeError(f"still leaves nothing to learn: {', '.join(layers)}; name fewer layers.")
        yield
    finally:
        for parameter in held:
            parameter.requires_grad_(True)


def _tell(reporter: Reporter, plans: Sequence[StagePlan], fold: FoldFaces | None) -> None:
    """Say who is learnt from, where batches are smaller than asked for, and which stage nothing judges."""
    if fold is not None:
        reporter.say(str(fold))
    for plan in plans:
        if plan.judge is None:
            ignored = "; patience is ignored" if plan.settings.patience is not None else ""
            reporter.say(
                f"Stage {plan.name} has no validation faces to be judged by: "
                f"its newest weights are kept{ignored}."
            )
        for pairs in plan.drawing.pairs:
            if pairs.drawn < pairs.wanted:
                reporter.say(
                    f"A batch of stage {plan.name} has {pairs.drawn} pairs of faces for {pairs.purpose}, not "
                    f"{pairs.wanted}: there are no more people with two faces to learn from."
                )


def _stage_engine(
    model: Network,
    plan: StagePlan,
    training: Corpus,
    recipe: Recipe,
    out: Path,
    device: torch.device,
    reporter: Reporter,
    card: WeightsCard,
) -> Engine[Prepared]:
    settings, judge = plan.settings, plan.judge
    decay = settings.optimiser.average
    average = running_mean(model, decay) if decay else None
    lesson = StageLesson(model, plan, training, recipe, device, average)

    def keep(network: nn.Module, numbers: Numbers) -> None:
        assert isinstance(network, Network)
        unreliable = card.aus if plan.name == "identity" else ()
        provenance = card.provenance | {"stage": plan.name, "validation": numbers}
        own = card.model_copy(update={"unreliable_aus": unreliable, "provenance": provenance})
        save_weights(network, best_weights(out, plan.name), own, half=False)

    return Engine(
        model,
        Lesson(
            lesson.prepare,
            lesson.cost,
            None if judge is None else partial(judge, device=device),
            keep,
            plan.objective.memory,
        ),
        settings.optimiser,
        Pace(
            plan.steps,
            plan.validate_every,
            recipe.checkpoint_every,
            max(1, min(RECORD_EVERY, plan.steps // 20)),
            settings.patience,
        ),
        seed=plan.seed,
        device=device,
        checkpoint=out / LAST,
        listener=reporter,
        stage=plan.name,
        average=average,
        scale_loss=recipe.precision == "float16",
    )


def _card(recipe: Recipe, corpus: Corpus, fold: FoldFaces | None) -> WeightsCard:
    """Return what users of the weights must know, whatever the stage."""
    provenance: dict[str, Any] = {
        "recipe": recipe.name,
        "recipe_digest": recipe.digest(),
        "stores": [
            {"source": store.source, "digest": store.digest, "data": str(store.provenance)}
            for store in corpus.stores
        ],
    }
    batches = None if recipe.au_stage is None else recipe.au_stage.batches
    if isinstance(batches, TaughtSettings) and batches.photographs and corpus.is_taught.any():
        taught = {lesson.au for lesson in LESSONS} & set(corpus.aus)
        provenance |= {"taught": facs.columns(sorted(taught))}
    if fold is not None:
        provenance |= {"protocol": fold.protocol, "fold": fold.fold}
    return WeightsCard(
        version=recipe.name,
        aus=corpus.aus,
        template=TEMPLATE.name,
        thresholds=dict.fromkeys(corpus.aus, 0.5),
        provenance=provenance,
    )


def _build(recipe: Recipe, num_aus: int) -> Network:
    generator = torch.Generator().manual_seed(recipe.seed)
    if recipe.model.kind == "lightcnn":
        return LightCNN(num_aus, generator=generator)
    model = recipe.model
    return IdenNet(num_aus, model.normalize, model.identity, model.graded, generator=generator)
