"""From a recipe to weights with a model card: render, prepare, train both stages, calibrate, judge.

Every step keeps what it finished, so an interrupted build goes on where it was.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from idennet.errors import InputError
from idennet.faces.alignment import TEMPLATE
from idennet.facs import AUS_OF_PART, PARTS, column
from idennet.files import write_text
from idennet.learning.data.known_people import KnownPeople
from idennet.learning.data.move import CLEAR, added_to
from idennet.learning.data.prepare import prepare
from idennet.learning.data.readers.locate import MainFaceLocator
from idennet.learning.data.readers.person_folders import PersonFolders
from idennet.learning.data.readers.records import Source
from idennet.learning.data.readers.synfacs import SynFacs
from idennet.learning.data.split import held_out, split_subjects
from idennet.learning.data.store import MANIFEST, FaceStore
from idennet.learning.data.teacher import TeacherLabels, lesson_weights
from idennet.learning.evaluation.calibration import (
    Reliability,
    fit_apart,
    fit_calibration,
    fit_to_teacher,
    quietened,
    reliability,
)
from idennet.learning.evaluation.intensity import correlation, icc
from idennet.learning.evaluation.metrics import auc
from idennet.learning.evaluation.scores import score
from idennet.learning.evaluation.thresholds import PRESENT, is_reliable
from idennet.learning.training import Recipe, train
from idennet.learning.training.folder import MANIFEST as RUN_MANIFEST
from idennet.learning.training.taught_objective import TaughtSettings
from idennet.models.action_units import STRONGEST, ActionUnitModel
from idennet.models.calibration import calibrate
from idennet.models.device import choose_device
from idennet.models.weights import WeightsCard, load_weights, save_weights
from idennet.research import figures
from idennet.research.synth.corpora import corpus_config
from idennet.research.synth.facemodel import load_face_model
from idennet.research.synth.generate import generate_corpus
from idennet.research.weights.cost import CostRecord
from idennet.research.weights.model_card import model_card
from idennet.settings import Config

Tell = Callable[[str], None]
WEIGHTS, CARD, RELIABILITY, RUN = map(
    Path, ("idennet.safetensors", "model-card.md", "reliability.png", "run")
)
"""What lies in a build's folder, beside corpora, stores and cost."""
MOST_AT_REST = 0.05
"""Share of faces at rest in which an Action Unit may be present after calibration."""
SHOWN = 0.1
"""Share of faces that are taken to show an Action Unit, where movements added to photographs calibrate it."""
TOLD = 0.75
"""AUC of added movements from which they calibrate."""

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
    _check_teaching(recipe, photographs, teacher, known_people, initial)
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

    tell("Calibrating, judging.")
    network, trained = run.load()
    weights = out / WEIGHTS
    save_weights(network, weights, WeightsCard(**trained.model_dump(include=set(WeightsCard.model_fields))))
    manifest = json.loads((run.folder / RUN_MANIFEST).read_text())
    provenance = trained.provenance | {name: manifest[name] for name in _FROM_MANIFEST}
    provenance |= {"faces": faces.model_dump(), "cost": cost.summary()}
    judgement = judge(
        weights,
        stores["test"],
        name=recipe.name,
        provenance=provenance,
        photographs=None
        if teacher is None
        else Photographs(
            identity_stores[-1],
            TeacherLabels.open(teacher),
            frozenset(identity_stores[-1].subjects) & frozenset(manifest["validation_subjects"]),
        ),
    )
    save_weights(network, weights, judgement.card)
    figures.reliability_figure(judgement.before, judgement.after).savefig(out / RELIABILITY, dpi=150)
    write_text(out / CARD, model_card(load_weights(weights)[1]))
    return weights


@dataclass(frozen=True)
class Judgement:
    """The card of weights, and how reliable their probabilities are before and after calibration."""

    card: WeightsCard
    before: Reliability
    after: Reliability


@dataclass(frozen=True)
class Photographs:
    """Photographs by which probabilities are calibrated.

    Attributes:
        faces: Of people who will not be tested.
        labels: What a teacher says of them.
        unseen: People among them who were not trained on, as the store names them.
    """

    faces: FaceStore
    labels: TeacherLabels
    unseen: frozenset[str]


