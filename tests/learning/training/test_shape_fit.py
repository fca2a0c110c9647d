"""What a finished network is given with a shape branch: linear maps, of whom, and where they count."""

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from tiny_training import lighten_trunk, make_store, small_recipe
from typer.testing import CliRunner, Result

from idennet.cli.main import app
from idennet.errors import InputError
from idennet.learning.data.hidden_parts import HiddenParts
from idennet.learning.data.known_people import KnownPeople
from idennet.learning.data.shapes import ShapeLabels
from idennet.learning.data.store import FaceStore
from idennet.learning.data.teacher import LESSONS, VALUES, TeacherLabels
from idennet.learning.training import train
from idennet.learning.training.closed_form import ridge
from idennet.learning.training.face_networks import load_face_recipe
from idennet.learning.training.shape import train_shape
from idennet.learning.training.shape_fit import RIDGE, ShapeMaterial, give_shape
from idennet.learning.training.stages import to_tensor
from idennet.models.idennet import IdenNet, IdenNetOutput
from idennet.models.shape import SHAPE_POINTS, mirrored_features
from idennet.models.weights import load_weights

AUS = (4, 6, 12, 25, 43)
SHORT = ["steps=2", "batch_size=4", "checkpoint_every=2", "optimiser.warm_up=1"]


@pytest.fixture(scope="module")
def material(au_store: FaceStore, tmp_path_factory: pytest.TempPathFactory) -> ShapeMaterial:
    folder = tmp_path_factory.mktemp("shape")
    photographs = make_store(folder / "folk", "folk", 8, 5, aus=False, seed=3, pictures=True)
    rng, count = np.random.default_rng(0), len(photographs)
    values = rng.uniform(0, 1, (count, len(VALUES))).astype(np.float32)
    points = rng.uniform(20, 100, (count, SHAPE_POINTS, 2)).astype(np.float32)
    taught = ShapeLabels(np.arange(count), points, values, teacher="1" * 64)
    recipe = load_face_recipe("shape", SHORT)
    branch = train_shape([(photographs, taught)], recipe, folder / "branch", quiet=True)
    people = tuple(subject.rpartition("/")[2] for subject in photographs.frames["subject"])
    names = tuple(photographs.frames["sequence"].astype(str))
    labels = TeacherLabels(names, people, pd.DataFrame(values, columns=list(VALUES)))
    return ShapeMaterial(branch, photographs, labels, au_store)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> IdenNet:
    lighten_trunk(monkeypatch)
    return IdenNet(len(AUS), graded=True, generator=torch.Generator().manual_seed(0)).eval()


def people_of(material: ShapeMaterial, name: str, prefix: str = "") -> KnownPeople:
    """Return what another network says of the photographs: three numbers that are the person's."""
    store = material.photographs
    rng = np.random.default_rng(1)
    pictures = np.array([prefix + picture for picture in store.frames["sequence"].astype(str)])
    of_people = rng.normal(size=(len(store.subjects), 3))[store.subject_index]
    return KnownPeople(
        pictures, (of_people + 0.1 * rng.normal(size=of_people.shape)).astype(np.float32), name
    )


@torch.inference_mode()
def look(network: IdenNet, store: FaceStore, mirrored: bool = False) -> IdenNetOutput:
    faces = to_tensor(store.read(np.arange(len(store))), torch.device("cpu"))
    output: IdenNetOutput = network(faces.flip(-1) if mirrored else faces)
    return output


def test_the_skin_and_the_identity_stay_and_the_shape_has_its_share(
    network: IdenNet, material: ShapeMaterial
) -> None:
    shaped = give_shape(network, AUS, material)
    assert not network.shaped
    for name, value in network.state_dict().items():
        anew = name.startswith("parts.")  # test_parts_fit.py
        assert torch.equal(shaped.state_dict()[name], value) != anew, name
    lessons = {lesson.au: lesson for lesson in LESSONS}
    shares = [0, 0, *(lessons[au].share for au in AUS[2:])]  # AU4 has none, AU6 no lesson
    np.testing.assert_allclose(shaped.shape_aus.share, shares, atol=1e-6)
    np.testing.assert_allclose(shaped.shape_sides.share, np.repeat(shares, 2), atol=1e-6)
    subtracted = shaped.shape_aus.usual.weight.abs().sum(dim=1) > 0
    assert subtracted.tolist() == [False, False, False, False, True]  # of lids, not of mouths


