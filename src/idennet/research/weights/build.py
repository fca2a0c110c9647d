"""From a recipe to weights with a model card: render, prepare, train both stages, calibrate, judge.

Every step keeps what it finished, so an interrupted build goes on where it was.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from idennet.errors import InputError
from idennet.faces.weights import with_weights
from idennet.facs import SYNFACS_AUS
from idennet.files import write_text
from idennet.learning.data.hidden_parts import HiddenParts
from idennet.learning.data.known_people import KnownPeople
from idennet.learning.data.prepare import prepare
from idennet.learning.data.readers.locate import MainFaceLocator
from idennet.learning.data.readers.person_folders import PersonFolders
from idennet.learning.data.readers.records import Source
from idennet.learning.data.readers.synfacs import SynFacs
from idennet.learning.data.split import held_out
from idennet.learning.data.store import MANIFEST, FaceStore
from idennet.learning.data.teacher import TeacherLabels
from idennet.learning.training import Recipe, train
from idennet.learning.training.folder import MANIFEST as RUN_MANIFEST
from idennet.learning.training.shape import ShapeStudent
from idennet.learning.training.shape_fit import ShapeMaterial, give_shape, shape_provenance
from idennet.learning.training.start import check_start
from idennet.learning.training.taught_objective import TaughtSettings
from idennet.models.device import choose_device
from idennet.models.idennet import IdenNet
from idennet.models.weights import WeightsCard, load_weights, save_weights
from idennet.research import figures
from idennet.research.synth.corpora import corpus_config
from idennet.research.synth.facemodel import load_face_model
from idennet.research.synth.generate import generate_corpus
from idennet.research.weights.cost import CostRecord
from idennet.research.weights.judgement import judge
from idennet.research.weights.model_card import model_card
from idennet.research.weights.photographs import Photographs
from idennet.settings import Config

Tell = Callable[[str], None]
WEIGHTS, CARD, RELIABILITY, RUN = map(
    Path, ("idennet.safetensors", "model-card.md", "reliability.png", "run")
)
"""What lies in a build's folder, beside corpora, stores and cost."""
_FROM_MANIFEST = ("stores", "seed", "date", "idennet", "git_commit", "torch", "machine")


class Faces(Config):
    """How many faces are rendered; subjects of `test` are never trained on.

    Attributes:
        wild: Subjects with Action Units, and frames of each.
        crowd: Subjects of whom only the identity counts, and frames of each.
        test: Subjects for calibration and thresholds (half of them) and scores (the other half), at least
            four, and frames of each.
        jitter: Pixels by which eye centres are moved to imitate the error of our landmarks.
    """

    wild: tuple[int, int] = (1500, 24)
    crowd: tuple[int, int] = (600, 8)
    test: tuple[Annotated[int, Field(ge=4)], int] = (100, 24)
    jitter: Annotated[float, Field(ge=0, le=10)] = 0.8
    seed: Annotated[int, Field(ge=0)] = 1


class TrainingPeople(PersonFolders):
    """People who may be trained on: those of a folder who are not kept for testing by `held_out`."""

    def files(self) -> list[Path]:
        """Return their pictures, sorted by person."""
        return [file for file in super().files() if not held_out(file.parent.name)]


