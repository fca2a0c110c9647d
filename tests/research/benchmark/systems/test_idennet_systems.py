"""IdenNet, its variants and LightCNN as systems: budgets become recipes, the fold's subjects validate."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch.nn.functional as F
from drawn_faces import AUS, TINY, draw_store, split_faces
from torch import Tensor

import idennet.models.idennet
import idennet.models.lightcnn
from idennet.errors import RecipeError
from idennet.learning.data.store import FaceStore
from idennet.learning.training.recipe import load_recipe
from idennet.models.trunk import Trunk
from idennet.research.benchmark.chosen_systems import chosen_systems
from idennet.research.benchmark.systems.catalogue import SYSTEMS
from idennet.research.benchmark.systems.contract import Budget, Seeded, TrainingFaces
from idennet.research.benchmark.systems.idennet import (
    IdenNetSystem,
    LightCNNSystem,
    RecipeSystem,
    TwoStageSystem,
    idennet_variants,
)
from idennet.research.benchmark.systems.recurrent import IdenNetLSTMSystem
from idennet.research.benchmark.systems.two_branch import TupletSystem


@pytest.fixture
def faces(store: FaceStore, tmp_path: Path) -> TrainingFaces:
    crowd = draw_store(tmp_path / "crowd", source="id", subjects=3, faces_each=2, seed=1)
    split = split_faces(store)
    return TrainingFaces(split.train, split.validation, AUS, (crowd,))


@pytest.fixture
def light_trunk(monkeypatch: pytest.MonkeyPatch) -> None:
    def pool(self: Trunk, faces: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(faces.float() / 255, 10).flatten(start_dim=1)

    monkeypatch.setattr(Trunk, "forward", pool)
    for network in (idennet.models.idennet, idennet.models.lightcnn):
        monkeypatch.setattr(network, "TRUNK_FEATURES", 300)


@pytest.mark.usefixtures("light_trunk")
@pytest.mark.parametrize("system", [*idennet_variants(), LightCNNSystem()], ids=lambda system: system.name)
def test_they_are_fitted_and_loaded(
    system: TwoStageSystem, faces: TrainingFaces, store: FaceStore, tmp_path: Path
) -> None:
    system = system.model_copy(update={"budget": TINY.model_copy(update={"steps": 6})})
    fitted = system.fit(faces, tmp_path / "fit", "cpu")
    scores = fitted.predict(store)
    assert scores.shape == (len(store), 2)
    assert ((scores > 0) & (scores < 1)).all()
    assert np.array_equal(system.fit(faces, tmp_path / "fit", "cpu").predict(store), scores)
    record = json.loads((tmp_path / "fit" / "run" / "run.json").read_text())
    assert record["validation_subjects"] == [store.subjects[-1]]
    assert record["aus"] == ["AU6", "AU12"]
    assert ("id" in {used["source"] for used in record["stores"]}) == (system.name != "lightcnn")
    assert "random weights" in fitted.remarks[0]
    said = "Identities also from id (photographs, 3 subjects)."
    assert (said in fitted.remarks) == (system.name != "lightcnn")


def test_both_stages_share_the_budget() -> None:
    budget = Budget(steps=1000, batch=40, learning_rate=1e-3, seed=5)
    recipe = IdenNetSystem(budget=budget, identity="affine", normalize=False).training()
    assert recipe.identity_stage is not None
    assert recipe.au_stage is not None
    assert (recipe.identity_stage.steps, recipe.au_stage.steps) == (200, 800)
    assert recipe.au_stage.optimiser.learning_rate == 1e-3
    assert recipe.au_stage.validate_every == 100
    assert (recipe.model.identity, recipe.model.normalize, recipe.seed) == ("affine", False, 5)
    assert IdenNetSystem(budget=budget, identity_share=0).training().identity_stage is None
    alone = LightCNNSystem(budget=budget).training()
    assert alone.identity_stage is None
    assert alone.au_stage is not None
    assert alone.au_stage.steps == 1000


@pytest.mark.parametrize(
    ("name", "recipe"), [("idennet-paper", "paper"), ("idennet-released", "released_code")]
)
def test_the_papers_training_is_the_bundled_recipe_unchanged(name: str, recipe: str) -> None:
    system = SYSTEMS[name]
    assert isinstance(system, RecipeSystem)
    bundled = load_recipe(recipe)
    assert system.training() == bundled
    again = system.model_copy(update={"budget": Seeded(seed=2)}).training()
    assert again == bundled.model_copy(update={"seed": bundled.seed + 2})
    assert system.shortest().training().model == bundled.model
    (changed,) = chosen_systems((name,), 7, [f"{name}.recipe.au_stage.optimiser.learning_rate=0.001"])
    assert changed.training().au_stage.optimiser.learning_rate == 0.001
    assert changed.training().au_stage.steps == bundled.au_stage.steps  # --steps is for budgets


@pytest.mark.usefixtures("light_trunk")
@pytest.mark.parametrize("name", ["idennet-paper", "idennet-released"])
def test_the_papers_training_runs_on_a_fold(
    name: str, faces: TrainingFaces, store: FaceStore, tmp_path: Path
) -> None:
    system = SYSTEMS[name].shortest()
    fitted = system.fit(faces, tmp_path / "fit", "cpu")
    scores = fitted.predict(store)
    assert np.array_equal(system.fit(faces, tmp_path / "fit", "cpu").predict(store), scores)
    record = json.loads((tmp_path / "fit" / "run" / "run.json").read_text())
    assert record["validation_subjects"] == [store.subjects[-1]]  # the fold's
    assert record["aus"] == ["AU6", "AU12"]


def test_what_the_benchmark_chose_can_be_set_to_the_papers() -> None:
    """All of the stage `au` that the paper states."""
    system = IdenNetSystem(
        budget=Budget(batch=32),
        rare_aus=False,
        au_batches=0.5,
        alpha_au=0.5,
        alpha_identity=1.0,
        reduction="sum",
        memory=4096,
        first_negatives=4,
        first_hard_fraction=0.5,
    )
    paper, ours = load_recipe("paper"), system.training()
    assert ours.au_stage.batches == paper.au_stage.batches
    assert ours.identity_stage.batches.num_negatives == paper.identity_stage.batches.num_negatives
    assert ours.identity_stage.batches.hard_fraction == paper.identity_stage.batches.hard_fraction


def test_batches_that_cannot_be_as_large_are_told(faces: TrainingFaces) -> None:
    few = len(faces.train.subjects)
    paper = SYSTEMS["idennet-paper"]
    assert paper.warnings(faces) == (
        "A batch of stage identity has pairs of 3 identities instead of 16: there are no more to learn from.",
        f"A batch of stage au has pairs of {few} identities instead of 16: there are no more to learn from.",
        "A batch of stage au without Action Units has pairs of 3 identities instead of 16: there are no more "
        "to learn from.",
    )
    assert IdenNetSystem(identities=2, identity_share=0).warnings(faces) == ()
    assert LightCNNSystem().warnings(faces) == ()
    assert IdenNetLSTMSystem().warnings(faces) == IdenNetSystem().warnings(faces) != ()
    assert (
        TupletSystem().warnings(faces)[0].startswith(f"A batch has pairs of {few} identities instead of 16")
    )


def test_variants_are_all_uses_with_and_without_norm() -> None:
    found = {(system.identity, system.normalize): system.name for system in idennet_variants()}
    assert len(found) == 8
    assert found["translation", True] == "idennet"
    assert found["concatenation", False] == "idennet-concatenation-without-norm"
    assert {*found.values(), "lightcnn"} <= SYSTEMS.keys()
    assert len({system.digest() for system in SYSTEMS.values()}) == len(SYSTEMS)
    assert all(name == system.name for name, system in SYSTEMS.items())


@pytest.mark.usefixtures("light_trunk")
def test_another_validation_subject_is_another_fit(
    faces: TrainingFaces, store: FaceStore, tmp_path: Path
) -> None:
    system = LightCNNSystem(budget=TINY)
    system.fit(faces, tmp_path / "fit", "cpu")
    swapped = TrainingFaces(store.select(store.subjects[1:]), store.select(store.subjects[:1]), AUS)
    with pytest.raises(RecipeError, match="another faces"):
        system.fit(swapped, tmp_path / "fit", "cpu")