def readings(shaped: IdenNet, store: FaceStore) -> np.ndarray:
    """Return shapes of faces and of their mirror images, then both with the points mirrored, (4 N, 292)."""
    seen = torch.cat([look(shaped, store, mirrored).shape.features for mirrored in (False, True)])
    return torch.cat([seen, mirrored_features(shaped.shape, seen)]).double().numpy()


def test_points_say_what_the_teacher_says_of_faces_and_of_their_mirror_images(
    network: IdenNet, material: ShapeMaterial
) -> None:
    shaped = give_shape(network, AUS, material)
    logits = material.labels.logits(AUS, relative=False).astype(float)
    seen = readings(shaped, material.photographs)
    said = shaped.shape_aus.said
    for place in (2, 3):
        weight, bias = ridge(seen, np.tile(logits[:, place], 4)[:, None], RIDGE)
        for view in (2 * place, 2 * place + 1):
            np.testing.assert_allclose(said.weight[view], weight[0], atol=1e-4)
            np.testing.assert_allclose(said.bias[view], bias[0], atol=1e-4)
    features = look(shaped, material.photographs).shape.features
    mirrored = mirrored_features(shaped.shape, features)
    for layer in (said, shaped.shape_sides.said):  # in a mirror the left lid is the right one
        torch.testing.assert_close(layer(features)[:, 8], layer(mirrored)[:, 9], atol=1e-3, rtol=1e-3)


def test_each_lid_is_read_by_itself_and_the_more_closed_one_counts(
    network: IdenNet, material: ShapeMaterial
) -> None:
    shaped = give_shape(network, AUS, material)
    features = look(shaped, material.photographs).shape.features
    lesson = next(lesson for lesson in LESSONS if lesson.au == 43)
    lids = material.labels.values[["eyeBlinkLeft", "eyeBlinkRight"]].to_numpy(float)
    lids = ((lids - lesson.middle) / lesson.width).clip(-6, 6)
    both = np.concatenate([lids, lids[:, ::-1], lids[:, ::-1], lids])
    weight, bias = ridge(readings(shaped, material.photographs), both, RIDGE)
    np.testing.assert_allclose(shaped.shape_aus.said.weight[8:], weight, atol=1e-4)
    nothing, sure = torch.zeros(len(features), len(AUS)), torch.ones(len(features), 1)
    read = shaped.shape_aus(nothing, features, None, sure)[:, 4]
    of_lids = torch.from_numpy(features.double().numpy() @ weight.T + bias)
    torch.testing.assert_close(read, lesson.share * of_lids.amax(dim=1).float(), atol=1e-3, rtol=1e-3)


def test_what_is_usual_for_somebody_is_told_by_who_it_is(network: IdenNet, material: ShapeMaterial) -> None:
    """People count alike: of two of them, fewer pictures are known."""
    known = np.ones(len(material.photographs), bool)
    known[[0, 1, 6]] = False
    labels = TeacherLabels(
        tuple(np.array(material.labels.pictures)[known]),
        tuple(np.array(material.labels.subjects)[known]),
        material.labels.values[known],
    )
    shaped = give_shape(network, AUS, replace(material, labels=labels))
    reading, people = shaped.shape_aus, material.photographs.subject_index[known]
    is_other = (people[:, None] == people) & ~np.eye(len(people), dtype=bool)
    who, means = [], []
    for mirrored in (False, True):
        output = look(shaped, material.photographs, mirrored)
        said = reading.said(output.shape.features)[known, 8:].amax(dim=1).detach().double().numpy()
        means.append((is_other @ said) / is_other.sum(axis=1))
        who.append(output.who.double().numpy()[known])
    mean, alike = np.concatenate(means), np.tile(1 / (is_other.sum(axis=1) + 1), 2)
    mean -= np.average(mean, weights=alike)
    weight, bias = ridge(np.concatenate(who), mean[:, None], RIDGE, alike)
    np.testing.assert_allclose(reading.usual.weight[4], weight[0], atol=1e-3)
    np.testing.assert_allclose(reading.usual.bias[4], bias[0], atol=1e-3)


