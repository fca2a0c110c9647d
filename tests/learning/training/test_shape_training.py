"""Training of the shape branch: points move with pixels, mirrors change sides, a run can be continued."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from tiny_training import killed_at, small_recipe

from idennet.errors import RecipeError, StoreError
from idennet.faces.card import read_network
from idennet.learning.data.shapes import ShapeLabels
from idennet.learning.data.store import FaceStore
from idennet.learning.data.teacher import VALUES
from idennet.learning.training import train
from idennet.learning.training.augment import Augmentation, Augmenter
from idennet.learning.training.face_networks import load_face_recipe
from idennet.learning.training.folder import LAST
from idennet.learning.training.shape import (
    RIGHT_AND_LEFT,
    Shapes,
    ShapeStudent,
    check_people,
    shape_loss,
    train_shape,
)
from idennet.models.shape import SHAPE_POINTS, Shape

SHORT = ["steps=3", "batch_size=4", "seed=3", "checkpoint_every=2", "optimiser.warm_up=1"]


def labels_of(store: FaceStore, seed: int = 0) -> ShapeLabels:
    rng = np.random.default_rng(seed)
    rows = np.arange(len(store))
    return ShapeLabels(
        rows,
        rng.uniform(20, 100, (len(rows), SHAPE_POINTS, 2)).astype(np.float32),
        rng.uniform(0, 1, (len(rows), len(VALUES))).astype(np.float32),
        teacher="1" * 64,
    )


@pytest.fixture(scope="module")
def weights(identity_store: FaceStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_shape(
        [(identity_store, labels_of(identity_store))],
        load_face_recipe("shape", SHORT),
        tmp_path_factory.mktemp("shape"),
        quiet=True,
    )


def test_points_move_with_the_pixels() -> None:
    spots = np.array([[40, 50], [80, 60], [64.0, 90]])
    faces = np.zeros((len(spots), 128, 128, 3), np.uint8)
    for face, spot in zip(faces, spots.astype(int), strict=True):
        cv2.circle(face, spot.tolist(), 3, (255, 255, 255), -1)
    augmenter = Augmenter(Augmentation(flip=0.5, shift=6, scale=0.1, rotation=20, shear=0.1), seed=4)
    for step in range(6):
        matrices = augmenter.matrices(step, len(faces), (128, 128))
        for face, spot, matrix in zip(augmenter(faces, step), spots, matrices, strict=True):
            weight = face.sum(axis=2).astype(float)
            y, x = np.indices(weight.shape)
            found = np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()
            np.testing.assert_allclose(matrix[:, :2] @ spot + matrix[:, 2], found, atol=0.3)


def test_a_mirror_changes_the_sides_of_values() -> None:
    order = np.array(RIGHT_AND_LEFT)
    assert (order[order] == np.arange(len(VALUES))).all()
    assert VALUES[order[VALUES.index("eyeBlinkLeft")]] == "eyeBlinkRight"
    assert order[VALUES.index("jawOpen")] == VALUES.index("jawOpen")


def test_right_answers_cost_nothing() -> None:
    points, values = torch.rand(2, SHAPE_POINTS, 2), torch.rand(2, len(VALUES))
    batch = Shapes(torch.zeros(2, 128, 128, 3, dtype=torch.uint8), points, values)
    shape = Shape(points, torch.zeros(2, 2 * SHAPE_POINTS))
    assert shape_loss((shape, values), batch).item() == 0
    moved = shape._replace(points=points + 2)
    assert shape_loss((moved, values), batch).item() == pytest.approx(1.75)  # smooth L1 of 2 with beta 0.5


def test_a_killed_training_of_a_branch_goes_on(
    identity_store: FaceStore, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taught, recipe = [(identity_store, labels_of(identity_store))], load_face_recipe("shape", SHORT)
    calls = []

    def dying(*arguments: object) -> torch.Tensor:
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return shape_loss(*arguments)

    (tmp_path / ".points-1.npz.draft").touch()  # a kill before this one
    with monkeypatch.context() as patch:
        patch.setattr("idennet.learning.training.shape.shape_loss", dying)
        with pytest.raises(KeyboardInterrupt):
            train_shape(taught, recipe, tmp_path, quiet=True)
    again = train_shape(taught, recipe, tmp_path, quiet=True)
    assert again.read_bytes() == weights.read_bytes()


def test_both_sides_are_learnt_in_the_same_units_since_a_mirror_swaps_them() -> None:
    values = torch.from_numpy(np.random.default_rng(0).uniform(size=(9, len(VALUES)))).float()
    student = ShapeStudent(torch.rand(9, SHAPE_POINTS, 2), values)
    for units in (student.mean, student.spread):
        assert torch.equal(units, units[RIGHT_AND_LEFT])


def test_nobody_is_learnt_from_in_one_store_and_held_out_in_another(
    identity_store: FaceStore, tmp_path: Path
) -> None:
    some = identity_store.select(identity_store.subjects[1:])
    taught = [(store, labels_of(store)) for store in (identity_store, some)]
    card = read_network(train_shape(taught, load_face_recipe("shape", SHORT), tmp_path, quiet=True))[1]
    held = [sum(store.frames["subject"] == name) for name in identity_store.subjects for store in (some,)]
    assert card.held_out in {4 + count for count in held}  # one person, in both stores


def test_what_cannot_be_told_of_the_held_out_is_left_out(identity_store: FaceStore, tmp_path: Path) -> None:
    labels = labels_of(identity_store)
    still = ShapeLabels(labels.rows, labels.points, np.zeros_like(labels.values), labels.teacher)
    trained = train_shape([(identity_store, still)], load_face_recipe("shape", SHORT), tmp_path, quiet=True)
    assert set(read_network(trained)[1].errors) == {"points"}


def test_a_run_can_be_continued_and_its_card_says_what_it_was(
    identity_store: FaceStore, weights: Path, tmp_path: Path
) -> None:
    card = read_network(weights)[1]
    assert (card.network, card.steps, card.learned + card.held_out) == (
        "ShapeStudent",
        3,
        len(identity_store),
    )
    assert {"points", "values", "value_jawOpen"} <= set(card.errors)
    taught = [(identity_store, labels_of(identity_store))]
    again = train_shape(taught, load_face_recipe("shape", SHORT), weights.parent, quiet=True)
    assert read_network(again)[1].sha256 == card.sha256
    with pytest.raises(RecipeError, match="another training"):
        train_shape(taught, load_face_recipe("shape", [*SHORT, "seed=4"]), weights.parent, quiet=True)
    (tmp_path / "kept.csv").touch()
    with pytest.raises(RecipeError, match="other files"):
        train_shape(taught, load_face_recipe("shape", SHORT), tmp_path, quiet=True)
    with pytest.raises(StoreError, match="one person"):
        check_people([identity_store.select(identity_store.subjects[:1])])
    labels = taught[0][1]
    nobody = ShapeLabels(labels.rows[:0], labels.points[:0], labels.values[:0], labels.teacher)
    with pytest.raises(StoreError, match="enough people"):
        train_shape([(identity_store, nobody)], load_face_recipe("shape", SHORT), tmp_path, quiet=True)


@pytest.mark.usefixtures("light_trunk")
def test_layers_that_are_held_still_do_not_learn(
    au_store: FaceStore, identity_store: FaceStore, tmp_path: Path
) -> None:
    stores = {"au_stores": [au_store], "identity_stores": [identity_store], "quiet": True}
    first = train(small_recipe(identity_stage=None), **stores, out=tmp_path / "first")
    stage = small_recipe().au_stage.model_dump(mode="json") | {"still": ["fc5"]}
    still = small_recipe(identity_stage=None, au_stage=stage)
    run = train(still, **stores, initial=first.weights, out=tmp_path / "still")
    before, after = first.load()[0], run.load()[0]
    assert torch.equal(before.fc5.weight, after.fc5.weight)
    assert not torch.equal(before.fc6.weight, after.fc6.weight)
    wrong = small_recipe(identity_stage=None, au_stage=stage | {"still": ["fc99"]})
    with pytest.raises(RecipeError, match="fc99"):
        train(wrong, **stores, out=tmp_path / "wrong")
    everything = ["trunk", "fc5", "fc6", "fc7"]
    nothing = small_recipe(identity_stage=None, au_stage=stage | {"still": everything})
    with pytest.raises(RecipeError, match="nothing to learn"):
        train(nothing, **stores, out=tmp_path / "wrong")
    assert not (tmp_path / "wrong").exists()


def test_a_killed_training_with_layers_held_still_goes_on(
    au_store: FaceStore,
    light_trunk: None,
    tmp_path: Path,
) -> None:
    stage = small_recipe().au_stage.model_dump(mode="json")
    stage |= {"steps": 4, "validate_every": 2, "still": ["trunk", "fc5", "fc6"]}
    recipe = small_recipe(identity_stage=None, au_stage=stage)

    def run(name: str) -> dict[str, bytes]:
        run = train(recipe, au_stores=[au_store], out=tmp_path / name, quiet=True)
        return {path.name: path.read_bytes() for path in (run.folder / LAST, run.weights)}

    whole = run("whole")
    with killed_at(3):
        run("resumed")
    assert run("resumed") == whole
