"""Batches of rendered faces and photographs: who is drawn, what counts, what a run with them writes."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from tiny_training import nothing_known, small_recipe

from idennet.errors import InputError, RecipeError
from idennet.facs import MISSING
from idennet.learning.data.store import FaceStore
from idennet.learning.data.teacher import LESSONS, Taught, TeacherLabels
from idennet.learning.losses.teacher import taught_au_loss, within_person_loss
from idennet.learning.training import load_recipe, train
from idennet.learning.training.batches import Seen, batch_cost
from idennet.learning.training.corpus import Corpus, join_stores
from idennet.learning.training.lesson import StageLesson
from idennet.learning.training.stages import plan_stages, taught_aucs
from idennet.learning.training.taught_objective import TaughtSettings
from idennet.models.idennet import IdenNet

SETTINGS = {"kind": "taught", "rendered": 6, "rendered_pairs": 2, "photographs": 8, "photograph_pairs": 3}


@pytest.fixture(scope="module")
def labels(identity_store: FaceStore) -> TeacherLabels:
    rng = np.random.default_rng(4)
    columns = sorted({column for lesson in LESSONS for column in lesson.columns})
    frames = identity_store.frames
    values = pd.DataFrame(rng.uniform(0, 1, (len(frames), len(columns))), columns=columns)
    pictures = tuple(
        f"{subject}_{frame}" for subject, frame in zip(frames.subject, frames.frame, strict=True)
    )
    return TeacherLabels(pictures, tuple(name.partition("/")[2] for name in frames.subject), values)


@pytest.fixture(scope="module")
def photographs(identity_store: FaceStore, labels: TeacherLabels) -> FaceStore:
    """The identity store with pictures' names as prepared photographs have them."""
    store = identity_store.select(identity_store.subjects)
    store.frames = store.frames.assign(sequence=list(labels.pictures))
    return store


@pytest.fixture(scope="module")
def corpus(au_store: FaceStore, photographs: FaceStore, labels: TeacherLabels) -> Corpus:
    return join_stores([au_store], [photographs], teacher=Taught(labels, "labels"))


def test_every_batch_has_both_kinds_and_pairs_are_of_one_person(corpus: Corpus) -> None:
    drawing = TaughtSettings(**SETTINGS).drawing(corpus, 0, learn_aus=True, learn_identity=True)
    for step in range(20):
        batch = drawing.draw(step)
        assert len(batch.rows) == 14
        assert corpus.au_coded[batch.rows].sum() == 6
        pairs = batch.rows[: 2 * batch.pairs].reshape(-1, 2)
        assert batch.pairs == 5
        assert (corpus.identities[pairs[:, 0]] == corpus.identities[pairs[:, 1]]).all()
        assert (pairs[:, 0] != pairs[:, 1]).all()
    assert np.array_equal(drawing.draw(3).rows, drawing.draw(3).rows)


def test_photographs_need_a_teacher_unless_none_are_asked_for(
    au_store: FaceStore, identity_store: FaceStore
) -> None:
    corpus = join_stores([au_store], [identity_store])
    with pytest.raises(InputError, match="--teacher"):
        TaughtSettings(**SETTINGS).drawing(corpus, 0, learn_aus=True, learn_identity=True)
    alone = TaughtSettings(**{**SETTINGS, "photographs": 0})
    batch = alone.drawing(corpus, 0, learn_aus=True, learn_identity=True).draw(0)
    assert corpus.au_coded[batch.rows].all()


def test_photographs_of_people_with_one_picture_each_teach_without_pairs(corpus: Corpus) -> None:
    first = np.unique(corpus.identities[~corpus.au_coded], return_index=True)[1]
    chosen = corpus.au_coded.copy()
    chosen[np.flatnonzero(~corpus.au_coded)[first]] = True
    single = corpus.only(chosen)
    alone = TaughtSettings(**{**SETTINGS, "photograph_pairs": 0})
    batch = alone.drawing(single, 0, learn_aus=True, learn_identity=True).draw(0)
    assert batch.pairs == 2  # of rendered people
    assert (~single.au_coded[batch.rows]).sum() == 8
    with pytest.raises(InputError, match="two faces each"):
        TaughtSettings(**SETTINGS).drawing(single, 0, learn_aus=True, learn_identity=True)


def test_labels_of_other_pictures_teach_nothing(
    au_store: FaceStore, identity_store: FaceStore, labels: TeacherLabels
) -> None:
    with pytest.raises(InputError, match="know none of the pictures"):
        join_stores([au_store], [identity_store], teacher=Taught(labels, "labels"))


def test_the_cost_is_the_weighted_sum_of_its_losses(corpus: Corpus) -> None:
    settings = TaughtSettings(
        **SETTINGS, alpha_identity=0, alpha_taught=2, alpha_within=3, alpha_sides=0, alpha_parts=0
    )
    objective = settings.objective(corpus, learn_aus=True)
    batch = settings.drawing(corpus, 0, learn_aus=True, learn_identity=True).draw(0)
    taught = torch.from_numpy(corpus.taught[batch.rows])
    known = nothing_known(torch.from_numpy(corpus.identities[batch.rows]), 2)
    weights = torch.from_numpy(corpus.believed[batch.rows])
    targets = replace(known, taught=taught, believed=weights)
    logits = torch.randn(len(batch.rows), 2)
    cost = batch_cost(objective, batch, targets, Seen(logits), None, torch.Generator())
    pairs = torch.arange(2 * batch.pairs).view(-1, 2)
    expected = 2 * taught_au_loss(logits, taught, weights) + 3 * within_person_loss(
        logits, taught, pairs, weights
    )
    assert cost.total.item() == pytest.approx(expected.item(), rel=1e-5)