def test_what_another_network_knows_of_people_is_told(network: IdenNet, material: ShapeMaterial) -> None:
    known = people_of(material, "known.npz")
    shaped = give_shape(network, AUS, replace(material, known=known))
    said = look(shaped, material.photographs).who.numpy()[:, :3]
    around = known.directions - known.directions.mean(axis=0)
    # Axes may turn: inner products are compared.
    alike = np.corrcoef((said @ said.T).ravel(), (around @ around.T).ravel())[0, 1]
    assert alike > 0.9


def test_shapes_are_trusted_on_what_looks_like_the_photographs(
    network: IdenNet, material: ShapeMaterial
) -> None:
    shaped = give_shape(network, AUS, material)
    photographed, rendered = (
        look(shaped, store).trust.mean().item() for store in (material.photographs, material.rendered)
    )
    assert photographed > 0.8
    assert rendered < 0.2


def test_who_is_held_out_teaches_nothing(network: IdenNet, material: ShapeMaterial) -> None:
    held = material.photographs.subjects[:2]
    rows, _ = replace(material, held_out=held).rows()
    assert not set(material.photographs.frames["subject"].to_numpy()[rows]) & set(held)
    assert len(rows) == len(material.photographs) - 10
    with pytest.raises(InputError, match="know none of the pictures"):
        give_shape(network, AUS, replace(material, held_out=material.photographs.subjects))


def test_what_cannot_be_fitted_is_told(network: IdenNet, material: ShapeMaterial, tmp_path: Path) -> None:
    labels, few = material.labels, [0, 1, 5, 6]
    pairs = TeacherLabels(
        tuple(np.array(labels.pictures)[few]), tuple(np.array(labels.subjects)[few]), labels.values.iloc[few]
    )
    with pytest.raises(InputError, match="has 3 photographs"):
        give_shape(network, AUS, replace(material, labels=pairs))
    with pytest.raises(InputError, match=r"strange.npz knows 0 of the pictures .* at least 10"):
        give_shape(network, AUS, replace(material, known=people_of(material, "strange.npz", "nobody")))
    alone = make_store(tmp_path / "alone", "alone", 4, 1, aus=False, seed=4)
    with pytest.raises(InputError, match="has two faces"):
        give_shape(network, AUS, replace(material, rendered=alone))
    nothing = TeacherLabels((), (), labels.values.iloc[:0])
    with pytest.raises(InputError, match="know none of the pictures"):
        give_shape(network, AUS, replace(material, labels=nothing))
    with pytest.raises(InputError, match="must have rendered faces"):
        give_shape(network, AUS, replace(material, rendered=material.photographs))
    elsewhere = HiddenParts(pd.DataFrame({"subject": [""], "picture": "x", "part": 0, "visible": 0}), "h.csv")
    with pytest.raises(InputError, match=r"h.csv names none of the pictures of .* that may be learnt from"):
        give_shape(network, AUS, replace(material, hidden=elsewhere))
    with pytest.raises(InputError, match=r"nothing of hidden parts, so h.csv is of no use"):
        give_shape(IdenNet(len(AUS)), AUS, replace(material, hidden=elsewhere))
    with pytest.raises(InputError, match="says nothing of AU4, AU6"):
        give_shape(IdenNet(2, graded=True), (4, 6), material)


def test_a_branch_that_is_there_is_fitted_anew_or_replaced(network: IdenNet, material: ShapeMaterial) -> None:
    shaped = give_shape(network, AUS, material)
    for branch in (None, material.branch):
        again = give_shape(shaped, AUS, replace(material, branch=branch))
        for name, value in shaped.state_dict().items():
            torch.testing.assert_close(again.state_dict()[name], value, msg=name)
    with pytest.raises(InputError, match="have no shape branch yet"):
        give_shape(network, AUS, replace(material, branch=None))