def judge(
    weights: Path,
    test: FaceStore,
    *,
    name: str,
    provenance: dict[str, Any],
    photographs: Photographs | None = None,
) -> Judgement:
    """Calibrate weights on half of the test subjects, and judge on the other half.

    Each Action Unit is called present from a calibrated probability of .5 on. With photographs, Action Units
    whose teacher is fully believed are calibrated on those of unseen people, not on rendered ones, and all
    are made quiet in faces at rest.

    Args:
        weights: A weights file; judged as `idennet detect` uses it. A calibration in its card is replaced.
        test: Rendered subjects that were not trained on, at least four.
        name: First part of the version that the weights get; the second are digits of their sha256.
        provenance: What to record beside the scores.
        photographs: To calibrate by, if there are any.
    """
    network, uncalibrated = load_weights(weights)
    reader = ActionUnitModel(network, uncalibrated.model_copy(update={"calibration": {}}))
    readings = reader.read(test.read(np.arange(len(test))))
    probabilities, labels = readings.probs, test.labels(reader.aus)
    subjects = test.frames["subject"].to_numpy(str)
    fitting, judging = split_subjects(subjects, 0.5)
    fits, judges = np.isin(subjects, fitting), np.isin(subjects, judging)
    calibration = fit_calibration(probabilities[fits], labels[fits])
    protocol = (
        f"{len(judging)} rendered subjects ({judges.sum()} frames) that were not trained on; calibrated on "
        f"{len(fitting)} others, present from .5 on; F1-frame pooled over subjects; one seed."
    )
    if photographs is not None:
        calibration, how = _by_photographs(reader, calibration, photographs)
        protocol += f" {how}"
    calibrated = calibrate(probabilities[judges], calibration)
    before = reliability(probabilities[judges], labels[judges], reader.aus)
    after = reliability(calibrated, labels[judges], reader.aus)
    table = score(calibrated, labels[judges], subjects[judges], reader.aus, PRESENT).table()
    for column_name, curves in (("ece_before", before), ("ece_after", after)):
        table[column_name] = [*curves.errors, np.nanmean(curves.errors)]
    if readings.intensities is not None:
        known, read = STRONGEST * test.intensities(reader.aus)[judges], readings.intensities[judges]
        seen = _not_hidden(test, reader.aus)[judges]
        for column_name, measure in (("icc", icc), ("r", correlation)):
            values = [measure(read[rows, au], known[rows, au]) for au, rows in enumerate(seen.T)]
            table[column_name] = np.array([*values, np.nanmean(values)])
    scores = {
        str(au): {str(measure): float(value) for measure, value in row.dropna().items()}
        for au, row in table.iterrows()
    }
    unreliable = [au for au in reader.aus if not is_reliable(scores[column(au)])]
    card = WeightsCard(
        version=f"{name}-{reader.card.sha256[:8]}",
        aus=reader.aus,
        template=TEMPLATE.name,
        thresholds=dict.fromkeys(reader.aus, PRESENT),
        calibration={
            au: (float(scale), float(shift))
            for au, (scale, shift) in zip(reader.aus, calibration, strict=True)
        },
        unreliable_aus=tuple(unreliable),
        provenance=provenance | {"licence": "MIT", "test_protocol": protocol, "test": scores},
    )
    return Judgement(card, before, after)