def test_hidden_parts_and_mirrors_change_what_is_known(corpus: Corpus) -> None:
    recipe = small_recipe(
        model={"kind": "idennet", "graded": True},
        augmentation={"flip": 0.5},
        au_stage={"steps": 2, "batches": {**SETTINGS, "photographs": 0}},
        identity_stage=None,
    )
    sides = np.random.default_rng(0).random(corpus.sides.shape).astype(np.float32)
    visible = np.ones((len(corpus), 3), np.int8)
    visible[::2, 2] = 0  # no mouth: no AU12; AU6 is seen round the eyes
    changed = Corpus(**{**vars(corpus), "sides": sides, "visible": visible})
    plan = plan_stages(recipe, changed, changed)[-1]
    model = IdenNet(2, graded=True)
    lesson = StageLesson(model, plan, changed, recipe, torch.device("cpu"), None)
    prepared = lesson.prepare(1)
    rows = prepared.batch.rows
    _, labels, _, _, known, seen, _ = prepared.known
    flipped = lesson._augmenter.changes(1, changed.landmarks[rows]).flipped
    assert flipped.any()
    assert not flipped.all()
    hidden = rows % 2 == 0
    assert (labels[hidden, 1] == MISSING).all()
    assert (labels[~hidden] == changed.au_labels[rows[~hidden]]).all()
    assert np.isnan(known[hidden, 1]).all()
    expected = np.where(flipped[:, None], sides[rows, 0][:, ::-1], sides[rows, 0])
    np.testing.assert_array_equal(known[:, 0], expected)
    np.testing.assert_array_equal(seen[:, 2], np.where(hidden, 0, 1))


def test_agreement_with_the_teacher_counts_where_it_is_sure() -> None:
    taught = np.full((12, 3), np.nan, np.float32)
    taught[:, 0] = [3] * 5 + [-3] * 5 + [0.5, -0.5]
    taught[:, 1] = taught[:, 0]
    scores = np.tile(np.arange(12, 0, -1)[:, None], (1, 3)).astype(float)
    scores[0] = 0  # one of five present ranks below all absent
    areas = taught_aucs(scores, taught, (12, 10, 6))
    assert areas[0] == pytest.approx(0.8)
    assert np.isnan(areas[1:]).all()  # AU10 is believed too little, AU6 not at all


@pytest.mark.usefixtures("light_trunk")
def test_a_run_learns_from_both_and_says_who_taught(
    au_store: FaceStore, photographs: FaceStore, labels: TeacherLabels, tmp_path: Path
) -> None:
    labels.save(tmp_path / "labels.parquet")
    stores = {"au_stores": [au_store], "identity_stores": [photographs], "quiet": True}
    first = train(small_recipe(), **stores, out=tmp_path / "a")
    recipe = small_recipe(
        model={"kind": "idennet", "graded": True},
        identity_stage=None,
        au_stage={"steps": 4, "validate_every": 2, "batches": {**SETTINGS, "kept": [6]}},
    )
    with pytest.raises(RecipeError, match="--initial"):
        train(recipe, **stores, teacher=tmp_path / "labels.parquet", out=tmp_path / "b")
    run = train(
        recipe, **stores, teacher=tmp_path / "labels.parquet", initial=first.weights, out=tmp_path / "b"
    )
    network, card = run.load()
    assert network.graded
    assert card.provenance["taught"] == ["AU12"]
    names = set().union(*map(json.loads, (run.folder / "metrics.jsonl").read_text().splitlines()))
    assert {"au_loss", "taught_loss", "within_loss", "sides_loss", "parts_loss"} <= names
    assert json.loads((run.folder / "run.json").read_text())["teacher"]
    stage = {"steps": 1, "validate_every": 1, "batches": {**SETTINGS, "photographs": 0}}
    alone = small_recipe(identity_stage=None, au_stage=stage)
    taught_by_none = train(alone, **stores, teacher=tmp_path / "labels.parquet", out=tmp_path / "c")
    assert "taught" not in taught_by_none.load()[1].provenance


def test_the_bundled_recipe_keeps_what_the_teacher_cannot_teach() -> None:
    batches = load_recipe("taught").au_stage.batches
    assert isinstance(batches, TaughtSettings)
    assert not set(batches.kept) & {lesson.au for lesson in LESSONS}


def test_likeness_of_people_is_taught_where_embeddings_are_given(
    au_store: FaceStore, photographs: FaceStore, labels: TeacherLabels, tmp_path: Path
) -> None:
    pictures = np.array(labels.pictures)
    np.savez(
        tmp_path / "people.npz",
        picture=pictures,
        embedding=np.random.default_rng(0).normal(size=(len(pictures), 6)),
    )
    labels.save(tmp_path / "labels.parquet")
    recipe = small_recipe(
        identity_stage=None, au_stage={"steps": 2, "batches": {**SETTINGS, "alpha_known": 2.0}}
    )
    stores = {"au_stores": [au_store], "identity_stores": [photographs]}
    with pytest.raises(RecipeError, match="known-people"):
        train(recipe, **stores, teacher=tmp_path / "labels.parquet", out=tmp_path / "without", quiet=True)
    run = train(
        recipe,
        **stores,
        teacher=tmp_path / "labels.parquet",
        known_people=tmp_path / "people.npz",
        out=tmp_path / "with",
        quiet=True,
    )
    losses = [json.loads(line) for line in (run.folder / "metrics.jsonl").read_text().splitlines()]
    assert any(line.get("known_loss", 0) > 0 for line in losses)
    assert json.loads((run.folder / "run.json").read_text())["known_people"]