@pytest.mark.usefixtures("light_trunk")
def test_weights_of_a_run_are_given_one_by_a_command_and_go_on_without_it(
    material: ShapeMaterial, au_store: FaceStore, tmp_path: Path
) -> None:
    recipe = small_recipe(identity_stage=None, model={"kind": "idennet", "graded": True, "aus": [6, 12]})
    stores = {"au_stores": [au_store], "identity_stores": [material.photographs], "quiet": True}
    run = train(recipe, **stores, out=tmp_path / "run")
    material.labels.save(tmp_path / "labels.parquet")
    out = tmp_path / "shaped.safetensors"

    known = people_of(material, "known.npz")
    np.savez(tmp_path / "known.npz", picture=known.pictures, embedding=known.directions)

    def add(weights: Path, out: Path, **other: object) -> Result:
        given = {
            "--shape": material.branch,
            "--photographs": material.photographs.path,
            "--teacher": tmp_path / "labels.parquet",
            "--rendered": au_store.path,
            "--out": out,
            **{f"--{name.replace('_', '-')}": value for name, value in other.items()},
        }
        options = [str(part) for option in given.items() for part in option]
        return CliRunner().invoke(app, ["weights", "add-shape", str(weights), *options])

    done = add(run.folder, out)
    assert done.exit_code == 0, done.output
    network, card = load_weights(out)
    assert card.architecture.shaped
    assert card.provenance["shape_branch"]["recipe"] == "shape"
    assert card.provenance["taught"] == ["AU12"]
    assert card.provenance["shape_fitted_on"]["photographs"]["digest"] == material.photographs.digest
    assert "validation" not in card.provenance  # numbers of other weights
    assert "people whom their run kept for validation were left out" in done.output
    assert add(run.weights, tmp_path / "same.safetensors").exit_code == 0
    assert (
        tmp_path / "same.safetensors"
    ).read_bytes() == out.read_bytes()  # nor are these people learnt from
    nowhere = add(run.folder, tmp_path / "none" / "w.safetensors")
    assert nowhere.exit_code == 2
    assert "Cannot write weights" in nowhere.stderr
    held_out = json.loads((run.folder / "run.json").read_text())["validation_subjects"]
    labels = TeacherLabels.open(tmp_path / "labels.parquet")
    own = give_shape(run.load()[0], card.aus, replace(material, labels=labels, held_out=held_out))
    torch.testing.assert_close(network.shape_aus.said.weight, own.shape_aus.said.weight)
    told = tmp_path / "told" / "told.safetensors"
    told.parent.mkdir()
    hidden = tmp_path / "hidden.csv"
    learnt = ~material.photographs.frames["subject"].isin(held_out).to_numpy()
    is_hidden = learnt & (np.cumsum(learnt) <= 5)
    rows = [f"{name}.jpg,eyes,yes\n" for name in known.pictures[is_hidden]]
    hidden.write_text("".join(["image,part,hidden\n", *rows]))
    files = {"known_people": tmp_path / "known.npz", "hidden_parts": hidden}
    assert add(out, told, **files).exit_code == 0
    taught, card = load_weights(told)
    for name, file in files.items():
        assert card.provenance[f"shape_{name}"] == sha256(file.read_bytes()).hexdigest()
    seen = look(taught, material.photographs).part_logits[:, 0].numpy() > 0
    assert (seen[learnt] != is_hidden[learnt]).all()
    again = add(told, told.parent / "again.safetensors")
    assert "Nobody was left out" in again.output
    forgotten = load_weights(told.parent / "again.safetensors")[1]
    assert "shape_known_people" not in forgotten.provenance
    assert forgotten.version.count("shaped") == 1
    on = train(recipe, **stores, initial=out, out=tmp_path / "on")
    assert not on.load()[1].architecture.shaped
