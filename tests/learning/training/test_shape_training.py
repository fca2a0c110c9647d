"""Training of the shape branch: points move with pixels, mirrors change sides, a run can be continued."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from tiny_training import killed_at, small_recipe

from idennet.errors import RecipeError, StoreError
from idennet.faces.card import read_network
from idennet.faces.weights import with_weights
from idennet.learning.data.shapes import ShapeLabels
from idennet.learning.data.store import FaceStore
from idennet.learning.data.teacher import LESSONS, VALUES
from idennet.learning.training import train
from idennet.learning.training.augment import Augmentation, Augmenter
from idennet.learning.training.face_networks import load_face_recipe
from idennet.learning.training.folder import LAST
from idennet.learning.training.initialise import fit_to_faces
from idennet.learning.training.progress import read_metrics
from idennet.learning.training.shape import (
    RIGHT_AND_LEFT,
    TOLD,
    Shapes,
    ShapeStudent,
    check_people,
    shape_loss,
    told_of,
    train_shape,
)
from idennet.learning.training.start import give_shape
from idennet.models.idennet import IdenNet
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
    assert (order[order] == np.arange(len(TOLD))).all()
    assert TOLD[order[TOLD.index("eyeBlinkLeft")]] == "eyeBlinkRight"
    for middle in ("jawOpen", "AU43"):
        assert order[TOLD.index(middle)] == TOLD.index(middle)


def test_of_two_lids_the_more_closed_one_is_learnt_too() -> None:
    values = np.random.default_rng(0).uniform(size=(5, len(VALUES))).astype(np.float32)
    lids = values[:, [VALUES.index("eyeBlinkLeft"), VALUES.index("eyeBlinkRight")]]
    told = told_of(values)
    np.testing.assert_array_equal(told[:, : len(VALUES)], values)
    np.testing.assert_array_equal(told[:, TOLD.index("AU43")], lids.max(axis=1))


def test_right_answers_cost_nothing() -> None:
    points, values = torch.rand(2, SHAPE_POINTS, 2), torch.rand(2, len(TOLD))
    batch = Shapes(torch.zeros(2, 128, 128, 3, dtype=torch.uint8), points, values)
    shape = Shape(points, torch.zeros(2, 64))
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
    values = torch.from_numpy(told_of(np.random.default_rng(0).uniform(size=(9, len(VALUES)))))
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
    assert {"points", "values", "value_jawOpen", "value_AU43"} <= set(card.errors)
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
def test_a_network_takes_the_branch_and_leaves_it_as_it_is(
    au_store: FaceStore, identity_store: FaceStore, weights: Path, tmp_path: Path
) -> None:
    recipe = small_recipe(identity_stage=None, model={"kind": "idennet", "shaped": True})
    stores = {"au_stores": [au_store], "identity_stores": [identity_store], "quiet": True}
    with pytest.raises(RecipeError, match="--shape"):
        train(recipe, **stores, out=tmp_path / "none")
    run = train(recipe, **stores, shape=weights, out=tmp_path / "run")
    assert json.loads((run.folder / "run.json").read_text())["shape"]
    network, _ = run.load()
    student = ShapeStudent()
    taught = with_weights(student, weights).branch.plain()
    assert torch.equal(network.shape.heat.weight, taught.heat.weight)
    assert not torch.equal(network.shape.read[0].weight, taught.read[0].weight)
    plain = small_recipe(identity_stage=None)
    with pytest.raises(RecipeError, match="shaped"):
        train(plain, **stores, shape=weights, out=tmp_path / "plain")
    with pytest.raises(RecipeError, match="shaped"):
        train(plain, **stores, initial=run.weights, out=tmp_path / "plain")
    with pytest.raises(RecipeError, match="omit --shape"):
        train(recipe, **stores, initial=run.weights, shape=weights, out=tmp_path / "twice")
    assert not (tmp_path / "plain").exists()
    assert not (tmp_path / "twice").exists()
    # Weights that have a branch bring it along.
    on = train(recipe, **stores, initial=run.weights, out=tmp_path / "on")
    assert torch.equal(on.load()[0].shape.heat.weight, taught.heat.weight)


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


def test_a_new_branch_has_its_share_where_the_teacher_is_believed(weights: Path) -> None:
    aus = (4, 6, 12, 43)
    generator = torch.Generator().manual_seed(0)
    network = IdenNet(4, graded=True, shaped=True, generator=generator).eval()
    plain = IdenNet(4, graded=True, generator=torch.Generator().manual_seed(0)).eval()
    give_shape(network, aus, weights)
    student = with_weights(ShapeStudent(), weights)
    generator = torch.Generator().manual_seed(1)
    faces = torch.randint(0, 256, (2, 128, 128, 3), dtype=torch.uint8, generator=generator)
    values = student(faces)[1].detach() * student.spread + student.mean
    smile, lids = (next(lesson for lesson in LESSONS if lesson.au == au) for au in (12, 43))
    smiling = values[:, [TOLD.index(f"mouthSmile{side}") for side in ("Left", "Right")]].mean(dim=1)
    own, both = (one(faces.permute(0, 3, 1, 2)).au_logits.detach() for one in (plain, network))
    for place, lesson, value in ((2, smile, smiling), (3, lids, values[:, TOLD.index("AU43")])):
        taught = (value - lesson.middle) / lesson.width
        expected = own[:, place] + lesson.share * (taught - own[:, place])
        torch.testing.assert_close(both[:, place], expected, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(both[:, :2], own[:, :2])  # AU4 is left alone, and of AU6 the teacher is blind


def test_fitting_to_faces_leaves_the_branch_alone(weights: Path) -> None:
    network = IdenNet(3, shaped=True, generator=torch.Generator().manual_seed(0))
    give_shape(network, (4, 6, 12), weights)
    before = {name: value.clone() for name, value in network.state_dict().items() if name.startswith("shape")}
    fit_to_faces(network, torch.randint(0, 256, (8, 3, 128, 128), dtype=torch.uint8))
    assert all(torch.equal(network.state_dict()[name], value) for name, value in before.items())


def test_a_shape_learns_in_bfloat16_as_in_float32(
    au_store: FaceStore, weights: Path, light_trunk: None, tmp_path: Path
) -> None:
    losses = []
    for precision in ("float32", "bfloat16"):
        recipe = small_recipe(
            identity_stage=None, model={"kind": "idennet", "shaped": True}, precision=precision
        )
        run = train(recipe, au_stores=[au_store], shape=weights, out=tmp_path / precision, quiet=True)
        losses.append([record["loss"] for record in read_metrics(run.folder) if "loss" in record])
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.05)


def test_a_killed_training_with_layers_held_still_goes_on(
    au_store: FaceStore,
    weights: Path,
    light_trunk: None,
    tmp_path: Path,
) -> None:
    stage = small_recipe().au_stage.model_dump(mode="json")
    stage |= {"steps": 4, "validate_every": 2, "still": ["trunk", "fc5", "fc6", "shape"]}
    recipe = small_recipe(identity_stage=None, model={"kind": "idennet", "shaped": True}, au_stage=stage)

    def run(name: str) -> dict[str, bytes]:
        run = train(recipe, au_stores=[au_store], shape=weights, out=tmp_path / name, quiet=True)
        return {path.name: path.read_bytes() for path in (run.folder / LAST, run.weights)}

    whole = run("whole")
    with killed_at(3):
        run("resumed")
    assert run("resumed") == whole


def test_each_lid_speaks_for_its_own_side(weights: Path) -> None:
    networks = [
        IdenNet(2, graded=True, shaped=True, generator=torch.Generator().manual_seed(0)).eval()
        for _ in range(2)
    ]
    given, plain = networks
    give_shape(given, (12, 43), weights)
    with torch.no_grad():  # what it says without a shape: the branch's own words are taken out
        plain.shape.load_state_dict(given.shape.state_dict())
        plain.shape_sides.weight.zero_()
    faces = torch.randint(0, 256, (3, 128, 128, 3), dtype=torch.uint8)
    student, lesson = with_weights(ShapeStudent(), weights), next(one for one in LESSONS if one.au == 43)
    values = student(faces)[1].detach() * student.spread + student.mean
    lids = values[:, [TOLD.index("eyeBlinkLeft"), TOLD.index("eyeBlinkRight")]]
    wanted = (lids - lesson.middle) / lesson.width + np.log(0.2 / 0.8)
    own, both = (network(faces.permute(0, 3, 1, 2)).side_logits.detach() for network in (plain, given))
    torch.testing.assert_close(
        both[:, 1], own[:, 1] + lesson.share * (wanted - own[:, 1]), atol=1e-3, rtol=1e-3
    )
    torch.testing.assert_close(both[:, 0], own[:, 0], atol=1e-3, rtol=1e-3)  # smiles stay as they were
