"""From nothing to weights, tiny: the way must exist and must be resumable; how good they are is no test."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from idennet.errors import InputError, StoreError, WeightsError
from idennet.faces.card import NetworkCard, to_bytes, write_network
from idennet.learning.data.split import held_out
from idennet.learning.data.teacher import VALUES, TeacherLabels
from idennet.learning.training import load_recipe
from idennet.learning.training.shape import ShapeStudent
from idennet.models.weights import load_weights
from idennet.research.weights.build import Faces, TrainingPeople, build_weights
from planted import planted_png
from small_face import FACE_MODEL

SHORT = [
    *("identity_stage.steps=1", "identity_stage.validate_every=1", "identity_stage.batches.identities=3"),
    *("au_stage.steps=1", "au_stage.validate_every=1", "au_stage.batches.identities=3"),
    *("au_stage.batches.au_faces=8", "validation.faces=8"),
]


@pytest.mark.slow
def test_recipe_to_weights_and_card_and_again_without_work(tmp_path: Path) -> None:
    recipe = load_recipe("demo", SHORT)
    faces = Faces(wild=(5, 4), crowd=(4, 2), test=(4, 8), seed=5)
    said: list[str] = []

    def build() -> Path:
        return build_weights(recipe, faces, tmp_path, tell=said.append, face_model=FACE_MODEL)

    weights = build()
    card = load_weights(weights)[1]
    assert card.provenance["recipe"] == "demo"
    assert card.provenance["faces"]["seed"] == 5
    assert all(0 < threshold < 1 for threshold in card.thresholds.values())
    assert set(card.provenance["test"]) >= {"AU12", "mean"}
    assert set(card.calibration) == set(card.aus)
    assert (tmp_path / "reliability.png").read_bytes().startswith(b"\x89PNG")
    assert card.sha256 in (tmp_path / "model-card.md").read_text()
    corpus_file = next((tmp_path / "corpora" / "wild" / "subjects").iterdir())
    trained, rendered = (tmp_path / "run" / "best-au.safetensors").stat(), corpus_file.stat()
    assert build() == weights
    assert (tmp_path / "run" / "best-au.safetensors").stat().st_mtime_ns == trained.st_mtime_ns
    assert corpus_file.stat().st_mtime_ns == rendered.st_mtime_ns
    assert any("Training" in sentence for sentence in said)


def test_photographs_without_people_are_told_before_anything_is_rendered(tmp_path: Path) -> None:
    (tmp_path / "photographs").mkdir()
    with pytest.raises(StoreError, match="has no pictures like"):
        build_weights(
            load_recipe("demo", SHORT),
            Faces(),
            tmp_path / "out",
            tell=pytest.fail,
            photographs=tmp_path / "photographs",
            face_model=FACE_MODEL,
        )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("recipe", "given", "sentence"),
    [
        (
            "taught",
            (),
            r"^Recipe taught learns from a teacher's labels .* --teacher, beside --photographs\.$",
        ),
        ("taught", ("photographs",), r"^Recipe taught learns from a teacher's labels .*\.$"),
        ("demo", ("teacher",), r"^\S+ has labels of photographs; give their folder with --photographs\.$"),
        ("taught", ("photographs", "teacher"), r"write it with: idennet teach FOLDER"),
    ],
)
def test_what_teaching_needs_is_told_before_anything_is_rendered(
    tmp_path: Path, recipe: str, given: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        build_weights(
            load_recipe(recipe),
            Faces(),
            tmp_path / "out",
            tell=pytest.fail,
            face_model=FACE_MODEL,
            **{name: tmp_path / name for name in given},
        )
    assert not (tmp_path / "out").exists()


def test_a_shape_branch_that_cannot_be_taken_is_told_before_anything_is_rendered(tmp_path: Path) -> None:
    shape, labels = tmp_path / "shape.safetensors", tmp_path / "labels.parquet"
    no_values = pd.DataFrame(np.zeros((1, len(VALUES))), columns=list(VALUES))
    TeacherLabels(("picture",), ("person",), no_values).save(labels)

    def build(*changes: str, teacher: Path | None = labels) -> None:
        recipe, out = load_recipe("demo", [*SHORT, *changes]), tmp_path / "out"
        given = {"teacher": teacher, "photographs": tmp_path, "shape": shape}
        build_weights(recipe, Faces(), out, tell=pytest.fail, face_model=FACE_MODEL, **given)

    with pytest.raises(InputError, match="--teacher"):
        build(teacher=None)
    with pytest.raises(InputError, match="lightcnn has no place for a shape branch; omit --shape"):
        build("model.kind=lightcnn", "identity_stage=null")
    with pytest.raises(WeightsError, match="is missing"):
        build()
    hidden = tmp_path / "hidden.csv"
    hidden.write_text("image,part,hidden\na.jpg,eyes,yes\n")
    recipe = load_recipe("demo", SHORT)
    branch = {"shape": shape_branch(shape), "teacher": labels, "photographs": tmp_path}
    with pytest.raises(InputError, match=r"hidden.csv says is learnt .* give one with --shape"):
        build_weights(recipe, Faces(), tmp_path / "out", tell=pytest.fail, hidden_parts=hidden)
    with pytest.raises(InputError, match=r"Recipe demo says nothing of hidden parts, so .*hidden.csv"):
        build_weights(recipe, Faces(), tmp_path / "out", tell=pytest.fail, hidden_parts=hidden, **branch)
    assert not (tmp_path / "out").exists()


def shape_branch(file: Path) -> Path:
    torch.manual_seed(0)
    content = to_bytes(ShapeStudent())
    nothing = {"recipe": "shape", "recipe_digest": "0", "steps": 0, "seed": 0, "trained_on": ()}
    card = NetworkCard(
        version="shape-0",
        network="ShapeStudent",
        sha256=hashlib.sha256(content).hexdigest(),
        learned=0,
        held_out=0,
        errors={},
        date="2026-11-30",
        **nothing,
    )
    write_network(content, card, file)
    return file


@pytest.mark.slow
@pytest.mark.usefixtures("planted_finder")
def test_a_build_with_a_shape_branch_ends_with_it(tmp_path: Path) -> None:
    """Photographs are planted, and what a teacher says of them is drawn."""
    people = [name for name in (f"person-{number}" for number in range(20)) if not held_out(name)][:6]
    names = [(person, f"{person}-{number}") for person in people for number in range(4)]
    for number, (person, name) in enumerate(names):
        (tmp_path / "folk" / person).mkdir(parents=True, exist_ok=True)
        (tmp_path / "folk" / person / f"{name}.png").write_bytes(planted_png(1, number))
    values = pd.DataFrame(
        np.random.default_rng(0).uniform(size=(len(names), len(VALUES))), columns=list(VALUES)
    )
    labels = tmp_path / "labels.parquet"
    TeacherLabels(tuple(name for _, name in names), tuple(person for person, _ in names), values).save(labels)
    hidden = tmp_path / "hidden.csv"
    hidden.write_text(f"image,part,hidden\n{names[0][1]}.png,eyes,yes\n")
    weights = build_weights(
        load_recipe("demo", [*SHORT, "model.graded=true"]),
        Faces(wild=(5, 4), crowd=(4, 2), test=(4, 8), seed=5),
        tmp_path / "build",
        tell=lambda _: None,
        photographs=tmp_path / "folk",
        teacher=labels,
        shape=shape_branch(tmp_path / "shape.safetensors"),
        hidden_parts=hidden,
        face_model=FACE_MODEL,
    )
    card = load_weights(weights)[1]
    assert card.architecture.shaped
    assert card.provenance["shape_branch"]["version"] == "shape-0"
    assert card.provenance["shape_hidden_parts"] == hashlib.sha256(hidden.read_bytes()).hexdigest()
    assert set(card.provenance["shape_fitted_on"]) == {"photographs", "rendered"}
    assert {"AU1", "AU43"} <= set(card.provenance["taught"])
    assert "shape" in json.loads((tmp_path / "build" / "cost.json").read_text())


def test_people_kept_for_testing_are_not_trained_on(tmp_path: Path) -> None:
    people = ["Aaron_Peirsol", "Aaron_Sorkin", "Abdel_Nasser_Assidi", "Ana_Guevara", "Andre_Agassi"]
    for person in people:
        (tmp_path / person).mkdir()
        (tmp_path / person / f"{person}_0001.jpg").write_bytes(b"")
    chunks = TrainingPeople(tmp_path).chunks()
    trained = {record.subject.rpartition("/")[2] for chunk in chunks for record in chunk.read()}
    assert trained == {person for person in people if not held_out(person)} == {*people[1:3]}