def _by_photographs(
    reader: ActionUnitModel, rendered: NDArray[np.float64], photographs: Photographs
) -> tuple[NDArray[np.float64], str]:
    """Return scale and shift of each Action Unit, and in words how photographs decided them."""
    faces, labels = photographs.faces, photographs.labels
    row = labels.rows_of(faces)
    is_unseen = faces.frames["subject"].isin(photographs.unseen).to_numpy()
    known = np.flatnonzero((row >= 0) & ~labels.moved[row])
    probabilities = reader.read(faces.read(known)).probs
    moved = np.flatnonzero((row >= 0) & labels.moved[row] & is_unseen)
    row, unseen = row[known], is_unseen[known]
    believed = lesson_weights(reader.aus) == 1
    fitted = fit_to_teacher(probabilities[unseen], labels.logits(reader.aus)[row][unseen])
    calibration = np.where(believed[:, None], fitted, rendered)
    by_movement = _by_movements(reader, probabilities[unseen], faces, moved)
    for au, scale_and_shift in by_movement.items():
        calibration[reader.aus.index(au)] = scale_and_shift
    resting = labels.at_rest()[row]
    calibration = quietened(calibration, probabilities[resting], MOST_AT_REST)
    names = ", ".join(column(au) for au, is_fitted in zip(reader.aus, believed, strict=True) if is_fitted)
    movements = (
        f"{', '.join(map(column, by_movement))}, told with an AUC of {TOLD} or more where movements were "
        f"added to photographs of these people, are calibrated on {len(moved)} such copies, as if "
        f"{100 * SHOWN:.0f} % of all faces showed each; "
    )
    return calibration, (
        f"{names} are calibrated on {unseen.sum()} photographs of {len(photographs.unseen)} people who were "
        f"not trained on, by a teacher's probabilities; {movements if by_movement else ''}"
        f"every Action Unit is present in at most {100 * MOST_AT_REST:.0f} % of {resting.sum()} photographs "
        "in which the teacher sees a face at rest."
    )


def _by_movements(
    reader: ActionUnitModel, as_they_were: NDArray[np.floating], faces: FaceStore, moved: NDArray[np.int64]
) -> dict[int, tuple[float, float]]:
    """Return scale and shift of the Action Units that are told well where they were added to photographs.

    Args:
        reader: Not calibrated.
        as_they_were: (N, A) probabilities of photographs of unseen people.
        faces: The store.
        moved: Its rows of these people's photographs with movements added; none: nothing is returned.
    """
    if not len(moved):
        return {}
    probabilities = reader.read(faces.read(moved)).probs
    strengths = [added_to(name) for name in faces.frames["sequence"].astype(str).iloc[moved]]
    found = {}
    for au in sorted({au for strength in strengths for au in strength} & set(reader.aus)):
        clear = np.array([strength.get(au, 0.0) >= CLEAR for strength in strengths])
        place = reader.aus.index(au)
        present, absent = probabilities[clear, place], as_they_were[:, place]
        labels = np.repeat([1, 0], [len(present), len(absent)])
        if auc(np.concatenate([present, absent]), labels) >= TOLD:
            found[au] = fit_apart(present, absent, SHOWN)
    return found


def _not_hidden(test: FaceStore, aus: Sequence[int]) -> NDArray[np.bool_]:
    """Return where an Action Unit's part of the face is not hidden, (N, A)."""
    hidden = test.visible() == 0
    seen = np.ones((len(test), len(aus)), bool)
    for part, is_hidden in zip(PARTS, hidden.T, strict=True):
        seen[np.ix_(is_hidden, np.isin(aus, AUS_OF_PART[part]))] = False
    return seen


def _check_teaching(
    recipe: Recipe,
    photographs: Path | None,
    teacher: Path | None,
    known_people: Path | None,
    initial: Path | None,
) -> None:
    """Refuse before hours of rendering what the training would refuse after them."""
    batches = None if recipe.au_stage is None else recipe.au_stage.batches
    if teacher is not None:
        if photographs is None:
            raise InputError(f"{teacher} has labels of photographs; give their folder with --photographs.")
        TeacherLabels.open(teacher)
    if known_people is not None:
        KnownPeople.open(known_people)
    if initial is not None:
        load_weights(initial)
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
    if batches.kept and initial is None:
        raise InputError(
            f"Recipe {recipe.name} keeps what other weights read; give weights of recipe transfer "
            "with --initial."
        )


def _store(source: Source, folder: Path, *, jitter: float = 0.0, locate: Any = None) -> FaceStore:
    if (folder / MANIFEST).is_file():
        return FaceStore.open(folder)
    return prepare(source, folder, landmark_jitter=jitter, locate=locate).store