def build_weights(
    recipe: Recipe,
    faces: Faces,
    out: Path,
    *,
    tell: Tell,
    photographs: Path | None = None,
    teacher: Path | None = None,
    known_people: Path | None = None,
    shape: Path | None = None,
    hidden_parts: Path | None = None,
    initial: Path | None = None,
    face_model: Path | None = None,
    finder: Path | None = None,
    workers: int = 1,
    device: str = "auto",
) -> Path:
    """Return the weights file `out/idennet.safetensors`.

    Beside it lie its JSON file, `model-card.md`, `reliability.png`, and `cost.json` with what each step cost.

    Args:
        recipe: How to train.
        faces: What to render.
        out: Folder for corpora, stores, run and weights.
        tell: Called with one sentence before each step.
        photographs: Folder with a subfolder of pictures for each person (such as LFW), for identity
            and, where the recipe says so, consistency or a teacher's values. People for whom
            `idennet.learning.data.split.held_out` is true are left out.
        teacher: Labels of the photographs, written by `idennet teach`.
        known_people: Embeddings of the photographs, as `KnownPeople.open` reads them.
        shape: Weights of a shape branch, which the trained network is given; needs `teacher`.
        hidden_parts: What somebody saw of parts of the photographs, as `HiddenParts.open` reads it; needs
            `shape`.
        initial: Weights to start from, as in `idennet.learning.training.train`.
        face_model: The renderer's face model; by default the one that `IDENNET_FACE_MODEL` names.
        finder: Model file to find the faces of the photographs with; see `idennet.faces.finder.open_finder`.
        workers: Processes to render with.
        device: Where to train.

    Raises:
        InputError: Recipe, photographs, labels and weights do not belong together.
        MissingExtraError: The package that draws `reliability.png` is not installed.
    """
    figures.check_packages()
    _check_teaching(recipe, photographs, teacher, known_people, shape)
    hidden = None if hidden_parts is None else HiddenParts.open(hidden_parts)
    if hidden is not None and shape is None:
        raise InputError(f"What {hidden.name} says is learnt with a shape branch; give one with --shape.")
    if hidden is not None and not recipe.model.graded:
        raise InputError(f"Recipe {recipe.name} says nothing of hidden parts, so {hidden.name} is of no use.")
    check_start(recipe, recipe.model.aus or SYNFACS_AUS, initial)
    load_face_model(face_model)  # a wrong path fails before anything begins
    people = None if photographs is None else TrainingPeople(photographs)
    if people is not None:
        people.chunks()  # so is a folder without people
    locate = MainFaceLocator(finder)
    cost = CostRecord(out)
    rendered = {"wild": (*faces.wild, 0), "crowd": (*faces.crowd, 0), "test": (*faces.test, 1)}
    stores = {}
    for name, (subjects, frames, offset) in rendered.items():
        tell(f"Rendering and preparing {name}: {subjects} subjects, {frames} frames each.")
        config = corpus_config("wild" if name == "test" else name)
        changes = {"subjects": subjects, "frames_per_subject": frames, "seed": faces.seed + offset}
        config = config.model_validate({**config.model_dump(), **changes})
        with cost.step("render"):
            corpus = generate_corpus(config, out / "corpora" / name, face_model, workers, progress=True)
        with cost.step("prepare"):
            stores[name] = _store(SynFacs(corpus), out / "stores" / name, jitter=faces.jitter)
    identity_stores = [stores["crowd"]]
    if people is not None:
        tell("Preparing the photographs.")
        with cost.step("prepare"):
            identity_stores.append(_store(people, out / "stores" / "photographs", locate=locate))

    labels = None if teacher is None else TeacherLabels.open(teacher)
    if shape is not None and labels is not None:
        ShapeMaterial(shape, identity_stores[-1], labels, stores["wild"]).rows()  # told before the training
    if teacher is not None and not (recipe.au_stage and isinstance(recipe.au_stage.batches, TaughtSettings)):
        tell(f"Recipe {recipe.name} learns from no teacher; the labels calibrate the probabilities.")
    tell("Training.")
    wild = [stores["wild"]]
    with cost.step(f"train on {choose_device(device).type}"):
        run = train(
            recipe,
            au_stores=wild,
            identity_stores=identity_stores,
            out=out / RUN,
            device=device,
            initial=initial,
            teacher=teacher,
            known_people=known_people,
        )

    network, trained = run.load()
    manifest = json.loads((run.folder / RUN_MANIFEST).read_text())
    provenance = trained.provenance | {name: manifest[name] for name in _FROM_MANIFEST}
    if shape is not None and labels is not None:
        assert isinstance(network, IdenNet), "checked"
        tell("Reading the shape of the faces.")
        held = frozenset(manifest["validation_subjects"])
        known = None if known_people is None else KnownPeople.open(known_people)
        material = ShapeMaterial(shape, identity_stores[-1], labels, stores["wild"], held, known, hidden)
        with cost.step("shape"):
            network = give_shape(network, trained.aus, material)
        provenance |= shape_provenance(trained, material)
    tell("Calibrating, judging.")
    weights = out / WEIGHTS
    save_weights(network, weights, WeightsCard(**trained.model_dump(include=set(WeightsCard.model_fields))))
    provenance |= {"faces": faces.model_dump(), "cost": cost.summary()}
    judgement = judge(
        weights,
        stores["test"],
        name=recipe.name,
        provenance=provenance,
        photographs=None
        if labels is None
        else Photographs(
            identity_stores[-1],
            labels,
            frozenset(identity_stores[-1].subjects) & frozenset(manifest["validation_subjects"]),
        ),
    )
    save_weights(network, weights, judgement.card)
    figures.reliability_figure(judgement.before, judgement.after).savefig(out / RELIABILITY, dpi=150)
    write_text(out / CARD, model_card(load_weights(weights)[1]))
    return weights


def _check_teaching(
    recipe: Recipe,
    photographs: Path | None,
    teacher: Path | None,
    known_people: Path | None,
    shape: Path | None,
) -> None:
    """Refuse before hours of rendering what the training would refuse after them."""
    batches = None if recipe.au_stage is None else recipe.au_stage.batches
    if teacher is not None:
        if photographs is None:
            raise InputError(f"{teacher} has labels of photographs; give their folder with --photographs.")
        TeacherLabels.open(teacher)
    if known_people is not None:
        KnownPeople.open(known_people)
    if shape is not None:
        if teacher is None:
            raise InputError(f"What {shape} sees is read by a teacher's labels; give them with --teacher.")
        if recipe.model.kind != "idennet":
            raise InputError(f"A {recipe.model.kind} has no place for a shape branch; omit --shape.")
        with_weights(ShapeStudent(), shape)
    if not isinstance(batches, TaughtSettings):
        return
    if batches.photographs and teacher is None:
        raise InputError(
            f"Recipe {recipe.name} learns from a teacher's labels of photographs; write them with "
            "idennet teach and give them with --teacher, beside --photographs."
        )
    if batches.alpha_known and known_people is None:
        raise InputError(
            f"Recipe {recipe.name} learns from embeddings of people (batches.alpha_known); give them with "
            "--known-people."
        )


def _store(source: Source, folder: Path, *, jitter: float = 0.0, locate: Any = None) -> FaceStore:
    if (folder / MANIFEST).is_file():
        return FaceStore.open(folder)
    return prepare(source, folder, landmark_jitter=jitter, locate=locate).store
